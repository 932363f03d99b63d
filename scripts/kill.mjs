// The database on a disk that goes wrong at each of its operations, with a longer scenario and other seeds than `npm test`.
//
//     npm run test:kill -- [--transactions 50] [--seeds 2] [--seed 1]
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    transactions: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '2' },
  },
})
for (let i = 0; i < Number(values.seeds); i++) {
  const seed = Number(values.seed) + i
  console.log(`seed ${seed}`)
  const { status } = spawnSync('npx', ['vitest', 'run', 'packages/worker/test/kill.test.ts'], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: 'inherit',
    env: {
      ...process.env,
      MILLRACE_KILL_TRANSACTIONS: values.transactions,
      MILLRACE_KILL_SEED: String(seed),
    },
  })
  if (status !== 0) process.exit(1)
}
