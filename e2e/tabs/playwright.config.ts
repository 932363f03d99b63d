import { defineConfig } from '@playwright/test'

/* For the soaks: without the servers of the other tests. */
export default defineConfig({ testDir: '.', workers: 1, reporter: 'list', outputDir: '../../test-results' })
