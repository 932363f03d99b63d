import { type LiveQuery, open, type SqlQuery, sql } from '@millrace/client'
import { enginePort } from '@millrace/engine/node'
import type { SqlValue } from '@millrace/protocol'
import { expect, test } from 'vitest'
import { randomFrom } from './random.ts'

/* Aggregates of numbers at the ends of 64 bits: what the engine and the client add to a query raises no error of its own. */

const NUMBERS: readonly SqlValue[] = [
  -(2n ** 63n),
  2n ** 63n - 1n,
  1_764_370_000_000_000_000n,
  -1_764_370_000_000_000_000n,
  2n ** 53n + 1n,
  2 ** 53 - 1,
  2 ** 42,
  -(2 ** 42) - 1,
  1_764_370_000_000,
  0,
  -1,
  7,
  1.5,
  '7',
  'x',
  null,
]

const queries: readonly SqlQuery[] = [
  sql`SELECT avg(n) AS a FROM entry`,
  sql`SELECT total(n) AS t, count(n) AS c FROM entry`,
  sql`SELECT sum(n) AS s FROM entry`,
  sql`SELECT grp, avg(n) AS a, total(n) AS t FROM entry GROUP BY grp ORDER BY grp`,
  sql`SELECT grp, sum(n) AS s FROM entry GROUP BY grp ORDER BY grp`,
  sql`SELECT grp, avg(n) FILTER (WHERE id > 3) AS a, min(n) AS low, max(n) AS high FROM entry GROUP BY grp ORDER BY grp`,
  sql`SELECT avg(n + 0 OR id) AS a FROM entry`,
]

test.each([1, 2, 3, 4, 5, 6])('seed %d', async (seed) => {
  const random = randomFrom(seed)
  const db = await open({
    port: enginePort({ schema: 'CREATE TABLE entry (id INTEGER PRIMARY KEY NOT NULL, grp TEXT, n)' }),
  })
  const live = queries.map((query) => ({ query, shown: db.live(query) }))
  for (const { shown } of live) shown.subscribe(() => {})
  for (let step = 0; step < 40; step++) {
    const id = 1 + random(8)
    const n = NUMBERS[random(NUMBERS.length)] as SqlValue
    const grp = 'ab'.charAt(random(2))
    const there = (await db.query({ sql: 'SELECT 1 FROM entry WHERE id = ?', parameters: [id] })).length > 0
    const write =
      there && random(3) === 0
        ? db.delete('entry', id)
        : there
          ? db.update('entry', id, { n, grp })
          : db.insert('entry', { id, n, grp })
    const predicted = live.map(({ shown }) => shown.snapshot)
    await write.stored
    for (const [i, { query, shown }] of live.entries()) {
      await expect.poll(() => isSettled(shown), { interval: 1 }).toBe(true)
      const { data, error } = shown.snapshot
      const asked = await db.query(query).catch((thrown) => thrown.message as string)
      const where = `step ${step}: ${query.sql}`
      if (typeof asked === 'string') expect(error?.message, where).toMatch(/integer overflow/)
      else {
        expect(error, where).toBeUndefined()
        expect(data, where).toEqual(asked)
        const { status, settling, data: before } = predicted[i] as LiveQuery['snapshot']
        if (status === 'live' && !settling) expect(before, `predicted, ${where}`).toEqual(asked)
      }
    }
  }
  await db.close()
})

const isSettled = ({ snapshot }: LiveQuery) => snapshot.status !== 'pending' && !snapshot.settling

test('the sum of the rows that go overflows, and that of the rows that stay does not', async () => {
  const db = await open({
    port: enginePort({ schema: 'CREATE TABLE entry (id INTEGER PRIMARY KEY NOT NULL, n INTEGER)' }),
  })
  const large = 9_000_000_000_000_000_000n
  await db.write((tx) => {
    for (const id of [1, 2, 3, 4]) tx.insert('entry', { id, n: id === 2 || id === 3 ? large : -large })
  }).stored
  const live = db.live(sql`SELECT sum(n) AS s FROM entry`)
  live.subscribe(() => {})
  await expect.poll(() => live.snapshot.data).toEqual([{ s: 0 }])
  await db.write((tx) => {
    for (const id of [2, 3, 4]) tx.delete('entry', id)
  }).stored
  await expect.poll(() => live.snapshot.settling).toBe(false)
  expect(live.snapshot.error).toBeUndefined()
  expect(live.snapshot.data).toEqual([{ s: -large }])
  await db.close()
})
