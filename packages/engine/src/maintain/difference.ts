import type { RowKey, WireRow } from '@millrace/protocol'
import { identicalRows } from '@millrace/protocol'

/** A result in its order, each row with its key; keys are different from each other. */
export interface Result {
  readonly keys: readonly RowKey[]
  readonly rows: readonly WireRow[]
}

/**
 * How one result becomes another: first all rows go whose key is in `remove` or `put`, then each row of `put` is put at
 * its place, ascending. Taken out one by one as they are put, two rows that move past others would land beside their place.
 */
export interface Delta {
  readonly remove: readonly RowKey[]
  /** New, changed, or moved. */
  readonly put: readonly {
    readonly at: number
    readonly key: RowKey
    readonly row: WireRow
    /** The row that it replaces, where that is known. */
    readonly was?: WireRow | undefined
  }[]
}

/**
 * The smallest delta from `before` to `after`, or null when they are the same. Rows that stay and keep their order are
 * not spoken of; of rows that changed their order as few as possible are (all but a longest increasing subsequence).
 */
export function difference(before: Result, after: Result): Delta | null {
  // Most changes touch a few rows: what is the same at both ends is passed over first.
  const shorter = Math.min(before.keys.length, after.keys.length)
  let start = 0
  while (start < shorter && sameAt(before, start, after, start)) start++
  let end = 0
  while (
    end < shorter - start &&
    sameAt(before, before.keys.length - 1 - end, after, after.keys.length - 1 - end)
  ) {
    end++
  }
  const beforeEnd = before.keys.length - end
  const afterEnd = after.keys.length - end
  if (start === beforeEnd && start === afterEnd) return null

  const oldIndex = new Map<RowKey, number>()
  for (let i = start; i < beforeEnd; i++) oldIndex.set(before.keys[i] as RowKey, i)
  /** Old positions of the rows that stay unchanged, in new order, and where they are now. */
  const stayed: number[] = []
  const stayedAt: number[] = []
  const put: { at: number; key: RowKey; row: WireRow }[] = []
  for (let at = start; at < afterEnd; at++) {
    const key = after.keys[at] as RowKey
    const row = after.rows[at] as WireRow
    const old = oldIndex.get(key)
    if (old !== undefined) oldIndex.delete(key)
    if (old !== undefined && identicalRows(before.rows[old] as WireRow, row)) {
      stayed.push(old)
      stayedAt.push(at)
    } else {
      put.push({ at, key, row })
    }
  }
  const moved = notInLongestIncreasing(stayed)
  for (const i of moved) {
    const at = stayedAt[i] as number
    put.push({ at, key: after.keys[at] as RowKey, row: after.rows[at] as WireRow })
  }
  if (moved.length > 0) put.sort((a, b) => a.at - b.at)
  return { remove: [...oldIndex.keys()], put }
}

function sameAt(before: Result, i: number, after: Result, j: number): boolean {
  return (
    before.keys[i] === after.keys[j] && identicalRows(before.rows[i] as WireRow, after.rows[j] as WireRow)
  )
}

/**
 * Positions in `values` that are outside one longest increasing subsequence, ascending. Patience sorting,
 * O(n log n) (Fredman 1975).
 */
function notInLongestIncreasing(values: readonly number[]): number[] {
  if (values.every((value, i) => i === 0 || (values[i - 1] as number) < value)) return []
  /** `tops[k]`: the position of the smallest value that ends an increasing run of length k + 1. */
  const tops: number[] = []
  const previous: number[] = []
  values.forEach((value, i) => {
    let low = 0
    let high = tops.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((values[tops[middle] as number] as number) < value) low = middle + 1
      else high = middle
    }
    previous[i] = low > 0 ? (tops[low - 1] as number) : -1
    tops[low] = i
  })
  const inside = new Set<number>()
  for (let i = tops.at(-1) ?? -1; i !== -1; i = previous[i] as number) inside.add(i)
  return values.map((_, i) => i).filter((i) => !inside.has(i))
}
