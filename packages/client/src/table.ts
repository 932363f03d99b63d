import type { TableInfo } from '@millrace/protocol'
import { cached } from './cached.ts'

const positions = cached(
  ({ columns }: TableInfo): ReadonlyMap<string, number> => new Map(columns.map(({ name }, i) => [name, i])),
)

/** Where a table has the column that its schema writes like this. */
export function columnAt(table: TableInfo, name: string): number | undefined {
  return positions(table).get(name)
}
