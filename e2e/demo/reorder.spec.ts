import type { Locator, Page } from '@playwright/test'
import { expect, test } from '../fixtures.ts'
import { App } from './app.ts'

let app: App

test.beforeEach(async ({ page, framework }) => {
  app = await new App(page, framework).open()
  await app.add('one', 'two', 'three', 'four')
  await expect(app.titles).toHaveText(['one', 'two', 'three', 'four'])
})

async function expectKept(order: string[]): Promise<void> {
  await expect(app.titles).toHaveText(order)
  await app.stored()
  await app.reload()
  await expect(app.titles).toHaveText(order)
}

async function centre(handle: Locator): Promise<{ x: number; y: number }> {
  const box = (await handle.boundingBox())!
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 }
}

async function drag(page: Page, from: string, onto: string): Promise<void> {
  await app.row(from).hover()
  const start = await centre(app.row(from).locator('.handle'))
  const end = await centre(app.row(onto).locator('.handle'))
  await page.mouse.move(start.x, start.y)
  await page.mouse.down()
  await page.mouse.move(end.x, (start.y + end.y) / 2, { steps: 4 })
  await page.mouse.move(end.x, end.y, { steps: 4 })
  await page.mouse.up()
}

test('by mouse, down and up', async ({ page }) => {
  await drag(page, 'one', 'three')
  await expect(app.titles).toHaveText(['two', 'three', 'one', 'four'])
  await drag(page, 'four', 'two')
  await expectKept(['four', 'two', 'three', 'one'])
})

test('by mouse, beyond what is on the page: the list scrolls', async ({ page }) => {
  test.slow()
  for (let i = 5; i <= 120; i++) await app.add(`todo ${i}`)
  await expect(app.count).toHaveText('120 items left')
  const scroller = page.locator('.scroller')
  await scroller.evaluate((element) => element.scrollTo(0, 0))
  await app.row('two').hover()
  const start = await centre(app.row('two').locator('.handle'))
  const box = (await scroller.boundingBox())!
  await page.mouse.move(start.x, start.y)
  await page.mouse.down()
  await page.mouse.move(start.x, box.y + box.height - 8, { steps: 5 })
  await expect(app.row('todo 120')).toBeInViewport({ timeout: 30_000 })
  await expect
    .poll(() =>
      scroller.evaluate((element) => element.scrollTop + element.clientHeight - element.scrollHeight),
    )
    .toBeGreaterThan(-2)
  await page.mouse.move(start.x, box.y + box.height - 4, { steps: 2 })
  await page.mouse.up()
  await expect(app.titles.last()).toHaveText('two')
  await expect(app.page.getByText('“two” is now 120 of 120.')).toBeAttached()
  await app.stored()
  await app.reload()
  await expect(app.titles.nth(1)).toHaveText('three')
})

test('by mouse, given up with Escape', async ({ page }) => {
  const start = await centre(app.row('one').locator('.handle'))
  await page.mouse.move(start.x, start.y)
  await page.mouse.down()
  await page.mouse.move(start.x, start.y + 120, { steps: 4 })
  await expect(app.row('one')).toHaveAttribute('data-dragged')
  await page.keyboard.press('Escape')
  await page.mouse.up()
  await expect(app.row('one')).not.toHaveAttribute('data-dragged')
  await expect(app.titles).toHaveText(['one', 'two', 'three', 'four'])
})

test('by keyboard, on the handle; the focus stays on the row', async ({ page }) => {
  const handle = app.row('one').locator('.handle')
  await handle.focus()
  await page.keyboard.press('ArrowDown')
  await expect(app.titles).toHaveText(['two', 'one', 'three', 'four'])
  await expect(handle).toBeFocused()
  await expect(page.getByText('“one” is now 2 of 4.')).toBeAttached()
  await page.keyboard.press('Alt+ArrowDown')
  await page.keyboard.press('ArrowDown')
  await expect(app.titles).toHaveText(['two', 'three', 'four', 'one'])
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowUp')
  await expect(handle).toBeFocused()
  await expectKept(['two', 'three', 'one', 'four'])
})

test('by keyboard, with Alt from the check box', async ({ page }) => {
  const toggle = app.row('three').locator('.toggle')
  await toggle.focus()
  await page.keyboard.press('ArrowUp')
  await expect(app.titles).toHaveText(['one', 'two', 'three', 'four'])
  await page.keyboard.press('Alt+ArrowUp')
  await expect(app.titles).toHaveText(['one', 'three', 'two', 'four'])
  await expect(toggle).toBeFocused()
  await page.keyboard.press('Alt+ArrowUp')
  await expectKept(['three', 'one', 'two', 'four'])
})

test('under a filter, between the rows that are shown', async ({ page }) => {
  await app.toggle('two')
  await app.filter('Active').click()
  await expect(app.titles).toHaveText(['one', 'three', 'four'])
  await app.row('four').locator('.handle').focus()
  await page.keyboard.press('ArrowUp')
  await expect(app.titles).toHaveText(['one', 'four', 'three'])
  await app.stored()
  await app.filter('All').click()
  await expect(app.titles).toContainText(['one', 'four', 'three'])
})

test.describe('by finger', () => {
  test.use({ hasTouch: true, isMobile: true, viewport: { width: 360, height: 640 } })

  test('the handle drags, and does not scroll', async ({ page, context }) => {
    const touch = await context.newCDPSession(page)
    const start = await centre(app.row('four').locator('.handle'))
    const end = await centre(app.row('one').locator('.handle'))
    const points = (y: number) => [{ x: start.x, y }]
    await touch.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: points(start.y) })
    for (let step = 1; step <= 8; step++) {
      const y = start.y + ((end.y - start.y) * step) / 8
      await touch.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: points(y) })
    }
    await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] })
    await expectKept(['four', 'one', 'two', 'three'])
  })
})
