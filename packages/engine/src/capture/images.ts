import { quote } from '../database/database.ts'
import { columnType, type KeyColumn, type Table } from '../schema/catalog.ts'

/*
 * The rows that a transaction changed, as SQL reads them: a temp table for each watched table, filled only when a
 * statement is to join with it (see capture.ts).
 *
 *     k0 … km   the key
 *     had       1: the row was there before   0: it was not
 *     c0 … cn   the image before, NULL where had = 0
 *
 * Its columns have the type and collation of those that they copy, or comparisons with them would go otherwise.
 */

/** The temp table that holds the notes of a table. */
export const noteOf = (table: Table) => quote(`millrace_note_${table.name}`)
/** The i-th column of the key. */
export const noteKey = (i: number) => `"millrace:k${i}"`
/** The i-th column of the image before. */
export const noteColumn = (i: number) => `"millrace:c${i}"`
/** 1: the row was there before. */
export const noteHad = '"millrace:had"'

/** Makes the temp table. */
export function imagesTable(table: Table): string {
  const columnOf = (key: KeyColumn) => table.columns.find(({ name }) => name === key.name)
  const keys = table.key.map((key, i) => `${noteKey(i)} ${columnType(columnOf(key), key.collation)}`)
  const images = table.columns.map((column, i) => `${noteColumn(i)} ${columnType(column, undefined)}`)
  const key = table.key.map((_, i) => noteKey(i)).join(', ')
  return `CREATE TEMP TABLE ${noteOf(table)} (${[...keys, `${noteHad} INT`, ...images].join(', ')}, PRIMARY KEY (${key})) WITHOUT ROWID`
}

/** Takes the key, and then the image before if there is one. `wholes`: columns whose value is a REAL that JS shows as an integer. */
export function insertImage(table: Table, had: boolean, wholes: readonly number[]): string {
  const note = `INSERT INTO temp.${noteOf(table)}`
  const keys = table.key.map(() => '?').join(', ')
  if (!had) {
    const names = [...table.key.map((_, i) => noteKey(i)), noteHad].join(', ')
    return `${note} (${names}) VALUES (${keys}, 0) ON CONFLICT DO NOTHING`
  }
  const values = table.columns.map((_, i) => (wholes.includes(i) ? 'CAST(? AS REAL)' : '?')).join(', ')
  return `${note} VALUES (${keys}, 1, ${values}) ON CONFLICT DO NOTHING`
}

/** The row with a key as it stands: its columns, and of each of `mixed` whether it holds a REAL. */
export function rowNow(table: Table, mixed: readonly number[]): string {
  const names = table.columns.map(({ name }) => `t.${quote(name)}`)
  const outputs = [...names, ...mixed.map((i) => `typeof(${names[i]}) = 'real'`)]
  const meets = keysOf(table, 't').map((key, i) => `${key} = ? COLLATE ${table.key[i]?.collation}`)
  return `SELECT ${outputs.join(', ')} FROM main.${quote(table.name)} AS t WHERE ${meets.join(' AND ')}`
}

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
  return keysOf(table, row)
    .map((key, i) => `${key} = ${note}.${noteKey(i)} COLLATE ${table.key[i]?.collation}`)
    .join(' AND ')
}

/** The key of a row, by the name under which the row is read. */
export function keysOf(table: Table, of: string): string[] {
  return table.key.map(({ name }) => `${of}.${name === table.byRowid ? name : quote(name)}`)
}
