import { PROTOCOL_VERSION } from '@millrace/protocol'
import type { Page } from '@playwright/test'
import {
  connected,
  expect,
  newPage,
  openTab,
  SCHEMA,
  startTab,
  state,
  test,
  texts,
  until,
  write,
} from './fixtures.ts'

async function reasonToGiveUp(page: Page): Promise<string | undefined> {
  await until(page, () => window.tabs.main?.gaveUp !== undefined)
  return (await state(page)).gaveUp?.code
}

test('a tab with another schema is told so, and the owner stays', async ({ context }) => {
  const owner = await openTab(context)
  const newcomer = await newPage(context)
  await startTab(newcomer, { schema: `${SCHEMA}; CREATE TABLE other (id INTEGER PRIMARY KEY NOT NULL)` })
  expect(await reasonToGiveUp(newcomer)).toBe('SCHEMA_MISMATCH')

  await write(owner, 'undisturbed')
  expect(await texts(owner)).toEqual(['undisturbed'])
  // Its worker has gone from the queue: the next owner is a tab that can be served.
  const follower = await openTab(context)
  await owner.close()
  await connected(follower, 2)
  expect(await texts(follower)).toEqual(['undisturbed'])
})

test('a tab of another build is told so', async ({ context }) => {
  await openTab(context)
  const newcomer = await newPage(context)
  const answer = await newcomer.evaluate(
    ({ schema, protocol }) =>
      new Promise<{ type: string; error?: { code: string } }>((resolve) => {
        const channel = new BroadcastChannel('millrace/test')
        channel.addEventListener('message', ({ data }) => resolve(data))
        channel.postMessage({ type: 'hello', port: 'of another build', protocol, schema })
      }),
    { schema: SCHEMA, protocol: PROTOCOL_VERSION + 1 },
  )
  expect(answer).toMatchObject({ type: 'refused', error: { code: 'PROTOCOL_MISMATCH' } })
})

test('a schema that SQLite refuses is told to every tab, and none hangs', async ({ context }) => {
  const pages = [await newPage(context), await newPage(context)]
  await Promise.all(pages.map((page) => startTab(page, { schema: 'CREATE TABLE entry (' })))
  expect(await Promise.all(pages.map(reasonToGiveUp))).toEqual(['INVALID_SCHEMA', 'INVALID_SCHEMA'])
  // The lock is free: a right schema opens.
  await openTab(context)
})

test('a worker script that cannot be loaded is WORKER_LOST', async ({ context }) => {
  const page = await newPage(context)
  const code = await page.evaluate(async (schema) => {
    const worker = () => new Worker('no-such-script.js', { type: 'module' })
    const source = window.workerPort({ name: 'test', schema, worker })
    return source.connect().then(
      () => 'connected',
      (error) => (error as { code: string }).code,
    )
  }, SCHEMA)
  expect(code).toBe('WORKER_LOST')
})

test('a wasm file that cannot be loaded is WORKER_LOST, and the next tab takes its turn', async ({
  context,
}) => {
  const page = await newPage(context)
  await startTab(page, { wasmUrl: 'no-such-file.wasm' })
  await until(page, () => window.tabs.main?.refusals.length !== 0)
  const { refusals } = await state(page)
  expect(refusals[0]).toMatchObject({
    code: 'WORKER_LOST',
    message: expect.stringContaining('no-such-file.wasm'),
  })

  const other = await newPage(context)
  await startTab(other)
  await connected(other)
})
