import { sql } from '@millrace/client'
import { beforeAll, expect, test } from 'vitest'
import { targetOf } from '../src/exec-plans.ts'
import { loadOnDemand } from '../src/on-demand.ts'
import { openUnsteady, shown } from './world.ts'

// From the second run of a text on, unless that comes before the code is there.
beforeAll(loadOnDemand)

const schema = `
  CREATE TABLE list (id TEXT PRIMARY KEY NOT NULL);
  CREATE TABLE todo (
    id INTEGER PRIMARY KEY, list TEXT REFERENCES list ON DELETE CASCADE, title TEXT, done INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE log (id INTEGER PRIMARY KEY, what TEXT);
  CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT);
  CREATE VIEW both AS SELECT text FROM note;
  CREATE TRIGGER written INSTEAD OF INSERT ON both BEGIN INSERT INTO note (text) VALUES (NEW.text); END;
  CREATE TRIGGER logged AFTER INSERT ON note BEGIN INSERT INTO log (what) VALUES (NEW.text); END;`

async function world() {
  const { db, ports } = await openUnsteady(schema)
  await db.write((tx) => {
    tx.insert('list', { id: 'a' })
    tx.insert('list', { id: 'b' })
    for (let id = 1; id <= 4; id++)
      tx.insert('todo', { id, list: id < 3 ? 'a' : 'b', title: `todo ${id}`, done: id % 2 })
  }).stored
  return { db, ports }
}

const todos = sql<{ id: number; title: string; done: number }>`SELECT id, title, done FROM todo ORDER BY id`
const finish = (list: string) =>
  sql`UPDATE todo SET done = 1, title = title || '!' WHERE list = ${list} AND done = 0`
const clear = sql`DELETE FROM todo WHERE done = 1`

test('an UPDATE and a DELETE show at once in the rows that are held, from the second run of their text on', async () => {
  const { db, ports } = await world()
  const live = await shown(db, todos)
  await shown(db, sql`SELECT id, list FROM todo`)
  await db.exec(finish('nothing'))
  await db.write((tx) => tx.exec(clear)).stored
  await db.write((tx) => {
    tx.insert('todo', { id: 1, list: 'a', title: 'todo 1' })
    tx.insert('todo', { id: 3, list: 'b', title: 'todo 3' })
  }).stored
  ports.hold()
  const update = db.exec(finish('a'))
  const titles = () => live.snapshot.data.map(({ title, done }) => `${title} ${done}`)
  expect(titles()).toEqual(['todo 1! 1', 'todo 2! 1', 'todo 3 0', 'todo 4 0'])
  // Rows that nobody here has seen may have changed as well.
  expect(live.snapshot.settling).toBe(true)
  const remove = db.write((tx) => tx.exec(clear))
  expect(titles()).toEqual(['todo 3 0', 'todo 4 0'])
  ports.release()
  expect(await update).toMatchObject({ changes: 2 })
  expect(await remove.stored).toMatchObject({ changes: 2 })
  expect(titles()).toEqual(['todo 3 0', 'todo 4 0'])
  expect(live.snapshot.settling).toBe(false)
})

test('of the first run of a text, and of what only the engine can run, the views of its tables say that they wait', async () => {
  const { db, ports } = await world()
  const live = await shown(db, todos)
  const log = await shown(db, sql`SELECT what FROM log`)
  const lists = await shown(db, sql`SELECT id FROM list`)
  const before = [live, log, lists].map(({ snapshot }) => snapshot.data)
  for (const [exec, waiting] of [
    [finish('a'), [true, false, false]],
    [sql`INSERT INTO "Todo" (list, title) SELECT 'a', ${'more'}`, [true, false, false]],
    // By its cascade.
    [sql`REPLACE INTO list VALUES ('a')`, [true, false, true]],
    [sql`INSERT INTO log (what) SELECT 'x'`, [false, true, false]],
    // What triggers do may be anything.
    [sql`INSERT INTO [both] VALUES ('y')`, [true, true, true]],
  ] as const) {
    ports.hold()
    const done = db.exec(exec)
    expect([live, log, lists].map(({ snapshot }) => snapshot.settling)).toEqual(waiting)
    expect([live, log, lists].map(({ snapshot }) => snapshot.data)).toEqual(before)
    ports.release()
    await done
    expect([live, log, lists].map(({ snapshot }) => snapshot.settling)).toEqual([false, false, false])
    before.splice(0, 3, ...[live, log, lists].map(({ snapshot }) => snapshot.data))
  }
  expect(before.map((rows) => rows.length)).toEqual([2, 2, 2])
})

test.each([
  ['UPDATE todo SET x = 1', 'todo'],
  ['update or ignore "to""do" set x = 1', 'to"do'],
  ["-- UPDATE a\n/* DELETE FROM b */ DELETE FROM main.[to do] WHERE y = 'INTO c'", 'to do'],
  ["WITH a AS (SELECT 'UPDATE b' FROM c) INSERT OR REPLACE INTO `todo` SELECT * FROM a", 'todo'],
  ['REPLACE INTO größe VALUES (1) ON CONFLICT DO UPDATE SET x = 2', 'größe'],
  ['PRAGMA user_version', undefined],
  ['', undefined],
])('%s writes to %s', (text, table) => {
  expect(targetOf(text)).toBe(table)
})

test('what it does to rows whose WHERE cannot be told shows when it is answered', async () => {
  const { db, ports } = await world()
  const live = await shown(db, todos)
  const odd = sql`UPDATE todo SET done = 7 WHERE id IN (SELECT max(id) FROM todo)`
  await db.exec(odd)
  await db.exec(sql`UPDATE todo SET done = 0`)
  ports.hold()
  const update = db.exec(odd)
  expect(live.snapshot).toMatchObject({ settling: true, data: [{}, {}, {}, { id: 4, done: 0 }] })
  ports.release()
  await update
  expect(live.snapshot).toMatchObject({ settling: false, data: [{}, {}, {}, { id: 4, done: 7 }] })
})

test('a refused one leaves again', async () => {
  const { db, ports } = await world()
  db.onRejected(() => {})
  const live = await shown(db, todos)
  const nothing = sql`UPDATE todo SET done = NULL WHERE id > ${0}`
  await expect(db.exec(nothing)).rejects.toThrow(/NOT NULL/)
  ports.hold()
  const update = db.exec(nothing)
  expect(live.snapshot.data.map(({ done }) => done)).toEqual([null, null, null, null])
  ports.release()
  await expect(update).rejects.toThrow(/NOT NULL/)
  expect(live.snapshot.data.map(({ done }) => done)).toEqual([1, 0, 1, 0])
})

test('of what cascades and triggers do to other tables their views say that they wait', async () => {
  const { db, ports } = await world()
  const live = await shown(db, todos)
  const log = await shown(db, sql`SELECT what FROM log`)
  const lists = await shown(db, sql`SELECT id FROM list ORDER BY id`)
  ports.hold()
  const remove = db.delete('list', 'a')
  expect(lists.snapshot).toMatchObject({ settling: false, data: [{ id: 'b' }] })
  expect(live.snapshot.settling).toBe(true)
  expect(log.snapshot.settling).toBe(false)
  const insert = db.insert('note', { text: 'x' })
  expect(log.snapshot.settling).toBe(true)
  ports.release()
  await Promise.all([remove.stored, insert.stored])
  expect(live.snapshot).toMatchObject({ settling: false, data: [{ id: 3 }, { id: 4 }] })
  expect(log.snapshot).toMatchObject({ settling: false, data: [{ what: 'x' }] })
})
