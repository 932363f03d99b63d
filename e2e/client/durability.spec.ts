import type { BrowserContext, Page } from '@playwright/test'
import { expect, test, until } from '../worker/fixtures.ts'

const SCHEMA = `
  CREATE TABLE entry (id INTEGER PRIMARY KEY NOT NULL, text TEXT NOT NULL DEFAULT '');
  SELECT crsql_as_crr('entry');`
const WRITES = 300

async function openPage(context: BrowserContext): Promise<Page> {
  const page = await context.newPage()
  await page.goto('page.html')
  await until(page, () => 'millrace' in window)
  await page.evaluate(async (schema) => {
    const { open, workerPort } = window.millrace
    window.db = await open({ port: workerPort({ name: 'durability', schema }) })
  }, SCHEMA)
  return page
}

/** What the disk holds, as a page that opens it anew finds it. */
function stateOfDisk(page: Page): Promise<{ ids: number[]; check: string }> {
  return page.evaluate(async () => {
    const { sql } = window.millrace
    const rows = await window.db.query(sql<{ id: number }>`SELECT id FROM entry ORDER BY id`)
    const [check] = await window.db.query(
      sql<{ integrity_check: string }>`SELECT * FROM pragma_integrity_check`,
    )
    return { ids: rows.map(({ id }) => id), check: check?.integrity_check ?? 'no answer' }
  })
}

const kills: Record<string, (page: Page, context: BrowserContext) => Promise<unknown>> = {
  'its process is killed': async (page, context) => (await context.newCDPSession(page)).send('Page.crash'),
  'the page is closed': (page) => page.close(),
  'the page is reloaded': (page) => page.reload(),
}

for (const [how, kill] of Object.entries(kills)) {
  test(`after ${WRITES} writes, ${how} at once: every stored write is there, and the file is sound`, async ({
    context,
  }) => {
    const stored: number[] = []
    await context.exposeFunction('tellStored', (id: number) => {
      stored.push(id)
    })
    const page = await openPage(context)
    await page.evaluate(async (writes) => {
      for (let id = 1; id <= writes; id++) {
        window.db.insert('entry', { id, text: `text ${id}` }).stored.then(
          () => window.tellStored(id),
          () => {},
        )
        // Some dozens of commits, not one.
        if (id % 10 === 0) await new Promise((resolve) => setTimeout(resolve))
      }
    }, WRITES)
    // Not awaited: a killed process does not say that it is done.
    kill(page, context).catch(() => {})

    const next = await openPage(context)
    const { ids, check } = await stateOfDisk(next)
    expect(check).toBe('ok')
    console.log(`${how}: ${stored.length} were told as stored, ${ids.length} are there`)
    expect(stored.length).toBeGreaterThan(0)
    expect(ids).toEqual(expect.arrayContaining(stored))
    // What was not told may be there or not, but in order: a write is never there without those before it.
    expect(ids).toEqual(ids.map((_, i) => i + 1))
  })
}
