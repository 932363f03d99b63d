import type { BrowserContext, Page } from '@playwright/test'
import { until } from '../worker/fixtures.ts'

/** A new tab that has the database open, as `db`. */
export async function openPage(
  context: BrowserContext,
  name: string,
  schema: string,
  durability: 'strict' | 'relaxed' = 'strict',
): Promise<Page> {
  const page = await context.newPage()
  await page.goto('page.html')
  await until(page, () => 'millrace' in window)
  await page.evaluate(
    async (options) => {
      const { open, workerPort } = window.millrace
      window.db = await open({ port: workerPort(options) })
    },
    { name, schema, durability },
  )
  return page
}
