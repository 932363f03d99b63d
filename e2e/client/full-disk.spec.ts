import { closeSync, openSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { expect, test, until } from '../worker/fixtures.ts'
import { openPage } from './open-page.ts'

/* On a file system that is really full: `npm run test:full-disk` makes a small one, and the browser's profile lies on it. */

const SCHEMA = 'CREATE TABLE entry (id INTEGER PRIMARY KEY NOT NULL, text TEXT)'
const MB = 1 << 20

const disk = process.env.MILLRACE_FULL_DISK ?? ''

/** Takes all room but this. Returns what gives it back. */
function fill(leave: number): () => void {
  const path = join(disk, 'ballast')
  const file = openSync(path, 'w')
  for (let bytes = MB; bytes >= 4096; bytes /= 2) {
    try {
      for (;;) writeSync(file, Buffer.alloc(bytes))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
  }
  closeSync(file)
  truncateSync(path, Math.max(0, statSync(path).size - leave))
  return () => rmSync(path)
}

/** Writes rows of so many characters until one is refused, or all are stored. */
const write = (page: Page, rows: number, characters: number) =>
  page.evaluate(
    async ({ rows, characters }) => {
      let stored = 0
      try {
        for (; stored < rows; stored++)
          await window.db.insert('entry', { text: 'x'.repeat(characters) }).stored
        return { stored, code: 'none' }
      } catch (error) {
        return { stored, code: (error as { code?: string }).code }
      }
    },
    { rows, characters },
  )

const count = (page: Page) =>
  page.evaluate(async () => {
    const [row] = await window.db.query<{ n: number; check: string }>({
      sql: 'SELECT count(*) AS n, (SELECT integrity_check FROM pragma_integrity_check) AS "check" FROM entry',
      parameters: [],
    })
    return row
  })

test('a full disk refuses writes with STORAGE_FULL and nothing else, and is read and opened all the same', async ({
  context,
}) => {
  test.setTimeout(180_000)
  const page = await openPage(context, 'full', SCHEMA)
  // A browser without room takes away what no site asked it to keep: Chromium does so here after a minute.
  const cdp = await context.newCDPSession(page)
  await cdp.send('Browser.grantPermissions', { permissions: ['durableStorage'] })
  expect(await page.evaluate(() => window.db.persist())).toBe(true)
  let stored = (await write(page, 5, 100)).stored
  for (const characters of [100_000, 3_000, 20]) {
    const giveBack = fill(2 * MB)
    const refused = await write(page, 100_000, characters)
    stored += refused.stored
    expect(refused.code).toBe('STORAGE_FULL')
    expect(await count(page)).toEqual({ n: stored, check: 'ok' })
    await page.reload()
    await until(page, () => 'millrace' in window)
    await page.evaluate(async (schema) => {
      const { open, workerPort } = window.millrace
      window.db = await open({ port: workerPort({ name: 'full', schema }) })
    }, SCHEMA)
    expect(await count(page)).toEqual({ n: stored, check: 'ok' })
    giveBack()
    stored += (await write(page, 3, characters)).stored
    expect(await count(page)).toEqual({ n: stored, check: 'ok' })
  }
})
