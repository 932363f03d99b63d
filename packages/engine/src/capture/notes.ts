import { encodeKey, identical, type RowKey, type SqlValue } from '@millrace/protocol'
import type { Table } from '../schema/catalog.ts'

/** A row as it stood at one moment. */
export interface Image {
  readonly row: readonly SqlValue[]
  /** Columns with a REAL that is a whole number, where an INTEGER could stand as well: in JS 1 and 1.0 are one. */
  readonly wholes: readonly number[]
}

/** What one transaction did to one row. */
export interface Note {
  readonly key: readonly SqlValue[]
  /** The key, encoded. */
  readonly id: RowKey
  /** As it was when it was first touched; null: it was not there. */
  readonly before: Image | null
  /** As it stands; null: it is gone; undefined: the table must be asked. */
  after: Image | null | undefined
}

/** What is known of more rows than are looked at one by one. */
export interface Bulk {
  /** Rows came or went. */
  came: boolean
  /** Columns that differ in rows that stayed. */
  readonly columns: Set<number>
  /** Per column what the rows have and had, each once; null: too many. */
  readonly cells: (Set<SqlValue> | null)[]
}

/** Rows that are looked at one by one; where more changed, queries run again rather. */
export const MAX_ROWS = 1000

/** Different cells of one column that are gathered where more rows changed than that. */
const MAX_CELLS = 5000

/**
 * The notes of one table. They may be too many, never too few: an image before is right as soon as it is noted, for a
 * row that nobody touched stands as it stood, also where a savepoint is then rolled back; an image after is in doubt then.
 */
export class TableNotes {
  readonly #table: Table
  /** Columns in which a REAL may be a whole number. */
  readonly #mixed: readonly boolean[]
  readonly #collations

  rows = new Map<RowKey, Note>()
  /** Set once there are too many rows; these are then not held. */
  bulk: Bulk | null = null
  /** A statement wrote to it. */
  written = false
  /** Rows changed of which it is not known which. */
  whole = false

  constructor(table: Table) {
    this.#table = table
    this.#mixed = table.columns.map(({ affinity }) => affinity === 'BLOB' || affinity === 'NUMERIC')
    this.#collations = table.key.map(({ collation }) => collation)
  }

  clear(): void {
    if (!this.written) return
    if (this.rows.size > 0) this.rows = new Map()
    this.bulk = null
    this.written = false
    this.whole = false
  }

  /** What stands now is not what was said last: a statement, a savepoint or the transaction was undone. */
  doubt(): void {
    for (const note of this.rows.values()) note.after = undefined
  }

  /** All that there is to note; null: too much. */
  take(notes: readonly Omit<Note, 'id'>[] | null): void {
    this.whole = notes === null
    this.rows = new Map()
    for (const note of notes ?? []) {
      const id = this.#identify(note.key)
      this.rows.set(id, { id, ...note })
    }
  }

  inserted(now: Values): void {
    if (this.bulk !== null) {
      this.#cameOrWent(this.bulk, now)
      return
    }
    const key = this.#keyOf(now)
    const id = this.#identify(key)
    const note = this.rows.get(id)
    const image = this.#image(now)
    if (note === undefined) this.#add({ id, key, before: null, after: image })
    else note.after = image
  }

  deleted(old: Values): void {
    this.#away(old, null)
  }

  /** The row may be replaced by a statement that fires nothing for it. */
  inTheWay(row: Values): void {
    this.#away(row, undefined)
  }

  #away(old: Values, after: null | undefined): void {
    if (this.bulk !== null) {
      this.#cameOrWent(this.bulk, old)
      return
    }
    const key = this.#keyOf(old)
    const id = this.#identify(key)
    const note = this.rows.get(id)
    if (note === undefined) this.#add({ id, key, before: this.#image(old), after })
    else note.after = after
  }

  updated(old: Values, now: Values, isSame: (column: number) => boolean): void {
    if (this.bulk !== null) {
      this.#updatedInBulk(this.bulk, old, now, isSame)
      return
    }
    const { byRowid, info } = this.#table
    const key = this.#keyOf(old)
    const id = this.#identify(key)
    const stays = (byRowid === null && info.key.every(isSame)) || id === this.#identify(this.#keyOf(now))
    if (!stays) {
      this.deleted(old)
      this.inserted(now)
      return
    }
    const note = this.rows.get(id)
    if (note !== undefined) {
      note.after = this.#image(now)
      return
    }
    const before = this.#image(old)
    this.#add({ id, key, before, after: this.#imageLike(before, now, isSame) })
  }

  #add(note: Note): void {
    this.rows.set(note.id, note)
    if (this.rows.size > MAX_ROWS) this.#toBulk()
  }

  #identify(key: readonly SqlValue[]): RowKey {
    return encodeKey(key, this.#collations)
  }

  #keyOf(values: Values): readonly SqlValue[] {
    const { byRowid, info } = this.#table
    return byRowid === null ? info.key.map((column) => values.column(column)) : [values.rowid()]
  }

  #image(values: Values): Image {
    const row: SqlValue[] = []
    let wholes = NONE
    for (let i = 0; i < this.#mixed.length; i++) {
      const value = values.column(i)
      row.push(value)
      if (this.#mixed[i] && Number.isInteger(value) && values.isReal(i)) wholes = [...wholes, i]
    }
    return { row, wholes }
  }

  /** The image after, whose values are read only where they differ from those before. */
  #imageLike(before: Image, now: Values, isSame: (column: number) => boolean): Image {
    const row: SqlValue[] = []
    let wholes = NONE
    for (let i = 0; i < this.#mixed.length; i++) {
      if (isSame(i)) {
        row.push(before.row[i] as SqlValue)
        if (this.#mixed[i] && before.wholes.includes(i)) wholes = [...wholes, i]
        continue
      }
      const value = now.column(i)
      row.push(value)
      if (this.#mixed[i] && Number.isInteger(value) && now.isReal(i)) wholes = [...wholes, i]
    }
    return { row, wholes }
  }

  #updatedInBulk(bulk: Bulk, old: Values, now: Values, isSame: (column: number) => boolean): void {
    for (let i = 0; i < this.#mixed.length; i++) {
      const cells = bulk.cells[i] as Set<SqlValue> | null
      if (isSame(i)) {
        if (cells !== null) this.#gatherOne(bulk, i, old.column(i))
        continue
      }
      bulk.columns.add(i)
      if (cells === null) continue
      this.#gatherOne(bulk, i, old.column(i))
      this.#gatherOne(bulk, i, now.column(i))
    }
    if (this.#table.byRowid === null && !this.#table.info.key.every(isSame)) bulk.came = true
  }

  #cameOrWent(bulk: Bulk, values: Values): void {
    bulk.came = true
    for (let i = 0; i < bulk.cells.length; i++) {
      if (bulk.cells[i] !== null) this.#gatherOne(bulk, i, values.column(i))
    }
  }

  #gatherOne(bulk: Bulk, column: number, cell: SqlValue): void {
    const cells = bulk.cells[column]
    if (cells == null) return
    cells.add(cell)
    if (cells.size > MAX_CELLS) bulk.cells[column] = null
  }

  #toBulk(): void {
    const bulk: Bulk = {
      came: false,
      columns: new Set(),
      cells: this.#table.columns.map(() => new Set<SqlValue>()),
    }
    for (const { before, after } of this.rows.values()) {
      if (before === null || after == null) bulk.came = true
      else for (const column of changedColumns(before, after)) bulk.columns.add(column)
      for (const image of [before, after])
        image?.row.forEach((cell, i) => {
          this.#gatherOne(bulk, i, cell)
        })
    }
    this.rows = new Map()
    this.bulk = bulk
  }
}

const NONE: readonly number[] = []

/** Positions of the columns that differ, by storage class or bytes. */
export function changedColumns(before: Image, after: Image): Set<number> {
  const changed = new Set<number>()
  for (let i = 0; i < before.row.length; i++) {
    if (!identical(before.row[i] as SqlValue, after.row[i] as SqlValue)) changed.add(i)
  }
  if (before.wholes.length > 0 || after.wholes.length > 0) {
    for (const i of before.wholes) if (!after.wholes.includes(i)) changed.add(i)
    for (const i of after.wholes) if (!before.wholes.includes(i)) changed.add(i)
  }
  return changed
}

/** What a trigger gives, in a row. */
export interface Given {
  value(i: number): SqlValue
  isReal(i: number): boolean
  isSame(i: number, j: number): boolean
}

/** One row among what a trigger gives. */
export class Values {
  readonly #given: Given
  readonly #start: number
  readonly #rowid: number

  /** Its columns begin at `start`; its rowid is at `rowid`. */
  constructor(given: Given, start: number, rowid: number) {
    this.#given = given
    this.#start = start
    this.#rowid = rowid
  }

  column(i: number): SqlValue {
    return this.#given.value(this.#start + i)
  }

  isReal(i: number): boolean {
    return this.#given.isReal(this.#start + i)
  }

  rowid(): SqlValue {
    return this.#given.value(this.#rowid)
  }
}
