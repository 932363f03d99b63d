import type { BrowserContext, Page } from '@playwright/test'
import { connected, expect, openTab, startTab, state, test, texts, write } from './fixtures.ts'

test('the quota is used up: the write is refused with STORAGE_FULL, and the database goes on', async ({
  context,
  baseURL,
}) => {
  const page = await openTab(context)
  const follower = await openTab(context)
  await write(page, 'small')
  const cdp = await context.newCDPSession(page)
  const origin = new URL(baseURL as string).origin
  await cdp.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1 })
  const refused = await page.evaluate(() =>
    window.tabs.main
      ?.write('INSERT INTO entry (text) VALUES (hex(zeroblob(3000000)))')
      .then(() => 'stored')
      .catch((error) => error.code),
  )
  expect(refused).toBe('STORAGE_FULL')
  expect(await texts(follower)).toEqual(['small'])

  await cdp.send('Storage.overrideQuotaForOrigin', { origin })
  await write(follower, 'there is room again')
  expect(await texts(page)).toEqual(['small', 'there is room again'])
  expect((await state(page)).losses).toEqual([])
})

const clearSite = async (
  context: BrowserContext,
  page: Page,
  baseURL: string | undefined,
  storageTypes: 'all' | 'file_systems',
) => {
  const cdp = await context.newCDPSession(page)
  const origin = new URL(baseURL as string).origin
  await cdp.send('Storage.clearDataForOrigin', { origin, storageTypes })
}

const losses = async (page: Page) => (await state(page)).losses.map(({ code }) => code)

const refusals = async (page: Page) => (await state(page)).refusals.map(({ code }) => code)

test("a private window's data is cleared under an open database: nothing stale is read, and it is opened anew", async ({
  browser,
  baseURL,
}) => {
  const context = await browser.newContext()
  const owner = await openTab(context)
  const follower = await openTab(context)
  await write(owner, 'cleared')
  await clearSite(context, owner, baseURL, 'file_systems')

  // Whether it was stored the owner cannot say: it is sent again to the next one.
  await follower.evaluate(() => {
    window.tabs.main?.write("INSERT INTO entry (text) VALUES ('into nothing')").catch(() => {})
  })
  await connected(owner, 2)
  await connected(follower, 2)
  await write(follower, 'new')
  expect(await texts(owner)).toEqual(['into nothing', 'new'])
  expect(await losses(owner)).toEqual(['STORAGE_FAILED'])
  await context.close()
})

// Chromium unlinks the files of a profile on disk, and who has them open could go on with them unharmed. A
// page that was there before has no storage of its own from then on, until it is loaded anew.
test("the site's data is cleared under an open database on disk: its tabs are told, and a reload begins anew", async ({
  context,
  baseURL,
}) => {
  const tabs = [await openTab(context), await openTab(context)] as const
  const [owner, follower] = tabs
  await write(owner, 'cleared')
  await clearSite(context, owner, baseURL, 'all')
  await follower.evaluate(() => {
    window.tabs.main?.write("INSERT INTO entry (text) VALUES ('into nothing')").catch(() => {})
  })
  for (const tab of tabs) await expect.poll(() => refusals(tab)).toContain('STORAGE_CLEARED')

  await follower.reload()
  await startTab(follower)
  await expect.poll(() => refusals(follower)).toContain('STORAGE_CLEARED')
  await owner.reload()
  await startTab(owner)
  await connected(owner)
  expect(await texts(owner)).toEqual([])
  await write(owner, 'new')
  await follower.reload()
  await startTab(follower)
  await connected(follower)
  expect(await texts(follower)).toEqual(['new'])
})
