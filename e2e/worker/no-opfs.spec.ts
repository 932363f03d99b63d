import type { BrowserContext } from '@playwright/test'
import {
  connected,
  expect,
  newPage,
  openTab,
  startTab,
  state,
  test,
  texts,
  until,
  write,
} from './fixtures.ts'

/*
 * What a browser without OPFS does, made by one line before the worker script: Chromium has OPFS in its private windows
 * too, so that it cannot be had from the browser itself. Firefox rejects getDirectory() in a private window with a
 * SecurityError; WebKitGTK has no getDirectory at all.
 */
async function withoutOpfs(context: BrowserContext, line: string): Promise<void> {
  await context.route('**/worker-*.js', async (route) => {
    const response = await route.fetch()
    await route.fulfill({ response, body: `${line};\n${await response.text()}` })
  })
}

// A tab is served before its own worker has loaded, and a test may end then.
test.afterEach(({ context }) => context.unrouteAll({ behavior: 'ignoreErrors' }))

const BROWSERS = {
  'getDirectory is refused':
    "StorageManager.prototype.getDirectory = () => Promise.reject(new DOMException('no', 'SecurityError'))",
  'getDirectory is not there': 'delete StorageManager.prototype.getDirectory',
  'createSyncAccessHandle is not there': 'delete FileSystemFileHandle.prototype.createSyncAccessHandle',
}

for (const [name, line] of Object.entries(BROWSERS)) {
  test(`${name}: a typed error, and nothing falls back to memory`, async ({ context }) => {
    await withoutOpfs(context, line)
    const page = await newPage(context)
    await startTab(page)
    await until(page, () => window.tabs.main?.gaveUp !== undefined)
    expect((await state(page)).gaveUp?.code).toBe('STORAGE_UNAVAILABLE')
  })

  test(`${name}: memory when it was asked for, one for all tabs`, async ({ context }) => {
    await withoutOpfs(context, line)
    const storage = ['opfs', 'memory'] as const
    const owner = await openTab(context, { storage })
    const follower = await openTab(context, { storage })
    await write(owner, 'shared')
    expect(await texts(follower)).toEqual(['shared'])
    expect((await state(follower)).storage).toMatchObject({
      type: 'memory',
      reason: expect.stringContaining('private file system'),
    })
  })
}

test('memory alone goes with its owner, and says so', async ({ context }) => {
  const storage = ['memory'] as const
  const owner = await openTab(context, { storage })
  const follower = await openTab(context, { storage })
  await write(owner, 'gone')
  expect((await state(owner)).storage).toMatchObject({
    type: 'memory',
    reason: expect.stringContaining('gone'),
  })
  await owner.close()
  await connected(follower, 2)
  expect(await texts(follower)).toEqual([])
})
