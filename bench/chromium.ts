import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Page } from '@playwright/test'
import { preview } from 'vite'
import { chromiumOptions } from '../e2e/chromium.ts'
import { buildForChromium } from './build.ts'

/** What the page of a benchmark puts into its global scope. */
export interface BenchPage<Given, Found> {
  bench(given: Given): Promise<Found>
}

/** Builds the folder's page, and runs what it is there for. */
export async function benchInChromium<Given, Found>(folder: string, given: Given): Promise<Found> {
  const server = await serve(await buildForChromium(folder))
  try {
    return await inPage(async (page) => {
      page.on('console', (message) => {
        if (message.type() === 'error') console.error(message.text())
        else process.stderr.write('.')
      })
      page.on('pageerror', (error) => console.error(error))
      await page.goto(PAGE)
      await page.waitForFunction(() => 'bench' in globalThis)
      const found = page.evaluate((given) => {
        if (!crossOriginIsolated) throw new Error('The page is not isolated: its clock would be too coarse.')
        return (globalThis as unknown as BenchPage<unknown, unknown>).bench(given)
      }, given as unknown)
      return (await found) as Found
    })
  } finally {
    await server.close()
  }
}

const PORT = Number(process.env.MILLRACE_PORT ?? 4398)
/** Where {@link serve} has the page. */
export const PAGE = `http://localhost:${PORT}/page.html`

/** Serves what was built. */
export function serve(built: Awaited<ReturnType<typeof buildForChromium>>, cached = false) {
  const headers = {
    // An isolated page has a clock of 5 µs instead of 100.
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
    // As sites serve what has a hash in its name.
    ...(cached && { 'Cache-Control': 'max-age=31536000, immutable' }),
  }
  return preview({ ...built, preview: { port: PORT, strictPort: true, headers } })
}

/** A page in a Chromium of its own, while `use` runs. */
export async function inPage<Result>(use: (page: Page) => Promise<Result>): Promise<Result> {
  // A profile on disk: in the windows that Playwright opens by default OPFS is in the memory of another process.
  const profile = await mkdtemp(join(tmpdir(), 'millrace-profile-'))
  try {
    return await inProfile(profile, use)
  } finally {
    await rm(profile, { recursive: true, force: true })
  }
}

/** The same in a profile that is there, and stays. */
export async function inProfile<Result>(
  profile: string,
  use: (page: Page) => Promise<Result>,
): Promise<Result> {
  const browser = await chromium.launchPersistentContext(profile, chromiumOptions)
  try {
    return await use(await browser.newPage())
  } finally {
    await browser.close()
  }
}
