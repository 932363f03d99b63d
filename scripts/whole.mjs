// All browser tests, also those that `npm test` leaves out for their time, over what is built now.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const { status } = spawnSync('npm', ['run', 'test:e2e', '--', ...process.argv.slice(2)], {
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  stdio: 'inherit',
  env: { ...process.env, MILLRACE_WHOLE: '1', MILLRACE_KILLS: '3' },
})
process.exit(status ?? 1)
