import { benchClient } from './client.ts'
import { benchEngine } from './engine.ts'
import { printMachine } from './measure.ts'

const benches: Record<string, () => Promise<void>> = { engine: benchEngine, client: benchClient }

/** `npm run bench`, or `npm run bench -- client`. */
export default async function run(names: readonly string[]): Promise<void> {
  printMachine()
  for (const name of names.length > 0 ? names : Object.keys(benches)) {
    const bench = benches[name]
    if (bench === undefined)
      throw new Error(`There is no benchmark ${name}: ${Object.keys(benches).join(', ')}.`)
    await bench()
  }
}
