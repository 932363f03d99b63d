import { type Database, type Rejection, sql } from '@millrace/client'
import { describe, expect, test } from 'vitest'
import { openUnsteady, shown as showing } from './world.ts'

const schema = `
  CREATE TABLE list (id TEXT PRIMARY KEY NOT NULL, name TEXT, loud AS (upper(name)));
  CREATE TABLE todo (
    id INTEGER PRIMARY KEY, list TEXT REFERENCES list, title TEXT NOT NULL CHECK (title <> 'forbidden'),
    done INTEGER NOT NULL DEFAULT 0, photo BLOB, UNIQUE (list, title)
  );
  CREATE TRIGGER no_more BEFORE DELETE ON list WHEN OLD.id = 'kept' BEGIN SELECT RAISE(ABORT, 'this list is kept'); END;`

const all = sql<{ id: number; list: string | null; title: string; done: number }>`
  SELECT id, list, title, done FROM todo ORDER BY id`

async function world() {
  const { db, ports } = await openUnsteady(schema)
  const rejections: Rejection[] = []
  db.onRejected((rejection) => rejections.push(rejection))
  await db.write((tx) => {
    tx.insert('list', { id: 'home', name: 'Home' })
    tx.insert('list', { id: 'kept', name: 'Kept' })
    tx.insert('todo', { id: 1, list: 'home', title: 'one', photo: new Uint8Array([1, 2]) })
    tx.insert('todo', { id: 2, list: 'home', title: 'two', done: 1 })
  }).stored
  const live = await showing(db, all)
  const shown = () => live.snapshot.data.map(({ id, list, title, done }) => [id, list, title, done].join(' '))
  return { db, ports, rejections, shown }
}

const everything = async (db: Database) => [
  await db.query(sql`SELECT * FROM list ORDER BY id`),
  await db.query(sql`SELECT * FROM todo ORDER BY id`),
]

describe('undo', () => {
  test('of an update puts back the columns that it changed, and leaves what others changed since', async () => {
    const { db, shown } = await world()
    const write = db.update('todo', 1, { title: 'eins' })
    await write.stored
    await db.update('todo', 1, { done: 1 }).stored
    const undo = write.undo()
    // In the same tick.
    expect(shown()).toEqual(['1 home one 1', '2 home two 1'])
    expect(await undo.stored).toMatchObject({ changes: 1 })
    expect(shown()).toEqual(['1 home one 1', '2 home two 1'])
  })

  test('of a delete brings the whole row back, also columns that no live query has', async () => {
    const { db, shown } = await world()
    const before = await everything(db)
    const write = db.delete('todo', 1)
    await write.stored
    expect(shown()).toEqual(['2 home two 1'])
    const undo = write.undo()
    expect(await undo.stored).toMatchObject({ changes: 1 })
    expect(await everything(db)).toEqual(before)
  })

  test('of an insert takes the row away, also one whose key SQLite made up', async () => {
    const { db, shown } = await world()
    const write = db.insert('todo', { title: 'three' })
    await write.stored
    expect(shown()).toHaveLength(3)
    await write.undo().stored
    expect(shown()).toHaveLength(2)
  })

  test('goes over tables, in the reverse order, as one write; and can be undone itself', async () => {
    const { db } = await world()
    const before = await everything(db)
    const write = db.write((tx) => {
      tx.insert('list', { id: 'work', name: 'Work' })
      tx.update('todo', 1, { list: 'work', title: 'eins' })
      tx.update('todo', 1, { title: 'uno' })
      tx.delete('todo', 2)
      tx.insert('todo', { id: 3, list: 'work', title: 'three' })
    })
    await write.stored
    const after = await everything(db)
    const undo = write.undo()
    await undo.stored
    expect(await everything(db)).toEqual(before)
    await undo.undo().stored
    expect(await everything(db)).toEqual(after)
  })

  test('of a thousand rows, which the engine keeps until it is asked', async () => {
    const { db, ports } = await world()
    const before = await everything(db)
    const write = db.write((tx) => {
      for (let id = 100; id < 1100; id++) tx.insert('todo', { id, title: `todo ${id}` })
      tx.delete('todo', 1)
    })
    await write.stored
    await write.undo().stored
    expect(await everything(db)).toEqual(before)
    const again = db.write((tx) => {
      for (let id = 100; id < 1100; id++) tx.insert('todo', { id, title: `todo ${id}` })
    })
    await again.stored
    // Another owner knows nothing of it.
    ports.lose()
    await db.query(all)
    await expect(again.undo().stored).rejects.toThrow(/a tab that has gone/)
  })

  test('before it is stored: it is undone as soon as it is', async () => {
    const { db, ports, shown } = await world()
    ports.hold()
    const write = db.update('todo', 1, { title: 'eins' })
    const undo = write.undo()
    expect(shown()[0]).toBe('1 home eins 0')
    ports.release()
    await undo.stored
    expect(shown()[0]).toBe('1 home one 0')
  })

  test('where it is not known what was there, or nothing was done, it says so', async () => {
    const { db, rejections } = await world()
    const exec = db.write((tx) => tx.exec(sql`UPDATE todo SET done = 1`))
    await exec.stored
    await expect(exec.undo().stored).rejects.toMatchObject({
      code: 'WRITE_REJECTED',
      message: expect.stringMatching(/cannot be undone.*exec|SQL text/),
    })
    const moved = db.update('todo', 1, { id: 9 })
    await moved.stored
    await expect(moved.undo().stored).rejects.toThrow(/changed a key/)
    const refused = db.insert('todo', { title: 'forbidden' })
    const undo = refused.undo()
    await expect(undo.stored).rejects.toThrow(/nothing to undo.*CHECK/)
    await expect(undo.undo().stored).rejects.toThrow(/nothing to undo/)
    expect(rejections).toHaveLength(1)
  })

  test('an undo that the database refuses is rejected like any write', async () => {
    const { db, rejections, shown } = await world()
    const write = db.delete('todo', 1)
    await write.stored
    await db.insert('todo', { id: 1, title: 'another' }).stored
    await expect(write.undo().stored).rejects.toMatchObject({
      code: 'WRITE_REJECTED',
      at: { constraint: 'unique', table: 'todo', key: [1], columns: ['id'] },
    })
    expect(rejections).toHaveLength(1)
    expect(shown()).toEqual(['1  another 0', '2 home two 1'])
  })
})

describe('a refused write says where', () => {
  test.each<[string, (db: Database) => { stored: Promise<unknown> }, object]>([
    [
      'UNIQUE',
      (db) => db.insert('todo', { id: 3, list: 'home', title: 'one' }),
      { table: 'todo', key: [3], columns: ['list', 'title'], constraint: 'unique' },
    ],
    [
      'the key',
      (db) => db.insert('list', { id: 'home' }),
      { table: 'list', key: ['home'], columns: ['id'], constraint: 'unique' },
    ],
    [
      'NOT NULL',
      (db) => db.update('todo', 1, { title: null }),
      { table: 'todo', key: [1], columns: ['title'], constraint: 'not null' },
    ],
    [
      'CHECK',
      (db) => db.insert('todo', { title: 'forbidden' }),
      { table: 'todo', key: null, columns: [], constraint: 'check' },
    ],
    [
      'FOREIGN KEY',
      (db) => db.insert('todo', { id: 3, list: 'no', title: 'x' }),
      { table: 'todo', key: [3], columns: [], constraint: 'foreign key' },
    ],
    [
      'a trigger',
      (db) => db.delete('list', 'kept'),
      { table: 'list', key: ['kept'], columns: [], constraint: 'other' },
    ],
    [
      'no row',
      (db) => db.update('todo', 77, { done: 1 }),
      { table: 'todo', key: [77], columns: [], constraint: 'row' },
    ],
  ])('%s', async (_, write, at) => {
    const { db, rejections } = await world()
    await expect(write(db).stored).rejects.toMatchObject({ code: 'WRITE_REJECTED', at })
    expect(rejections).toMatchObject([{ error: { at }, operations: [{}] }])
  })

  test('with what it was made of, to make it again', async () => {
    const { db, rejections } = await world()
    await db.insert('todo', { title: 'forbidden', done: true }).stored.catch(() => {})
    expect(rejections[0]?.operations).toEqual([
      { type: 'insert', table: 'todo', row: { title: 'forbidden', done: 1 } },
    ])
  })
})

test('pending: how many writes are on their way, and how long the oldest has waited', async () => {
  const { db, ports } = await world()
  expect(db.pending).toEqual({ writes: 0, oldest: 0 })
  ports.hold()
  const first = db.update('todo', 1, { done: 1 })
  db.update('todo', 2, { done: 0 })
  await new Promise((resolve) => setTimeout(resolve, 5))
  expect(db.pending.writes).toBe(2)
  expect(db.pending.oldest).toBeGreaterThan(0)
  ports.release()
  await first.stored
  await db.query(all)
  expect(db.pending).toEqual({ writes: 0, oldest: 0 })
})
