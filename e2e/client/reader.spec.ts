import type { Page } from '@playwright/test'
import { expect, test } from '../worker/fixtures.ts'
import { openPage } from './open-page.ts'

const SCHEMA = 'CREATE TABLE entry (id INTEGER PRIMARY KEY NOT NULL, text TEXT)'
const ENDLESS = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS n FROM n'
/** Longer than the engine itself runs a query for a client; an answer that tells of each row. */
const LONG = `
  SELECT count(*) AS n, sum(a.id) AS sum FROM entry a
  JOIN (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) SELECT i FROM n) b ON a.id + b.i > -random() % 2`

const ask = (page: Page, sql: string) =>
  page.evaluate((sql) => window.db.query<{ n: number; sum: number }>({ sql, parameters: [] }), sql)

const add = (page: Page, from: number, to: number) =>
  page.evaluate(
    async ({ from, to }) => {
      await window.db.exec({
        sql: 'WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO entry SELECT i, ? FROM n',
        parameters: [from, to, 'x'.repeat(500)],
      })
    },
    { from, to },
  )

const sumTo = (n: number) => (n * (n + 1)) / 2

// Relaxed, what is read has not been flushed: in `npm run test:whole`.
const durabilities = process.env.MILLRACE_WHOLE ? (['strict', 'relaxed'] as const) : (['strict'] as const)
for (const durability of durabilities) {
  test(`a long query reads the database as it was, and others go on meanwhile: ${durability}`, async ({
    context,
  }) => {
    const owner = await openPage(context, 'reader', SCHEMA, durability)
    const follower = await openPage(context, 'reader', SCHEMA, durability)
    await add(owner, 1, 3000)
    const answers = await follower.evaluate(
      async ({ long, endless }) => {
        const { db } = window
        const told: string[] = []
        const controller = new AbortController()
        // Nothing can answer after it but what runs beside it.
        const stuck = db
          .query({ sql: endless, parameters: [] }, { signal: controller.signal })
          .catch(({ code }) => told.push(code))
        const first = db.query<{ n: number; sum: number }>({ sql: long, parameters: [] })
        await db.insert('entry', { id: 100_000, text: 'meanwhile' }).stored
        told.push('stored')
        await db.query({ sql: 'SELECT 1 AS one', parameters: [] })
        told.push('short')
        controller.abort()
        await stuck
        return { told, first: await first }
      },
      { long: LONG, endless: ENDLESS },
    )
    expect(answers.told).toEqual(['stored', 'short', 'ABORTED'])
    expect(answers.first).toEqual([{ n: 400 * 3001, sum: 400 * (sumTo(3000) + 100_000) }])
    // Each later one sees what was stored before it, also what a checkpoint has moved.
    for (const to of [6000, 9000]) {
      const before = to - 3000
      await add(owner, before + 1, to)
      expect(await ask(owner, LONG)).toEqual([{ n: 400 * (to + 1), sum: 400 * (sumTo(to) + 100_000) }])
    }
    expect(await owner.evaluate(() => window.db.connection.status)).toBe('connected')
  })
}

test('a long query ends with the tab that asked, and the next has its turn', async ({ context }) => {
  const owner = await openPage(context, 'reader-closed', SCHEMA)
  const follower = await openPage(context, 'reader-closed', SCHEMA)
  await add(owner, 1, 3000)
  await follower.evaluate(async (sql) => {
    void window.db.query({ sql, parameters: [] }).catch(() => {})
    // It has begun when what came after it is answered.
    await window.db.query({ sql: 'SELECT 1', parameters: [] })
  }, ENDLESS)
  const waiting = ask(owner, LONG)
  await follower.close()
  expect(await waiting).toEqual([{ n: 400 * 3000, sum: 400 * sumTo(3000) }])
})

test('where no second worker can be started, the owner runs a long query itself', async ({ context }) => {
  let patched = 0
  await context.route(/worker.*\.js$/, async (route) => {
    const response = await route.fetch()
    patched++
    await route.fulfill({ response, body: `delete globalThis.Worker;${await response.text()}` })
  })
  const owner = await openPage(context, 'reader-none', SCHEMA)
  await add(owner, 1, 3000)
  expect(await ask(owner, LONG)).toEqual([{ n: 400 * 3000, sum: 400 * sumTo(3000) }])
  expect(patched).toBeGreaterThan(0)
})
