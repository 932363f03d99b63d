import { open, type SqlQuery, sql } from '@millrace/client'
import { enginePort } from '@millrace/engine/node'
import { expect, test } from 'vitest'

/* Texts that are large: what they ask for shows at once, or waits, and is never an error that `query` does not have. */

const SCHEMA = 'CREATE TABLE entry (id INTEGER PRIMARY KEY NOT NULL, text TEXT, n INTEGER)'

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)
const list = (count: number) => Array(count).fill('?').join()

const texts: Record<string, SqlQuery> = {
  ...Object.fromEntries(
    [2_000, 32_766].map((count) => [
      `IN of ${count} parameters`,
      { sql: `SELECT id FROM entry WHERE id IN (${list(count)})`, parameters: upTo(count) },
    ]),
  ),
  'sql.in of 50000 numbers': sql`SELECT id FROM entry WHERE n IN ${sql.in(upTo(50_000))}`,
  'NOT IN of sql.in': sql`SELECT id, text FROM entry WHERE text NOT IN ${sql.in(['7', 'x', null])} OR n IN ${sql.in([])}`,
  'count of sql.in': sql`SELECT count(*) AS n FROM entry WHERE text IN ${sql.in([7, true, 2n ** 60n, 'x', Infinity])}`,
  'NOT IN of 5000 parameters': {
    sql: `SELECT id FROM entry WHERE n NOT IN (${list(5_000)})`,
    parameters: upTo(5_000),
  },
  'IN of 5000 texts, among them numbers': {
    sql: `SELECT id, text FROM entry WHERE text IN (${list(5_000)})`,
    parameters: upTo(5_000),
  },
  'count of IN of 5000 numbers in the text': {
    sql: `SELECT count(*) AS n FROM entry WHERE id IN (${upTo(5_000).join()})`,
    parameters: [],
  },
  'OR of 900 terms': {
    sql: `SELECT id FROM entry WHERE ${upTo(900)
      .map(() => 'id = ?')
      .join(' OR ')}`,
    parameters: upTo(900),
  },
  'AND of 900 terms': {
    sql: `SELECT id FROM entry WHERE ${upTo(900)
      .map((i) => `n <> ${i + 100}`)
      .join(' AND ')}`,
    parameters: [],
  },
  'a sum of 900 columns': {
    sql: `SELECT id, ${upTo(900)
      .map(() => 'n')
      .join(' + ')} AS sum FROM entry`,
    parameters: [],
  },
  'text in 25 calls of a function': {
    sql: `SELECT id, ${'upper('.repeat(25)}text${')'.repeat(25)} AS text FROM entry`,
    parameters: [],
  },
  'CASE of 2000 branches': {
    sql: `SELECT id, CASE id ${upTo(2_000)
      .map((i) => `WHEN ${i} THEN ${i}`)
      .join(' ')} END AS same FROM entry`,
    parameters: [],
  },
  'a join of 40 tables': {
    sql: `SELECT e0.id FROM ${upTo(40)
      .map((i) => `entry AS e${i}`)
      .join(', ')} WHERE ${upTo(39)
      .map((i) => `e${i}.id = e${i + 1}.id`)
      .join(' AND ')}`,
    parameters: [],
  },
  'UNION ALL of 100': {
    sql: upTo(100)
      .map(() => 'SELECT id FROM entry')
      .join(' UNION ALL '),
    parameters: [],
  },
}

test.each(Object.entries(texts))('%s', async (_, query) => {
  const db = await open({ port: enginePort({ schema: SCHEMA }) })
  await db.insert('entry', { id: 7, text: '7', n: 7 }).stored
  const live = db.live(query)
  live.subscribe(() => {})
  await expect.poll(() => live.snapshot.status, { interval: 5, timeout: 30_000 }).not.toBe('pending')
  expect(live.snapshot.error?.message).toBe(undefined)
  expect(live.snapshot.data).toEqual(await db.query(query))
  const writes = [
    db.insert('entry', { id: 8, text: '8', n: null }),
    db.update('entry', 7, { text: 'seven', n: 4_999 }),
    db.insert('entry', { id: 40_000, text: 'x', n: 6_000 }),
  ]
  const { data, settling } = live.snapshot
  await Promise.all(writes.map(({ stored }) => stored))
  await expect.poll(() => live.snapshot.settling, { interval: 5, timeout: 30_000 }).toBe(false)
  expect(live.snapshot.error?.message).toBe(undefined)
  expect(live.snapshot.data).toEqual(await db.query(query))
  if (!settling) expect(data).toEqual(live.snapshot.data)
  await db.close()
})

test('a list of sql.in is predicted', async () => {
  const db = await open({ port: enginePort({ schema: SCHEMA }) })
  const live = db.live(sql`SELECT id FROM entry WHERE text IN ${sql.in(['a', 'b'])} ORDER BY id`)
  live.subscribe(() => {})
  await expect.poll(() => live.snapshot.status).toBe('live')
  db.insert('entry', { id: 1, text: 'a' })
  db.insert('entry', { id: 2, text: 'c' })
  expect(live.snapshot).toMatchObject({ settling: false, data: [{ id: 1 }] })
  db.update('entry', 2, { text: 'b' })
  expect(live.snapshot.data).toEqual([{ id: 1 }, { id: 2 }])
  await db.close()
})

test('what is no list for IN is told how it is written', () => {
  expect(() => sql`SELECT * FROM entry WHERE id IN (${['a', 'b'] as never})`).toThrow(/sql\.in\(ids\)/)
  expect(() => sql.in([new Uint8Array(1)])).toThrow(/JSON cannot hold bytes, given for element 1/)
  expect(() => sql.in([1, undefined as never])).toThrow(/undefined, given for element 2 of the list/)
})
