import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { WorkerPortOptions } from '@millrace/worker'
import { type BrowserContext, test as base, chromium, expect, type Page } from '@playwright/test'
import { chromiumOptions } from '../chromium.ts'
import type { Tab } from './tab.ts'

export const SCHEMA =
  'CREATE TABLE entry (id INTEGER PRIMARY KEY NOT NULL, text TEXT NOT NULL); CREATE INDEX entry_text ON entry (text)'

/**
 * Each test has a browser with a profile on disk: the contexts that Playwright makes are private windows, whose OPFS is
 * kept in memory. The back/forward cache, which Playwright turns off, is on.
 */
export const test = base.extend<{ context: BrowserContext }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads which fixtures are used off the pattern
  context: async ({}, use, { project }) => {
    const profile = await mkdtemp(join(tmpdir(), 'millrace-'))
    const context = await chromium.launchPersistentContext(profile, {
      ...chromiumOptions,
      ignoreDefaultArgs: ['--disable-back-forward-cache'],
      baseURL: project.use.baseURL as string,
    })
    await use(context)
    await context.close()
    await rm(profile, { recursive: true, force: true })
  },
})

export { expect }

/** A new page that does nothing yet. */
export async function newPage(context: BrowserContext): Promise<Page> {
  const page = await context.newPage()
  await page.goto('tab.html')
  await until(page, () => 'Tab' in window)
  return page
}

/** Opens the database in a page that is there, and does not wait. */
export async function startTab(page: Page, options: Partial<WorkerPortOptions> = {}): Promise<void> {
  await page.evaluate(
    (all) => {
      window.tabs.main = new window.Tab(all)
    },
    { name: 'test', schema: SCHEMA, ...options },
  )
}

/** A new page that has the database open. The first one is the owner. */
export async function openTab(
  context: BrowserContext,
  options: Partial<WorkerPortOptions> = {},
): Promise<Page> {
  const page = await newPage(context)
  await startTab(page, options)
  await connected(page)
  return page
}

export async function connected(page: Page, connections = 1): Promise<void> {
  await until(
    page,
    (least) => window.tabs.main?.connected === true && window.tabs.main.connections >= least,
    connections,
  )
}

/**
 * Waits until `condition` holds in the page. Asked from here: Playwright's waitForFunction asks in the page's frames and
 * timers, which a tab in the background hardly has.
 */
export async function until<A>(page: Page, condition: (argument: A) => boolean, argument?: A): Promise<void> {
  const ask = () => page.evaluate(condition as (argument: unknown) => boolean, argument)
  await expect.poll(ask, { intervals: [10], timeout: 15_000 }).toBe(true)
}

/** What a Tab shows of itself. */
export function state(
  page: Page,
): Promise<Pick<Tab, 'connections' | 'storage' | 'refusals' | 'losses' | 'gaveUp'>> {
  return page.evaluate(() => {
    const { connections, storage, refusals, losses, gaveUp } = window.tabs.main as Tab
    return { connections, storage, refusals, losses, gaveUp }
  })
}

export async function write(page: Page, text: string): Promise<void> {
  await page.evaluate(
    (value) => window.tabs.main?.write('INSERT INTO entry (text) VALUES (?)', [value]),
    text,
  )
}

export function texts(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const rows = await (window.tabs.main as Tab).query('SELECT text FROM entry ORDER BY id')
    return rows.map(([text]) => String(text))
  })
}

/** What a page that writes without a pause was told to be on disk, even when the page itself is gone. */
export interface Writer {
  readonly acknowledged: string[]
  /** Resolves when so many more are acknowledged. */
  more(count: number): Promise<void>
  /** Ends it, and waits for what is under way. For pages that live. */
  stop(): Promise<void>
}

export async function keepWriting(page: Page, prefix: string): Promise<Writer> {
  const acknowledged: string[] = []
  await page.exposeFunction(`acknowledge_${prefix}`, (text: string) => void acknowledged.push(text))
  await page.evaluate((name) => {
    const acknowledge = (window as unknown as Record<string, (text: string) => Promise<void>>)[
      `acknowledge_${name}`
    ] as (text: string) => Promise<void>
    const writer = { stopped: false, done: Promise.resolve() }
    ;(window as unknown as { writer: typeof writer }).writer = writer
    const run = async () => {
      for (let i = 0; !writer.stopped; i++) {
        await window.tabs.main?.write('INSERT INTO entry (text) VALUES (?)', [`${name}${i}`])
        await acknowledge(`${name}${i}`)
      }
    }
    writer.done = run()
  }, prefix)
  return {
    acknowledged,
    async more(count) {
      const goal = acknowledged.length + count
      await expect.poll(() => acknowledged.length, { intervals: [10] }).toBeGreaterThanOrEqual(goal)
    },
    stop: () =>
      page.evaluate(() => {
        const { writer } = window as unknown as { writer: { stopped: boolean; done: Promise<void> } }
        writer.stopped = true
        return writer.done
      }),
  }
}

/** Every acknowledged write is there, and none is there twice. */
export function expectAll(stored: readonly string[], ...writers: Writer[]): void {
  expect(new Set(stored).size).toBe(stored.length)
  expect(stored).toEqual(expect.arrayContaining(writers.flatMap(({ acknowledged }) => acknowledged)))
}
