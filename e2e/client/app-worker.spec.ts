import { expect, test, until } from '../worker/fixtures.ts'
import { openPage } from './open-page.ts'

test('a database is opened in a worker of the app, and shared with its pages', async ({ context }) => {
  const page = await context.newPage()
  await page.goto('page.html')
  await until(page, () => 'millrace' in window)
  const rows = [{ text: 'from a worker' }]
  expect(await page.evaluate(() => window.askWorker())).toEqual({ type: 'opfs', rows })
  const other = await openPage(
    context,
    'in-worker',
    'CREATE TABLE entry (id INTEGER PRIMARY KEY NOT NULL, text TEXT)',
  )
  expect(
    await other.evaluate(() => window.db.query({ sql: 'SELECT text FROM entry', parameters: [] })),
  ).toEqual(rows)
})
