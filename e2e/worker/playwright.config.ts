import { fileURLToPath } from 'node:url'
import { defineConfig } from '@playwright/test'
import { chromiumOptions } from '../chromium.ts'

// The worker package on its own, below client and frameworks. The fixtures start the browsers.
const port = Number(process.env.MILLRACE_WORKER_PORT ?? 4273)
const vite = (command: string) => `npx vite ${command} --config e2e/worker/vite.config.ts`

export default defineConfig({
  testDir: '.',
  testMatch: '**/*.spec.ts',
  outputDir: '../../test-results/worker',
  // A retry would hide what these tests are for: races between tabs.
  retries: 0,
  workers: 1,
  forbidOnly: Boolean(process.env.CI),
  timeout: 60_000,
  reporter: 'list',
  use: { baseURL: `http://localhost:${port}/`, launchOptions: chromiumOptions },
  webServer: {
    command: `${vite('build')} && ${vite('preview')} --port ${port} --strictPort`,
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    url: `http://localhost:${port}/tab.html`,
    reuseExistingServer: false,
    timeout: 120_000,
  },
})
