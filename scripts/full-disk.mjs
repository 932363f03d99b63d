// The browser on a file system of its own, in memory, that is really full. Needs the right to mount one: run it as root.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SIZE = '300m'

const folder = mkdtempSync(join(tmpdir(), 'millrace-full-'))
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', folder], {
  stdio: 'inherit',
})
if (mounted.status !== 0) {
  console.error('No file system could be mounted: run this as root, on Linux.')
  process.exit(1)
}
try {
  const { status } = spawnSync('npm', ['run', 'test:e2e', '--', '--project=client', 'full-disk'], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: 'inherit',
    env: { ...process.env, TMPDIR: folder, MILLRACE_FULL_DISK: folder },
  })
  process.exitCode = status ?? 1
} finally {
  spawnSync('umount', ['-l', folder])
  rmdirSync(folder)
}
