import { type Database, type MergeChange, open, type PortSource, sql } from '@millrace/client'
import { enginePort } from '@millrace/engine/node'
import { expect, onTestFinished, test } from 'vitest'
import { UnsteadyPorts } from './unsteady-port.ts'
import { turns } from './world.ts'

const schema = `
  CREATE TABLE todo (id TEXT PRIMARY KEY NOT NULL, title TEXT, n, CHECK (title <> 'forbidden'));
  CREATE TABLE own (id INTEGER PRIMARY KEY);
  SELECT crsql_as_crr('todo');`
const todos = sql<{ id: string; title: string }>`SELECT id, title FROM todo ORDER BY id`

/** A database in two tabs, and the ports of the first. */
async function site() {
  const engine = enginePort({ schema })
  const ports = new UnsteadyPorts(engine)
  const db = await open({ port: ports })
  const tab = await open({
    port: { connect: () => engine.connect(), permanent: () => true, close: async () => {} },
  })
  onTestFinished(async () => {
    ports.release()
    await tab.close()
    await db.close()
  })
  return { db, tab, ports }
}

async function shown(db: Database) {
  const live = db.live(todos)
  live.subscribe(() => {})
  await expect.poll(() => live.snapshot.status).toBe('live')
  return () => live.snapshot.data.map(({ id, title }) => `${id} ${title}`)
}

/** Messages come in their order, each some turns after the answers that were sent behind it. */
function slowMessages(source: PortSource): PortSource {
  return {
    connect: async () => {
      const port = await source.connect()
      return {
        ...port,
        listen: (listener) => port.listen((message) => void turns(5).then(() => listener(message))),
      }
    },
    permanent: () => true,
    close: () => source.close(),
  }
}

test('what one site wrote is on the other, in all tabs, when it resolves; edits meet cell by cell', async () => {
  const [here, there] = [await site(), await site()]
  const [list, listOfTab] = [await shown(here.db), await shown(here.tab)]
  there.db.insert('todo', { id: 'a', title: 'Wash', n: 1.5 })
  there.db.insert('todo', { id: 'b', title: 'Buy', n: 2n ** 60n })
  const changes = await there.db.changesSince(0)
  expect(new Set(changes.map(({ table }) => table))).toEqual(new Set(['todo']))
  const merged = await here.db.merge(changes)
  expect(merged).toMatchObject({ changes: 2, woken: 1, refused: null })
  expect(list()).toEqual(['a Wash', 'b Buy'])
  await expect.poll(() => listOfTab()).toEqual(['a Wash', 'b Buy'])
  expect(await here.db.query(sql`SELECT n FROM todo ORDER BY id`)).toEqual([{ n: 1.5 }, { n: 2n ** 60n }])

  here.db.update('todo', 'a', { title: 'Wash the car' })
  there.db.update('todo', 'a', { n: 7 })
  await here.db.merge(await there.db.changesSince(Math.max(...changes.map(({ dbVersion }) => dbVersion))))
  await there.db.merge(await here.db.changesSince(0))
  const both = [{ title: 'Wash the car', n: 7 }]
  for (const { db } of [here, there])
    expect(await db.query(sql`SELECT title, n FROM todo WHERE id = 'a'`)).toEqual(both)
  expect(await here.db.merge(await there.db.changesSince(0))).toMatchObject({ changes: 0, refused: null })
})

test('it comes after what was written before it', async () => {
  const [here, there] = [await site(), await site()]
  const list = await shown(here.db)
  there.db.insert('todo', { id: 'b', title: 'theirs' })
  const changes = await there.db.changesSince(0)
  const { stored } = here.db.insert('todo', { id: 'a', title: 'mine' })
  const { version } = await here.db.merge(changes)
  expect((await stored).version.commit).toBe(version.commit - 1)
  expect(list()).toEqual(['a mine', 'b theirs'])
})

test('it resolves when it shows, also where messages are slower than answers', async () => {
  const engine = enginePort({ schema })
  const db = await open({ port: slowMessages(engine) })
  onTestFinished(() => db.close())
  const there = await site()
  const list = await shown(db)
  there.db.insert('todo', { id: 'a', title: 'Wash' })
  const changes = await there.db.changesSince(0)
  await db.merge(changes)
  expect(list()).toEqual(['a Wash'])
  expect(await db.merge(changes)).toMatchObject({ changes: 0 })
})

test('a change that is refused is told with its reason, as an error with a code', async () => {
  const [here, there] = [await site(), await site()]
  there.db.insert('todo', { id: 'a', title: 'Wash' })
  const [good] = await there.db.changesSince(0)
  const bad = { ...(good as MergeChange), dbVersion: 9, pk: new Uint8Array() }
  const { applied, refused } = await here.db.merge([bad, good as MergeChange])
  expect(applied.map(({ dbVersion }) => dbVersion)).toEqual([1])
  expect(refused?.change).toEqual(bad)
  expect(refused?.error).toBeInstanceOf(Error)
  expect(refused?.error).toMatchObject({ code: 'INVALID_VALUE', message: expect.stringContaining('pk') })
})

test.for([
  ['no list', (db: Database) => db.merge({} as never), /array of changes/],
  ['what cannot be sent', (db: Database) => db.merge([{ val: () => 1 }] as never), /could not be sent/],
  ['no version', (db: Database) => db.changesSince('1' as never), /takes a version of this database/],
  ['a version below 0', (db: Database) => db.changesSince(-1), /takes a version of this database/],
  ['NaN', (db: Database) => db.changesSince(Number.NaN), /takes a version of this database/],
] as const)('%s is refused, and the next call goes on', async ([, call, message]) => {
  const { db } = await site()
  await expect(call(db)).rejects.toMatchObject({
    code: 'INVALID_VALUE',
    message: expect.stringMatching(message),
  })
  expect(await db.changesSince(0)).toEqual([])
})

test('a port that is lost meanwhile: it is asked again, and settles', async () => {
  const [here, there] = [await site(), await site()]
  const list = await shown(here.db)
  there.db.insert('todo', { id: 'a', title: 'Wash' })
  const changes = await there.db.changesSince(0)
  // Lost on the way there, with the answer on its way back, and with the commit message on its way.
  for (let steps = 0; steps < 6; steps++) {
    here.ports.hold()
    const merged = here.db.merge(changes)
    for (let i = 0; i < steps; i++) {
      here.ports.step()
      await turns(3)
    }
    here.ports.lose()
    expect(await merged).toMatchObject({ refused: null })
    await expect.poll(() => list()).toEqual(['a Wash'])
  }
})

test('after close it says so', async () => {
  const { db } = await site()
  await db.close()
  for (const call of [db.merge([]), db.changesSince(0), db.explain(todos)])
    await expect(call).rejects.toMatchObject({ code: 'CLOSED' })
})

test('a query of what cr-sqlite keeps itself waits for every write', async () => {
  const { db, ports } = await site()
  const live = db.live(sql`SELECT count(*) AS n FROM crsql_changes`)
  live.subscribe(() => {})
  await expect.poll(() => live.snapshot.status).toBe('live')
  ports.hold()
  const { stored } = db.insert('todo', { id: 'a', title: 'Wash' })
  expect(live.snapshot).toMatchObject({ settling: true, data: [{ n: 0 }] })
  ports.release()
  await stored
  const [told] = live.snapshot.data
  expect(live.snapshot.settling).toBe(false)
  expect(told?.n).toBeGreaterThan(0)
})
