import { compareRows, identicalRows, type OrderTerm, type RowKey, type WireRow } from '@millrace/protocol'
import type { Delta, Result } from './difference.ts'

/** Beyond so many changes at once the arrays are rebuilt rather than spliced. */
const MANY = 32

const NONE: readonly never[] = []

/**
 * Rows in their order, each known by its key. The order is total: its last terms are the key, so a row is found by its
 * values, and inserting one does not look at the others.
 */
export class OrderedRows implements Result {
  readonly #order: readonly OrderTerm[]

  keys: RowKey[] = []
  rows: WireRow[] = []
  /** The same rows by key. */
  readonly #byKey = new Map<RowKey, WireRow>()

  constructor(order: readonly OrderTerm[]) {
    this.#order = order
  }

  get size(): number {
    return this.rows.length
  }

  get(key: RowKey): WireRow | undefined {
    return this.#byKey.get(key)
  }

  /** Takes a whole result over; false where two of its rows have one key. */
  reset(keys: RowKey[], rows: WireRow[]): boolean {
    this.keys = keys
    this.rows = rows
    this.#byKey.clear()
    for (let i = 0; i < keys.length; i++) this.#byKey.set(keys[i] as RowKey, rows[i] as WireRow)
    return this.#byKey.size === keys.length
  }

  compare(a: WireRow, b: WireRow): number {
    return compareRows(this.#order, a, b)
  }

  /** `apply` for one row; undefined takes it out. Null where nothing changes. */
  applyOne(key: RowKey, row: WireRow | undefined): Delta | null {
    const was = this.#byKey.get(key)
    if (row === undefined) {
      if (was === undefined) return null
      this.#splice([key], NONE)
      this.#byKey.delete(key)
      return { remove: [key], put: NONE }
    }
    let at: number
    if (was === undefined) at = this.#insert(key, row)
    else if (identicalRows(was, row)) return null
    else if (this.compare(was, row) === 0) {
      at = this.#indexOf(key)
      this.rows[at] = row
    } else {
      this.#splice([key], NONE)
      at = this.#insert(key, row)
    }
    this.#byKey.set(key, row)
    return { remove: NONE, put: [{ at, key, row, was }] }
  }

  /** Takes rows out and puts rows in; one that is there under its key is replaced. Says where they are now. */
  apply(remove: readonly RowKey[], put: readonly (readonly [RowKey, WireRow])[]): Delta {
    const sorted = put.length > 1 ? put.toSorted((a, b) => this.compare(a[1], b[1])) : put
    const was = sorted.map(([key]) => this.#byKey.get(key))
    const gone = [...remove, ...sorted.flatMap(([key], i) => (was[i] === undefined ? [] : [key]))]
    const stay = sorted.every(([, row], i) => was[i] !== undefined && this.compare(was[i], row) === 0)
    const at =
      remove.length === 0 && stay
        ? this.#replace(sorted)
        : gone.length + sorted.length > MANY
          ? this.#rebuild(new Set(gone), sorted)
          : this.#splice(gone, sorted)
    for (const key of remove) this.#byKey.delete(key)
    for (const [key, row] of sorted) this.#byKey.set(key, row)
    return {
      remove,
      put: sorted.map(([key, row], i) => ({ at: at[i] as number, key, row, was: was[i] })),
    }
  }

  /** Rows that stay where they are. */
  #replace(put: readonly (readonly [RowKey, WireRow])[]): number[] {
    return put.map(([key, row]) => {
      const index = this.#indexOf(key)
      this.rows[index] = row
      return index
    })
  }

  #splice(gone: readonly RowKey[], put: readonly (readonly [RowKey, WireRow])[]): number[] {
    for (const key of gone) {
      const index = this.#indexOf(key)
      this.keys.splice(index, 1)
      this.rows.splice(index, 1)
    }
    return put.map(([key, row]) => this.#insert(key, row))
  }

  #insert(key: RowKey, row: WireRow): number {
    const index = this.#lowerBound(row)
    this.keys.splice(index, 0, key)
    this.rows.splice(index, 0, row)
    return index
  }

  #rebuild(gone: ReadonlySet<RowKey>, put: readonly (readonly [RowKey, WireRow])[]): number[] {
    const keys: RowKey[] = []
    const rows: WireRow[] = []
    const at: number[] = []
    let next = 0
    const putBefore = (row: WireRow | null) => {
      for (let entry = put[next]; entry !== undefined; entry = put[++next]) {
        if (row !== null && this.compare(entry[1], row) > 0) return
        at.push(keys.length)
        keys.push(entry[0])
        rows.push(entry[1])
      }
    }
    for (let i = 0; i < this.keys.length; i++) {
      const key = this.keys[i] as RowKey
      const row = this.rows[i] as WireRow
      if (gone.has(key)) continue
      putBefore(row)
      keys.push(key)
      rows.push(row)
    }
    putBefore(null)
    this.keys = keys
    this.rows = rows
    return at
  }

  #indexOf(key: RowKey): number {
    const index = this.#lowerBound(this.#byKey.get(key) as WireRow)
    // A value that JS orders otherwise than SQLite would be a mistake of ours, but no reason to lose a row.
    return this.keys[index] === key ? index : this.keys.indexOf(key)
  }

  /** The first place whose row does not come before this one. */
  #lowerBound(row: WireRow): number {
    let low = 0
    let high = this.rows.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.compare(this.rows[middle] as WireRow, row) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
