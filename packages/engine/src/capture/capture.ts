import type { SqlValue } from '@millrace/protocol'
import { type Database, quote } from '../database/database.ts'
import { columnType, type KeyColumn, type Table } from '../schema/catalog.ts'

/*
 * Which rows a transaction changed. Temp triggers on each watched table note, per key, the first image that the row
 * had in this transaction; the image after is the row as it stands when the transaction is about to commit. The notes
 * are rows of a temp table, so a statement or savepoint that is rolled back takes its notes along.
 *
 *     note of table t:   k0 … km   the key               unique: the first note of a key stays
 *                        had       1: the row was there   0: it was not
 *                        c0 … cn   the image before, NULL where had = 0
 *
 * What SQLite does not tell by triggers is noted before it happens: the rows that REPLACE takes away fire nothing, so
 * BEFORE INSERT and BEFORE UPDATE note the rows that stand in the way, by the key and by each unique index.
 * The notes are written with ON CONFLICT DO NOTHING: OR IGNORE would be overridden by the user's OR REPLACE.
 */

/** How one table changed in one transaction. */
export interface TableChange {
  readonly table: Table
  /** Rows came or went; else only columns changed. */
  readonly rows: boolean
  /** Columns in which a row that stayed differs, by storage class or bytes. */
  readonly columns: ReadonlySet<string>
}

/** One changed row: its key and its images; null where the row was not, or is not. */
export interface RowChange {
  readonly key: readonly SqlValue[]
  readonly before: readonly SqlValue[] | null
  readonly after: readonly SqlValue[] | null
}

interface Watched {
  readonly table: Table
  readonly note: string
  readonly summary: string
}

export class Capture {
  readonly #database: Database
  readonly #watched = new Map<string, Watched>()

  constructor(database: Database) {
    this.#database = database
  }

  /** From here on changes of this table are noted. Not within a transaction. */
  watch(table: Table): void {
    if (this.#watched.has(table.name) || table.virtual) return
    const note = `millrace_note_${this.#watched.size}`
    this.#database.connection.exec(captureScript(table, note))
    this.#watched.set(table.name, { table, note, summary: summaryQuery(table, note) })
  }

  /** What the open transaction changed so far, net: a row that came and went, or is as it was, is no change. */
  changes(): TableChange[] {
    const changes: TableChange[] = []
    for (const { table, note, summary } of this.#watched.values()) {
      if (this.#database.get(`SELECT 1 FROM temp.${note} LIMIT 1`) === undefined) continue
      if (table.coarse) {
        changes.push({ table, rows: true, columns: new Set() })
        continue
      }
      const [rows, ...changed] = this.#database.get(summary) as SqlValue[]
      const columns = new Set(table.columns.filter((_, i) => changed[i] === 1).map((column) => column.name))
      // REPLACE gives a row a new rowid even where nothing else differs. Few queries read it; those run again.
      columns.add('ROWID')
      changes.push({ table, rows: rows !== 0, columns })
    }
    return changes
  }

  /** The changed rows of one watched table in the open transaction. Columns in the table's order. */
  rows(table: Table): RowChange[] {
    const watched = this.#watched.get(table.name)
    if (watched === undefined) return []
    const width = table.columns.length
    const keyWidth = table.key.length
    const rows = this.#database.all(rowsQuery(table, watched.note))
    return rows.map((row) => ({
      key: row.slice(2, 2 + keyWidth),
      before: row[0] === 1 ? row.slice(2 + keyWidth, 2 + keyWidth + width) : null,
      after: row[1] === 1 ? row.slice(2 + keyWidth + width) : null,
    }))
  }

  /** Forgets the notes, at the end of the transaction and within it. */
  clear(): void {
    for (const { note } of this.#watched.values()) this.#database.run(`DELETE FROM temp.${note}`)
  }
}

/** The temp table and the triggers of one table. */
function captureScript(table: Table, note: string): string {
  const on = `main.${quote(table.name)}`
  const columnOf = (key: KeyColumn) => table.columns.find(({ name }) => name === key.name)
  const keys = table.key.map((key, i) => `k${i} ${columnType(columnOf(key), key.collation)}`)
  const images = table.columns.map((column, i) => `c${i} ${columnType(column, undefined)}`)
  const noteKey = table.key.map((_, i) => `k${i}`).join(', ')
  const noteColumns = [noteKey, 'had', ...table.columns.map((_, i) => `c${i}`)].join(', ')

  const image = (of: string) =>
    [...keysOf(table, of), '1', ...table.columns.map(({ name }) => `${of}.${quote(name)}`)].join(', ')
  const noteOld = `INSERT INTO ${note} (${noteColumns}) VALUES (${image('OLD')}) ON CONFLICT DO NOTHING;`
  const noteNew = `INSERT INTO ${note} (${noteKey}, had) VALUES (${keysOf(table, 'NEW').join(', ')}, 0) ON CONFLICT DO NOTHING;`
  const noteInTheWay = [table.key, ...table.unique]
    .map((index) => {
      const meets = index.map(
        (column) =>
          `t.${columnName(table, column)} = NEW.${columnName(table, column)} COLLATE ${column.collation}`,
      )
      return `INSERT INTO ${note} (${noteColumns}) SELECT ${image('t')} FROM ${on} AS t WHERE ${meets.join(' AND ')} ON CONFLICT DO NOTHING;`
    })
    .join('\n  ')
  // An update gets in another row's way only where it moves within an index, or into a partial one.
  const moves = [table.key, ...table.unique]
    .flat()
    .map((column) => {
      const name = columnName(table, column)
      return `NEW.${name} COLLATE ${column.collation} IS NOT OLD.${name}`
    })
    .join(' OR ')
  const whenItMoves = table.partial ? '' : `WHEN ${moves} `

  return `
CREATE TEMP TABLE ${note} (${[...keys, 'had INT', ...images].join(', ')}, PRIMARY KEY (${noteKey})) WITHOUT ROWID;
CREATE TEMP TRIGGER ${note}_before_insert BEFORE INSERT ON ${on} BEGIN
  ${noteInTheWay}
END;
CREATE TEMP TRIGGER ${note}_after_insert AFTER INSERT ON ${on} BEGIN
  ${noteNew}
END;
CREATE TEMP TRIGGER ${note}_before_update BEFORE UPDATE ON ${on} ${whenItMoves}BEGIN
  ${noteInTheWay}
END;
CREATE TEMP TRIGGER ${note}_after_update AFTER UPDATE ON ${on} BEGIN
  ${noteOld}
  ${noteNew}
END;
CREATE TEMP TRIGGER ${note}_after_delete AFTER DELETE ON ${on} BEGIN
  ${noteOld}
END;`
}

function columnName(table: Table, column: KeyColumn): string {
  return column.name === table.byRowid ? column.name : quote(column.name)
}

function keysOf(table: Table, of: string): string[] {
  return table.key.map((column) => `${of}.${columnName(table, column)}`)
}

/** The row that a note speaks of, as it is now. The collation is the key's own, so that its index serves. */
function joinNow(table: Table): string {
  return table.key
    .map((column, i) => `t.${columnName(table, column)} = n.k${i} COLLATE ${column.collation}`)
    .join(' AND ')
}

/** True where the row is there now: a key column of a row is never NULL. */
function isThere(table: Table): string {
  return `t.${columnName(table, table.key[0] as KeyColumn)} IS NOT NULL`
}

/** One row: how many rows came or went, then per column whether it differs in some row that stayed. */
function summaryQuery(table: Table, note: string): string {
  const there = isThere(table)
  // Exact: by storage class and bytes. `IS` alone holds 1 and 1.0 the same, and 'a' and 'A' in a NOCASE column.
  const differs = table.columns.map(({ name }, i) => {
    const now = `t.${quote(name)}`
    return `coalesce(max(n.had AND ${there} AND (n.c${i} COLLATE BINARY IS NOT ${now} OR typeof(n.c${i}) <> typeof(${now}))), 0)`
  })
  return `SELECT count(*) FILTER (WHERE n.had <> (${there})), ${differs.join(', ')} FROM temp.${note} AS n LEFT JOIN main.${quote(table.name)} AS t ON ${joinNow(table)}`
}

function rowsQuery(table: Table, note: string): string {
  const there = isThere(table)
  const same = table.columns.map(({ name }, i) => {
    const now = `t.${quote(name)}`
    return `n.c${i} COLLATE BINARY IS ${now} AND typeof(n.c${i}) = typeof(${now})`
  })
  const outputs = [
    'n.had',
    there,
    ...table.key.map((_, i) => `n.k${i}`),
    ...table.columns.map((_, i) => `n.c${i}`),
    ...table.columns.map(({ name }) => `t.${quote(name)}`),
  ]
  return `SELECT ${outputs.join(', ')} FROM temp.${note} AS n LEFT JOIN main.${quote(table.name)} AS t ON ${joinNow(table)}
    WHERE (n.had OR ${there}) AND NOT (n.had AND ${there} AND ${same.join(' AND ')})`
}
