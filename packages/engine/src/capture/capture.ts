import { identical, type SqlValue } from '@millrace/protocol'
import { type Database, quote } from '../database/database.ts'
import { columnType, type KeyColumn, type Table } from '../schema/catalog.ts'
import { isNoted, noteColumn, noteHad, noteKey, noteOf } from './images.ts'

/*
 * Which rows a transaction changed. Temp triggers on each watched table note, per key, the first image that the row
 * had in this transaction; the image after is the row as it stands when the transaction is about to commit. The notes
 * are rows of a temp table, so a statement or savepoint that is rolled back takes its notes along.
 *
 *     note of table t:   k0 … km   the key               unique: the first note of a key stays
 *                        had       1: the row was there   0: it was not
 *                        c0 … cn   the image before, NULL where had = 0
 *
 * They are read, and cleared, when the transaction is committed, so that maintenance can join with them.
 *
 * What SQLite does not tell by triggers is noted before it happens: the rows that REPLACE takes away fire nothing, so
 * BEFORE INSERT and BEFORE UPDATE note the rows that stand in the way, by the key and by each unique index.
 * The notes are written with ON CONFLICT DO NOTHING: OR IGNORE would be overridden by the user's OR REPLACE.
 */

/** How one table changed. */
export type TableChange = {
  readonly table: Table
} & (
  | { readonly type: 'rows'; readonly rows: readonly RowChange[] }
  /** Too many rows to look at one by one, or not known which. Columns: in which rows that stayed differ; all where rows came or went. */
  | {
      readonly type: 'bulk'
      readonly columns: ReadonlySet<number> | 'all'
      /** What the changed rows have and had in a column, each once; null: too many, or not known. */
      readonly cells: (column: number) => readonly SqlValue[] | null
    }
)

/** One changed row: its key and its images; null where the row was not, or is not. Columns in the table's order. */
export interface RowChange {
  readonly key: readonly SqlValue[]
  readonly before: readonly SqlValue[] | null
  readonly after: readonly SqlValue[] | null
  /** Positions of the columns that differ, by storage class or bytes, where the row stayed. */
  readonly changed: ReadonlySet<number>
}

/** Rows that are looked at one by one; where more changed, queries run again rather. */
const MAX_ROWS = 1000

/** Different cells of one column that are gathered where more rows changed than that. */
const MAX_CELLS = 5000

interface Watched {
  readonly table: Table
  readonly rows: string
  readonly summary: string
  /** Columns in which 1 may become 1.0, which is one number in JS. */
  readonly numeric: readonly number[]
}

export class Capture {
  readonly #database: Database
  readonly #watched = new Map<string, Watched>()
  /** Gives the position of each watched table that has notes. */
  #probe = ''
  /** The tables whose notes were read since they were last cleared. */
  #noted: readonly Watched[] | null = null

  constructor(database: Database) {
    this.#database = database
  }

  /** From here on changes of this table are noted; `only`: of the row with this key. Not within a transaction. */
  watch(table: Table, only: number | null = null): void {
    if (this.#watched.has(table.name) || table.virtual) return
    this.#database.connection.exec(captureScript(table, only))
    const numeric = table.columns.flatMap(({ affinity }, i) =>
      affinity === 'BLOB' || affinity === 'NUMERIC' ? [i] : [],
    )
    this.#watched.set(table.name, {
      table,
      rows: rowsQuery(table, numeric),
      summary: summaryQuery(table),
      numeric,
    })
    const tables = [...this.#watched.values()]
    this.#probe = tables
      .map((watched, i) => `SELECT ${i} WHERE EXISTS (SELECT 1 FROM temp.${noteOf(watched.table)})`)
      .join(' UNION ALL ')
  }

  /** What changed since the notes were last cleared, net: a row that came and went, or is as it was, is no change. */
  changes(): TableChange[] {
    this.#noted = this.#findNoted()
    return this.#noted.flatMap((watched) => this.#changesOf(watched))
  }

  /** The tables that have notes; of one table alone it is not asked, for its notes are read anyway. */
  #findNoted(): readonly Watched[] {
    return this.#watched.size < 2 ? [...this.#watched.values()] : this.#probeNotes()
  }

  #probeNotes(): readonly Watched[] {
    const watched = [...this.#watched.values()]
    return this.#database.all(this.#probe).map(([i]) => watched[i as number] as Watched)
  }

  /** The tables that were written to since the notes were last cleared: also those whose rows are as they were. */
  noted(): readonly Table[] {
    if (this.#watched.size === 0) return []
    const noted = this.#watched.size === 1 ? this.#probeNotes() : (this.#noted ?? this.#probeNotes())
    return noted.map(({ table }) => table)
  }

  #changesOf({ table, rows, summary, numeric }: Watched): TableChange[] {
    if (table.coarse) return [{ table, type: 'bulk', columns: 'all', cells: () => null }]
    const found = this.#database.all(rows)
    if (found.length > MAX_ROWS) {
      const cells = (column: number) => this.#cells(table, column)
      return [{ table, type: 'bulk', columns: this.#columns(table, summary), cells }]
    }
    if (found.length === 0) return []
    return [{ table, type: 'rows', rows: found.map((row) => rowChange(table, numeric, row)) }]
  }

  #columns(table: Table, summary: string): ReadonlySet<number> | 'all' {
    // Of an import every row came, which the first one says.
    if (this.#database.get(cameQuery(table)) !== undefined) return 'all'
    const changed = this.#database.get(summary) as SqlValue[]
    return new Set(table.columns.flatMap((_, i) => (changed[i] === 1 ? [i] : [])))
  }

  #cells(table: Table, column: number): readonly SqlValue[] | null {
    const cells = this.#database.all(cellsQuery(table, column))
    return cells.length > MAX_CELLS ? null : cells.map(([cell]) => cell as SqlValue)
  }

  /** Forgets the notes. */
  clear(): void {
    for (const { table } of this.#noted ?? this.#findNoted())
      this.#database.run(`DELETE FROM temp.${noteOf(table)}`)
    this.#noted = null
  }
}

function rowChange(table: Table, numeric: readonly number[], row: readonly SqlValue[]): RowChange {
  const width = table.columns.length
  const start = 2 + table.key.length
  const before = row[0] === 1 ? row.slice(start, start + width) : null
  const after = row[1] === 1 ? row.slice(start + width, start + 2 * width) : null
  const changed = new Set<number>()
  if (before !== null && after !== null) {
    for (let i = 0; i < width; i++)
      if (!identical(before[i] as SqlValue, after[i] as SqlValue)) changed.add(i)
    numeric.forEach((column, i) => {
      if (row[start + 2 * width + i] === 1) changed.add(column)
    })
  }
  return { key: row.slice(2, start), before, after, changed }
}

/** The temp table and the triggers of one table. */
function captureScript(table: Table, only: number | null): string {
  const note = noteOf(table)
  const trigger = (on: string) => quote(`millrace_${on}_${table.name}`)
  const on = `main.${quote(table.name)}`
  const columnOf = (key: KeyColumn) => table.columns.find(({ name }) => name === key.name)
  // By rowid where it can be: such a note is never refused, so a statement that is noted needs no savepoint of its own.
  // Before a savepoint SQLite has FTS5 write out what it holds back; while it is doing so, that fails (seen with
  // contentless_delete: "constraint failed", then "table is locked"). The tables behind FTS5 have such keys.
  const keys = table.info.autoKey
    ? [`${noteKey(0)} INTEGER`]
    : table.key.map((key, i) => `${noteKey(i)} ${columnType(columnOf(key), key.collation)}`)
  const images = table.columns.map((column, i) => `${noteColumn(i)} ${columnType(column, undefined)}`)
  const noteKeys = table.key.map((_, i) => noteKey(i)).join(', ')
  const noteColumns = [noteKeys, noteHad, ...table.columns.map((_, i) => noteColumn(i))].join(', ')

  const image = (of: string) =>
    [...keysOf(table, of), '1', ...table.columns.map(({ name }) => `${of}.${quote(name)}`)].join(', ')
  const noteOld = `INSERT INTO ${note} (${noteColumns}) VALUES (${image('OLD')}) ON CONFLICT DO NOTHING;`
  const noteNew = `INSERT INTO ${note} (${noteKeys}, ${noteHad}) VALUES (${keysOf(table, 'NEW').join(', ')}, 0) ON CONFLICT DO NOTHING;`
  const ways = [table.key, ...table.unique, ...(table.rowid === null ? [] : [[rowidOf(table.rowid)]])]
  const noteInTheWay = ways
    .map((index) => {
      const meets = index.map(
        (column) =>
          `t.${columnName(table, column)} = ${valueToCome(table, column)} COLLATE ${column.collation}`,
      )
      return `INSERT INTO ${note} (${noteColumns}) SELECT ${image('t')} FROM ${on} AS t WHERE ${meets.join(' AND ')} ON CONFLICT DO NOTHING;`
    })
    .join('\n  ')
  // An update gets in another row's way only where it moves within an index, or into a partial one.
  const moves = ways
    .flat()
    .map((column) => {
      const name = columnName(table, column)
      return `NEW.${name} COLLATE ${column.collation} IS NOT OLD.${name}`
    })
    .join(' OR ')
  const itMoves = table.partial ? [] : [moves]
  const isIt = (...images: string[]) =>
    only === null ? [] : [images.map((of) => `${keysOf(table, of).join()} = ${only}`).join(' OR ')]
  const when = (...conditions: string[]) =>
    conditions.length === 0 ? '' : `WHEN ${conditions.map((condition) => `(${condition})`).join(' AND ')} `

  return `
CREATE TEMP TABLE ${note} (${[...keys, `${noteHad} INT`, ...images].join(', ')}, PRIMARY KEY (${noteKeys}))${table.info.autoKey ? '' : ' WITHOUT ROWID'};
CREATE TEMP TRIGGER ${trigger('before_insert')} BEFORE INSERT ON ${on} ${when(...isIt('NEW'))}BEGIN
  ${noteInTheWay}
END;
CREATE TEMP TRIGGER ${trigger('after_insert')} AFTER INSERT ON ${on} ${when(...isIt('NEW'))}BEGIN
  ${noteNew}
END;
CREATE TEMP TRIGGER ${trigger('before_update')} BEFORE UPDATE ON ${on} ${when(...itMoves, ...isIt('OLD', 'NEW'))}BEGIN
  ${noteInTheWay}
END;
CREATE TEMP TRIGGER ${trigger('after_update')} AFTER UPDATE ON ${on} ${when(...isIt('OLD', 'NEW'))}BEGIN
  ${noteOld}
  ${noteNew}
END;
CREATE TEMP TRIGGER ${trigger('after_delete')} AFTER DELETE ON ${on} ${when(...isIt('OLD'))}BEGIN
  ${noteOld}
END;`
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
  return column.name === table.byRowid ? column.name : quote(column.name)
}

function keysOf(table: Table, of: string): string[] {
  return table.key.map((column) => `${of}.${columnName(table, column)}`)
}

/** True where the row is there now: a key column of a row is never NULL. */
function isThere(table: Table): string {
  return `t.${columnName(table, table.key[0] as KeyColumn)} IS NOT NULL`
}

function notesAndRows(table: Table): string {
  return `temp.${noteOf(table)} AS n LEFT JOIN main.${quote(table.name)} AS t ON ${isNoted(table, 't', 'n')}`
}

/** A row when some row came or went. */
function cameQuery(table: Table): string {
  return `SELECT 1 FROM ${notesAndRows(table)} WHERE n.${noteHad} <> (${isThere(table)}) LIMIT 1`
}

/** What changed rows have, and had, in one column. */
function cellsQuery(table: Table, column: number): string {
  const name = quote(table.columns[column]?.name ?? '')
  return `SELECT n.${noteColumn(column)} FROM temp.${noteOf(table)} AS n WHERE n.${noteHad}
    UNION SELECT t.${name} FROM temp.${noteOf(table)} AS n CROSS JOIN main.${quote(table.name)} AS t ON ${isNoted(table, 't', 'n')}
    LIMIT ${MAX_CELLS + 1}`
}

/** One row: per column whether it differs in some row that stayed. */
function summaryQuery(table: Table): string {
  const there = isThere(table)
  // Exact: by storage class and bytes. `IS` alone holds 1 and 1.0 the same, and 'a' and 'A' in a NOCASE column.
  const differs = table.columns.map(({ name }, i) => {
    const now = `t.${quote(name)}`
    const before = `n.${noteColumn(i)}`
    return `coalesce(max(n.${noteHad} AND ${there} AND (${before} COLLATE BINARY IS NOT ${now} OR typeof(${before}) <> typeof(${now}))), 0)`
  })
  return `SELECT ${differs.join(', ')} FROM ${notesAndRows(table)}`
}

/** Had, there, key, image before, image after, and for each of `numeric` whether its storage class differs. */
function rowsQuery(table: Table, numeric: readonly number[]): string {
  const there = isThere(table)
  const names = table.columns.map(({ name }) => quote(name))
  const same = names.map(
    (name, i) =>
      `n.${noteColumn(i)} COLLATE BINARY IS t.${name} AND typeof(n.${noteColumn(i)}) = typeof(t.${name})`,
  )
  const outputs = [
    `n.${noteHad}`,
    there,
    ...table.key.map((_, i) => `n.${noteKey(i)}`),
    ...names.map((_, i) => `n.${noteColumn(i)}`),
    ...names.map((name) => `t.${name}`),
    ...numeric.map((i) => `typeof(n.${noteColumn(i)}) <> typeof(t.${names[i]})`),
  ]
  return `SELECT ${outputs.join(', ')} FROM ${notesAndRows(table)}
    WHERE (n.${noteHad} OR ${there}) AND NOT (n.${noteHad} AND ${there} AND ${same.join(' AND ')}) LIMIT ${MAX_ROWS + 1}`
}
