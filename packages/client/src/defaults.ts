import type { SqlValue, TableInfo } from '@millrace/protocol'
import { cached } from './cached.ts'
import { type Image, UNKNOWN, type Value } from './expression/cell.ts'
import { compileStored } from './expression/compile.ts'

type Default = readonly [name: string, evaluate: (now: readonly SqlValue[]) => Value]

/** The defaults of a table that are expressions. */
const defaultsOf = cached(({ columns }: TableInfo): readonly Default[] =>
  columns.flatMap(({ name, affinity, defaultExpr }): Default[] => {
    if (defaultExpr === undefined) return []
    const evaluate = compileStored(defaultExpr, affinity)
    const noRow: Image = () => UNKNOWN
    return [
      [
        name,
        (now) => {
          const value = evaluate(noRow, now)
          // A column without a type stores 2 and 2.0 as different values, and a JS number is either.
          return affinity === 'BLOB' && Number.isInteger(value) ? UNKNOWN : value
        },
      ],
    ]
  }),
)

/**
 * Adds to an inserted row the defaults that are expressions, such as CURRENT_TIMESTAMP. The client evaluates them at the
 * call and sends the values, so that the row that shows is the row that is stored. The engine evaluates the defaults that
 * the client cannot.
 */
export function addDefaults(table: TableInfo, row: Record<string, SqlValue>): void {
  const missing = defaultsOf(table).filter(([name]) => !Object.hasOwn(row, name))
  if (missing.length === 0) return
  // As in SQLite, the time is one for all columns.
  const now = [new Date().toISOString().slice(0, -1)]
  for (const [name, evaluate] of missing) {
    const value = evaluate(now)
    if (value !== UNKNOWN) row[name] = value
  }
}
