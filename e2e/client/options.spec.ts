import { expect, test } from '../worker/fixtures.ts'
import { openPage } from './open-page.ts'

const SCHEMA = 'CREATE TABLE entry (id INTEGER PRIMARY KEY NOT NULL, text TEXT)'
const ENDLESS = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n'

test('a query of another tab that has no end does not keep the others: limits, signals, durability, room', async ({
  context,
}) => {
  const owner = await openPage(context, 'options', SCHEMA)
  const follower = await openPage(context, 'options', SCHEMA)
  const codes = await follower.evaluate(async (sql) => {
    const query = (options: object) =>
      window.db.query({ sql, parameters: [] }, options).then(
        () => 'answered',
        ({ code }) => code,
      )
    const controller = new AbortController()
    const running = query({ timeout: 500 })
    const waiting = query({ signal: controller.signal })
    controller.abort()
    return [await running, await waiting, await query({ signal: AbortSignal.abort() })]
  }, ENDLESS)
  expect(codes).toEqual(['TIMEOUT', 'ABORTED', 'ABORTED'])
  for (const page of [owner, follower]) {
    const state = await page.evaluate(async () => {
      const {
        db,
        millrace: { sql },
      } = window
      await db.insert('entry', { text: 'relaxed' }, { durability: 'relaxed' }).stored
      await db.flush()
      const persisted = await db.persist()
      const [row] = await db.query(sql<{ n: number }>`SELECT count(*) AS n FROM entry`)
      return { ...db.storage, persistedIs: typeof persisted, n: row?.n, status: db.connection.status }
    })
    expect(state).toMatchObject({
      type: 'opfs',
      quota: expect.any(Number),
      usage: expect.any(Number),
      persistedIs: 'boolean',
      status: 'connected',
    })
  }
  expect(await owner.evaluate(() => window.db.connection.status)).toBe('connected')
})
