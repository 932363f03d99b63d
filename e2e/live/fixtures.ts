import type { BrowserContext, Page } from '@playwright/test'
import type { Framework, FrameworkOption } from '../fixtures.ts'
import { test as onDisk, until } from '../worker/fixtures.ts'
import type { Todo } from './shared/database.ts'

/* Pages in which the engine's answers come 80 ms late: <framework>/<scenario>.html. */

export const test = onDisk.extend<FrameworkOption>({
  framework: ['react', { option: true }],
})

export { expect } from '@playwright/test'

export type Scenario = 'typing' | 'list' | 'writes'

/** Fifty characters. Not all are on a keyboard: those come without a key, as from an input method. */
export const TEXT = 'The quick brown fox jumps over 9 lazy dogs, größer'

/** As fast as the tests type, in ms. */
export const PACE = 15

/** A page that shows a database with these rows. */
export async function openWith(
  context: BrowserContext,
  framework: Framework,
  scenario: Scenario,
  rows: readonly (Pick<Todo, 'id' | 'title'> & Partial<Todo>)[],
): Promise<Page> {
  const page = await open(context, framework, scenario)
  await page.evaluate(async (rows) => {
    const { db } = window.live
    const { stored } = db.write((tx) => {
      for (const row of rows) tx.insert('todo', { list: 'home', note: '', done: 0, ...row })
    })
    await stored
  }, rows)
  return page
}

export async function open(context: BrowserContext, framework: Framework, scenario: Scenario): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`${framework}/${scenario}.html`)
  await until(page, () => 'live' in window)
  return page
}

/** What the disk holds: a page that opens it anew. */
export async function storedTitle(page: Page, id: string): Promise<string | undefined> {
  await page.reload()
  await until(page, () => 'live' in window)
  return page.evaluate(async (id) => {
    const { db, sql } = window.live
    if (db.storage.type !== 'opfs') throw new Error(`The database is not on disk: ${db.storage.reason}`)
    const [row] = await db.query(sql<Todo>`SELECT * FROM todo WHERE id = ${id}`)
    return row?.title
  }, id)
}
