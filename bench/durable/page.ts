import type { BenchPage } from '../chromium.ts'
import { dexie } from '../stores/dexie.ts'
import { bare, floor } from '../stores/in-worker.ts'
import { millrace } from '../stores/millrace.ts'
import { powersync } from '../stores/powersync.ts'
import { type Probed, readProbe } from '../stores/probe.ts'
import { sqlocal } from '../stores/sqlocal.ts'
import { type Contender, type Store, todos } from '../stores/store.ts'
import { vlcn } from '../stores/vlcn.ts'

export interface Extent {
  /** Rounds in which the contenders take turns. */
  readonly rounds: number
  /** Writes of one contender in one round, each awaited before the next. */
  readonly sequential: number
  /** Writes of one task, of ours and bare SQLite. */
  readonly together: number
  /** Of the others, of which some take a flush or more for each: their time is given for as many as ours. */
  readonly togetherOfPeers: number
  /** Rounds of these. */
  readonly bursts: number
  readonly loaded: number
  readonly loads: number
}

/** In milliseconds, one for each round. */
export interface Times {
  readonly flushes: boolean
  readonly sequential: number[]
  readonly together: number[]
  /** The same rows in one transaction. */
  readonly transaction: number[]
  readonly load: number[]
}

/** What our worker did to its files. */
export type FileCounts = Probed['files']

export interface Found {
  readonly times: Readonly<Record<string, Times>>
  readonly counts: Readonly<Record<string, FileCounts>>
}

const contenders = {
  'Millrace, strict': millrace('strict'),
  'Millrace, relaxed': millrace('relaxed'),
  'Dexie, default': dexie('default'),
  'Dexie, strict': dexie('strict'),
  SQLocal: sqlocal,
  'PowerSync, default': powersync(true),
  'PowerSync, OPFSCoopSyncVFS': powersync(true, 'OPFSCoopSyncVFS'),
  'PowerSync, OPFSWriteAheadVFS': powersync(false, 'OPFSWriteAheadVFS'),
  vlcn,
  'bare SQLite': bare,
  'OPFS floor': floor,
} satisfies Record<string, Contender>
export type Name = keyof typeof contenders

const page: BenchPage<Extent, Found> = {
  async bench(extent) {
    const times = await race(extent)
    const counts = {
      ...(await fileCounts('strict', extent)),
      ...(await fileCounts('relaxed', extent)),
    }
    return { times, counts }
  },
}
Object.assign(globalThis, page)

/** In turns: what else the machine does hits all alike. */
async function race(extent: Extent): Promise<Record<string, Times>> {
  const times: Record<string, Times> = {}
  const racers: { name: string; contender: Contender; store: Store; times: Times; rows: number }[] = []
  for (const [name, contender] of Object.entries<Contender>(contenders)) {
    const own: Times = {
      flushes: contender.flushes,
      sequential: [],
      together: [],
      transaction: [],
      load: [],
    }
    times[name] = own
    racers.push({ name, contender, store: await contender.open(database(name)), times: own, rows: 0 })
  }
  const next = (racer: { rows: number }, count: number) => {
    racer.rows += count
    return todos(racer.rows - count, count)
  }
  // The first round of each warms up, and does not count.
  for (let round = -1; round < extent.rounds; round++) {
    for (const racer of racers) {
      const rows = next(racer, extent.sequential)
      const time = await timeOf(async () => {
        for (const row of rows) await racer.store.insert(row)
      })
      if (round >= 0) racer.times.sequential.push(time)
    }
    console.log(`sequential ${round}`)
  }
  for (let round = -1; round < extent.bursts; round++) {
    for (const racer of racers) {
      if (round < 0 && isPeer(racer.name)) continue
      const { togetherOfPeers } = extent
      const rows = next(racer, isPeer(racer.name) ? togetherOfPeers : extent.together)
      const measured = await timeOf(() => Promise.all(rows.map((row) => racer.store.insert(row))))
      const together = measured * (extent.together / rows.length)
      const more = next(racer, extent.together)
      const transaction = await timeOf(() => racer.store.load(more))
      if (round >= 0) {
        racer.times.together.push(together)
        racer.times.transaction.push(transaction)
      }
    }
    console.log(`together ${round}`)
  }
  for (const { store } of racers) await store.close()
  // Into a new database each time: a table that grows has another price.
  const rows = todos(0, extent.loaded)
  for (let round = 0; round < extent.loads; round++) {
    for (const { name, contender, times } of racers) {
      const store = await contender.open(`${database(name)}-${round}`)
      times.load.push(await timeOf(() => store.load(rows)))
      await store.close()
      console.log(`load ${name}`)
    }
  }
  return times
}

async function fileCounts(
  durability: 'strict' | 'relaxed',
  { sequential, together, loaded }: Extent,
): Promise<Record<string, FileCounts>> {
  const probed = () => new Worker(new URL('../stores/probed-worker.ts', import.meta.url), { type: 'module' })
  const store = await millrace(durability, { worker: probed }).open(`probed-${durability}`)
  // The first commit after an opening has more to do.
  await store.insert(todos(0, 1)[0] as (typeof rows)[number])
  const rows = todos(1, sequential + together + loaded)
  const counts: Record<string, FileCounts> = {}
  const counted = async (what: string, commits: number, work: () => Promise<unknown>) => {
    const before = (await readProbe()).files
    await work()
    counts[`${what}, ${durability}`] = difference((await readProbe()).files, before, commits)
  }
  await counted('one of sequential writes', sequential, async () => {
    for (const row of rows.slice(0, sequential)) await store.insert(row)
  })
  await counted(`${together} writes of one task`, 1, () =>
    Promise.all(rows.slice(sequential, sequential + together).map((row) => store.insert(row))),
  )
  await counted(`${loaded} rows in one transaction`, 1, () => store.load(rows.slice(sequential + together)))
  await store.close()
  return counts
}

function difference(after: FileCounts, before: FileCounts, commits: number): FileCounts {
  const of = (method: keyof FileCounts) => ({
    calls: (after[method].calls - before[method].calls) / commits,
    time: (after[method].time - before[method].time) / commits,
    bytes: (after[method].bytes - before[method].bytes) / commits,
  })
  return { read: of('read'), write: of('write'), truncate: of('truncate'), flush: of('flush') }
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

const isPeer = (name: string) => !/^(Millrace|bare|OPFS)/.test(name)
const database = (name: string) => name.toLowerCase().replaceAll(/[^a-z]+/g, '-')
