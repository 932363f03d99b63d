import {
  encodeKey,
  identical,
  type RowKey,
  type Shape,
  type SqlValue,
  type WireRow,
} from '@millrace/protocol'
import type { Row } from './query.ts'
import type { Edit } from './types.ts'

/** One row of a result: its key, its wire values, and the object that users hold. Immutable. */
export interface Entry {
  readonly key: RowKey
  readonly values: WireRow
  /** The same object as long as no visible column changes. */
  readonly row: Row
}

/** Makes entries of wire rows. One for each shape. */
export class Decoder {
  readonly shape: Shape
  readonly #collations
  /** A row with all its columns: a copy that is filled is faster than one that grows. */
  readonly #blank: Row

  constructor(shape: Shape) {
    this.shape = shape
    this.#collations = shape.key.map(({ collation }) => collation)
    this.#blank = Object.fromEntries(shape.columns.map((name) => [name, null]))
  }

  keyOf(values: WireRow): RowKey {
    return encodeKey(
      this.shape.key.map(({ column }) => values[column] as SqlValue),
      this.#collations,
    )
  }

  /** The entry of these values; the first of `lenders` whose visible columns are the same lends its row object. */
  entry(
    values: WireRow,
    lenders: readonly (Entry | null | undefined)[] = [],
    key = this.keyOf(values),
  ): Entry {
    for (const known of lenders)
      if (known != null && this.#looksSame(known.values, values)) return { key, values, row: known.row }
    const row: Record<string, SqlValue> = { ...this.#blank }
    const { columns } = this.shape
    for (let i = 0; i < columns.length; i++) row[columns[i] as string] = values[i] as SqlValue
    return { key, values, row }
  }

  #looksSame(a: WireRow, b: WireRow): boolean {
    for (let i = 0; i < this.shape.columns.length; i++) {
      if (!identical(a[i] as SqlValue, b[i] as SqlValue)) return false
    }
    return true
  }
}

/** `put` at the positions `at` of the outcome, which ascend; `kept` in its order around them. */
export function merge(kept: readonly Entry[], put: readonly Entry[], at: readonly number[]): Entry[] {
  const merged: Entry[] = []
  let next = 0
  put.forEach((entry, i) => {
    while (merged.length < (at[i] as number) && next < kept.length) merged.push(kept[next++] as Entry)
    merged.push(entry)
  })
  while (next < kept.length) merged.push(kept[next++] as Entry)
  return merged
}

/** Beyond this many rows between the first and the last change, a destination takes the whole result over instead. */
const MAX_EDITED = 500

/** What two lists do not have in common: all between the rows that are the same at the start and at the end. */
function middles(before: readonly Entry[], after: readonly Entry[]) {
  const shorter = Math.min(before.length, after.length)
  let start = 0
  while (start < shorter && same(before[start] as Entry, after[start] as Entry)) start++
  let end = 0
  while (
    end < shorter - start &&
    same(before[before.length - 1 - end] as Entry, after[after.length - 1 - end] as Entry)
  )
    end++
  return {
    start,
    oldMiddle: before.slice(start, before.length - end),
    newMiddle: after.slice(start, after.length - end),
  }
}

/** The steps from one list of entries to another: empty when they look the same, null when there are too many. */
export function editsBetween(before: readonly Entry[], after: readonly Entry[]): Edit[] | null {
  const { start, oldMiddle, newMiddle } = middles(before, after)
  if (oldMiddle.length > MAX_EDITED || newMiddle.length > MAX_EDITED) return null

  const oldIndex = new Map(oldMiddle.map(({ key }, i) => [key, i]))
  const staying = rowsThatStay(oldMiddle, newMiddle, oldIndex)
  const edits: Edit[] = []
  newMiddle.forEach(({ key, row }) => {
    const index = oldIndex.get(key)
    if (index !== undefined && (oldMiddle[index] as Entry).row !== row) {
      edits.push({ type: 'update', index: start + index, row })
    }
  })
  for (let i = oldMiddle.length - 1; i >= 0; i--) {
    if (!staying.has(i)) edits.push({ type: 'remove', index: start + i })
  }
  newMiddle.forEach(({ key, row }, i) => {
    if (!staying.has(oldIndex.get(key) ?? -1)) edits.push({ type: 'insert', index: start + i, row })
  })
  return edits
}

/**
 * The old places of the rows that need not move: those that are the same entries, which no change made move, and as many of
 * the others as can stay between them.
 */
function rowsThatStay(
  before: readonly Entry[],
  after: readonly Entry[],
  oldIndex: ReadonlyMap<RowKey, number>,
): ReadonlySet<number> {
  const places = after.map(({ key }) => oldIndex.get(key) ?? -1)
  const isSame = (i: number) => places[i] !== -1 && before[places[i] as number] === after[i]
  const staying = new Set<number>()
  let last = -1
  let between: number[] = []
  const stayBetween = (end: number) => {
    for (const place of longestAscending(between.filter((one) => one > last && one < end))) staying.add(place)
    between = []
  }
  for (const [i, place] of places.entries()) {
    if (!isSame(i)) {
      between.push(place)
      continue
    }
    // Where they come in an order that only SQLite knows.
    if (place < last) return longestAscending(places)
    stayBetween(place)
    staying.add(place)
    last = place
  }
  stayBetween(Number.POSITIVE_INFINITY)
  return staying
}

/** The most of the numbers that ascend as they stand, without the negative ones: rows that need not move. */
function longestAscending(numbers: readonly number[]): ReadonlySet<number> {
  // By length, where the chain of that length with the lowest end has its end; and what came before each end.
  const ends: number[] = []
  const previous = new Map<number, number | undefined>()
  for (const number of numbers) {
    if (number < 0) continue
    let low = 0
    let high = ends.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((ends[middle] as number) < number) low = middle + 1
      else high = middle
    }
    previous.set(number, ends[low - 1])
    ends[low] = number
  }
  const chain = new Set<number>()
  for (let number = ends.at(-1); number !== undefined; number = previous.get(number)) chain.add(number)
  return chain
}

/** Of the rows `among`, those that are in both with the same key and other values: before and after. */
export function renewedRows(
  before: readonly Entry[],
  after: readonly Entry[],
  among: { has(row: Row): boolean },
): (readonly [Row, Row])[] {
  const { oldMiddle, newMiddle } = middles(before, after)
  const old = new Map<RowKey, Row>()
  for (const { key, row } of oldMiddle) if (among.has(row)) old.set(key, row)
  const renewed: (readonly [Row, Row])[] = []
  if (old.size === 0) return renewed
  for (const { key, row } of newMiddle) {
    const was = old.get(key)
    if (was !== undefined && was !== row) renewed.push([was, row])
  }
  return renewed
}

function same(a: Entry, b: Entry): boolean {
  return a === b || (a.row === b.row && a.key === b.key)
}
