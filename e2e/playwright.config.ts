import { fileURLToPath } from 'node:url'
import { defineConfig } from '@playwright/test'
import { chromiumOptions } from './chromium.ts'
import type { FrameworkOption } from './fixtures.ts'

const port = Number(process.env.MILLRACE_PORT ?? 4173)
// `npm test` builds the demo as a step of its own, over the built packages, and says so.
const build = process.env.MILLRACE_DEMO_BUILT ? '' : 'npm run build:demo && '

export default defineConfig<FrameworkOption>({
  testDir: '.',
  testMatch: '**/*.spec.ts',
  outputDir: '../test-results',
  // A retry would hide what these tests are for: races between tabs.
  retries: 0,
  workers: 2,
  fullyParallel: true,
  forbidOnly: Boolean(process.env.CI),
  timeout: 60_000,
  reporter: 'list',
  use: {
    baseURL: `http://localhost:${port}/`,
    // Browser failures on another machine can rarely be repeated; the trace is then all there is.
    trace: 'retain-on-failure',
    launchOptions: chromiumOptions,
  },
  projects: [
    { name: 'react', use: { framework: 'react' } },
    { name: 'solid', use: { framework: 'solid' } },
  ],
  webServer: {
    // The built demo, since a dev server serves other modules at other times. A strict port, since a test that reached
    // somebody else's server would pass or fail for nothing.
    command: `${build}npm run preview -- --port ${port} --strictPort`,
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    url: `http://localhost:${port}/`,
    reuseExistingServer: false,
    timeout: 120_000,
  },
})
