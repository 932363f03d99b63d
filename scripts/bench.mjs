// Runs bench/run.ts through Vite, so that it may be TypeScript and may import packages by name. MILLRACE_DIST=1 runs it
// on the built packages.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { loadConfigFromFile, runnerImport } from 'vite'

const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const entry = here('bench/run.ts')
if (!existsSync(entry)) {
  console.error('There is no bench/run.ts.')
  process.exit(1)
}
process.env.NODE_ENV ??= 'production'
// runnerImport reads no config file, so it must be told where the sources are: else it takes what was built last.
const loaded = await loadConfigFromFile({ command: 'serve', mode: 'production' }, here('vite.config.ts'))
const { module } = await runnerImport(entry, {
  root: here('.'),
  resolve: loaded.config.resolve,
  logLevel: 'warn',
})
await module.default?.(process.argv.slice(2))
