import type { BrowserContext, Page } from '@playwright/test'
import { expect, test, until } from '../worker/fixtures.ts'

const SCHEMA = "CREATE TABLE entry (id INTEGER PRIMARY KEY NOT NULL, text TEXT NOT NULL DEFAULT '')"

/** Overflows the stack of the WebAssembly. */
const FATAL = `WITH v0 AS (SELECT 1 AS x)${Array.from({ length: 10_000 }, (_, i) => `, v${i + 1} AS (SELECT x FROM v${i})`).join('')} SELECT x FROM v10000`

async function openPage(context: BrowserContext): Promise<Page> {
  const page = await context.newPage()
  await page.goto('page.html')
  await until(page, () => 'millrace' in window)
  await page.evaluate(async (schema) => {
    const { open, workerPort } = window.millrace
    const workers: Worker[] = []
    const { Worker } = window
    window.Worker = class extends Worker {
      constructor(...given: ConstructorParameters<typeof Worker>) {
        super(...given)
        workers.push(this)
      }
    }
    Object.assign(window, { workers, statuses: [] })
    window.db = await open({ port: workerPort({ name: 'traps', schema }) })
    window.db.onConnection(({ status }) =>
      (window as unknown as { statuses: string[] }).statuses.push(status),
    )
  }, SCHEMA)
  return page
}

const workers = (page: Page) =>
  page.evaluate(() => (window as unknown as { workers: Worker[] }).workers.length)
const insert = (page: Page, id: number) =>
  page.evaluate((id) => window.db.insert('entry', { id }).stored.then(() => 'stored'), id)
const ids = (page: Page) =>
  page.evaluate(async () => {
    const rows = await window.db.query(window.millrace.sql<{ id: number }>`SELECT id FROM entry ORDER BY id`)
    return rows.map(({ id }) => id)
  })
/** The code of what it rejects with. */
const query = (page: Page, sql: string) =>
  page.evaluate(
    (sql) =>
      window.db.query({ sql, parameters: [] } as never).then(
        () => 'answered',
        (error) => error.code,
      ),
    sql,
  )

test('a query that traps is rejected, and a new worker has all that was stored', async ({ context }) => {
  const owner = await openPage(context)
  const follower = await openPage(context)
  await insert(owner, 1)
  expect(await query(follower, FATAL)).toBe('ENGINE_LOST')
  await insert(follower, 2)
  await insert(owner, 3)
  expect(await query(owner, FATAL)).toBe('ENGINE_LOST')
  for (const page of [owner, follower]) expect(await ids(page)).toEqual([1, 2, 3])
})

test('a live query that traps goes to its error, once, and the others go on', async ({ context }) => {
  const page = await openPage(context)
  await page.evaluate((sql) => {
    const fatal = window.db.live({ sql, parameters: [] } as never)
    fatal.subscribe(() => {})
    const good = window.db.live(window.millrace.sql`SELECT id FROM entry`)
    good.subscribe(() => {})
    Object.assign(window, { fatal, good })
  }, FATAL)
  type Live = { fatal: { snapshot: { status: string } }; good: { snapshot: { data: unknown[] } } }
  await until(page, () => (window as unknown as Live).fatal.snapshot.status === 'error')
  await insert(page, 1)
  await until(page, () => (window as unknown as Live).good.snapshot.data.length === 1)
  const before = await workers(page)
  await insert(page, 2)
  expect(await workers(page)).toBe(before)
  expect(before).toBe(2)
})

test('a write that traps is tried twice, then rejected; those beside it are stored', async ({ context }) => {
  const owner = await openPage(context)
  const follower = await openPage(context)
  const ends = await follower.evaluate(async (fatal) => {
    const { db } = window
    const code = (promise: Promise<unknown>) =>
      promise.then(
        () => 'stored',
        (error) => error.code,
      )
    return Promise.all([
      code(db.insert('entry', { id: 1 }).stored),
      code(db.exec({ sql: `INSERT INTO entry (text) ${fatal}`, parameters: [] } as never)),
      code(db.insert('entry', { id: 2 }).stored),
    ])
  }, FATAL)
  expect(ends).toEqual(['stored', 'ENGINE_LOST', 'stored'])
  for (const page of [owner, follower]) expect(await ids(page)).toEqual([1, 2])
  expect((await workers(owner)) + (await workers(follower))).toBe(4)
})

test('the browser ends the worker: its own page goes on with another, without a question', async ({
  context,
}) => {
  const owner = await openPage(context)
  const follower = await openPage(context)
  await insert(owner, 1)
  await owner.evaluate(() => (window as unknown as { workers: Worker[] }).workers[0]?.terminate())
  await until(owner, () => (window as unknown as { statuses: string[] }).statuses.includes('connecting'))
  expect(await insert(owner, 2)).toBe('stored')
  expect(await insert(follower, 3)).toBe('stored')
})

test('a statement of many seconds does not end its worker', async ({ context }) => {
  test.setTimeout(180_000)
  const owner = await openPage(context)
  const follower = await openPage(context)
  // A write, for it runs where all others wait. It inserts nothing.
  const slow = owner.evaluate(async () => {
    const { changes } = await window.db.exec({
      sql: `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25000000)
        INSERT INTO entry (id) SELECT max(i) FROM n HAVING max(i) < 0`,
      parameters: [],
    })
    return changes
  })
  expect(await Promise.all([slow, ids(follower)])).toEqual([0, []])
  for (const page of [owner, follower]) {
    expect(await page.evaluate(() => (window as unknown as { statuses: string[] }).statuses)).toEqual([])
  }
})
