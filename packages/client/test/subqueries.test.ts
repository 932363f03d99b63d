import { sql } from '@millrace/client'
import { beforeAll, expect, test } from 'vitest'
import { loadOnDemand } from '../src/on-demand.ts'
import { openUnsteady, shown } from './world.ts'

beforeAll(loadOnDemand)

const schema = `
  CREATE TABLE list (id TEXT PRIMARY KEY NOT NULL, name TEXT);
  CREATE TABLE todo (
    id INTEGER PRIMARY KEY, list TEXT, title TEXT, position REAL NOT NULL DEFAULT 0, done INTEGER NOT NULL DEFAULT 0
  );
  CREATE INDEX todo_in_list ON todo (list);`

/** Three lists, of which c is empty; two todos each. */
async function world() {
  const { db, ports } = await openUnsteady(schema)
  await db.write((tx) => {
    for (const id of ['a', 'b', 'c']) tx.insert('list', { id, name: `list ${id}` })
    for (let id = 1; id <= 4; id++)
      tx.insert('todo', { id, list: id < 3 ? 'a' : 'b', title: `todo ${id}`, position: id + 0.5 })
  }).stored
  return { db, ports }
}

/** As Kysely's jsonArrayFrom writes it. */
const nested = sql<{ id: string; todos: string }>`
  SELECT list.id, (SELECT coalesce(json_group_array(json_object('id', agg.id, 'title', agg.title)), '[]')
    FROM (SELECT todo.id, todo.title FROM todo WHERE todo.list = list.id AND todo.done = 0 ORDER BY todo.title) AS agg) AS todos
  FROM list ORDER BY list.id`

test('what is written to rows that only a nested list holds shows at once, and is what SQLite then says', async () => {
  const { db, ports } = await world()
  const live = await shown(db, nested)
  const titles = () =>
    live.snapshot.data.map(({ todos }) => JSON.parse(todos).map(({ title }: { title: string }) => title))
  const rows = () => live.snapshot.data
  const steps: readonly (readonly [() => { stored: Promise<unknown> }, string[][]])[] = [
    [
      () => db.update('todo', 2, { title: 'a "first" one' }),
      [['a "first" one', 'todo 1'], ['todo 3', 'todo 4'], []],
    ],
    [
      () => db.insert('todo', { id: 5, list: 'c', title: 'new' }),
      [['a "first" one', 'todo 1'], ['todo 3', 'todo 4'], ['new']],
    ],
    [
      () => db.insert('todo', { id: 6, list: 'b', title: 'todo 3½' }),
      [['a "first" one', 'todo 1'], ['todo 3', 'todo 3½', 'todo 4'], ['new']],
    ],
    [() => db.update('todo', 1, { done: 1 }), [['a "first" one'], ['todo 3', 'todo 3½', 'todo 4'], ['new']]],
    [
      () => db.update('todo', 4, { list: 'a' }),
      [['a "first" one', 'todo 4'], ['todo 3', 'todo 3½'], ['new']],
    ],
    [() => db.delete('todo', 3), [['a "first" one', 'todo 4'], ['todo 3½'], ['new']]],
    // Where its position is not shown, and does not matter.
    [() => db.update('todo', 6, { position: 0.25 }), [['a "first" one', 'todo 4'], ['todo 3½'], ['new']]],
  ]
  ports.hold()
  const writes: Promise<unknown>[] = []
  for (const [write, expected] of steps) {
    const before = rows()
    writes.push(write().stored)
    expect(titles()).toEqual(expected)
    expect(live.snapshot.settling).toBe(false)
    // Lists to which nothing was done keep their objects.
    for (const [i, row] of rows().entries()) if (row.todos === before[i]?.todos) expect(row).toBe(before[i])
  }
  const predicted = rows()
  ports.release()
  await Promise.all(writes)
  expect(live.snapshot.settling).toBe(false)
  expect(rows()).toBe(predicted)
  expect(rows()).toEqual(await db.query(nested))
})

test('what cannot be told waits: a row that was not among them, and a place by what is not shown', async () => {
  const { db, ports } = await world()
  await db.update('todo', 1, { done: 1 }).stored
  const live = await shown(db, nested)
  const placed = await shown(
    db,
    sql<{ id: string; ids: string }>`SELECT list.id, (SELECT json_group_array(json_object('id', t.id))
      FROM (SELECT * FROM todo WHERE todo.list = list.id ORDER BY position) AS t) AS ids FROM list ORDER BY list.id`,
  )
  const before = [live.snapshot.data, placed.snapshot.data]
  ports.hold()
  const back = db.update('todo', 1, { done: 0 })
  expect(live.snapshot).toMatchObject({ settling: true, data: before[0] })
  expect(placed.snapshot.settling).toBe(false)
  const moved = db.update('todo', 4, { position: 1 })
  expect(placed.snapshot).toMatchObject({ settling: true, data: before[1] })
  ports.release()
  await Promise.all([back.stored, moved.stored])
  expect(live.snapshot.data[0]?.todos).toContain('todo 1')
  expect(placed.snapshot.data[1]?.ids).toBe('[{"id":4},{"id":3}]')
  expect([live, placed].map(({ snapshot }) => snapshot.settling)).toEqual([false, false])
})

test('EXISTS follows the rows that come, and waits where the last may have gone', async () => {
  const { db, ports } = await world()
  await shown(db, sql`SELECT * FROM todo`)
  await shown(db, sql`SELECT * FROM list`)
  const used = await shown(
    db,
    sql<{
      id: string
    }>`SELECT id FROM list WHERE EXISTS (SELECT 1 FROM todo WHERE todo.list = list.id) ORDER BY id`,
  )
  const empty = await shown(
    db,
    sql<{
      id: string
    }>`SELECT id FROM list WHERE NOT EXISTS (SELECT 1 FROM todo WHERE todo.list = list.id) ORDER BY id`,
  )
  const counted = await shown(
    db,
    sql<{
      n: number
    }>`SELECT (SELECT count(*) FROM todo WHERE todo.list = list.id) AS n FROM list ORDER BY id`,
  )
  const ids = () => [used, empty].map(({ snapshot }) => snapshot.data.map(({ id }) => id).join(''))
  const counts = () => counted.snapshot.data.map(({ n }) => n)
  ports.hold()
  const insert = db.insert('todo', { id: 5, list: 'c' })
  expect(ids()).toEqual(['abc', ''])
  expect(counts()).toEqual([2, 2, 1])
  expect([used, empty, counted].map(({ snapshot }) => snapshot.settling)).toEqual([false, false, false])
  const remove = db.delete('todo', 1)
  expect(counts()).toEqual([1, 2, 1])
  expect(used.snapshot.settling).toBe(true)
  expect(counted.snapshot.settling).toBe(false)
  expect(ids()).toEqual(['abc', ''])
  ports.release()
  await Promise.all([insert.stored, remove.stored])
  expect(ids()).toEqual(['abc', ''])
  expect(used.snapshot.settling).toBe(false)
})

test('lists that are too long to be read in a moment are waited for', async () => {
  const { db, ports } = await world()
  await db.exec(sql`WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 3009)
    INSERT INTO todo (id, list, title) SELECT i, 'c', printf('%080d', i) FROM n`)
  const live = await shown(db, nested)
  const before = live.snapshot.data
  expect(before[2]?.todos.length).toBeGreaterThan(200_000)
  ports.hold()
  const update = db.update('todo', 1, { title: 'other' })
  expect(live.snapshot).toMatchObject({ settling: true, data: before })
  ports.release()
  await update.stored
  expect(live.snapshot.settling).toBe(false)
  expect(live.snapshot.data[0]?.todos).toContain('other')
})
