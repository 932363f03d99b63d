import type { BrowserContext, Page } from '@playwright/test'
import { expect, test } from '../worker/fixtures.ts'
import { openPage } from './open-page.ts'

const SCHEMA = `
  CREATE TABLE entry (id INTEGER PRIMARY KEY NOT NULL, text TEXT NOT NULL DEFAULT '');
  SELECT crsql_as_crr('entry');`
const WRITES = 300

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

/** How the page is killed, and what tells that it is gone: the call does not, for a killed process never answers. */
const kills = {
  'its process is killed': {
    kill: async (page: Page, context: BrowserContext) =>
      (await context.newCDPSession(page)).send('Page.crash'),
    gone: (page: Page) => page.waitForEvent('crash'),
  },
  'the page is closed': {
    kill: (page: Page) => page.close(),
    gone: (page: Page) => page.waitForEvent('close'),
  },
  'the page is reloaded': {
    kill: (page: Page) => page.reload(),
    gone: (page: Page) => page.waitForEvent('framenavigated'),
  },
}

/** When the page is killed: as soon as all writes were made, or while they are being made. */
const moments = [
  { when: `after ${WRITES} writes in one task`, pause: false, least: 0 },
  { when: `amid ${WRITES} writes`, pause: true, least: 40 },
]

for (const [how, { kill, gone }] of Object.entries(kills)) {
  for (const { when, pause, least } of moments) {
    test(`${when}, ${how}: every stored write is there, and the file is sound`, async ({ context }) => {
      const stored: number[] = []
      await context.exposeFunction('tellStored', (id: number) => {
        stored.push(id)
      })
      const page = await openPage(context, 'durability', SCHEMA)
      const ended = gone(page)
      const written = page.evaluate(
        async ({ writes, pause }) => {
          for (let id = 1; id <= writes; id++) {
            window.db.insert('entry', { id, text: `text ${id}` }).stored.then(
              () => window.tellStored(id),
              () => {},
            )
            // Many commits, not one.
            if (pause && id % 4 === 0) await new Promise((resolve) => setTimeout(resolve))
          }
        },
        { writes: WRITES, pause },
      )
      written.catch(() => {})
      if (pause) await expect.poll(() => stored.length, { intervals: [1] }).toBeGreaterThan(least)
      else await written
      kill(page, context).catch(() => {})
      await ended

      const next = await openPage(context, 'durability', SCHEMA)
      const { ids, check } = await stateOfDisk(next)
      expect(check).toBe('ok')
      console.log(`${when}, ${how}: ${stored.length} were told as stored, ${ids.length} are there`)
      expect(ids).toEqual(expect.arrayContaining(stored))
      // What was not told may be there or not, but in order: a write is never there without those before it.
      expect(ids).toEqual(ids.map((_, i) => i + 1))
    })
  }
}
