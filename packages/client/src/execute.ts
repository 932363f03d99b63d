import type { ExecPlan, RowKey, SqlValue, TableInfo } from '@millrace/protocol'
import type { Value } from './expression/cell.ts'
import type { compileCondition, compileStored } from './expression/compile.ts'
import type { withGenerated } from './generated.ts'
import type { Rows } from './predict/predictor.ts'
import type { RowChange } from './row-state.ts'

/** Rows that are looked at for one statement: with more, it shows when the engine has answered. */
const MAX_ROWS = 5000

/** What it needs of the code that loads it. */
export interface Tools {
  readonly compileCondition: typeof compileCondition
  readonly compileStored: typeof compileStored
  readonly withGenerated: typeof withGenerated
}

/** What a statement does to the rows that are known here; not to those of which WHERE cannot be told. */
export function* execute(
  { type, where, set, table: name }: ExecPlan,
  table: TableInfo,
  parameters: readonly SqlValue[],
  keys: readonly RowKey[],
  rows: Rows,
  { compileCondition, compileStored, withGenerated }: Tools,
): Iterable<readonly [RowKey, RowChange]> {
  if (keys.length > MAX_ROWS) return
  const holds = where === null ? null : compileCondition(where)
  const values = set.map(({ column, expr }) => ({
    column,
    evaluate: compileStored(expr, table.columns[column]?.affinity ?? 'BLOB'),
  }))
  for (const key of keys) {
    const state = rows.state(name, key)
    if (state === undefined || !state.exists) continue
    const image = (_: number, column: number) => state.image(column)
    if (holds !== null && holds(image, parameters) !== true) continue
    if (type === 'delete') {
      yield [key, { type: 'delete' }]
      continue
    }
    // A column may be set twice; the last counts.
    const given = new Map<number, Value>(
      values.map(({ column, evaluate }) => [column, evaluate(image, parameters)]),
    )
    yield [key, { type: 'patch', ...withGenerated(table, [...given.keys()], [...given.values()]) }]
  }
}
