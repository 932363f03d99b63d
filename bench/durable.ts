import { fileURLToPath } from 'node:url'
import { benchInChromium } from './chromium.ts'
import { installPeers } from './client/peers.ts'
import type { Extent, FileCounts, Found, Name, Times } from './durable/page.ts'
import { middle, printTable, ratio } from './measure.ts'
import { printReaches, type Reach } from './reach.ts'

/** Writes that are durable when they are awaited, against what others keep in a browser, and bare files. */
export async function benchDurable({ quick }: { readonly quick: boolean }): Promise<void> {
  installPeers(fileURLToPath(new URL('./stores/peers', import.meta.url)))
  const extent: Extent = quick
    ? { rounds: 5, sequential: 10, together: 1_000, togetherOfPeers: 50, bursts: 2, loaded: 20_000, loads: 1 }
    : {
        rounds: 20,
        sequential: 20,
        together: 1_000,
        togetherOfPeers: 100,
        bursts: 5,
        loaded: 100_000,
        loads: 3,
      }
  const { times, counts } = await benchInChromium<Extent, Found>('durable', extent)
  process.stderr.write('\n')
  const rates = Object.fromEntries(
    Object.entries(times).map(([name, own]) => [name, rateOf(own, extent)]),
  ) as Record<Name, Rates>
  printRates(rates, extent)
  printCounts(counts)
  printReaches('Durable writes', { 'on OPFS, Chromium': reachOf(rates) })
}

interface Rates {
  readonly flushes: boolean
  /** Writes a second. */
  readonly sequential: number
  /** The slowest and the fastest round. */
  readonly spread: readonly [number, number]
  /** Milliseconds. */
  readonly together: number
  readonly transaction: number
  /** Rows a second. */
  readonly load: number
}

function rateOf({ flushes, sequential, together, transaction, load }: Times, extent: Extent): Rates {
  const perSecond = (time: number) => (extent.sequential / time) * 1_000
  return {
    flushes,
    sequential: perSecond(middle(sequential)),
    spread: [perSecond(Math.max(...sequential)), perSecond(Math.min(...sequential))],
    together: middle(together),
    transaction: middle(transaction),
    load: (extent.loaded / middle(load)) * 1_000,
  }
}

function printRates(rates: Readonly<Record<Name, Rates>>, extent: Extent): void {
  const ours = rates['Millrace, strict']
  const bare = rates['bare SQLite']
  printTable(
    'Durable writes of one row each, on a profile on disk',
    [
      'store',
      'flushes',
      'sequential, writes/s',
      'slowest to fastest round',
      'Millrace strict is',
      `${extent.together} in one task`,
      'of one such transaction in bare SQLite',
      'the same in one transaction',
      `load of ${extent.loaded.toLocaleString('en')}, rows/s`,
      'Millrace strict is',
    ],
    Object.entries(rates).map(([name, its]) => [
      name,
      its.flushes ? 'yes' : 'no',
      whole(its.sequential),
      its.spread.map(whole).join(' to '),
      ratio(ours.sequential, its.sequential),
      ms(its.together),
      ratio(its.together, bare.transaction),
      ms(its.transaction),
      whole(its.load),
      ratio(ours.load, its.load),
    ]),
  )
  console.log(`\n${note.replaceAll('\n', ' ')}`)
}

const note = `One page, all contenders open, in turns; medians of the rounds. Each by the API that its users have, from the
page. Flushes: whether what is awaited is flushed to the disk by default, or by the option named (bench/stores/peers says
where that is written). Bare SQLite and the floor are behind one message a call, to a worker of their own: SQLite with
statements prepared ahead and a rollback journal, and one write of 4,096 bytes with one flush (of a load: its rows as text,
and one flush). Of the peers the writes of one task are fewer, and their time is given for as many.`

function printCounts(counts: Found['counts']): void {
  const cell = ({ calls, bytes }: FileCounts[keyof FileCounts]) => [count(calls), count(bytes / 1_024)]
  printTable(
    'What Millrace does to its files in a commit',
    ['commit', 'flushes', 'ms in them', 'writes', 'kB', 'truncations', 'reads', 'kB'],
    Object.entries(counts).map(([what, { flush, write, truncate, read }]) => [
      what,
      count(flush.calls),
      flush.time.toFixed(1),
      ...cell(write),
      count(truncate.calls),
      ...cell(read),
    ]),
  )
}

function reachOf(rates: Readonly<Record<Name, Rates>>): Reach[] {
  const ours = rates['Millrace, strict']
  const peers = Object.entries(rates).filter(([name]) => !/^(Millrace|bare|OPFS)/.test(name)) as [
    Name,
    Rates,
  ][]
  const ahead = peers
    .filter(([name, { flushes }]) => flushes || name === 'Dexie, default')
    .map(([name, its]) => ({
      what: `sequential writes/s, strict, against ${name}${its.flushes ? '' : ', which does not flush'}`,
      is: ratio(ours.sequential, its.sequential),
      reach: '≥ 1.0 ×',
      met: ours.sequential >= its.sequential,
    }))
  const relaxed = rates['Millrace, relaxed']
  const dexie = rates['Dexie, default']
  const load = Math.min(40_000, 2 * rates.SQLocal.load)
  return [
    ...ahead,
    {
      what: 'sequential writes/s, relaxed, against Dexie, default, which is relaxed too',
      is: ratio(relaxed.sequential, dexie.sequential),
      reach: '≥ 1.0 ×',
      met: relaxed.sequential >= dexie.sequential,
    },
    {
      what: 'writes of one task, strict, of one such transaction in bare SQLite',
      is: ratio(ours.together, rates['bare SQLite'].transaction),
      reach: '≤ 1.5 ×',
      met: ours.together <= 1.5 * rates['bare SQLite'].transaction,
    },
    {
      what: 'load in one transaction, strict, rows/s',
      is: whole(ours.load),
      reach: `≥ ${whole(load)}`,
      met: ours.load >= load,
    },
  ]
}

const whole = (value: number) => Math.round(value).toLocaleString('en')
const ms = (value: number) => `${value.toFixed(1)} ms`
const count = (value: number) => value.toLocaleString('en', { maximumFractionDigits: 1 })
