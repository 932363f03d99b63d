import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Builds what is tested, and runs one spec of e2e/soak.config.ts with these variables. Ends the process where something fails. */
export function soak(spec, browser, variables) {
  const env = { ...process.env, ...variables, MILLRACE_DIST: '1' }
  run('node', ['scripts/ensure-browser.mjs', browser], 'inherit', env)
  run('npm', ['run', 'build'], 'pipe', env)
  run('npm', ['run', 'build:demo'], 'pipe', env)
  run('npx', ['vite', 'build', '--mode', 'e2e'], 'pipe', env)
  run('npx', ['playwright', 'test', '--config', 'e2e/soak.config.ts', spec], 'inherit', env)
}

/** `pipe`: shows what it prints only when it fails. */
function run(command, args, stdio, env) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8', stdio, env })
  if (status === 0) return
  if (stdio === 'pipe') console.error(stdout, stderr)
  process.exit(1)
}
