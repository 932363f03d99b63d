import { test as base, expect } from '@playwright/test'
import { SCHEMA } from './fixtures.ts'
import { RawChromium, type RawPage } from './raw-chromium.ts'

const test = base.extend<{ browser: never; chromium: RawChromium }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads which fixtures are used off the pattern
  chromium: async ({}, use) => {
    const chromium = await RawChromium.launch()
    await use(chromium)
    await chromium.close()
  },
})

const TAB = `window.tabs.main = new window.Tab(${JSON.stringify({ name: 'test', schema: SCHEMA })}); 0`

async function until(page: RawPage, condition: string): Promise<void> {
  await expect.poll(() => page.evaluate<boolean>(condition), { intervals: [10] }).toBe(true)
}

async function openTab(chromium: RawChromium, baseURL: string): Promise<RawPage> {
  const page = await chromium.newPage(`${baseURL}tab.html`)
  await until(page, `'Tab' in window`)
  await page.evaluate(TAB)
  await until(page, 'window.tabs.main.connected')
  return page
}

test('the owner is frozen, and thaws', async ({ chromium, baseURL }) => {
  const owner = await openTab(chromium, baseURL as string)
  await owner.evaluate(`window.tabs.main.write("INSERT INTO entry (text) VALUES ('before')")`)
  await owner.evaluate(
    `window.froze = false; document.addEventListener('freeze', () => { window.froze = true })`,
  )
  const follower = await openTab(chromium, baseURL as string)
  await follower.show()
  await until(owner, `document.visibilityState === 'hidden'`)

  await owner.setLifecycle('frozen')
  await until(follower, 'window.tabs.main.connected && window.tabs.main.connections === 2')
  expect(await follower.evaluate(`window.tabs.main.query('SELECT text FROM entry')`)).toEqual([['before']])

  await owner.setLifecycle('active')
  await until(owner, 'window.froze && window.tabs.main.connected && window.tabs.main.connections === 2')
  await owner.evaluate(`window.tabs.main.write("INSERT INTO entry (text) VALUES ('after')")`)
  expect(await follower.evaluate(`window.tabs.main.query('SELECT text FROM entry')`)).toEqual([
    ['before'],
    ['after'],
  ])
})
