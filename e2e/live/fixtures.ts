import type { BrowserContext, Page } from '@playwright/test'
import { expect } from '@playwright/test'
import type { Framework, FrameworkOption } from '../fixtures.ts'
import { test as onDisk, until } from '../worker/fixtures.ts'
import type { Todo } from './shared/database.ts'
import type { Expected, Typing } from './shared/watch-typing.ts'

/* Pages to which the engine's answers come 80 ms late: <framework>/<scenario>.html. Data is on a disk. */

export const test = onDisk.extend<FrameworkOption>({
  framework: ['react', { option: true }],
})

export { expect, until }

/** Fifty characters. Two come without a key of their own, as from an input method. */
const TYPED = 'The quick brown fox jumps over 9 lazy dogs, größer'
/** Between keystrokes, in ms. */
const PACE = 15

type Row = Pick<Todo, 'id' | 'title'> & Partial<Todo>

export async function open(context: BrowserContext, framework: Framework, path: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`${framework}/${path}`)
  await until(page, () => 'live' in window)
  return page
}

/** Fills the database, which the page then shows. */
export async function insert(page: Page, rows: readonly Row[]): Promise<void> {
  await page.evaluate(async (rows) => {
    const { stored } = window.live.db.write((tx) => {
      for (const row of rows) tx.insert('todo', { list: 'home', note: 'none', done: 0, ...row })
    })
    await stored
  }, rows)
}

/** By how many keys were pressed, what is made of the characters typed so far. */
export function afterEachKey(make: (typed: string) => string): string[] {
  return Array.from({ length: TYPED.length + 1 }, (_, keys) => make(TYPED.slice(0, keys)))
}

/** Types into an input at a place in its text. `meanwhile` starts with it. */
export async function typeAt(
  page: Page,
  caret: number,
  typed: Expected,
  mirrors: readonly Expected[],
  meanwhile: () => Promise<void> = async () => {},
): Promise<Typing> {
  await page.evaluate(
    ({ typed, caret, mirrors }) => {
      window.live.typing = new window.live.TypingWatch(typed, caret, mirrors)
    },
    { typed, caret, mirrors },
  )
  await Promise.all([page.keyboard.type(TYPED, { delay: PACE }), meanwhile()])
  const seen = await page.evaluate(() => window.live.typing!.end())
  expect(seen.violations).toEqual([])
  expect(seen.keys).toBe(TYPED.length)
  expect(seen.mostInFlight, 'The answers came too soon to prove anything').toBeGreaterThan(1)
  expect(seen.frames, 'No frame was seen while writes were on their way').toBeGreaterThan(0)
  return seen
}

/** What the disk holds, as the page finds it when it opens the database anew. */
export async function rowOnDisk(page: Page, id: string): Promise<Todo | undefined> {
  await page.reload()
  await until(page, () => 'live' in window)
  return page.evaluate(async (id) => {
    const { db, sql } = window.live
    if (db.storage.type !== 'opfs') throw new Error(`Not on disk: ${db.storage.reason}`)
    const [row] = await db.query(sql<Todo>`SELECT * FROM todo WHERE id = ${id}`)
    return row
  }, id)
}
