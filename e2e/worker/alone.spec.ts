import type { Page } from '@playwright/test'
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

test('script and wasm are asked for once, also when the worker is ended and another started', async ({
  context,
}) => {
  const asked: string[] = []
  context.on('request', (request) => asked.push(new URL(request.url()).pathname))
  const page = await newPage(context)
  await page.evaluate(() => {
    const { Worker } = window
    window.Worker = class extends Worker {
      constructor(...given: ConstructorParameters<typeof Worker>) {
        super(...given)
        Object.assign(window, { worker: this })
      }
    }
  })
  await startTab(page)
  await connected(page)
  await write(page, 'before')
  await page.evaluate(() => (window as unknown as { worker: Worker }).worker.terminate())
  await connected(page, 2)
  expect(await texts(page)).toEqual(['before'])
  expect(asked.filter((path) => path.endsWith('.wasm'))).toHaveLength(1)
})

test('what strangers say on the channel is ignored', async ({ context }) => {
  const owner = await openTab(context)
  const follower = await openTab(context)
  await follower.evaluate(() => {
    const channel = new BroadcastChannel('millrace/test')
    const types = ['hello', 'welcome', 'refused', 'owner', 'probe', 'toString', '', 7]
    const fields = [
      {},
      { port: 1 },
      { epoch: null },
      { port: 'x', error: null },
      { port: 'x', protocol: '4', schema: [] },
    ]
    for (const message of [null, undefined, 0, 'owner', [], {}, new Map(), { data: { type: 'owner' } }])
      channel.postMessage(message)
    // Not a probe: whoever asks properly is answered.
    for (const type of types) {
      for (const rest of fields) if (type !== 'probe') channel.postMessage({ type, ...rest })
    }
  })
  await write(follower, 'a')
  await write(owner, 'b')
  expect(await texts(follower)).toEqual(['a', 'b'])
  for (const page of [owner, follower]) {
    expect(await state(page)).toMatchObject({ connections: 1, losses: [], refusals: [] })
  }
})

/** Takes from the page what blocked site data takes: in Chromium a preference that only a new browser takes. */
async function block(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const refuse = () => Promise.reject(new DOMException('denied', 'SecurityError'))
    Object.defineProperty(LockManager.prototype, 'request', { value: refuse })
  })
}

test('where the browser gives no locks, a database in memory is the own one of each tab', async ({
  context,
}) => {
  const page = await context.newPage()
  await block(page)
  await page.goto('tab.html')
  await until(page, () => 'Tab' in window)
  await startTab(page, { storage: ['opfs', 'memory'] })
  await connected(page)
  expect((await state(page)).storage).toMatchObject({
    type: 'memory',
    reason: expect.stringContaining('site data'),
  })
  await write(page, 'mine')
  expect(await texts(page)).toEqual(['mine'])
  const other = await openTab(context, { storage: ['opfs', 'memory'] })
  expect((await state(other)).storage?.type).toBe('opfs')
  expect(await texts(other)).toEqual([])
})
