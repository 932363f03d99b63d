import { readsOf, type TableInfo } from '@millrace/protocol'
import { cached } from './cached.ts'
import { compileStored } from './expression/compile.ts'
import type { GivenValue } from './row-state.ts'

/** A generated column, worked out over the row that it is of. */
interface Generated {
  readonly column: number
  readonly value: GivenValue
  /** The columns that it is made of, those behind other generated columns as well. */
  readonly reads: ReadonlySet<number>
}

const NO_PARAMETERS: readonly [] = []

/** The generated columns of a table. */
export const generatedOf = cached(({ columns }: TableInfo): readonly Generated[] => {
  const readsBy = (column: number, into: Set<number>): Set<number> => {
    const expr = columns[column]?.generated
    for (const read of expr == null ? [] : readsOf(expr, 0)) {
      if (into.has(read)) continue
      into.add(read)
      readsBy(read, into)
    }
    return into
  }
  return columns.flatMap(({ generated, affinity }, column) => {
    if (generated === null) return []
    const evaluate = compileStored(generated, affinity)
    return {
      column,
      reads: readsBy(column, new Set()),
      value: (image) => evaluate((_, of) => image(of), NO_PARAMETERS),
    } satisfies Generated
  })
})

/** Columns that are given values, and behind them the generated ones that follow from these. */
export function withGenerated(
  table: TableInfo,
  columns: readonly number[],
  values: readonly GivenValue[],
): { readonly columns: readonly number[]; readonly values: readonly GivenValue[] } {
  const following = generatedOf(table).filter(({ reads }) => columns.some((column) => reads.has(column)))
  if (following.length === 0) return { columns, values }
  return {
    columns: [...columns, ...following.map(({ column }) => column)],
    values: [...values, ...following.map(({ value }) => value)],
  }
}
