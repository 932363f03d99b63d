// Runs the random tests again and again, each time from another seed, until one fails or the time is over. `npm test`
// runs them once, from a seed that is always the same.
//
//     npm run test:hunt -- [--minutes 10] [--seed 7] [packages/client/test/forward ...]
import { execFileSync, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
  },
})
const files =
  positionals.length > 0
    ? positionals
    : execFileSync('git', ['grep', '-lE', "'fast-check'|MILLRACE_SEED", '--', '*.test.ts'], {
        cwd: root,
        encoding: 'utf8',
      })
        .trim()
        .split('\n')
const end = Date.now() + Number(values.minutes) * 60_000
let seed = Number(values.seed)
do {
  const started = Date.now()
  const { status, stdout } = spawnSync('npx', ['vitest', 'run', ...files], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, MILLRACE_SEED: String(seed) },
    maxBuffer: 1 << 30,
  })
  if (status !== 0) {
    console.log(stdout)
    console.log(`failed from this seed: MILLRACE_SEED=${seed} npx vitest run ...`)
    process.exit(1)
  }
  console.log(`seed ${seed}: passed in ${Math.round((Date.now() - started) / 1000)} s`)
  seed++
} while (Date.now() < end)
