import { open, sql } from '@millrace/client'
import { enginePort } from '@millrace/engine/node'
import { expect, test } from 'vitest'

const schema =
  'CREATE TABLE todo (id INTEGER PRIMARY KEY NOT NULL, title TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0)'

test.each([
  ['an expression that is not predicted', sql`SELECT id, title, title || pi() AS more FROM todo`],
  ['a condition that is not predicted', sql`SELECT id, title FROM todo WHERE length(title) < pi() * 100`],
  ['an order that is not predicted', sql`SELECT id, title FROM todo ORDER BY title || pi()`],
])('what is written shows beside %s, and the query says that it waits', async (_, query) => {
  const db = await open({ port: enginePort({ schema }) })
  await db.insert('todo', { id: 1, title: 'a' }).stored
  const live = db.live(query)
  live.subscribe(() => {})
  await expect.poll(() => live.snapshot.status).toBe('live')
  const { stored } = db.update('todo', 1, { title: 'ab' })
  expect(live.snapshot).toMatchObject({ settling: true, data: [{ id: 1, title: 'ab' }] })
  await stored
  expect(live.snapshot.settling).toBe(false)
  expect(live.snapshot.data).toEqual(await db.query(query))
  await db.close()
})
