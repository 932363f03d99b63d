import { connected, expect, openTab, state, test, texts, write } from './fixtures.ts'

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

// In a private window. In a profile on disk Chromium unlinks the files, and who has them open goes on with them unharmed.
test("the site's data is cleared under an open database: nothing stale is read, and it is opened anew", async ({
  browser,
  baseURL,
}) => {
  const context = await browser.newContext()
  const owner = await openTab(context)
  const follower = await openTab(context)
  await write(owner, 'cleared')
  const cdp = await context.newCDPSession(owner)
  const origin = new URL(baseURL as string).origin
  await cdp.send('Storage.clearDataForOrigin', { origin, storageTypes: 'file_systems' })

  // Whether it was stored the owner cannot say: it is sent again to the next one.
  await follower.evaluate(() => {
    window.tabs.main?.write("INSERT INTO entry (text) VALUES ('into nothing')").catch(() => {})
  })
  await connected(owner, 2)
  await connected(follower, 2)
  await write(follower, 'new')
  expect(await texts(owner)).toEqual(['into nothing', 'new'])
  expect((await state(owner)).losses.map(({ code }) => code)).toEqual(['STORAGE_FAILED'])
  await context.close()
})
