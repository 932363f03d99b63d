import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from '@playwright/test'
import { preview } from 'vite'
import { chromiumOptions } from '../../e2e/chromium.ts'
import { buildForChromium } from './build.ts'
import type { Extent } from './contender.ts'
import type { Result } from './contest.ts'
import type { BenchPage } from './page.ts'

/** In a page of Chromium, ours on its worker and OPFS. */
export async function contestInChromium(extent: Extent): Promise<Result[]> {
  const settings = await buildForChromium()
  // An isolated page has a clock of 5 µs instead of 100.
  const headers = {
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
  }
  const server = await preview({ ...settings, preview: { port: 4398, strictPort: true, headers } })
  // A profile on disk: in the windows that Playwright opens by default OPFS is in the memory of another process.
  const profile = await mkdtemp(join(tmpdir(), 'millrace-profile-'))
  const browser = await chromium.launchPersistentContext(profile, chromiumOptions)
  try {
    const page = await browser.newPage()
    page.on('console', () => process.stderr.write('.'))
    page.on('pageerror', (error) => console.error(error))
    await page.goto('http://localhost:4398/page.html')
    await page.waitForFunction(() => 'contestInPage' in globalThis)
    return await page.evaluate((given) => (globalThis as unknown as BenchPage).contestInPage(given), extent)
  } finally {
    await browser.close()
    await server.close()
    await rm(profile, { recursive: true, force: true })
  }
}
