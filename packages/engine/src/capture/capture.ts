import { identical, type RowKey, type SqlValue } from '@millrace/protocol'
import type { Database } from '../database/database.ts'
import type { Arguments } from '../database/sqlite.ts'
import type { Table } from '../schema/catalog.ts'
import { imagesTable, insertImage, noteOf, rowNow } from './images.ts'
import { changedColumns, type Given, type Image, type Note, TableNotes, Values } from './notes.ts'
import { hasNotes, readNotes, shadowScript } from './shadow.ts'
import { PROCEDURE, Told, triggerScript } from './triggers.ts'

/*
 * Which rows a transaction changed. Temp triggers on each watched table call a procedure of ours with the row's images,
 * which are noted in memory, per key: the first image before, the last image after. Nothing is asked of SQLite for that.
 *
 *     statement ──► temp trigger ──► note (key, before, after)          while it runs
 *     changes()     the notes, net; what stands in doubt is read again  after COMMIT
 *     fill()        temp tables of the images before, for statements    only where one is to join with them
 *                   that join with them
 *     clear()       forgets
 *
 * Savepoints that are rolled back do not take their notes along, and need not: the first image before of a row is the
 * same with and without what was undone. Which image is the last is not, so `doubt` has the tables asked.
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
  /** The key, encoded by its collations. */
  readonly id: RowKey
  readonly before: readonly SqlValue[] | null
  readonly after: readonly SqlValue[] | null
  /** Positions of the columns that differ, by storage class or bytes, where the row stayed. */
  readonly changed: ReadonlySet<number>
}

interface Watched {
  readonly table: Table
  /** Of a table that FTS5 keeps for itself, what is read from the temp table: see shadow.ts. */
  readonly notes: TableNotes
  /** Gives the row with a key as it stands. */
  readonly now: string
  /** Columns in which 1 may be a REAL or an INTEGER. */
  readonly mixed: readonly number[]
}

export class Capture {
  readonly #database: Database
  readonly #watched: Watched[] = []
  readonly #names = new Set<string>()
  /** Values of a call that takes more than one. */
  #parts: Part[] = []
  /** The tables whose images SQL can read now. */
  #filled: Watched[] | null = null

  constructor(database: Database) {
    this.#database = database
    database.connection.createProcedure(PROCEDURE, (given) => this.#hear(given))
  }

  /** From here on changes of this table are noted; `only`: of the row with this key. Not within a transaction. */
  watch(table: Table, only: number | null = null): void {
    if (this.#names.has(table.name) || table.virtual) return
    const script = table.shadow
      ? shadowScript(table, only)
      : `${imagesTable(table)};\n${triggerScript(table, this.#watched.length, only)}`
    this.#database.connection.exec(script)
    const mixed = table.columns.flatMap(({ affinity }, i) =>
      affinity === 'BLOB' || affinity === 'NUMERIC' ? [i] : [],
    )
    this.#names.add(table.name)
    this.#watched.push({ table, notes: new TableNotes(table), now: rowNow(table, mixed), mixed })
  }

  /** What changed since the notes were last cleared, net: a row that came and went, or is as it was, is no change. */
  changes(): TableChange[] {
    this.#readShadows()
    const changes: TableChange[] = []
    for (const watched of this.#watched) {
      const change = watched.notes.written ? this.#changeOf(watched) : null
      if (change !== null) changes.push(change)
    }
    return changes
  }

  #readShadows(): void {
    for (const { table, notes } of this.#watched) {
      if (!table.shadow) continue
      notes.written = hasNotes(this.#database, table)
      if (notes.written) notes.take(readNotes(this.#database, table))
    }
  }

  /** The tables that were written to since the notes were last cleared: also those whose rows are as they were. */
  noted(): readonly Table[] {
    return this.#watched.flatMap(({ table, notes }) => (notes.written ? [table] : []))
  }

  /** A statement, a savepoint or a transaction was undone since the notes were last cleared. */
  doubt(): void {
    for (const { notes } of this.#watched) notes.doubt()
  }

  /** Lets SQL read the images before, of the rows that `changes` tells one by one. Done once until they are cleared. */
  fill(): void {
    if (this.#filled !== null) return
    this.#filled = this.#watched.filter(({ table, notes }) => notes.rows.size > 0 && !table.shadow)
    for (const { table, notes } of this.#filled) {
      for (const { key, before } of notes.rows.values())
        this.#database.run(insertImage(table, before !== null, before?.wholes ?? []), [
          ...key,
          ...(before?.row ?? []),
        ])
    }
  }

  /** Forgets the notes. */
  clear(): void {
    for (const watched of this.#watched) {
      const { table, notes } = watched
      if (table.shadow ? notes.written : this.#filled?.includes(watched))
        this.#database.run(`DELETE FROM temp.${noteOf(table)}`)
      notes.clear()
    }
    this.#filled = null
  }

  #changeOf(watched: Watched): TableChange | null {
    const { table, notes } = watched
    // That it is not known which may turn out while the rows are read.
    const rows = notes.whole || notes.bulk !== null ? [] : this.#rowChanges(watched)
    if (notes.whole) return { table, type: 'bulk', columns: 'all', cells: () => null }
    if (notes.bulk !== null) {
      const { came, columns, cells } = notes.bulk
      if (!came && columns.size === 0) return null
      const cellsOf = (column: number) => (cells[column] == null ? null : [...cells[column]])
      return { table, type: 'bulk', columns: came ? 'all' : columns, cells: cellsOf }
    }
    return rows.length === 0 ? null : { table, type: 'rows', rows }
  }

  #rowChanges(watched: Watched): RowChange[] {
    const rows: RowChange[] = []
    for (const note of watched.notes.rows.values()) {
      if (note.after === undefined) note.after = this.#now(watched, note)
      const { key, id, before, after } = note
      if (before === null && after === null) continue
      const changed = before === null || after === null ? NONE : changedColumns(before, after)
      if (before !== null && after !== null && changed.size === 0) continue
      rows.push({ key, id, before: before?.row ?? null, after: after?.row ?? null, changed })
    }
    return rows
  }

  /** The row as it stands. */
  #now({ table, notes, now, mixed }: Watched, { key }: Note): Image | null {
    const found = this.#database.get(now, key)
    if (found === undefined) return null
    // Text that is no UTF-8 is read as another text.
    if (found.some((value) => typeof value === 'string' && value.includes('\ufffd'))) notes.whole = true
    const width = table.columns.length
    const row = found.slice(0, width)
    const wholes = mixed.filter((column, i) => found[width + i] === 1 && Number.isInteger(row[column]))
    return { row, wholes }
  }

  /** A trigger's call. It must not throw: SQLite waits in between. */
  #hear(given: Arguments): void {
    try {
      const what = given.integer(0)
      if (what === Told.part) {
        for (let i = 1; i < given.length; i++) this.#parts.push(new Part(given, i))
        return
      }
      const watched = this.#watched[what >> 3] as Watched
      watched.notes.written = true
      if (this.#parts.length === 0) note(watched, what & 7, given, 1)
      else {
        for (let i = 1; i < given.length; i++) this.#parts.push(new Part(given, i))
        note(watched, what & 7, new Parts(this.#parts), 0)
        this.#parts = []
      }
      if (given.lossy) {
        given.lossy = false
        watched.notes.whole = true
      }
    } catch {
      // Such as a text too long for JS. Which rows changed is then not known of any table.
      this.#parts = []
      for (const { notes } of this.#watched) {
        notes.written = true
        notes.whole = true
      }
    }
  }
}

const NONE: ReadonlySet<number> = new Set()

/** Notes what a call tells; its values begin at `first`. */
function note({ table, notes }: Watched, what: number, given: Given, first: number): void {
  const byRowid = table.byRowid === null ? 0 : 1
  const row = () => new Values(given, first + byRowid, first)
  switch (what) {
    case Told.inserted:
      notes.inserted(row())
      break
    case Told.deleted:
      notes.deleted(row())
      break
    case Told.inTheWay:
      notes.inTheWay(row())
      break
    case Told.written:
      notes.whole = true
      break
    default: {
      const isAt = what === Told.updatedAt
      if (isAt && given.value(first) === 1) notes.whole = true
      const old = first + (isAt ? 1 : 2 * byRowid)
      const now = old + table.columns.length
      const isSame = (column: number) => given.isSame(old + column, now + column)
      notes.updated(new Values(given, old, first), new Values(given, now, first + 1), isSame)
    }
  }
}

/** A value of a call that takes more than one: read at once, for it is gone when the call returns. */
class Part {
  readonly value: SqlValue
  readonly isReal: boolean

  constructor(given: Given, i: number) {
    this.value = given.value(i)
    this.isReal = given.isReal(i)
  }
}

class Parts implements Given {
  readonly #parts: readonly Part[]

  constructor(parts: readonly Part[]) {
    this.#parts = parts
  }

  value(i: number): SqlValue {
    return this.#parts[i]?.value ?? null
  }

  isReal(i: number): boolean {
    return this.#parts[i]?.isReal ?? false
  }

  isSame(i: number, j: number): boolean {
    const a = this.#parts[i] as Part
    const b = this.#parts[j] as Part
    return a.isReal === b.isReal && identical(a.value, b.value)
  }
}
