import type { BrowserContext, Page } from '@playwright/test'
import { expect, test, until } from '../worker/fixtures.ts'
import { openPage } from './open-page.ts'

const SCHEMA = 'CREATE TABLE entry (id INTEGER PRIMARY KEY NOT NULL, text TEXT)'

async function newPage(context: BrowserContext): Promise<Page> {
  const page = await context.newPage()
  await page.goto('page.html')
  await until(page, () => 'millrace' in window)
  return page
}

/** The code of what `open` rejects with. */
const openError = (page: Page, name: string) =>
  page.evaluate(
    async ({ name, schema }) => {
      const { open, workerPort } = window.millrace
      // A day: nothing of this may wait for the end of time.
      const opening = open({ port: workerPort({ name, schema }), timeout: 86_400_000 })
      return opening.then(
        () => 'opened',
        ({ code, message }) => `${code}: ${message}`,
      )
    },
    { name, schema: SCHEMA },
  )

/** Puts bytes into a file of a database that nobody has open. */
const overwrite = (page: Page, database: string, file: string, text: string, at: number) =>
  page.evaluate(
    async ({ database, file, text, at }) => {
      const root = await navigator.storage.getDirectory()
      const millrace = await root.getDirectoryHandle('millrace', { create: true })
      const folder = await millrace.getDirectoryHandle(database, { create: true })
      const writable = await (await folder.getFileHandle(file, { create: true })).createWritable({
        keepExistingData: true,
      })
      await writable.write({ type: 'write', position: at, data: text })
      await writable.close()
    },
    { database, file, text, at },
  )

const headOf = (page: Page, name: string) =>
  page.evaluate(async (name) => {
    const bytes = await window.millrace.readDatabaseFile(name)
    return bytes && { head: new TextDecoder().decode(bytes.subarray(0, 15)), size: bytes.byteLength }
  }, name)

test('a file that is none of SQLite: open says so soon, its bytes can be saved, and a new one begun', async ({
  context,
}) => {
  const page = await newPage(context)
  expect(await headOf(page, 'foreign')).toBe(null)
  await overwrite(page, 'foreign', 'database.sqlite', 'This is no data'.padEnd(8192, '.'), 0)
  expect(await openError(page, 'foreign')).toMatch(/^STORAGE_FAILED: .*readDatabaseFile/)
  expect(await headOf(page, 'foreign')).toEqual({ head: 'This is no data', size: 8192 })
  expect(await page.evaluate(() => window.millrace.deleteDatabase('foreign'))).toBe(true)
  expect(await page.evaluate(() => window.millrace.deleteDatabase('foreign'))).toBe(false)
  expect(await openError(page, 'foreign')).toBe('opened')
})

test('what was stored and is still in the log is in the bytes of the file', async ({ context }) => {
  const page = await openPage(context, 'rescue', SCHEMA)
  await page.evaluate(() => window.db.insert('entry', { id: 1, text: 'a text that is to be saved' }).stored)
  const refused = await page.evaluate(() =>
    window.millrace.deleteDatabase('rescue').catch(({ code }) => code),
  )
  expect(refused).toBe('STORAGE_FAILED')
  // The page's end leaves no time for a checkpoint; the log has all.
  await page.reload()
  await until(page, () => 'millrace' in window)
  const found = await page.evaluate(async () => {
    const bytes = await window.millrace.readDatabaseFile('rescue')
    return new TextDecoder('latin1').decode(bytes ?? new Uint8Array())
  })
  expect(found.startsWith('SQLite format 3')).toBe(true)
  expect(found).toContain('a text that is to be saved')
})

test('damaged pages: open or a query says STORAGE_FAILED', async ({ context }) => {
  const page = await openPage(context, 'damaged', SCHEMA)
  await page.evaluate(async () => {
    await window.db.exec({
      sql: `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
        INSERT INTO entry SELECT i, hex(randomblob(200)) FROM n`,
      parameters: [],
    })
    await window.db.close()
  })
  await overwrite(page, 'damaged', 'database.sqlite', 'x'.repeat(4_000_000), 200_000)
  const code = await page.evaluate(
    async ({ schema }) => {
      const { open, workerPort } = window.millrace
      try {
        const db = await open({ port: workerPort({ name: 'damaged', schema }) })
        await db.query({ sql: 'SELECT sum(length(text)) FROM entry', parameters: [] })
        return 'read'
      } catch (error) {
        return (error as { code?: string }).code
      }
    },
    { schema: SCHEMA },
  )
  expect(code).toBe('STORAGE_FAILED')
})
