import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Page } from '@playwright/test'
import { chromiumOptions } from '../chromium.ts'
import { test as base, expect } from '../fixtures.ts'
import { App, openTab } from './app.ts'

/** A profile on disk: in the private windows that Playwright makes, OPFS is in the memory of another process. */
const test = base.extend({
  context: async ({ baseURL }, use) => {
    const profile = await mkdtemp(join(tmpdir(), 'millrace-'))
    const context = await chromium.launchPersistentContext(profile, {
      ...chromiumOptions,
      ...(baseURL && { baseURL }),
    })
    await use(context)
    await context.close()
    await rm(profile, { recursive: true, force: true })
  },
})

test.describe.configure({ timeout: 240_000 })

let app: App

test.beforeEach(async ({ page, framework }) => {
  app = await new App(page, framework).open()
  await app.add('first')
})

/** Long tasks of the page from here on, in ms. */
async function watchLongTasks(page: Page): Promise<() => Promise<number[]>> {
  await page.evaluate(() => {
    const tasks: number[] = []
    Object.assign(window, { longTasks: tasks })
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) tasks.push(Math.round(duration))
    }).observe({ type: 'longtask' })
  })
  return () => page.evaluate(() => (window as unknown as { longTasks: number[] }).longTasks)
}

async function addMany(page: Page): Promise<void> {
  await page.locator('.add-many').click()
  await expect(page.locator('progress')).toBeVisible()
}

test('100,000 todos: added beside the work of the user, then scrolled, toggled, filtered', async ({
  page,
}, testInfo) => {
  const longTasks = await watchLongTasks(page)
  await addMany(page)

  // The page stays usable: what is done meanwhile shows at once.
  await expect(page.locator('.percent')).toHaveText(/^([5-9]|[1-5]\d) %$/, { timeout: 60_000 })
  await app.toggle('first')
  await expect(app.row('first')).toHaveClass('completed', { timeout: 1000 })
  await app.add('meanwhile')
  await expect(app.row('meanwhile')).toBeVisible({ timeout: 1000 })
  await expect(page.locator('progress')).toBeVisible()
  await expect(page.locator('progress')).toHaveCount(0, { timeout: 180_000 })
  await expect(app.count).toHaveText('100,001 items left')
  testInfo.annotations.push({ type: 'long tasks while adding, ms', description: `${await longTasks()}` })

  // Only what is in and around the window is in the DOM.
  expect(await app.rows.count()).toBeLessThan(60)
  const scroller = page.locator('.scroller')
  await scroller.evaluate((element) => element.scrollTo(0, element.scrollHeight))
  await expect(app.row('Todo 100000')).toBeVisible()
  expect(await app.rows.count()).toBeLessThan(60)

  await app.toggle('Todo 99999')
  await expect(app.row('Todo 99999')).toHaveClass('completed', { timeout: 1000 })
  await expect(app.count).toHaveText('100,000 items left')
  await app.stored(60_000)

  await app.filter('Completed').click()
  await expect(app.titles).toHaveText(['first', 'Todo 99999'], { timeout: 10_000 })
  await app.filter('Active').click()
  await expect(app.titles.first()).toHaveText('Todo 1', { timeout: 20_000 })
  await expect(app.count).toHaveText('100,000 items left')
  testInfo.annotations.push({ type: 'long tasks in all, ms', description: `${await longTasks()}` })

  await app.filter('All').click()
  await expect(app.titles.first()).toHaveText('first', { timeout: 20_000 })
  await page.reload()
  await expect(app.titles.first()).toHaveText('first', { timeout: 30_000 })
  await expect(app.count).toHaveText('100,000 items left')
  await app.row('Todo 3').locator('.handle').focus()
  await page.keyboard.press('ArrowUp')
  await expect(app.titles.nth(2)).toHaveText('Todo 3')
  await app.stored(60_000)
})

test('adding is cancelled, and what is there stays', async ({ page, context, framework }) => {
  const second = await openTab(context, framework)
  await addMany(page)
  await expect(second.count).not.toHaveText('1 item left', { timeout: 60_000 })
  await page.locator('.cancel').click()
  await expect(page.locator('progress')).toHaveCount(0, { timeout: 60_000 })
  const text = await app.count.textContent()
  expect(Number(text?.replace(/\D/g, ''))).toBeLessThan(100_000)
  expect(text).toMatch(/^\d+,001 items left$/)
  await expect(second.count).toHaveText(text!)

  await page.locator('.toggle-all').click()
  await expect(app.count).toHaveText('0 items left', { timeout: 60_000 })
  await expect(second.count).toHaveText('0 items left')
  await page.locator('.clear-completed').click()
  await expect(page.locator('.empty')).toBeVisible({ timeout: 60_000 })
  await expect(second.page.locator('.empty')).toBeVisible()
})
