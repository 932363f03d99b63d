import type { SqlValue, TableInfo } from '@millrace/protocol'
import { type Evaluate, UNKNOWN, type Value } from './expression/cell.ts'
import { compileStored } from './expression/compile.ts'

type Default = readonly [name: string, value: (now: readonly SqlValue[]) => Value]

/** By table, as long as its info is in use. */
const known = new WeakMap<TableInfo, readonly Default[]>()

/**
 * The row with the defaults that are expressions, such as CURRENT_TIMESTAMP: worked out here, at the call, and sent with
 * it, so that what shows is what is stored. What cannot be told is left to the engine.
 */
export function withDefaults(table: TableInfo, row: Record<string, SqlValue>): Record<string, SqlValue> {
  let defaults = known.get(table)
  if (defaults === undefined) {
    defaults = readDefaults(table)
    known.set(table, defaults)
  }
  // As SQLite takes a time: one for all columns.
  const now = defaults.length === 0 ? [] : [new Date().toISOString().slice(0, -1)]
  for (const [name, value] of defaults) {
    if (Object.hasOwn(row, name)) continue
    const made = value(now)
    if (made !== UNKNOWN) row[name] = made
  }
  return row
}

function readDefaults({ columns }: TableInfo): readonly Default[] {
  return columns.flatMap(({ name, affinity, defaultExpr }): Default[] => {
    if (defaultExpr === undefined) return []
    const evaluate: Evaluate<Value> = compileStored(defaultExpr, affinity)
    const value = (now: readonly SqlValue[]) => {
      const made = evaluate(() => UNKNOWN, now)
      // In a column without a type 2 and 2.0 differ, and here they do not.
      return affinity === 'BLOB' && Number.isInteger(made) ? UNKNOWN : made
    }
    return [[name, value]]
  })
}
