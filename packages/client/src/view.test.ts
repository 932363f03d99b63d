import { encodeKey, type Operation, type SqlValue, type WriteId } from '@millrace/protocol'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { type Held, Workbench } from '../test/workbench.ts'
import { UNKNOWN } from './expression/cell.ts'
import { type Row, type SqlQuery, sql } from './query.ts'
import type { Entry } from './result.ts'
import { RowCache } from './row-cache.ts'
import type { Edit } from './types.ts'

const RUNS = Number(process.env.MILLRACE_VIEW_RUNS ?? 12)

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
  readonly commits: number
}

function showing(bench: Workbench, { store }: Held): Before {
  const { view, snapshot } = store
  return {
    rows: snapshot.data,
    entries: view?.shown.toArray() ?? [],
    commits: bench.commits,
  }
}

/** What shows after what showed: by the edits, row by row the same where it looks the same, and as a view made afresh. */
function check(
  bench: Workbench,
  held: Held,
  { rows: before, entries, commits }: Before,
  cache: RowCache,
): void {
  const { store, query } = held
  const old = store.snapshot
  const change = bench.refresh(held)
  const { data } = store.snapshot
  if (change === null) expect(store.snapshot, query.sql).toBe(old)
  else {
    expect(change.snapshot).toBe(store.snapshot)
    if (change.edits !== null)
      expect(isSameArray(applyEdits(before, change.edits), data), `the edits of ${query.sql}`).toBe(true)
    else expect(Math.max(data.length, before.length)).toBeGreaterThan(100)
    if (change.edits?.length !== 0)
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
    // Between two commits that show as one a row may have been another.
    if (bench.commits - commits > 1) continue
    if (looksSame(row, known)) expect.fail(`another object for the same row: ${query.sql}`)
    if (change?.edits === null)
      expect(change.renewed({ has: (one) => one === known })).toEqual([[known, row]])
  }
  const fresh = bench.afresh(held, cache)
  const rows = fresh?.shown.rows() ?? []
  const isJoin = query.sql.includes('JOIN')
  // What a join cannot tell it may still show in part, of what it knew before.
  if (!isJoin) expect(store.view?.isUnsure, `unsure: ${query.sql}`).toBe(fresh?.isUnsure)
  if (isJoin && (store.view?.isUnsure || fresh?.isUnsure)) return
  if (!looksSame(data, rows)) expect(data, `made afresh: ${query.sql}`).toEqual(rows)
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

test(
  'law: what changes bit by bit is what a view made afresh shows, and the edits lead there',
  async () => {
    const history = fc.array(fc.array(action, { minLength: 1, maxLength: 3 }), {
      minLength: 1,
      maxLength: 14,
    })
    await fc.assert(fc.asyncProperty(fc.constantFrom(0, 8, 20, 130), history, play), {
      numRuns: RUNS,
    })
  },
  Math.max(120_000, RUNS * 5_000),
)

test('a pending row that comes to lie behind the last one held does not stand for what is there', async () => {
  const [bench, held] = await benchWith(20, sql`SELECT id FROM item ORDER BY id LIMIT 3`)
  // Held are the three and eight more: i000 to i010.
  for (let i = 0; i < 9; i++) bench.add([remove('item')(itemId(i))])
  bench.add([insert('item')({ id: 'i0095' })])
  bench.refresh(held)
  const ids = () => held.store.snapshot.data.map((row) => row.id)
  expect(ids()).toEqual(['i009', 'i0095', 'i010'])
  bench.foreign(['a', 'b'].map((one) => insert('item')({ id: one })))
  bench.refresh(held)
  // Now the last of them is i008, and i009 would go before the new one.
  expect(ids()).toEqual(['a', 'b'])
  expect(held.store.snapshot.settling).toBe(true)
})

// ——— What the law found, case by case.

test.each<[string, number, Action[][]]>([
  [
    'rows of a join that come from others, and look the same, are told to nobody',
    130,
    [[{ type: 'every', patch: { tag: 's' } }], [{ type: 'every', patch: { tag: 't' } }]],
  ],
  [
    'a row that is written to after many changed, in one flush, keeps its object',
    130,
    [
      [
        { type: 'foreign', operations: bulk.slice(2, 3) },
        { type: 'add', operations: [update('item')([itemId(0), { title: 'x' }])] },
      ],
      [{ type: 'again', which: 0 }],
    ],
  ],
  [
    'a row that comes with a result that comes again, and then as it was predicted, keeps its object',
    130,
    [
      [
        { type: 'add', operations: [update('item')([itemId(0), { title: 'y' }])] },
        { type: 'every', patch: { secret: 'x' } },
        { type: 'end', which: 0 },
      ],
      [
        { type: 'again', which: 0 },
        { type: 'settle', which: 0 },
      ],
      [{ type: 'settle', which: 0 }],
      [{ type: 'add', operations: [insert('item')({ id: itemId(0) })] }],
    ],
  ],
])('%s', (_, size, history) => play(size, history))

async function benchWith(rows: number, query: SqlQuery): Promise<[Workbench, Held]> {
  const bench = await workbench(rows)
  onTestFinished(() => bench.close())
  const held = bench.subscribe(query)
  bench.refresh(held)
  return [bench, held]
}

// A row that a pending write makes look up another is joined with what that was then: `touch` comes for rows with
// pending writes alone, and `apply` marks what is predicted in windows alone.
test('what a pending row looks up is looked up again when somebody else changes it', async () => {
  const [bench, held] = await benchWith(
    3,
    sql`SELECT item.id, tag.label FROM item JOIN tag ON tag.id = item.tag ORDER BY item.id`,
  )
  bench.add([update('item')(['i001', { tag: 's' }])])
  bench.refresh(held)
  expect(held.store.snapshot.data[1]).toEqual({ id: 'i001', label: 'L' })
  bench.foreign([update('tag')(['s', { label: 'M' }])])
  bench.refresh(held)
  // The first shows M.
  expect(held.store.snapshot.data.map(({ label }) => label)).toEqual(['M', 'M'])
})

// What is told as the engine says it, which is nothing of a row that is new, was not told again when that row came.
test('a new row is joined when the row that it looks up is there again', async () => {
  const [bench, held] = await benchWith(
    3,
    sql`SELECT item.id, tag.label FROM item JOIN tag ON tag.id = item.tag ORDER BY item.id`,
  )
  const before = held.store.snapshot.data
  const gone = bench.add([remove('tag')('s')])
  bench.add([insert('item')({ id: 'new', tag: 's' })])
  bench.refresh(held)
  expect(held.store.snapshot.data.some(({ id }) => id === 'new')).toBe(false)
  bench.withdraw(gone)
  bench.refresh(held)
  expect(held.store.snapshot.data).toEqual([...before, { id: 'new', label: 'L' }])
})

// `#mayEnter` takes it that a row that is looked up lets no other in, whatever of it changes.
test('rows that enter by a pending change of what they look up are told, or waited for', async () => {
  const [bench, held] = await benchWith(
    4,
    sql`SELECT item.id FROM item JOIN tag ON tag.id = item.tag WHERE tag.weight > 0 ORDER BY item.id`,
  )
  expect(held.store.snapshot.data).toEqual([{ id: 'i001' }])
  // In use, so that all is known of the tag and of the rows that have it.
  bench.refresh(bench.subscribe(sql`SELECT * FROM tag ORDER BY id`))
  bench.refresh(bench.subscribe(sql`SELECT * FROM item ORDER BY id`))
  bench.add([update('tag')(['s', { weight: 5 }])])
  bench.refresh(held)
  const { data, settling } = held.store.snapshot
  expect(settling || data.length === 2).toBe(true)
})

// `flush` finds a pending row behind the last one that is held and shows nothing of it; it is then not among what is
// predicted, which is all that `apply` marks when the last row is another.
test('a pending row behind a window that comes to hold all rows is shown', async () => {
  const [bench, held] = await benchWith(20, sql`SELECT id FROM item WHERE done = 0 ORDER BY id LIMIT 5`)
  bench.engine.write([
    {
      type: 'exec',
      sql: "INSERT INTO item (id) SELECT 'j' || value FROM json_each('[1,2,3,4,5,6]')",
      parameters: [],
    },
  ])
  bench.refresh(held)
  bench.add([insert('item')({ id: 'z' })])
  bench.refresh(held)
  bench.foreign([{ type: 'exec', sql: "DELETE FROM item WHERE id > 'i001'", parameters: [] }])
  bench.refresh(held)
  expect(held.store.snapshot.settling).toBe(false)
  expect(held.store.snapshot.data).toEqual([{ id: 'i000' }, { id: 'z' }])
})

// `#exchange` tells of a row that is taken out and put in again at the same place.
test('a row that is sorted by another value, and stays where it is, is told to nobody', async () => {
  const [bench, held] = await benchWith(3, sql`SELECT id FROM item ORDER BY rank, id`)
  const { snapshot } = held.store
  bench.add([update('item')(['i002', { rank: 9 }])])
  expect(bench.refresh(held)?.edits ?? []).toEqual([])
  expect(held.store.snapshot.data).toBe(snapshot.data)
})

// The same for several, each of which moves while the others are where they were.
test('rows that all move, and end as they were, are told to nobody', async () => {
  const [bench, held] = await benchWith(3, sql`SELECT id FROM item ORDER BY rank, id`)
  const { snapshot } = held.store
  bench.add(['i000', 'i001', 'i002'].map((one, i) => update('item')([one, { rank: 10 + i }])))
  expect(bench.refresh(held)?.edits ?? []).toEqual([])
  expect(held.store.snapshot.data).toBe(snapshot.data)
})

// The predicted row is made of what showed last; made of what the engine said, it would be the same object as before.
test('there and back, and both settle at once: the row is the one that it was', async () => {
  const [bench, held] = await benchWith(1, sql`SELECT id, done FROM item ORDER BY id`)
  const there = bench.add([update('item')(['i000', { done: 1 }])])
  bench.refresh(held)
  const back = bench.add([update('item')(['i000', { done: 0 }])])
  bench.refresh(held)
  const { snapshot } = held.store
  // One commit, after which the engine has no other row to tell of.
  bench.withdraw(there)
  bench.withdraw(back)
  expect(bench.refresh(held)).toBeNull()
  expect(held.store.snapshot.data).toBe(snapshot.data)
})

// `#stateOf` lends what is shown of a unit; the engine's row is forgotten by then, and nothing is.
test('a row that goes under a pending insert of the same stays the same object', async () => {
  const [bench, held] = await benchWith(1, sql`SELECT id, done FROM item ORDER BY id`)
  const { snapshot } = held.store
  bench.add([insert('item')({ id: 'i000', done: 0 })])
  bench.foreign([remove('item')('i000')])
  bench.refresh(held)
  expect(held.store.snapshot.data[0]).toBe(snapshot.data[0])
})

// A view that takes the place of another knows nothing of what that predicted.
test('a result that comes again, as after a lost port, leaves pending rows the objects that they were', async () => {
  const [bench, held] = await benchWith(1, sql`SELECT id, title FROM item ORDER BY id`)
  bench.add([insert('item')({ id: 'new', title: 'x' }), update('item')(['i000', { title: 'y' }])])
  bench.refresh(held)
  const { snapshot } = held.store
  bench.again(held)
  expect(bench.refresh(held)?.edits ?? []).toEqual([])
  expect(held.store.snapshot.data[0]).toBe(snapshot.data[0])
  expect(held.store.snapshot.data[1]).toBe(snapshot.data[1])
})
