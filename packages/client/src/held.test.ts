import { enginePort } from '@millrace/engine/node'
import { expect, onTestFinished, test, vi } from 'vitest'
import { open } from './database.ts'
import { sql } from './query.ts'
import { RowCache } from './row-cache.ts'

const schema = `
  CREATE TABLE list (id TEXT PRIMARY KEY NOT NULL, name TEXT);
  CREATE TABLE todo (id TEXT PRIMARY KEY NOT NULL, list TEXT, title TEXT, up TEXT);`

const queries = [
  sql`SELECT id, title FROM todo ORDER BY id`,
  sql`SELECT id FROM todo WHERE list = ${'a'} ORDER BY title, id LIMIT 3`,
  sql`SELECT todo.id, list.name FROM todo JOIN list ON list.id = todo.list ORDER BY todo.id`,
  sql`SELECT list.name, todo.title FROM list JOIN todo ON todo.list = list.id ORDER BY list.id, todo.id`,
  sql`SELECT a.id, b.title FROM todo AS a LEFT JOIN todo AS b ON b.id = a.up ORDER BY a.id`,
  sql`SELECT list, count(*) AS n FROM todo GROUP BY list`,
]

const realTurns = async (count: number) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

test('the row cache holds rows while they are in use, and none after the last unsubscribe and the linger', async () => {
  const add = vi.spyOn(RowCache.prototype, 'add')
  const port = enginePort({ schema })
  const db = await open({ port })
  onTestFinished(async () => {
    vi.useRealTimers()
    add.mockRestore()
    await db.close()
  })
  const engine = await port.engine
  const writes = db.write((tx) => {
    for (const id of 'ab') tx.insert('list', { id, name: id })
    for (let i = 0; i < 30; i++)
      tx.insert('todo', { id: `t${i}`, list: 'ab'.charAt(i % 2), title: 'x', up: i > 0 ? `t${i - 1}` : null })
  })
  await writes.stored
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const subscribe = () => queries.map((query) => db.live(query).subscribe(() => {}))
  const stops = [...subscribe(), ...subscribe()]
  await db.query(sql`SELECT 1`)
  await realTurns(4)
  const cache = add.mock.contexts[0] as RowCache
  expect(new Set(add.mock.contexts).size).toBe(1)
  expect(cache.size).toBe(32)
  expect(engine.counters.liveQueries).toBe(queries.length)

  // A pending write that nobody has an answer to, rows that come and go, and what is pending as they do.
  db.update('todo', 't3', { list: 'a', up: 't9' })
  db.insert('todo', { id: 'new', list: 'b', title: 'y', up: 't3' })
  const { stored } = db.delete('todo', 't4')
  await stored
  db.update('todo', 'new', { up: null })
  await realTurns(6)
  expect(cache.size).toBe(32)

  for (const stop of stops.slice(1)) stop()
  vi.advanceTimersByTime(60_000)
  await realTurns(4)
  // The first is the list of all todos.
  expect(cache.size).toBe(30)
  db.update('todo', 't5', { title: 'pending' })
  stops[0]?.()
  // It stays for whoever comes back.
  expect(cache.size).toBe(30)
  vi.advanceTimersByTime(60_000)
  expect(cache.size).toBe(0)
  await realTurns(6)
  expect(cache.size).toBe(0)
  expect(engine.counters.liveQueries).toBe(0)
})
