import { benchClient } from './client.ts'
import { benchEngine } from './engine.ts'
import { benchLongTasks } from './long-tasks.ts'
import { printMachine } from './measure.ts'

const benches: Record<string, () => Promise<void>> = {
  engine: benchEngine,
  client: benchClient,
  'long-tasks': benchLongTasks,
}

/** `npm run bench`, or `npm run bench -- client long-tasks`. */
export default async function run(names: readonly string[]): Promise<void> {
  printMachine()
  for (const name of names.length > 0 ? names : Object.keys(benches)) {
    const bench = benches[name]
    if (bench === undefined)
      throw new Error(`There is no benchmark ${name}: ${Object.keys(benches).join(', ')}.`)
    await bench()
  }
}
