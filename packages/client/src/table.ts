import type { TableInfo } from '@millrace/protocol'

const places = new WeakMap<TableInfo, ReadonlyMap<string, number>>()

/** Where a table has the column that its schema writes like this. */
export function columnAt(table: TableInfo, name: string): number | undefined {
  let known = places.get(table)
  if (known === undefined) {
    known = new Map(table.columns.map((column, i) => [column.name, i]))
    places.set(table, known)
  }
  return known.get(name)
}
