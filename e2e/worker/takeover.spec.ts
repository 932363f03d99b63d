import type { Page } from '@playwright/test'
import {
  connected,
  expect,
  expectAll,
  keepWriting,
  openTab,
  startTab,
  state,
  test,
  texts,
  until,
  write,
} from './fixtures.ts'

/**
 * Comes back from elsewhere.html out of the back/forward cache. Chromium may have dropped the page from it for reasons of
 * its own (a busy machine is one): then it has the database open anew, and goes away and back once more.
 */
async function comeBack(page: Page): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt++) {
    // Playwright's goBack waits for a load, and a page that comes out of the cache does not load.
    await page.goBack({ waitUntil: 'commit' })
    await until(page, () => 'Tab' in window && document.readyState === 'complete')
    // `pageshow` comes a moment after the page can be asked.
    const restored = await page.evaluate(
      () => new Promise<boolean>((resolve) => setTimeout(() => resolve(window.restored), 200)),
    )
    if (restored) return
    await startTab(page)
    await connected(page)
    await page.goto('elsewhere.html')
  }
  throw new Error('Chromium never kept the page in its back/forward cache.')
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

  await comeBack(owner)
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
    .toHaveLength(3)
  await comeBack(follower)
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
