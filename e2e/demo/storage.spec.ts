import type { BrowserContext } from '@playwright/test'
import { expect, test } from '../fixtures.ts'
import { App, openTab } from './app.ts'

/** Puts a line before the worker's script: what a browser lacks cannot be had from Chromium itself. */
async function inWorker(context: BrowserContext, line: string): Promise<void> {
  await context.route('**/worker-*.js', async (route) => {
    const response = await route.fetch()
    await route.fulfill({ response, body: `${line};\n${await response.text()}` })
  })
}

test.afterEach(({ context }) => context.unrouteAll({ behavior: 'ignoreErrors' }))

test('where the browser gives no disk, the todos are in memory, and a banner says so', async ({
  page,
  context,
  framework,
}) => {
  await inWorker(context, 'delete StorageManager.prototype.getDirectory')
  const app = await new App(page, framework).open()
  await expect(page.locator('.notice.memory')).toContainText('gone when the tab that holds it is closed')
  await app.add('one')
  await app.stored()
  const second = await openTab(context, framework)
  await expect(second.titles).toHaveText(['one'])
})

test('on disk there is no banner', async ({ page, framework }) => {
  await new App(page, framework).open()
  await expect(page.locator('.notice')).toHaveCount(0)
})

test('a database that does not open says why, and what to do', async ({ page, context, framework }) => {
  await inWorker(context, `throw new Error('no worker today')`)
  await page.goto(`${framework}/`)
  await expect(page.getByRole('heading')).toHaveText('The todos could not be opened', { timeout: 30_000 })
  await expect(page.locator('pre')).toContainText(/^(WORKER|OWNER)_LOST: /)
  await context.unrouteAll()
  await page.getByRole('button', { name: 'Try again' }).click()
  await expect(page.locator('.new-todo')).toBeVisible()
})
