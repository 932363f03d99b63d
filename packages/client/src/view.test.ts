import { encodeKey, type Operation, type SqlValue, type WriteId } from '@millrace/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Held, Workbench } from '../test/workbench.ts'
import { UNKNOWN } from './expression/cell.ts'
import { type Row, type SqlQuery, sql } from './query.ts'
import type { Entry } from './result.ts'
import { RowCache } from './row-cache.ts'
import type { Edit } from './types.ts'
import type { View } from './view.ts'

const RUNS = Number(process.env.MILLRACE_VIEW_RUNS ?? 60)
const seeded = process.env.MILLRACE_SEED === undefined ? {} : { seed: Number(process.env.MILLRACE_SEED) }

const schema = `
  CREATE TABLE item (
    id TEXT PRIMARY KEY NOT NULL, tag TEXT, rank INTEGER, title TEXT, done INTEGER NOT NULL DEFAULT 0, up TEXT, secret TEXT
  );
  CREATE TABLE tag (id TEXT PRIMARY KEY NOT NULL, label TEXT, weight INTEGER);`

const queries: readonly SqlQuery[] = [
  sql`SELECT id, title, rank FROM item ORDER BY rank, id`,
  sql`SELECT id, title FROM item WHERE done = 0 ORDER BY rank DESC, id`,
  sql`SELECT id, done FROM item WHERE tag = ${'s'} ORDER BY id`,
  // What it is sorted by does not show.
  sql`SELECT title FROM item ORDER BY rank, id`,
  sql`SELECT id, rank FROM item ORDER BY rank, id LIMIT 3`,
  sql`SELECT id, title FROM item WHERE done = 0 ORDER BY rank DESC, id LIMIT 5`,
  sql`SELECT id, done FROM item`,
  sql`SELECT item.id, item.title, tag.label FROM item JOIN tag ON tag.id = item.tag ORDER BY item.rank, item.id`,
  sql`SELECT item.id, tag.label, tag.weight FROM item LEFT JOIN tag ON tag.id = item.tag WHERE done = 0 ORDER BY tag.weight, item.id`,
  sql`SELECT item.id, tag.label FROM item JOIN tag ON tag.id = item.tag ORDER BY tag.weight DESC, item.id LIMIT 4`,
  // A row of one table is in several of the result, and in that of both sides.
  sql`SELECT tag.label, item.id, item.rank FROM tag JOIN item ON item.tag = tag.id AND item.rank > 2 ORDER BY tag.id, item.id`,
  sql`SELECT a.id, b.title AS above FROM item AS a JOIN item AS b ON b.id = a.up ORDER BY a.rank, a.id`,
  sql`SELECT a.id, b.id AS below FROM item AS a JOIN item AS b ON b.up = a.id AND b.rank >= a.rank ORDER BY a.id, b.id`,
  sql`SELECT item.id, tag.label FROM item JOIN tag ON tag.id = item.tag`,
  sql`SELECT tag, count(*) AS n, sum(rank) AS total FROM item GROUP BY tag`,
  sql`SELECT tag, count(*) AS n, max(rank) AS top FROM item WHERE done = 0 GROUP BY tag ORDER BY n DESC, tag`,
  sql`SELECT count(*) AS n, count(*) FILTER (WHERE done = 0) AS active, sum(rank) AS total FROM item`,
]

/** A bug: what a pending write made a row look up is not looked up again when it changes. */
const LOOKED_UP_ONCE = true

type Action =
  | { readonly type: 'add' | 'foreign'; readonly operations: readonly Operation[] }
  /** Which of those that are pending: a part of 1. */
  | { readonly type: 'settle' | 'withdraw'; readonly which: number }
  | { readonly type: 'again' | 'end'; readonly which: number }
  /** Of each row there may be, in one write. */
  | { readonly type: 'every'; readonly patch: Readonly<Record<string, SqlValue>> }

const itemId = (i: number) => `i${String(i).padStart(3, '0')}`
const id = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 9 }).map(itemId) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 140 }).map(itemId) },
)
const tagId = fc.constantFrom('s', 't', 'u')
const item = {
  tag: fc.oneof(tagId, fc.constant(null)),
  rank: fc.integer({ min: 0, max: 6 }),
  title: fc.constantFrom('x', 'y'),
  done: fc.constantFrom(0, 1),
  up: fc.oneof(id, fc.constant(null)),
  secret: fc.constantFrom('x', 'y'),
}
const tag = { label: fc.constantFrom('L', 'M'), weight: fc.integer({ min: 0, max: 3 }) }
const insert =
  (table: string) =>
  (row: Record<string, SqlValue>): Operation => ({ type: 'insert', table, row })
const update =
  (table: string) =>
  ([key, patch]: [string, Record<string, SqlValue>]): Operation => ({
    type: 'update',
    table,
    key: [key],
    patch,
  })
const remove =
  (table: string) =>
  (key: string): Operation => ({ type: 'delete', table, key: [key] })
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ id, ...item }, { requiredKeys: ['id'] }).map(insert('item')) },
  { weight: 8, arbitrary: fc.tuple(id, fc.record(item, { requiredKeys: [] })).map(update('item')) },
  { weight: 2, arbitrary: id.map(remove('item')) },
  { weight: 1, arbitrary: fc.record({ id: tagId, ...tag }).map(insert('tag')) },
  { weight: 2, arbitrary: fc.tuple(tagId, fc.record(tag, { requiredKeys: [] })).map(update('tag')) },
  { weight: 1, arbitrary: tagId.map(remove('tag')) },
)
/** More at once than the lists are changed row by row for. */
const bulk: readonly Operation[] = [
  'UPDATE item SET rank = rank + 1 WHERE done = 0',
  'UPDATE item SET done = 1 - done',
  "UPDATE item SET title = 'z' || title, tag = 't'",
  "DELETE FROM item WHERE id > 'i020'",
].map((text) => ({ type: 'exec', sql: text, parameters: [] }))
const part = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
const operations = fc.array(operation, { minLength: 1, maxLength: 4 })
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 8, arbitrary: operations.map((some): Action => ({ type: 'add', operations: some })) },
  // Each a write of its own, so that one that is refused does not take the others with it.
  { weight: 8, arbitrary: operation.map((one): Action => ({ type: 'foreign', operations: [one] })) },
  { weight: 5, arbitrary: part.map((which): Action => ({ type: 'settle', which })) },
  { weight: 3, arbitrary: part.map((which): Action => ({ type: 'withdraw', which })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...bulk).map((one): Action => ({ type: 'foreign', operations: [one] })),
  },
  {
    weight: 1,
    arbitrary: fc.record(item, { requiredKeys: [] }).map((patch): Action => ({ type: 'every', patch })),
  },
  { weight: 1, arbitrary: part.map((which): Action => ({ type: 'again', which })) },
  { weight: 1, arbitrary: part.map((which): Action => ({ type: 'end', which })) },
)

async function workbench(size: number): Promise<Workbench> {
  const bench = await Workbench.open(schema)
  bench.engine.write([
    ...['s', 't'].map((one, i) => insert('tag')({ id: one, label: 'L', weight: i })),
    ...Array.from({ length: size }, (_, i) =>
      insert('item')({
        id: itemId(i),
        ...{ tag: 'stu '.charAt(i % 4), rank: i % 7, title: 'x', done: i % 2 },
        ...{ up: i % 3 === 0 ? null : itemId(i - 1), secret: 'x' },
      }),
    ),
  ])
  return bench
}

function act(bench: Workbench, move: Action): void {
  const choose = <T>(among: Iterable<T>, which: number): T | undefined => {
    const all = [...among]
    return all[Math.floor(which * all.length)]
  }
  switch (move.type) {
    case 'add':
      bench.add(move.operations)
      break
    case 'every':
      bench.add(Array.from({ length: 130 }, (_, i) => update('item')([itemId(i), move.patch])))
      break
    case 'foreign':
      bench.foreign(move.operations)
      break
    case 'settle':
    case 'withdraw': {
      const write = choose(bench.operations.keys(), move.which)
      if (write !== undefined) bench[move.type](write as WriteId)
      break
    }
    case 'again':
    case 'end': {
      const held = choose(bench.held.values(), move.which) as Held
      bench[move.type](held)
      if (move.type === 'end') bench.refresh(bench.subscribe(held.query))
    }
  }
}

function applyEdits(rows: readonly Row[], edits: readonly Edit[]): Row[] {
  const result = [...rows]
  for (const edit of edits) {
    if (edit.type === 'insert') result.splice(edit.index, 0, edit.row)
    else if (edit.type === 'remove') result.splice(edit.index, 1)
    else {
      expect(result[edit.index], 'an update of a row that is not there').toBeDefined()
      result[edit.index] = edit.row
    }
  }
  return result
}

/** Quick, as there are many: `expect` then says how they differ. */
const looksSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other)
const isSameArray = (one: readonly unknown[], other: readonly unknown[]) =>
  one.length === other.length && one.every((value, i) => value === other[i])

interface Before {
  readonly rows: readonly Row[]
  readonly entries: readonly Entry[]
  readonly view: View | null
  readonly pending: number
  readonly commits: number
}

function showing(bench: Workbench, { store }: Held): Before {
  const { view, snapshot } = store
  return {
    rows: snapshot.data,
    entries: view?.shown.toArray() ?? [],
    view,
    pending: bench.operations.size,
    commits: bench.commits,
  }
}

/** What shows after what showed: by the edits, row by row the same where it looks the same, and as a view made afresh. */
function check(
  bench: Workbench,
  held: Held,
  { rows: before, entries, view, pending, commits }: Before,
  cache: RowCache,
): void {
  const { store, query } = held
  const isReplaced = view !== store.view && pending + bench.operations.size > 0
  // Between two commits that show as one a row may have been another.
  const mayHaveBeen = bench.commits - commits > 1
  const old = store.snapshot
  const change = bench.refresh(held)
  const { data } = store.snapshot
  if (change === null) expect(store.snapshot, query.sql).toBe(old)
  else {
    expect(change.snapshot).toBe(store.snapshot)
    if (change.edits !== null)
      expect(isSameArray(applyEdits(before, change.edits), data), `the edits of ${query.sql}`).toBe(true)
    else expect(Math.max(data.length, before.length)).toBeGreaterThan(100)
    // What moves may end where it was: see the tests that fail below.
    const moved = change.edits?.filter(({ type }) => type === 'remove').length ?? 0
    if (change.edits?.length !== 0 && moved === 0)
      expect(isSameArray(data, before), `told of no change: ${query.sql}`).toBe(false)
    if (change.edits?.length === 0) expect(data, query.sql).toBe(before)
  }
  const shown = store.view?.shown.toArray() ?? []
  expect(
    isSameArray(
      shown.map(({ row }) => row),
      data,
    ),
  ).toBe(true)
  const was = new Map(entries.map(({ key, row }) => [key, row]))
  for (const { key, row } of shown) {
    const known = was.get(key)
    if (known === undefined || known === row) continue
    // What is predicted is made anew by a view that takes the place of another: see the test that fails below.
    if (isReplaced || mayHaveBeen) continue
    if (looksSame(row, known)) expect.fail(`another object for the same row: ${query.sql}`)
    if (change?.edits === null)
      expect(change.renewed({ has: (one) => one === known })).toEqual([[known, row]])
  }
  const fresh = bench.afresh(held, cache)
  // Another row of a join is known otherwise now, or not: see the test that fails below.
  if (LOOKED_UP_ONCE && bench.isOvertaken && query.sql.includes('JOIN')) return
  const rows = fresh?.shown.rows() ?? []
  if (!looksSame(data, rows)) expect(data, `made afresh: ${query.sql}`).toEqual(rows)
  expect(store.view?.isUnsure, `unsure: ${query.sql}`).toBe(fresh?.isUnsure)
}

/** The rows of the views' bases and no others, and of their columns those that a view carries, as they are stored. */
function checkCache({ cache, engine, tables }: Workbench, fresh: RowCache): void {
  expect(cache.size).toBe(fresh.size)
  for (const { name, columns } of tables.values()) {
    const rows = new Map(
      engine
        .query(`SELECT * FROM ${name}`)
        .rows.map((row) => [encodeKey([row[0] as SqlValue], ['BINARY']), row]),
    )
    const keys = new Set([
      ...rows.keys(),
      ...Array.from({ length: 140 }, (_, i) => encodeKey([itemId(i)], ['BINARY'])),
    ])
    for (const key of keys) {
      const image = cache.image(name, key)
      const other = fresh.image(name, key)
      if (image === undefined && other === undefined) continue
      if (image === undefined || other === undefined) expect.fail(`held or not: ${name} ${key}`)
      columns.forEach((column, i) => {
        const value = image(i)
        const isStored = value === UNKNOWN || value === rows.get(key)?.[i]
        if (!isStored || value !== other(i) || (column.name === 'secret' && value !== UNKNOWN))
          expect.fail(`${column.name} of ${name} ${key} is held as ${String(value)}`)
      })
    }
  }
}

async function play(size: number, history: readonly (readonly Action[])[]): Promise<void> {
  const bench = await workbench(size)
  try {
    for (const query of queries) bench.refresh(bench.subscribe(query))
    for (const actions of history) {
      const before = new Map([...bench.held.values()].map((held) => [held, showing(bench, held)]))
      for (const one of actions) act(bench, one)
      const cache = new RowCache(() => {})
      for (const held of bench.held.values()) {
        const was = before.get(held)
        // Subscribed since: it begins with what it shows.
        if (was === undefined) bench.refresh(held)
        check(bench, held, was ?? showing(bench, held), cache)
      }
      checkCache(bench, cache)
    }
    for (const write of [...bench.operations.keys()]) bench.withdraw(write)
    for (const held of bench.held.values()) {
      bench.refresh(held)
      expect(held.store.snapshot.data, held.query.sql).toEqual(
        held.base.slice(0, held.store.snapshot.data.length).map(({ row }) => row),
      )
      expect(held.store.snapshot.settling, held.query.sql).toBe(false)
    }
    for (const held of [...bench.held.values()]) bench.end(held)
    expect(bench.cache.size).toBe(0)
  } finally {
    bench.close()
  }
}

test('law: what changes bit by bit is what a view made afresh shows, and the edits lead there', async () => {
  const history = fc.array(fc.array(action, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 14 })
  await fc.assert(fc.asyncProperty(fc.constantFrom(0, 8, 20, 130), history, play), {
    numRuns: RUNS,
    ...seeded,
  })
}, 120_000)
