// Compares live queries with SQLite, a hundred thousand times, in one process per core. Each case has a seed of its
// own: `--seed` runs the cases from there on, so that the seed of a failure finds it again at once.
//
//     npm run test:oracle -- [--seed 7] [--comparisons 100000] [--processes 2]
import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { loadConfigFromFile, runnerImport } from 'vite'

const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
/** Cases of different processes are this far apart. */
const APART = 100_000_000

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    comparisons: { type: 'string', default: '100000' },
    processes: { type: 'string', default: String(availableParallelism()) },
  },
})
const seed = Number(values.seed)
const comparisons = Number(values.comparisons)
const processes = Number(values.processes)

if (process.send === undefined) await lead()
else await work()

/** Starts the processes, adds up what they compared, and ends with the first failure. */
async function lead() {
  console.log(`oracle: seed ${seed}, ${comparisons} comparisons in ${processes} processes`)
  const children = []
  const failed = []
  const tallies = await Promise.all(
    Array.from({ length: processes }, (_, i) => {
      const child = fork(fileURLToPath(import.meta.url), [
        '--seed',
        String(seed + i * APART),
        '--comparisons',
        String(Math.ceil(comparisons / processes)),
      ])
      children.push(child)
      return new Promise((resolve) => {
        let tally
        child.on('message', (message) => {
          if (message.failure === undefined) tally = message.tally
          else failed.push(message.failure)
        })
        child.on('exit', (code) => {
          if (code !== 0) {
            if (failed.length === 0) failed.push(`a process ended with ${code}`)
            for (const other of children) if (other !== child) other.kill()
          }
          resolve(tally)
        })
      })
    }),
  )
  for (const failure of failed) console.error(failure)
  const total = tallies.reduce((sum, tally) => (tally === undefined ? sum : added(sum, tally)), {})
  const { incremental = {}, others = {}, ...counts } = total
  console.log(`seed ${seed}: ${counted(counts)}`)
  const all = Object.values(incremental).reduce((sum, count) => sum + count, 0)
  const share = all === 0 ? 0 : (incremental.rerun ?? 0) / all
  if (all > 0) {
    console.log(`strategies: ${counted(incremental)}: ${(share * 100).toFixed(1)} % rerun`)
    console.log(`beyond the class: ${counted(others)}`)
  }
  process.exitCode = failed.length > 0 || share > 0.05 ? 1 : 0
}

async function work() {
  // runnerImport reads no config file: without the aliases in it, package names would lead to an old build.
  const { config } = await loadConfigFromFile({ command: 'serve', mode: 'test' }, here('vite.config.ts'))
  const { module } = await runnerImport(here('packages/engine/test/oracle/main.ts'), {
    root: here('.'),
    resolve: config.resolve,
    logLevel: 'warn',
  })
  let message
  try {
    message = { tally: await module.default(seed, comparisons) }
  } catch (error) {
    message = { failure: error.message }
  }
  process.send(message, () => {
    process.exitCode = message.failure === undefined ? 0 : 1
    process.disconnect()
  })
}

/** Two tallies as one, counts of counts included. */
function added(one, other) {
  const sum = { ...one }
  for (const [name, value] of Object.entries(other))
    sum[name] = typeof value === 'number' ? (sum[name] ?? 0) + value : added(sum[name] ?? {}, value)
  return sum
}

function counted(counts) {
  return Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')
}
