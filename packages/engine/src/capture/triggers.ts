import { quote } from '../database/database.ts'
import type { KeyColumn, Table } from '../schema/catalog.ts'
import { keysOf } from './images.ts'

/*
 * The temp triggers that tell what statements do to the rows of a table. Each calls one procedure:
 *
 *     millrace_note(what, …)    what: the table's number × 8 + one of Told
 *
 * What SQLite does not tell by triggers is told before it happens: the rows that REPLACE takes away fire nothing, so
 * BEFORE INSERT and BEFORE UPDATE tell the rows that stand in the way, by the key and by each unique index. An update that
 * gives a row another rowid beside its key may do so by the rowid too; no list of columns catches `SET rowid`, so it is
 * seen afterwards, and the table is then taken as a whole.
 */

export const PROCEDURE = 'millrace_note'

/** What a call tells. With `rowid`: only of tables that are known by it. */
export const Told = {
  /** rowid, columns */
  inserted: 0,
  /** rowid before, rowid now, columns before, columns now */
  updated: 1,
  /** 1 where the rowid changed; columns before, columns now: where there is a rowid beside the key */
  updatedAt: 2,
  /** rowid, columns */
  deleted: 3,
  /** rowid, columns */
  inTheWay: 4,
  /** Nothing: which rows is not known. */
  written: 5,
  /** A part of the values; the next call goes on. */
  part: 6,
} as const

/** SQLITE_MAX_FUNCTION_ARG */
const MOST_ARGUMENTS = 127

/** `number`: by which the calls name the table. `only`: the only row that is told of has this key. */
export function triggerScript(table: Table, number: number, only: number | null): string {
  const trigger = (on: string) => quote(`millrace_${on}_${table.name}`)
  const on = `main.${quote(table.name)}`
  const images = (of: string) => table.columns.map(({ name }) => `${of}.${quote(name)}`)
  const rowids = (...of: string[]) => (table.byRowid === null ? [] : of.flatMap((row) => keysOf(table, row)))
  const tell = (what: number, values: readonly string[]) => `SELECT ${calls(number * 8 + what, values)}`
  const isIt = (...rows: string[]) =>
    only === null ? [] : [rows.map((of) => `${keysOf(table, of).join()} = ${only}`).join(' OR ')]
  const create = (name: string, when: string, conditions: readonly string[], body: string) =>
    `CREATE TEMP TRIGGER ${trigger(name)} ${when} ON ${on} ${conditions.length === 0 ? '' : `WHEN ${conditions.map((condition) => `(${condition})`).join(' AND ')} `}BEGIN
  ${body};
END;`

  if (table.coarse) {
    const written = tell(Told.written, [])
    return ['INSERT', 'UPDATE', 'DELETE']
      .map((event) => create(`after_${event.toLowerCase()}`, `AFTER ${event}`, [], written))
      .join('\n')
  }
  const ways = [table.key, ...table.unique, ...(table.rowid === null ? [] : [[rowidOf(table.rowid)]])]
  const inTheWay = ways
    .map((index) => {
      const meets = index.map(
        (column) =>
          `t.${columnName(table, column)} = ${valueToCome(table, column)} COLLATE ${column.collation}`,
      )
      return `${tell(Told.inTheWay, [...rowids('t'), ...images('t')])} FROM ${on} AS t WHERE ${meets.join(' AND ')}`
    })
    .join(';\n  ')
  const moving = [...table.key, ...table.unique.flat()]
  // An update gets in another row's way only where it moves within an index, or into a partial one.
  const moves = moving
    .map((column) => {
      const name = columnName(table, column)
      return `NEW.${name} COLLATE ${column.collation} IS NOT OLD.${name}`
    })
    .join(' OR ')
  const updated =
    table.rowid === null
      ? tell(Told.updated, [...rowids('OLD', 'NEW'), ...images('OLD'), ...images('NEW')])
      : tell(Told.updatedAt, [
          `OLD.${table.rowid} IS NOT NEW.${table.rowid}`,
          ...images('OLD'),
          ...images('NEW'),
        ])
  return [
    create('before_insert', 'BEFORE INSERT', isIt('NEW'), inTheWay),
    create(
      'after_insert',
      'AFTER INSERT',
      isIt('NEW'),
      tell(Told.inserted, [...rowids('NEW'), ...images('NEW')]),
    ),
    create(
      'before_update',
      `BEFORE UPDATE${ofColumns(table, moving)}`,
      [...(table.partial ? [] : [moves]), ...isIt('OLD', 'NEW')],
      inTheWay,
    ),
    create('after_update', 'AFTER UPDATE', isIt('OLD', 'NEW'), updated),
    create(
      'after_delete',
      'AFTER DELETE',
      isIt('OLD'),
      tell(Told.deleted, [...rowids('OLD'), ...images('OLD')]),
    ),
  ].join('\n')
}

/** A trigger that does not fire costs nothing. Which columns move a row is not always to be listed. */
function ofColumns(table: Table, moving: readonly KeyColumn[]): string {
  const isListed = ({ name }: KeyColumn) =>
    table.columns.some((column) => column.name === name && !column.generated)
  // Where the key is the rowid, `SET rowid` moves it too.
  if (table.partial || table.info.autoKey || table.byRowid !== null || !moving.every(isListed)) return ''
  return ` OF ${[...new Set(moving.map(({ name }) => quote(name)))].join(', ')}`
}

/** One call, or several where there are more values than one takes. */
function calls(what: number, values: readonly string[]): string {
  const most = MOST_ARGUMENTS - 1
  const parts: string[] = []
  let rest = values
  while (rest.length > most) {
    parts.push(`${PROCEDURE}(${[Told.part, ...rest.slice(0, most)].join(', ')})`)
    rest = rest.slice(most)
  }
  return [...parts, `${PROCEDURE}(${[what, ...rest].join(', ')})`].join(', ')
}

const rowidOf = (name: string): KeyColumn => ({ name, collation: 'BINARY' })

/** REPLACE puts the default where NOT NULL is given NULL, but not before the triggers have seen the NULL. */
function valueToCome(table: Table, key: KeyColumn): string {
  const value = `NEW.${columnName(table, key)}`
  const column = table.columns.find(({ name }) => name === key.name)
  return column?.notNull === true && column.defaultSql !== null
    ? `coalesce(${value}, ${column.defaultSql})`
    : value
}

function columnName(table: Table, column: KeyColumn): string {
  return column.name === table.byRowid || column.name === table.rowid ? column.name : quote(column.name)
}
