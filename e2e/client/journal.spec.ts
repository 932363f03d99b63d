import type { Page } from '@playwright/test'
import { expect, test, until } from '../worker/fixtures.ts'

test.describe.configure({ timeout: 120_000 })

/* What was written and shown when the page goes away is there for the next one. */

const SCHEMA = `
  CREATE TABLE entry (id INTEGER PRIMARY KEY NOT NULL, text TEXT NOT NULL DEFAULT '');
  CREATE TABLE counter (id INTEGER PRIMARY KEY NOT NULL, n REAL NOT NULL);
  CREATE TABLE file (id INTEGER PRIMARY KEY NOT NULL, bytes BLOB)`

/** Long enough that nothing behind it is answered before the page is gone. */
const LONG =
  'WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 3e6) SELECT count(*) FROM n'

declare global {
  interface Window {
    /** The ids of the first rows that the live query showed. */
    firstRows: Promise<number[]>
    rejections: { code: string; message: string; operations: number }[]
    ended: string[]
    /** Calls of localStorage's setItem. */
    stored: number
  }
}

/** Opens the database in a page that was loaded, and a live query. */
async function openDatabase(page: Page, storage: 'opfs' | 'memory' = 'opfs'): Promise<void> {
  await until(page, () => 'millrace' in window)
  await page.evaluate(
    async ({ schema, storage }) => {
      const { open, sql, workerPort } = window.millrace
      window.ended = []
      window.rejections = []
      window.db = await open({ port: workerPort({ name: 'journal', schema, storage: [storage] }) })
      window.db.onRejected(({ error: { code, message }, operations }) => {
        window.rejections.push({ code, message, operations: operations.length })
      })
      const live = window.db.live(sql<{ id: number }>`SELECT id FROM entry ORDER BY id`)
      window.firstRows = new Promise((resolve) => {
        const stop = live.subscribe(() => {
          stop()
          resolve(live.snapshot.data.map(({ id }) => id))
        })
      })
    },
    { schema: SCHEMA, storage },
  )
}

async function openPage(page: Page): Promise<Page> {
  await page.goto('page.html')
  await openDatabase(page)
  await page.evaluate(() => window.firstRows)
  return page
}

const firstRows = (page: Page) => page.evaluate(() => window.firstRows)
const journals = (page: Page) =>
  page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('millrace/journal/journal/')))
const counter = (page: Page) =>
  page.evaluate(async () => {
    const { sql } = window.millrace
    const [row] = await window.db.query(sql<{ n: number }>`SELECT n FROM counter`)
    return row?.n
  })

/** The owner has something long to do. What is written in the same task waits for it. */
const BUSY = `window.db.live(window.millrace.sql\`${LONG}\`).subscribe(() => {});`
const insert = (count: number) => `for (let id = 1; id <= ${count}; id++) window.db.insert('entry', { id });`
const ids = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

test('a write and a reload in one task: the first rows of the reloaded page hold it', async ({ context }) => {
  const page = await openPage(await context.newPage())
  for (const count of [1, 2, 3]) {
    const loaded = page.waitForEvent('load')
    await page.evaluate(`window.db.insert('entry', { id: ${count} }); location.reload()`)
    await loaded
    await openDatabase(page)
    expect(await firstRows(page)).toEqual(ids(count))
  }
  expect(await journals(page)).toEqual([])
})

test('300 writes that the owner had no time for, and the page is closed: the next has them in order', async ({
  context,
}) => {
  const page = await openPage(await context.newPage())
  await page.evaluate(`${BUSY} ${insert(300)}`)
  await page.close()
  const next = await context.newPage()
  await next.goto('page.html')
  await openDatabase(next)
  expect(await firstRows(next)).toEqual(ids(300))
  await expect.poll(() => journals(next)).toEqual([])
})

test('the page is closed while others are open: they have its writes, each once and in order', async ({
  context,
}) => {
  const owner = await openPage(await context.newPage())
  await owner.evaluate(`window.db.insert('counter', { id: 1, n: 0 }).stored.then(() => {})`)
  const page = await openPage(await context.newPage())
  const third = await openPage(await context.newPage())
  await page.evaluate(`{
    ${BUSY}
    const { sql } = window.millrace
    for (let i = 0; i < 10; i++) {
      window.db.exec(sql\`UPDATE counter SET n = n * 2\`).catch(() => {})
      window.db.exec(sql\`UPDATE counter SET n = n + 1\`).catch(() => {})
    }
  } 0`)
  await page.close()
  await expect.poll(() => counter(third), { timeout: 60_000 }).toBe(1023)
  await expect.poll(() => journals(owner)).toEqual([])
  expect(await counter(owner)).toBe(1023)
})

test('there is no owner: what another page writes before it is reloaded is not lost', async ({ context }) => {
  const owner = await openPage(await context.newPage())
  const page = await openPage(await context.newPage())
  // The owner is alive and does not answer, and then it is gone.
  await owner.evaluate(BUSY)
  const closed = owner.close()
  await page.evaluate(insert(20))
  await page.evaluate(() => location.reload()).catch(() => {})
  await page.waitForEvent('load')
  await closed
  await openDatabase(page)
  expect(await firstRows(page)).toEqual(ids(20))
})

test('the process of a page whose owner is slow is killed: its writes are there', async ({ context }) => {
  const page = await openPage(await context.newPage())
  await page.evaluate(`${BUSY} ${insert(5)}`)
  const saved = () => page.evaluate(() => Object.keys(localStorage).length)
  await expect.poll(saved).toBe(1)
  const crashed = page.waitForEvent('crash')
  ;(await context.newCDPSession(page)).send('Page.crash').catch(() => {})
  await crashed
  const next = await context.newPage()
  await next.goto('page.html')
  await openDatabase(next)
  await expect
    .poll(() =>
      next.evaluate(async () => {
        const { sql } = window.millrace
        return (await window.db.query(sql<{ id: number }>`SELECT id FROM entry ORDER BY id`)).map(
          ({ id }) => id,
        )
      }),
    )
    .toEqual(ids(5))
})

test('a write that the database rejects after its page is gone is told to the next', async ({ context }) => {
  const page = await openPage(await context.newPage())
  await page.evaluate(`window.db.insert('entry', { id: 1 }).stored.then(() => {})`)
  await page.evaluate(
    `${BUSY} window.db.insert('entry', { id: 1, text: 'again' }); window.db.insert('entry', { id: 2 })`,
  )
  await page.reload()
  await openDatabase(page)
  expect(await firstRows(page)).toEqual([1, 2])
  await until(page, () => window.rejections.length === 1)
  expect(await page.evaluate(() => window.rejections)).toEqual([
    { code: 'WRITE_REJECTED', message: expect.stringContaining('UNIQUE'), operations: 1 },
  ])
  // Once.
  await page.reload()
  await openDatabase(page)
  expect(await firstRows(page)).toEqual([1, 2])
  expect(await page.evaluate(() => window.rejections)).toEqual([])
})

test('a page that comes back out of the cache has the outcome that its writes had in another page', async ({
  context,
}) => {
  const owner = await openPage(await context.newPage())
  await owner.evaluate(
    `Promise.all([window.db.insert('counter', { id: 1, n: 0 }).stored, window.db.insert('entry', { id: 1 }).stored]).then(() => {})`,
  )
  const page = await openPage(await context.newPage())
  let expected = 0
  for (let attempt = 0; ; attempt++) {
    expect(attempt, 'attempts to have the page kept in the cache').toBeLessThan(5)
    await page.evaluate(`{
      window.restored = false
      window.addEventListener('pageshow', (event) => { window.restored = event.persisted })
      ${BUSY}
      const { sql } = window.millrace
      window.ended = []
      const tell = (promise) => promise.then(() => window.ended.push('stored'), ({ message }) => window.ended.push(message))
      tell(window.db.exec(sql\`UPDATE counter SET n = n + 1\`))
      tell(window.db.insert('entry', { id: 1 }).stored)
    } 0`)
    await page.goto('../worker/elsewhere.html')
    expected++
    const heard = () => owner.evaluate(() => window.rejections.length)
    await expect.poll(heard, { timeout: 60_000 }).toBe(expected)
    await expect.poll(() => journals(owner)).toEqual([])
    expect(await counter(owner)).toBe(expected)
    await page.goBack({ waitUntil: 'commit' })
    await until(page, () => 'millrace' in window && document.readyState === 'complete')
    if (await page.evaluate(() => 'db' in window)) break
    await openDatabase(page)
  }
  // What was in its way is gone; but the other page was told that it was rejected.
  await until(page, () => window.ended.length === 2)
  const [rejection] = await owner.evaluate(() => window.rejections)
  expect(await page.evaluate(() => window.ended)).toEqual(['stored', rejection?.message])
  expect(await counter(page)).toBe(expected)
  await page.evaluate(`window.db.exec(window.millrace.sql\`UPDATE counter SET n = n + 1\`).then(() => {})`)
  expect(await counter(owner)).toBe(expected + 1)
})

test('in the ordinary case nothing is written to localStorage, and a hidden page writes once', async ({
  context,
}) => {
  await context.addInitScript(() => {
    window.stored = 0
    const { setItem } = Storage.prototype
    Storage.prototype.setItem = function (...args) {
      window.stored++
      return setItem.apply(this, args)
    }
  })
  const page = await openPage(await context.newPage())
  const hide = () =>
    page.evaluate(() => {
      Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))
      return window.stored
    })
  await page.evaluate(`(async () => {
    for (let id = 1; id <= 100; id++) await window.db.insert('entry', { id }).stored
    await Promise.all(Array.from({ length: 100 }, (_, i) => window.db.insert('entry', { id: 1000 + i }).stored))
  })()`)
  expect(await hide()).toBe(0)
  await page.evaluate(`${BUSY} window.write = window.db.insert('entry', { id: 5000 })`)
  expect(await hide()).toBe(1)
  expect(await journals(page)).toHaveLength(1)
  await page.evaluate('window.write.stored.then(() => {})')
  expect(await journals(page)).toEqual([])
})

test('a database in memory has no journal', async ({ context }) => {
  const page = await context.newPage()
  await page.goto('page.html')
  await openDatabase(page, 'memory')
  await page.evaluate(`${BUSY} ${insert(3)}`)
  await page.reload()
  await openDatabase(page, 'memory')
  expect(await firstRows(page)).toEqual([])
})

test('what does not fit into the journal: the user is asked to stay, until it is on disk', async ({
  context,
}) => {
  const page = await openPage(await context.newPage())
  // Browsers ask only where the user has touched the page.
  await page.mouse.click(10, 10)
  await page.evaluate(`
    window.db.insert('entry', { id: 1 })
    ${BUSY}
    window.db.insert('entry', { id: 2 })
    window.write = window.db.insert('file', { id: 1, bytes: new Uint8Array(2_000_000) })
    window.db.insert('entry', { id: 3 })`)
  const asked = page.waitForEvent('dialog')
  await page.close({ runBeforeUnload: true })
  const dialog = await asked
  expect(dialog.type()).toBe('beforeunload')
  await dialog.dismiss()
  await page.evaluate('window.write.stored.then(() => {})')
  const closed = page.waitForEvent('close')
  page.on('dialog', (again) => void again.dismiss())
  await page.close({ runBeforeUnload: true })
  await closed
})
