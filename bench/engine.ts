import { benchInChromium } from './chromium.ts'
import { apiTimes } from './engine/api-write.ts'
import { commitTimes } from './engine/commits.ts'
import { Bare, Ours } from './engine/contenders.ts'
import { type ImportTimes, importTimes } from './engine/imports.ts'
import { inMemory } from './engine/in-memory.ts'
import { classes, families } from './engine/queries.ts'
import { reachOfApi, reachOfCommits, reachOfImports } from './engine/reach.ts'
import { toggle } from './engine/todos.ts'
import type { Extent, OpfsTimes } from './engine/worker.ts'
import { inTurns, printTable, ratio, us } from './measure.ts'
import { printReaches } from './reach.ts'

const IN_MEMORY = 'in memory, Node'
const ON_OPFS = 'on OPFS, Chromium'

/**
 * Commits of one changed row, and imports, against the bare write in SQLite and against running each query again: in the
 * memory of Node, and what is to be reached also where users run it, in a worker of a browser on its disk.
 */
export async function benchEngine({ quick }: { readonly quick: boolean }): Promise<void> {
  await benchSizes(quick ? [1_000, 100_000] : [1_000, 10_000, 100_000, 1_000_000], quick ? 50 : 250)
  await benchNumbers(quick ? [1, 1_000] : [1, 10, 100, 1_000, 10_000], quick ? 50 : 250)
  const extent: Extent = quick ? { budget: 1_000, imported: 10_000 } : { budget: 2_000, imported: 100_000 }
  const commits = await commitTimes(inMemory, extent.budget)
  const api = await apiTimes()
  const imports = await importTimes(inMemory, extent.imported)
  printImports(IN_MEMORY, imports)
  const opfs = await benchInChromium<Extent, OpfsTimes>('engine', extent)
  printImports(ON_OPFS, opfs.imports)
  printReaches('Engine', {
    [IN_MEMORY]: [...reachOfCommits(commits), ...reachOfApi(api), ...reachOfImports(imports)],
    [ON_OPFS]: [...reachOfCommits(opfs.strict), ...reachOfImports(opfs.imports)],
    [`${ON_OPFS}, relaxed`]: reachOfCommits(opfs.relaxed),
  })
  console.log(`\n${note.replaceAll('\n', ' ')}`)
}

const note = `The bare write is by statements prepared ahead, through the same wasm, with the engine's own settings of SQLite;
on OPFS in a dedicated worker, on files as the worker package keeps them, strict where it does not say relaxed. Commits
are medians. Of an import it is the least of some runs, each in an empty database: in memory the time of the processor, on
OPFS that of the day.`

/** One live query of each class, by the size of the table. */
async function benchSizes(sizes: readonly number[], budget: number): Promise<void> {
  const rows: string[][] = []
  for (const size of sizes) {
    const shape = { rows: size, perList: 100, replicated: false }
    const bare = await Bare.filled(shape, inMemory)
    const ours = await Ours.filled(shape, inMemory)
    for (const [name, { sql, parameters, change }] of Object.entries(classes)) {
      const end = ours.subscribe(sql, parameters)
      const bareWrite = bare.write(change)
      const rerun = bare.rerun(sql, [parameters])
      const time = inTurns(budget, {
        bare: bareWrite,
        again: () => {
          bareWrite()
          rerun()
        },
        ours: ours.write(change),
      })
      end()
      rows.push([
        size.toLocaleString('en'),
        name,
        us(time.ours),
        us(time.again),
        ratio(time.ours, time.again),
        us(time.bare),
        ratio(time.ours, time.bare),
      ])
    }
    await ours.close()
  }
  printTable(
    `Engine, one row changed, one live query, ${IN_MEMORY}`,
    ['rows', 'live', 'Millrace', 'write and rerun', 'of that', 'bare write', 'of that'],
    rows,
  )
}

/** Many live queries of one text, by their number: 100,000 rows in 10,000 lists. */
async function benchNumbers(numbers: readonly number[], budget: number): Promise<void> {
  const shape = { rows: 100_000, perList: 10, replicated: false }
  const bare = await Bare.filled(shape, inMemory)
  const bareWrite = bare.write(toggle)
  const rows: string[][] = []
  for (const [name, { sql, parameters }] of Object.entries(families)) {
    const ours = await Ours.filled(shape, inMemory)
    const live: ReturnType<typeof parameters>[] = []
    for (const number of numbers) {
      while (live.length < number) {
        const values = parameters(live.length)
        ours.subscribe(sql, values)
        live.push(values)
      }
      const rerun = bare.rerun(sql, live)
      const time = inTurns(budget, {
        bare: bareWrite,
        again: () => {
          bareWrite()
          rerun()
        },
        ours: ours.write(toggle),
      })
      rows.push([
        number.toLocaleString('en'),
        name,
        us(time.ours),
        us(time.again),
        ratio(time.ours, time.again),
        us(time.bare),
        ratio(time.ours, time.bare),
      ])
    }
    await ours.close()
  }
  printTable(
    `Engine, one row changed, 100,000 rows, many live queries of one text, ${IN_MEMORY}`,
    ['live', 'queries', 'Millrace', 'write and rerun', 'of that', 'bare write', 'of that'],
    rows,
  )
}

function printImports(where: string, times: readonly ImportTimes[]): void {
  printTable(
    `Engine, import of ${times[0]?.rows.toLocaleString('en')} rows, ${where}`,
    ['table', 'import', 'bare', 'nothing live', '20 queries live', 'of that', 'of bare'],
    times.map(({ kind, form, bare, alone, watched }) => [
      kind,
      form,
      us(bare),
      us(alone),
      us(watched),
      ratio(watched, alone),
      ratio(watched, bare),
    ]),
  )
}
