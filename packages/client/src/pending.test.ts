import type { Operation, RowKey, WriteId } from '@millrace/protocol'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { type Held, Workbench } from '../test/workbench.ts'
import { UNKNOWN } from './expression/cell.ts'
import { PendingWrites } from './pending.ts'
import { type SqlQuery, sql } from './query.ts'
import type { RowImage } from './row-cache.ts'
import { fold } from './row-state.ts'

const schema = `
  CREATE TABLE todo (id TEXT PRIMARY KEY NOT NULL, list TEXT, title TEXT, done INTEGER NOT NULL DEFAULT 0, rank INTEGER);
  CREATE TABLE list (id TEXT PRIMARY KEY NOT NULL, name TEXT);`
const insert = (id: string, row = {}): Operation => ({ type: 'insert', table: 'todo', row: { id, ...row } })
const update = (id: string, patch: Record<string, string | number>): Operation => ({
  ...{ type: 'update', table: 'todo', key: [id], patch },
})
const remove = (id: string): Operation => ({ type: 'delete', table: 'todo', key: [id] })

/** Writes here are no SQL text. */
const noSql = () => ({ type: 'unknown', tables: [] }) as const

let bench: Workbench | undefined
afterEach(() => {
  bench?.close()
  bench = undefined
})

/** A bench with the queries in use, on `size` rows of the lists a to d in turn. */
async function benchWith(
  size: number,
  queries: readonly SqlQuery[],
  lists: readonly string[] = ['a', 'b', 'c', 'd'],
): Promise<[Workbench, readonly Held[]]> {
  bench = await Workbench.open(schema)
  bench.engine.write([
    ...Array.from({ length: size }, (_, i) =>
      insert(`t${i}`, { list: 'abcd'.charAt(i % 4), title: 'old', rank: i }),
    ),
    ...lists.map((id): Operation => ({ type: 'insert', table: 'list', row: { id, name: id } })),
  ])
  const held = queries.map((query) => (bench as Workbench).subscribe(query))
  for (const one of held) bench.refresh(one)
  return [bench, held]
}

describe('column patches', () => {
  test('any write can be withdrawn from the middle: what the others did stays', async () => {
    const [world, [list]] = await benchWith(1, [sql`SELECT id, title, done, rank FROM todo ORDER BY id`])
    const first = world.add([update('t0', { title: 'one', done: 1 })])
    const second = world.add([update('t0', { title: 'two', rank: 7 })])
    world.add([update('t0', { done: 0 })])
    const shows = () => {
      world.refresh(list as Held)
      return list?.store.snapshot.data
    }
    expect(shows()).toEqual([{ id: 't0', title: 'two', done: 0, rank: 7 }])
    world.withdraw(second)
    expect(shows()).toEqual([{ id: 't0', title: 'one', done: 0, rank: 0 }])
    world.withdraw(first)
    expect(shows()).toEqual([{ id: 't0', title: 'old', done: 0, rank: 0 }])
  })

  test('a change of another column by somebody else shows through, and of the same column does not', async () => {
    const [world, [list, counts]] = await benchWith(1, [
      sql`SELECT id, title, done, rank FROM todo ORDER BY id`,
      sql`SELECT count(*) FILTER (WHERE done = 0) AS active, sum(rank) AS total FROM todo`,
    ])
    const own = world.add([update('t0', { title: 'mine' })])
    world.foreign([update('t0', { title: 'theirs', done: 1, rank: 5 })])
    for (const one of [list, counts]) world.refresh(one as Held)
    expect(list?.store.snapshot.data).toEqual([{ id: 't0', title: 'mine', done: 1, rank: 5 }])
    expect(counts?.store.snapshot.data).toEqual([{ active: 0, total: 5 }])
    world.withdraw(own)
    world.refresh(list as Held)
    expect(list?.store.snapshot.data).toEqual([{ id: 't0', title: 'theirs', done: 1, rank: 5 }])
  })

  test('law: with any of them withdrawn in any order, a row is as if only the others had been made', () => {
    const change = fc.oneof(
      fc
        .record({ title: fc.constantFrom('x', 'y', 'z'), done: fc.constantFrom(0, 1) }, { requiredKeys: [] })
        .map((patch) => update('a', patch)),
      fc.constant(remove('a')),
      fc
        .record(
          { title: fc.constantFrom('x', 'y'), rank: fc.integer({ min: 0, max: 3 }) },
          { requiredKeys: [] },
        )
        .map((row) => insert('a', row)),
    )
    const columns = ['id', 'list', 'title', 'done', 'rank'] as const
    const info = {
      name: 'todo',
      columns: columns.map((name) => ({
        ...{
          name,
          affinity: 'BLOB' as const,
          collation: 'BINARY' as const,
          notNull: false,
          generated: null,
        },
        ...(name === 'done' ? { default: 0 } : { default: null }),
      })),
      ...{
        key: [0],
        keyCollations: ['BINARY' as const],
        autoKey: false,
        replaces: false,
        sideEffects: [],
      },
    }
    const images: readonly (RowImage | undefined)[] = [
      undefined,
      (column) => (column === 3 ? UNKNOWN : (['a', 'l', 'old', 0, 9][column] as string)),
    ]
    fc.assert(
      fc.property(fc.array(fc.tuple(change, fc.boolean()), { maxLength: 12 }), fc.nat(), (writes, turn) => {
        const all = new PendingWrites<never>(() => info)
        const some = new PendingWrites<never>(() => info)
        writes.forEach(([operation, stays], i) => {
          all.add(i as WriteId, [operation], noSql)
          if (stays) some.add(i as WriteId, [operation], noSql)
        })
        const gone = writes.flatMap(([, stays], i) => (stays ? [] : [i]))
        const order = gone.map((_, i) => gone[(i + turn) % gone.length] as number)
        for (const i of order) all.remove(i as WriteId)
        const told = (pending: PendingWrites<never>) =>
          [...(pending.overlay('todo')?.rows ?? [])].flatMap(([key, { operations }]) =>
            images.map((before) => {
              const state = fold(before, operations)
              const changed = state.exists && state.changed !== null ? [...state.changed].sort() : null
              return [key, state.exists ? columns.map((_, i) => state.image(i)) : null, changed]
            }),
          )
        expect(told(all)).toEqual(told(some))
        for (let i = 0; i < writes.length; i++) all.remove(i as WriteId)
        expect(all.overlay('todo')).toBeUndefined()
      }),
      { numRuns: 200 },
    )
  })
})

describe('what a write costs does not depend on how many are pending', () => {
  const queries = [
    sql`SELECT id, title, done FROM todo ORDER BY rank, id`,
    sql`SELECT id FROM todo WHERE done = 0 ORDER BY rank, id`,
    sql`SELECT id, title FROM todo WHERE list = ${'a'} ORDER BY rank DESC, id`,
    sql`SELECT id, title FROM todo ORDER BY rank, id LIMIT 50`,
    sql`SELECT list, count(*) AS n, sum(rank) AS total FROM todo GROUP BY list`,
    sql`SELECT count(*) AS n, count(*) FILTER (WHERE done = 0) AS active, max(rank) AS top FROM todo`,
    sql`SELECT todo.id, list.name FROM todo LEFT JOIN list ON list.id = todo.list ORDER BY todo.rank, todo.id`,
  ]

  /** What is asked and applied for one more write, with so many pending before it, and for its withdrawal. */
  async function costs(
    pending: number,
    make: (i: number) => Operation,
    size = 100,
    lists?: readonly string[],
  ) {
    const [world, held] = await benchWith(size, queries, lists)
    const refresh = () => {
      for (const one of held) world.refresh(one)
    }
    const writes = Array.from({ length: pending }, (_, i) => {
      const write = world.add([make(i)])
      refresh()
      return write
    })
    const measured = (run: () => void) => {
      const { asked, folded } = world.count
      run()
      refresh()
      return { asked: world.count.asked - asked, folded: world.count.folded - folded }
    }
    let last = 0 as WriteId
    const added = measured(() => {
      last = world.add([make(pending)])
    })
    const middle = measured(() => world.withdraw(writes[pending >> 1] ?? last))
    const end = held.map(({ store }) => store.snapshot.settling)
    world.close()
    bench = undefined
    return { added, middle, end }
  }

  test.each<[string, (i: number) => Operation]>([
    ['inserts', (i) => insert(`new${i}`, { list: 'a', title: 'new', rank: 1000 + i })],
    ['inserts at the front', (i) => insert(`new${i}`, { list: 'a', title: 'new', rank: -i })],
  ])(
    '%s: of a thousand the last costs what the first did, and so does taking one from the middle',
    async (_, make) => {
      const first = await costs(1, make)
      const thousandth = await costs(999, make)
      expect(first.added.asked).toBeGreaterThan(0)
      expect(first.added.folded).toBe(1)
      expect(thousandth).toEqual(first)
      expect(first.end).toEqual(queries.map(() => false))
    },
  )

  // A bug: whatever is touched, a view works out anew every row of which it cannot tell what it is.
  test('inserts of which a join cannot be told, as nobody has the rows that they look up', async () => {
    const make = (i: number) => insert(`new${i}`, { list: 'nobody has it', rank: 1000 + i })
    const first = await costs(1, make, 100, [])
    expect((await costs(99, make, 100, [])).added).toEqual(first.added)
  })

  test('patches of a thousand rows', async () => {
    const make = (i: number) => update(`t${i}`, { title: `new ${i}`, done: 1 })
    const first = await costs(1, make, 1001)
    expect(await costs(999, make, 1001)).toEqual(first)
  })

  test('patches of one row: the last of a thousand is put on what the others made of it', async () => {
    const make = (i: number) => update('t0', { title: `new ${i}` })
    const { added } = await costs(999, make)
    expect(added).toEqual({ ...(await costs(1, make)).added, folded: 0 })
  })

  test('a write in which a thousand rows are inserted asks a thousand times what one asks', async () => {
    const total = async (count: number) => {
      const [world, held] = await benchWith(100, queries)
      const { asked, folded } = world.count
      world.add(Array.from({ length: count }, (_, i) => insert(`new${i}`, { list: 'a', rank: i })))
      for (const one of held) world.refresh(one)
      const cost = { asked: world.count.asked - asked, folded: world.count.folded - folded }
      world.close()
      bench = undefined
      return cost
    }
    const one = await total(1)
    const thousand = await total(1000)
    expect(thousand.folded).toBe(1000 * one.folded)
    // Lists are made anew then, and ask for their rows once more.
    expect(thousand.asked).toBeLessThanOrEqual(2 * 1000 * one.asked)
  })

  test('a row that no view has is new where an insert is the first that is done to it', () => {
    const row = { write: 1 as WriteId, type: 'insert', values: ['t'] } as const
    const gone = { write: 2 as WriteId, type: 'delete' } as const
    const patch = { write: 3 as WriteId, type: 'patch', columns: [1], values: ['x'] } as const
    expect(fold(undefined, [row])).toMatchObject({ exists: true, isNew: true })
    expect(fold(undefined, [row, gone])).toMatchObject({ exists: false, isNew: true })
    expect(fold(undefined, [row, gone, row])).toMatchObject({ exists: true, isNew: true })
    expect(fold(undefined, [gone])).toMatchObject({ exists: false, isNew: false })
    // It may have been there, and been counted.
    expect(fold(undefined, [gone, row])).toMatchObject({ exists: true, isNew: false })
    expect(fold(undefined, [patch])).toMatchObject({ exists: true, isNew: false })
    expect(fold(() => 'old', [row])).toMatchObject({ exists: true, isNew: false })
  })

  test('adding and withdrawing one copies no other: rows that are not its own keep their operations', () => {
    const pending = new PendingWrites<never>(() => ({
      name: 'todo',
      columns: [{ name: 'id', affinity: 'TEXT', collation: 'BINARY', notNull: true, generated: null }],
      ...{
        key: [0],
        keyCollations: ['BINARY'],
        autoKey: false,
        replaces: false,
        sideEffects: [],
      },
    }))
    for (let i = 0; i < 1000; i++) pending.add(i as WriteId, [insert(`t${i}`)], noSql)
    const before = new Map(pending.overlay('todo')?.rows)
    const touched = pending.add(1000 as WriteId, [remove('t500')], noSql)
    expect(touched.rows).toHaveLength(1)
    const [row] = touched.rows
    const key = row?.key
    expect(pending.remove(500 as WriteId).rows.map((one) => one.key)).toEqual([key])
    const after = pending.overlay('todo')?.rows
    expect(after?.size).toBe(1000)
    for (const [other, { operations }] of before)
      if (other !== key) expect(after?.get(other)?.operations).toBe(operations)
    expect(after?.get(key as RowKey)?.operations.map(({ write }) => write)).toEqual([1000])
  })
})
