import { defineConfig } from '@playwright/test'

/* For the soaks, and for browsers that `npm test` does not need: these tests serve their pages themselves. */
export default defineConfig({
  testDir: '.',
  testMatch: ['tabs/*.spec.ts', 'webkit/*.spec.ts'],
  outputDir: '../test-results',
  workers: 1,
  reporter: 'list',
})
