import { quote } from '../database/database.ts'
import type { Table } from '../schema/catalog.ts'

/*
 * How the notes of a transaction are read (see capture.ts): names of their tables and columns, which no query uses.
 */

/** The temp table that holds the notes of a table. */
export const noteOf = (table: Table) => quote(`millrace_note_${table.name}`)
/** The i-th column of the key. */
export const noteKey = (i: number) => `"millrace:k${i}"`
/** The i-th column of the image before. */
export const noteColumn = (i: number) => `"millrace:c${i}"`
/** 1: the row was there before. */
export const noteHad = '"millrace:had"'

/** The rows as they were before the transaction, of those that it touched: in parentheses, with the table's columns. */
export function imagesBefore(table: Table): string {
  return `(SELECT ${imageColumns(table)} FROM temp.${noteOf(table)} WHERE ${noteHad})`
}

/** The rows as they are now and as they were: all that took part in a result before or after. */
export function nowAndBefore(table: Table): string {
  const columns = table.columns.map(({ name }) => quote(name)).join(', ')
  return `(SELECT ${columns} FROM main.${quote(table.name)} UNION ALL SELECT ${imageColumns(table)} FROM temp.${noteOf(table)} WHERE ${noteHad})`
}

function imageColumns(table: Table): string {
  return table.columns.map(({ name }, i) => `${noteColumn(i)} AS ${quote(name)}`).join(', ')
}

/** A row of the table is the one that a note speaks of. The collation is the key's own, so that its index serves. */
export function isNoted(table: Table, row: string, note: string): string {
  return table.key
    .map(
      (column, i) =>
        `${row}.${column.name === table.byRowid ? column.name : quote(column.name)} = ${note}.${noteKey(i)} COLLATE ${column.collation}`,
    )
    .join(' AND ')
}
