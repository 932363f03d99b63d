import type { Page } from '@playwright/test'
import { expect, test, until } from '../worker/fixtures.ts'
import { openPage } from './open-page.ts'

const SCHEMA = "CREATE TABLE entry (id INTEGER PRIMARY KEY NOT NULL, text TEXT NOT NULL DEFAULT '')"

const insert = (page: Page, id: number) =>
  page.evaluate((id) => window.db.insert('entry', { id }).stored.then(() => 'stored'), id)

test('a worker that is ended before it has begun is noticed: its tab goes on with another', async ({
  context,
}) => {
  const owner = await openPage(context, 'beginning', SCHEMA)
  const follower = await context.newPage()
  await follower.addInitScript(() => {
    const Original = Worker
    let first = true
    window.Worker = class extends Original {
      constructor(url: string | URL, options?: WorkerOptions) {
        super(url, options)
        if (first) this.terminate()
        first = false
      }
    }
  })
  await follower.goto('page.html')
  await until(follower, () => 'millrace' in window)
  await follower.evaluate(async (schema) => {
    const { open, workerPort } = window.millrace
    window.db = await open({ port: workerPort({ name: 'beginning', schema }), timeout: 60_000 })
  }, SCHEMA)
  expect(await insert(follower, 1)).toBe('stored')
  await owner.close()
  expect(await insert(follower, 2)).toBe('stored')
})
