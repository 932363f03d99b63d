import type { Engine } from '@millrace/engine'
import { ApiWrite, Bare, classes, families, Ours, type Size, toggle } from './engine-data.ts'
import { benchImports } from './engine-import.ts'
import { inTurns, middle, printTable, ratio, us } from './measure.ts'

/** What is to be reached, and what was. */
export interface Reach {
  readonly what: string
  readonly is: string
  readonly reach: string
  readonly met: boolean
}

/** Commits of one changed row in memory, against the bare write in SQLite, and against running each query again. */
export async function benchEngine({ quick = false }: { readonly quick?: boolean } = {}): Promise<void> {
  const reached: Reach[] = []
  await benchSizes(quick ? [1_000, 100_000] : [1_000, 10_000, 100_000, 1_000_000], quick ? 100 : 250)
  await benchNumbers(quick ? [1, 1_000] : [1, 10, 100, 1_000, 10_000], quick ? 100 : 250)
  reached.push(...(await benchThousand()), ...(await benchImports(quick ? 1 : 3)))
  printTable(
    'Engine, what is to be reached',
    ['', 'is', 'reach', ''],
    reached.map(({ what, is, reach, met }) => [what, is, reach, met ? 'met' : 'NOT MET']),
  )
}

/** One live query of each class, by the size of the table. */
async function benchSizes(sizes: readonly number[], budget: number): Promise<void> {
  const rows: string[][] = []
  for (const size of sizes) {
    const shape = { rows: size, perList: 100, replicated: false }
    const bare = await Bare.filled(shape)
    const ours = await Ours.filled(shape)
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
      await ended(ours.engine)
    }
    ours.engine.close()
  }
  printTable(
    'Engine, one row changed, one live query',
    ['rows', 'live', 'Millrace', 'write and rerun', 'of that', 'bare write', 'of that'],
    rows,
  )
}

/** Many live queries of one text, by their number: 100,000 rows in 10,000 lists. */
async function benchNumbers(numbers: readonly number[], budget: number): Promise<void> {
  const shape = { rows: 100_000, perList: 10, replicated: false }
  const bare = await Bare.filled(shape)
  const bareWrite = bare.write(toggle)
  const rows: string[][] = []
  for (const [name, { sql, parameters }] of Object.entries(families)) {
    const ours = await Ours.filled(shape)
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
    ours.engine.close()
  }
  printTable(
    'Engine, one row changed, 100,000 rows, many live queries of one text',
    ['live', 'queries', 'Millrace', 'write and rerun', 'of that', 'bare write', 'of that'],
    rows,
  )
}

/** A thousand live queries, of which one is hit, and of which all are. */
async function benchThousand(): Promise<Reach[]> {
  const reached: Reach[] = []
  const one = families['one list each, one hit'] as (typeof families)[string]
  const all = families['all hit'] as (typeof families)[string]
  for (const replicated of [false, true]) {
    const shape = { rows: 10_000, perList: 10, replicated }
    const bare = await Bare.filled(shape)
    const ours = { one: await Ours.filled(shape), all: await Ours.filled(shape) }
    for (let i = 0; i < 1_000; i++) {
      ours.one.subscribe(one.sql, one.parameters(i))
      ours.all.subscribe(all.sql, all.parameters(i))
    }
    const time = inTurns(2_000, {
      bare: bare.write(toggle),
      one: ours.one.write(toggle),
      all: ours.all.write(toggle),
    })
    const api = await throughApi(shape, ours.one.write(toggle))
    ours.one.engine.close()
    ours.all.engine.close()
    const kind = replicated ? 'replicated' : 'plain'
    reached.push(
      {
        what: `one row changed, 1 of 1,000 live queries hit, ${kind}`,
        is: `${ratio(time.one, time.bare)} the bare write (${us(time.one)}, ${us(time.bare)})`,
        reach: '3 ×',
        met: time.one <= 3 * time.bare,
      },
      {
        what: `the same, against the bare write through wa-sqlite's own JS API, ${kind}`,
        is: `${ratio(api.ours, api.bare)} (${us(api.ours)}, ${us(api.bare)})`,
        reach: '3 ×',
        met: api.ours <= 3 * api.bare,
      },
      {
        what: `one row changed, 1,000 of 1,000 live queries hit, ${kind}`,
        is: `${us(time.all / 1_000)} each`,
        reach: '25 µs',
        met: time.all / 1_000 <= 25,
      },
    )
  }
  return reached
}

/** A write of ours in turns with one through the JS API that the wasm comes with, which makes each step a promise. */
async function throughApi(shape: Size, ours: () => void): Promise<{ bare: number; ours: number }> {
  const write = await ApiWrite.filled(shape, toggle)
  const times = { bare: [] as number[], ours: [] as number[] }
  for (let i = 0; i < 20_000; i++) {
    const start = performance.now()
    await write.run()
    const between = performance.now()
    ours()
    if (i > 2_000) {
      times.bare.push(between - start)
      times.ours.push(performance.now() - between)
    }
  }
  return { bare: middle(times.bare) * 1000, ours: middle(times.ours) * 1000 }
}

/** Queries that nobody listens to any more stay warm for a moment, in which they would be measured too. */
async function ended(engine: Engine): Promise<void> {
  for (let i = 0; engine.counters.liveQueries > 0; i++) {
    if (i === 500) throw new Error('Queries without a subscriber are still live after ten seconds.')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
