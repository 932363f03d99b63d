import { benchClient } from './client.ts'
import { benchEngine } from './engine.ts'
import { benchLongTasks } from './long-tasks.ts'
import { printMachine } from './measure.ts'

const benches: Record<string, (options: { readonly quick: boolean }) => Promise<void>> = {
  engine: benchEngine,
  client: benchClient,
  'long-tasks': benchLongTasks,
}

/** `npm run bench`, or `npm run bench -- client long-tasks`. `--quick`: fewer sizes and runs. */
export default async function run(given: readonly string[]): Promise<void> {
  const quick = given.includes('--quick')
  const names = given.filter((name) => name !== '--quick')
  printMachine()
  for (const name of names.length > 0 ? names : Object.keys(benches)) {
    const bench = benches[name]
    if (bench === undefined)
      throw new Error(`There is no benchmark ${name}: ${Object.keys(benches).join(', ')}.`)
    await bench({ quick })
  }
}
