import type { Page } from '@playwright/test'
import {
  connected,
  expect,
  expectAll,
  keepWriting,
  openTab,
  state,
  TAKEOVER,
  test,
  texts,
  until,
  write,
} from './fixtures.ts'

/** Playwright's goBack waits for a load, and a page that comes out of the cache does not load. */
async function goBack(page: Page): Promise<void> {
  await page.goBack({ waitUntil: 'commit' })
  await until(page, () => 'Tab' in window)
}

/** Runs `end` on the owner while both tabs write, and sees that the follower is served in time with all there was. */
async function takeover(owner: Page, follower: Page, end: () => Promise<unknown>): Promise<void> {
  const byOwner = await keepWriting(owner, 'owner')
  const byFollower = await keepWriting(follower, 'follower')
  await byOwner.more(10)
  await byFollower.more(10)

  const start = performance.now()
  // Not awaited: some ends are never told as done.
  end().catch(() => {})
  await connected(follower, 2)
  await texts(follower)
  const took = performance.now() - start
  console.log(`served after ${Math.round(took)} ms`)
  expect(took).toBeLessThan(TAKEOVER)

  await byFollower.more(10)
  await byFollower.stop()
  expectAll(await texts(follower), byOwner, byFollower)
  expect((await state(follower)).losses.map(({ code }) => code)).toEqual(['OWNER_LOST'])
}

test('the owner is closed', async ({ context }) => {
  const owner = await openTab(context)
  const follower = await openTab(context)
  await takeover(owner, follower, () => owner.close())
})

test('the owner is reloaded', async ({ context }) => {
  const owner = await openTab(context)
  const follower = await openTab(context)
  await takeover(owner, follower, () => owner.reload())
})

test('the owner crashes', async ({ context }) => {
  const owner = await openTab(context)
  const follower = await openTab(context)
  const cdp = await context.newCDPSession(owner)
  await takeover(owner, follower, () => cdp.send('Page.crash'))
})

test('the owner goes to another page and comes back out of the cache', async ({ context }) => {
  const owner = await openTab(context)
  const follower = await openTab(context)
  await takeover(owner, follower, () => owner.goto('elsewhere.html'))

  await goBack(owner)
  expect(await owner.evaluate(() => window.restored), 'the page came out of the back/forward cache').toBe(
    true,
  )
  await connected(owner, 2)
  // It joined as a newcomer: the other one is the owner still.
  expect((await state(follower)).connections).toBe(2)
  await write(owner, 'back again')
  expect(await texts(follower)).toContain('back again')
})

test('a follower goes to another page and comes back; the owner has dropped it meanwhile', async ({
  context,
}) => {
  const owner = await openTab(context)
  const follower = await openTab(context)
  await follower.goto('elsewhere.html')
  await expect
    .poll(() =>
      owner.evaluate(async () => (await navigator.locks.query()).held?.map(({ name }) => name ?? '')),
    )
    .toHaveLength(2)
  await goBack(follower)
  expect(await follower.evaluate(() => window.restored)).toBe(true)
  await connected(follower, 2)
  await write(follower, 'back again')
  expect(await texts(owner)).toEqual(['back again'])
  expect((await state(owner)).connections).toBe(1)
})

test('the owner closes its source; the next one finds a database that was closed in order', async ({
  context,
}) => {
  const owner = await openTab(context)
  const follower = await openTab(context)
  await write(owner, 'before')
  await owner.evaluate(() => window.tabs.main?.close())
  await connected(follower, 2)
  expect(await texts(follower)).toEqual(['before'])
  await expect.poll(() => state(owner).then(({ gaveUp }) => gaveUp?.code)).toBe('CLOSED')
})

test('owners end one after the other, down to the last tab', async ({ context }) => {
  const tabs = [
    await openTab(context),
    await openTab(context),
    await openTab(context),
    await openTab(context),
  ]
  for (let owner = 0; owner < 3; owner++) {
    await write(tabs[owner] as Page, `by ${owner}`)
    await (tabs[owner] as Page).close()
    await Promise.all(tabs.slice(owner + 1).map((page) => connected(page, owner + 2)))
  }
  expect(await texts(tabs[3] as Page)).toEqual(['by 0', 'by 1', 'by 2'])
})
