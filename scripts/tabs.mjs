// Random steps of many tabs that all write, in a real browser: prints what they came to, and fails with the seed and the
// steps where a promise was broken. `npm test` makes 200 steps from seed 1. What is tested is what `npm run build` makes.
//
//     npm run test:tabs -- [--steps 5000] [--seed 7] [--browser firefox] [--durability relaxed] [--verbose]
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '5000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    browser: { type: 'string', default: 'chromium' },
    durability: { type: 'string', default: 'strict' },
    // Each step as it begins.
    verbose: { type: 'boolean', default: false },
  },
})
const env = {
  ...process.env,
  MILLRACE_DIST: '1',
  MILLRACE_STEPS: values.steps,
  MILLRACE_SEED: values.seed,
  MILLRACE_BROWSER: values.browser,
  MILLRACE_DURABILITY: values.durability,
  MILLRACE_VERBOSE: values.verbose ? '1' : '',
}
run('node', ['scripts/ensure-browser.mjs', values.browser], 'inherit')
run('npm', ['run', 'build'])
run('npx', ['vite', 'build', '--mode', 'e2e'])
run('npx', ['playwright', 'test', '--config', 'e2e/tabs/playwright.config.ts', 'random.spec'], 'inherit')

/** Shows what it prints only when it fails, unless `stdio` says otherwise. */
function run(command, args, stdio = 'pipe') {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    encoding: 'utf8',
    stdio,
    env,
  })
  if (status === 0) return
  if (stdio === 'pipe') console.error(stdout, stderr)
  process.exit(1)
}
