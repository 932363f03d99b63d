import type { SqlValue } from '@millrace/protocol'
import { type Database, quote } from '../database/database.ts'
import { columnType, type Table } from '../schema/catalog.ts'
import { isNoted, keysOf, noteColumn, noteHad, noteKey, noteOf } from './images.ts'
import { type Image, MAX_ROWS, type Note } from './notes.ts'

/*
 * Capture of the tables that FTS5 keeps for itself. A trigger on them that calls any function ends the wasm ("table index
 * is out of bounds", also with abs; 3.44), so theirs write the notes into the temp table of images in plain SQL, and the
 * notes are read from there:
 *
 *     the first note of a key stays      ON CONFLICT DO NOTHING: OR IGNORE would be overridden by FTS5's own OR REPLACE
 *     the key is a rowid where it can be such a note is never refused, so a statement that is noted needs no savepoint.
 *                                        Before a savepoint FTS5 writes out what it holds back; amid that it fails
 *                                        (contentless_delete: "constraint failed", then "table is locked")
 */

/** The temp table and the triggers of one table. `only`: the only row that is noted has this key. */
export function shadowScript(table: Table, only: number | null): string {
  const note = noteOf(table)
  const on = `main.${quote(table.name)}`
  const keys = table.info.autoKey
    ? [`${noteKey(0)} INTEGER`]
    : table.key.map(({ name, collation }, i) => {
        const column = table.columns.find((other) => other.name === name)
        return `${noteKey(i)} ${columnType(column, collation)}`
      })
  const noteKeys = table.key.map((_, i) => noteKey(i)).join(', ')
  const images = table.columns.map((column, i) => `${noteColumn(i)} ${columnType(column, undefined)}`)
  const all = [noteKeys, noteHad, ...table.columns.map((_, i) => noteColumn(i))].join(', ')
  const image = (of: string) =>
    [...keysOf(table, of), '1', ...table.columns.map(({ name }) => `${of}.${quote(name)}`)].join(', ')
  const noteOld = `INSERT INTO ${note} (${all}) VALUES (${image('OLD')}) ON CONFLICT DO NOTHING;`
  const noteNew = `INSERT INTO ${note} (${noteKeys}, ${noteHad}) VALUES (${keysOf(table, 'NEW').join(', ')}, 0) ON CONFLICT DO NOTHING;`
  const meets = keysOf(table, 't').map((key, i) => `${key} = ${keysOf(table, 'NEW')[i]}`)
  const noteInTheWay = `INSERT INTO ${note} (${all}) SELECT ${image('t')} FROM ${on} AS t WHERE ${meets.join(' AND ')} ON CONFLICT DO NOTHING;`
  const create = (event: string, rows: readonly string[], body: string) => {
    const name = quote(`millrace_${event.toLowerCase().replace(' ', '_')}_${table.name}`)
    const isIt = rows.map((of) => `${keysOf(table, of).join()} = ${only}`).join(' OR ')
    return `CREATE TEMP TRIGGER ${name} ${event} ON ${on} ${only === null ? '' : `WHEN ${isIt} `}BEGIN ${body} END;`
  }
  return [
    `CREATE TEMP TABLE ${note} (${[...keys, `${noteHad} INT`, ...images].join(', ')}, PRIMARY KEY (${noteKeys}))${table.info.autoKey ? '' : ' WITHOUT ROWID'};`,
    create('BEFORE INSERT', ['NEW'], noteInTheWay),
    create('AFTER INSERT', ['NEW'], noteNew),
    create('BEFORE UPDATE', ['OLD', 'NEW'], noteInTheWay),
    create('AFTER UPDATE', ['OLD', 'NEW'], `${noteOld} ${noteNew}`),
    create('AFTER DELETE', ['OLD'], noteOld),
  ].join('\n')
}

/** Whether anything was noted. */
export function hasNotes(database: Database, table: Table): boolean {
  return database.get(`SELECT 1 FROM temp.${noteOf(table)} LIMIT 1`) !== undefined
}

/** What was noted, with the rows as they stand, of those that are not as they were; null: too many to look at. */
export function readNotes(database: Database, table: Table): Omit<Note, 'id'>[] | null {
  const there = `${keysOf(table, 't')[0]} IS NOT NULL`
  const names = table.columns.map(({ name }) => `t.${quote(name)}`)
  // Exact: by storage class and bytes.
  const same = names.map(
    (name, i) =>
      `n.${noteColumn(i)} COLLATE BINARY IS ${name} AND typeof(n.${noteColumn(i)}) = typeof(${name})`,
  )
  const outputs = [
    `n.${noteHad}`,
    there,
    ...table.key.map((_, i) => `n.${noteKey(i)}`),
    ...names.map((_, i) => `n.${noteColumn(i)}`),
    ...names,
  ]
  const rows = database.all(`SELECT ${outputs.join(', ')}
    FROM temp.${noteOf(table)} AS n LEFT JOIN main.${quote(table.name)} AS t ON ${isNoted(table, 't', 'n')}
    WHERE (n.${noteHad} OR ${there}) AND NOT (n.${noteHad} AND ${there} AND ${same.join(' AND ')}) LIMIT ${MAX_ROWS + 1}`)
  if (rows.length > MAX_ROWS) return null
  const width = table.columns.length
  return rows.map(([had, isThere, ...row]) => {
    const start = table.key.length
    const image = (is: SqlValue | undefined, at: number): Image | null =>
      is === 1 ? { row: row.slice(at, at + width), wholes: [] } : null
    return {
      key: row.slice(0, start),
      before: image(had, start),
      after: image(isThere, start + width),
    }
  })
}
