import { fileURLToPath } from 'node:url'
import { defineConfig } from '@playwright/test'
import { chromiumOptions } from './chromium.ts'
import type { FrameworkOption } from './fixtures.ts'

const port = Number(process.env.MILLRACE_PORT ?? 4173)
const pagesPort = port + 100
const livePages = `http://localhost:${pagesPort}/live/`
// `npm test` builds the demo as a step of its own, over the built packages, and says so.
const build = process.env.MILLRACE_DEMO_BUILT ? '' : 'npm run build:demo && '
const server = (command: string, at: number) => ({
  // What is built, since a dev server serves other modules at other times. A strict port, since a test that reached
  // somebody else's server would pass or fail for nothing.
  command: `${command} --port ${at} --strictPort`,
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  url: `http://localhost:${at}/`,
  reuseExistingServer: false,
  timeout: 120_000,
})

/** Also what takes long and differs little. */
const whole = Boolean(process.env.MILLRACE_WHOLE)

export default defineConfig<FrameworkOption>({
  testDir: '.',
  testMatch: '**/*.spec.ts',
  outputDir: '../test-results',
  // A retry would hide what these tests are for: races between tabs.
  retries: 0,
  // One browser at a time: two on a machine of two cores slow each other down.
  workers: 1,
  forbidOnly: Boolean(process.env.CI),
  timeout: 60_000,
  reporter: 'list',
  use: {
    baseURL: `http://localhost:${port}/`,
    // Where a failure cannot be repeated: MILLRACE_TRACE=1. It takes a tenth of the time.
    trace: process.env.MILLRACE_TRACE ? 'retain-on-failure' : 'off',
    launchOptions: chromiumOptions,
  },
  projects: [
    // What takes a quarter of a minute beside the shorter tests of the same is in `npm run test:whole`.
    {
      name: 'react',
      testDir: 'demo',
      ...(whole ? {} : { grepInvert: /^.*100,000 todos/ }),
      use: { framework: 'react' },
    },
    {
      name: 'solid',
      testDir: 'demo',
      // What differs between the frameworks is how they render. `npm run test:whole` runs all of it in both.
      testIgnore: whole ? [] : /(storage|tabs|refused|many|todos|reorder)\.spec/,
      use: { framework: 'solid' },
    },
    // Live rows in a framework, in pages of their own.
    { name: 'live-react', testDir: 'live', use: { framework: 'react', baseURL: livePages } },
    { name: 'live-solid', testDir: 'live', use: { framework: 'solid', baseURL: livePages } },
    // Below the demo: the worker on its own, and the client in a page. They start browsers with a profile on disk.
    { name: 'worker', testDir: 'worker', use: { baseURL: `http://localhost:${pagesPort}/worker/` } },
    {
      name: 'client',
      testDir: 'client',
      // The one waits for nine seconds of silence, the other needs a file system of its own.
      testIgnore: [
        ...(whole ? [] : ['**/beginning.spec.ts']),
        ...(process.env.MILLRACE_FULL_DISK ? [] : ['**/full-disk.spec.ts']),
      ],
      use: { baseURL: `http://localhost:${pagesPort}/client/` },
    },
    // Many tabs, and browsers that are killed. These serve their pages themselves, to be able to cut the network.
    { name: 'tabs', testDir: 'tabs' },
  ],
  webServer: [
    server(`${build}npm run preview --`, port),
    {
      ...server('npx vite build --mode e2e && npx vite preview --mode e2e', pagesPort),
      url: `http://localhost:${pagesPort}/worker/tab.html`,
    },
  ],
})
