import type { LiveChange } from '@millrace/engine'
import type { SqlValue } from '@millrace/protocol'

export type Row = readonly SqlValue[]

/** A live result as a subscriber in the same process keeps it: rows, then one delta after the other. */
export class Replay {
  columns: readonly string[] = []
  entries: { readonly key: string; readonly row: Row }[] = []
  error: Error | null = null
  /** What is wrong with the last delta: it says more than it must. Empty: nothing. */
  excess = ''
  heard = 0

  readonly listen = (change: LiveChange): void => {
    this.heard++
    switch (change.type) {
      case 'rows':
        this.error = null
        this.columns = change.columns
        this.entries = change.rows.map((row, i) => ({ key: change.keys[i] as string, row }))
        break
      case 'delta': {
        this.excess = excessOf(this.entries, change)
        const gone = new Set([...change.remove, ...change.put.map(({ key }) => key)])
        this.entries = this.entries.filter(({ key }) => !gone.has(key))
        for (const { at, key, row } of change.put) this.entries.splice(at, 0, { key, row })
        break
      }
      case 'error':
        this.error = change.error
        break
    }
  }

  get rows(): Row[] {
    return this.entries.map(({ row }) => row)
  }
}

/** Whether a delta speaks of rows that it could be silent about. */
function excessOf(
  before: readonly { readonly key: string; readonly row: Row }[],
  delta: Extract<LiveChange, { type: 'delta' }>,
): string {
  const old = new Map(before.map(({ key, row }, at) => [key, { row, at }]))
  for (const key of delta.remove) if (!old.has(key)) return `removes ${key}, which is not there`
  const removed = new Set(delta.remove)
  const spokenOf = new Map(delta.put.map((put) => [put.key, put]))
  if (spokenOf.size !== delta.put.length) return 'puts a key twice'
  if (delta.put.length + delta.remove.length === 0) return 'is empty'
  if (delta.put.some(({ key }) => removed.has(key))) return 'removes what it puts'
  const unchanged = delta.put.filter(({ key, row }) => {
    const was = old.get(key)
    return was !== undefined && show([was.row]) === show([row])
  })
  if (unchanged.length === 0) return ''
  // Of the rows that stay as they are, in their new order, all but a longest increasing run must be moved.
  const after = before.filter(({ key }) => !removed.has(key) && !spokenOf.has(key)).map(({ key }) => key)
  for (const put of delta.put) after.splice(put.at, 0, put.key)
  const changed = new Set(delta.put.filter((put) => !unchanged.includes(put)).map(({ key }) => key))
  const stay = after.filter((key) => old.has(key) && !changed.has(key)).map((key) => old.get(key)?.at ?? -1)
  const needed = stay.length - longestIncreasing(stay)
  return unchanged.length > needed ? `moves ${unchanged.length} rows where ${needed} would do` : ''
}

function longestIncreasing(values: readonly number[]): number {
  const best: number[] = []
  values.forEach((value, i) => {
    best[i] =
      1 + Math.max(0, ...values.slice(0, i).map((earlier, j) => (earlier < value ? (best[j] ?? 0) : 0)))
  })
  return Math.max(0, ...best)
}

/** Rows as text, one a line, that tells all values apart that JS can. */
export function show(rows: readonly Row[]): string {
  return rows.map((row) => row.map(showValue).join(' | ')).join('\n')
}

export function showSorted(rows: readonly Row[]): string {
  return rows
    .map((row) => show([row]))
    .sort()
    .join('\n')
}

/** As sorted rows, without what SQL leaves open. */
export function showLoosely(
  rows: readonly Row[],
  open: { readonly spelling?: boolean; readonly unordered?: boolean },
): string {
  const value = (value: SqlValue): SqlValue => {
    if (typeof value !== 'string') return value
    const listed = open.unordered && value.startsWith('[') ? sortedList(value) : value
    if (!open.spelling) return listed
    return listed
      .toLowerCase()
      .trimEnd()
      .replaceAll(/(\d)\.0\b/g, '$1')
  }
  return showSorted(rows.map((row) => row.map(value)))
}

/** A JSON array with its members in order of their text, at every depth. */
function sortedList(text: string): string {
  const sorted = (value: unknown): unknown => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, sorted(inner)]))
    if (!Array.isArray(value)) return value
    return value.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  }
  try {
    return JSON.stringify(sorted(JSON.parse(text)))
  } catch {
    return text
  }
}

function showValue(value: SqlValue): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString('hex')}'`
  return Object.is(value, -0) ? '-0' : String(value)
}
