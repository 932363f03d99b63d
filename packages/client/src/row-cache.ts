import type { RowKey } from '@millrace/protocol'
import { UNKNOWN, type Value } from './expression/cell.ts'

/** A row of a table as far as it is known: the value of each column by its position. */
export type RowImage = (column: number) => Value

/** One table of one view: it knows some columns of the rows in the view's base. */
export interface Holder {
  /** What it knows of a column of a row that it holds. */
  known(key: RowKey, column: number): Value
}

/**
 * The source rows in use by live queries: from a row to the views that hold it. The values are not copied, they are where
 * the views have them; a row is known as far as its views together know it, and gone with the last of them.
 */
export class RowCache {
  /** By table and key; most rows are in one view, and then it stands there alone. None is kept empty. */
  readonly #tables = new Map<string, Map<RowKey, Holder | Holder[]>>()
  /** Hears of rows that become known or are known otherwise. */
  readonly #changed: (table: string, key: RowKey) => void

  constructor(changed: (table: string, key: RowKey) => void) {
    this.#changed = changed
  }

  /** Rows held. */
  get size(): number {
    let size = 0
    for (const rows of this.#tables.values()) size += rows.size
    return size
  }

  add(table: string, key: RowKey, holder: Holder): void {
    let rows = this.#tables.get(table)
    if (rows === undefined) {
      rows = new Map()
      this.#tables.set(table, rows)
    }
    const held = rows.get(key)
    if (held === undefined) rows.set(key, holder)
    else if (Array.isArray(held)) held.push(holder)
    else rows.set(key, [held, holder])
    this.#changed(table, key)
  }

  remove(table: string, key: RowKey, holder: Holder): void {
    const rows = this.#tables.get(table)
    const held = rows?.get(key)
    if (rows === undefined || held === undefined) return
    const left = (Array.isArray(held) ? held : [held]).filter((other) => other !== holder)
    if (left.length > 1) rows.set(key, left)
    else if (left.length === 1) rows.set(key, left[0] as Holder)
    else rows.delete(key)
    if (rows.size === 0) this.#tables.delete(table)
    this.#changed(table, key)
  }

  /** The row has other values in a view that holds it. */
  renew(table: string, key: RowKey): void {
    this.#changed(table, key)
  }

  /** The rows of a table that are held. */
  keys(table: string): Iterable<RowKey> {
    return this.#tables.get(table)?.keys() ?? []
  }

  /** Undefined where no view has the row. */
  image(table: string, key: RowKey): RowImage | undefined {
    const held = this.#tables.get(table)?.get(key)
    if (held === undefined) return undefined
    if (!Array.isArray(held)) return (column) => held.known(key, column)
    return (column) => {
      for (const holder of held) {
        const value = holder.known(key, column)
        if (value !== UNKNOWN) return value
      }
      return UNKNOWN
    }
  }
}
