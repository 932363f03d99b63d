import type { Extent, Reads, Todo, View, Write } from './contender.ts'

/** One kind of write, in one set of views. */
export interface Case {
  readonly name: 'update' | 'insert' | 'move' | 'group update' | 'group insert' | '1,000 pending inserts'
  /** The n-th write. */
  readonly write: (n: number) => Write
  /** What takes the n-th write back. Not measured. */
  readonly undo?: (n: number) => Write
  /** As many writes bring everything back by themselves. */
  readonly period?: number
  /** So many writes without waiting for any are one sample. Else each is, with all its consequences over before the next. */
  readonly pending?: number
}

/** Views on the same rows, and the cases that are measured while they are open. */
export interface Family {
  readonly name: string
  /** In the database. */
  readonly rows: number
  readonly views: readonly View[]
  readonly reads: Reads
  readonly cases: readonly Case[]
}

const LISTS = 1_000
const WINDOW = 50
const OWNERS = 10
const PENDING = 1_000

const padded = (i: number) => String(i).padStart(8, '0')
const idOf = (i: number) => `todo-${padded(i)}`
const listOf = (i: number) => `list-${String(i % LISTS).padStart(4, '0')}`
/** With room for nine between two rows. */
const positionOf = (i: number, between = 0) => padded(i * 10 + between)

/** All rows: in order, dealt out to 1,000 lists and 10 owners. */
export function todos(rows: number): Todo[] {
  return Array.from({ length: rows }, (_, i) => todo(idOf(i), i, positionOf(i)))
}

function todo(id: string, i: number, position: string): Todo {
  const title = `Todo number ${i}`
  return { id, list: listOf(i), title, done: i % 2, owner: i % OWNERS, points: i % 7, position }
}

export const windowName = `window of ${WINDOW}`
export const wholeName = { edits: 'whole view, edits', array: 'whole view, array' }
export const groupsName = `${OWNERS} groups`
export const listsName = (views: number) =>
  views === 1 ? '1 view' : `${views.toLocaleString('en')} views, 1 touched`

export function familiesOf({ quick }: Extent): Family[] {
  const families: Family[] = []
  for (const rows of quick ? [1_000, 100_000] : [1_000, 10_000, 100_000]) {
    const first = writes(WINDOW - 10, 1)
    const isLargest = rows === 100_000
    const views: View[] = [{ type: 'window', limit: WINDOW }]
    families.push({
      name: windowName,
      rows,
      views,
      reads: 'array',
      cases: isLargest ? [...first, pendingAtTheTop] : first,
    })
    for (const reads of ['edits', 'array'] as const) {
      // Each contender needs seconds to open this one.
      if (quick && isLargest && reads === 'array') continue
      const cases = writes(rows, 1)
      if (rows === 1_000 && reads === 'edits') cases.push(pendingThrough(rows))
      families.push({ name: wholeName[reads], rows, views: [{ type: 'whole' }], reads, cases })
    }
    if (isLargest) {
      const shown = idOf(0)
      families.push({
        name: groupsName,
        rows,
        views: [{ type: 'groups', shown }],
        reads: 'array',
        cases: groupWrites(shown),
      })
    }
  }
  for (const number of quick ? [1, 1_000] : [1, 100, 1_000]) {
    const views = Array.from({ length: number }, (_, i): View => ({ type: 'list', list: listOf(i) }))
    const rows = 10_000
    families.push({
      name: listsName(number),
      rows,
      views,
      reads: 'array',
      cases: writes(rows / LISTS, LISTS),
    })
  }
  return families
}

/** Writes to `count` rows, one of `step`, all over them. */
function writes(count: number, step: number): Case[] {
  const stride = count > 7 ? 7 : 1
  const at = (n: number) => ((n * stride) % count) * step
  return [
    {
      name: 'update',
      write: (n) => ({ type: 'update', id: idOf(at(n)), patch: { title: `changed ${n}` } }),
    },
    {
      name: 'insert',
      write: (n) => ({ type: 'insert', row: todo(`new-${n}`, at(n), positionOf(at(n), 5)) }),
      undo: (n) => ({ type: 'delete', id: `new-${n}` }),
    },
    {
      name: 'move',
      // Half of all rows away, and back.
      write(n) {
        const from = at(n >> 1)
        const to = (from + (count >> 1) * step) % (count * step)
        const position = n % 2 === 0 ? positionOf(to, 3) : positionOf(from)
        return { type: 'update', id: idOf(from), patch: { position } }
      },
      period: 2,
    },
  ]
}

function groupWrites(shown: string): Case[] {
  return [
    {
      name: 'group update',
      write: (n) => ({ type: 'update', id: shown, patch: { owner: (n + 1) % 2 } }),
      period: 2,
    },
    {
      name: 'group insert',
      write: (n) => ({ type: 'insert', row: todo(`new-${n}`, n, positionOf(n, 5)) }),
      undo: (n) => ({ type: 'delete', id: `new-${n}` }),
    },
  ]
}

/** Each goes in before those before it, so that each shows. */
const pendingAtTheTop: Case = {
  name: '1,000 pending inserts',
  write: (n) => ({
    type: 'insert',
    row: todo(`new-${n}`, n, `${positionOf(0)}-${padded(PENDING - (n % PENDING))}`),
  }),
  undo: (n) => ({ type: 'delete', id: `new-${n}` }),
  pending: PENDING,
}

const pendingThrough = (rows: number): Case => ({
  name: '1,000 pending inserts',
  write: (n) => ({ type: 'insert', row: todo(`new-${n}`, n, positionOf((n * 7) % rows, 5)) }),
  undo: (n) => ({ type: 'delete', id: `new-${n}` }),
  pending: PENDING,
})
