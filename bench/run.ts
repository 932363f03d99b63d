import { cpus } from 'node:os'
import { benchClient } from './client.ts'
import { benchDurable } from './durable.ts'
import { benchEngine } from './engine.ts'
import { benchLongTasks } from './long-tasks.ts'
import { benchStart } from './start.ts'

interface Options {
  /** Fewer sizes and runs. */
  readonly quick: boolean
  /** Of the client: without its peers, which take most of the time. */
  readonly alone: boolean
}

const benches: Record<string, (options: Options) => Promise<void>> = {
  engine: benchEngine,
  client: benchClient,
  durable: benchDurable,
  start: benchStart,
  'long-tasks': benchLongTasks,
}

/** `npm run bench`, or `npm run bench -- client long-tasks`. `--quick`, `--alone`: see {@link Options}. */
export default async function run(given: readonly string[]): Promise<void> {
  const options = { quick: given.includes('--quick'), alone: given.includes('--alone') }
  const names = given.filter((name) => !name.startsWith('--'))
  printMachine()
  for (const name of names.length > 0 ? names : Object.keys(benches)) {
    const bench = benches[name]
    if (bench === undefined)
      throw new Error(`There is no benchmark ${name}: ${Object.keys(benches).join(', ')}.`)
    await bench(options)
  }
}

function printMachine(): void {
  const [cpu] = cpus()
  console.log(
    `Node ${process.version}, ${cpus().length} × ${cpu?.model.trim()}. Medians; ratios are of one run.`,
  )
}
