import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from '@playwright/test'
import { buildForChromium } from './build.ts'
import { inProfile, PAGE, serve } from './chromium.ts'
import { installPeers } from './client/peers.ts'
import { middle, printTable, ratio } from './measure.ts'
import { printReaches, type Reach } from './reach.ts'
import type { Name, Start, StartPage } from './start/page.ts'

const names: readonly Name[] = ['Millrace', 'Millrace, probed', 'Dexie', 'SQLocal', 'vlcn', 'floor']

/** Starts of a new browser on a profile on disk, until the first rows are rendered, by the size of the database. */
export async function benchStart({ quick }: { readonly quick: boolean }): Promise<void> {
  installPeers(fileURLToPath(new URL('./stores/peers', import.meta.url)))
  const sizes = quick ? [10_000, 100_000] : [10_000, 100_000, 1_000_000]
  const repetitions = quick ? 3 : 9
  const root = await mkdtemp(join(tmpdir(), 'millrace-start-'))
  const server = await serve(await buildForChromium('start', true), true)
  const found: { rows: number; starts: Record<Name, Start[]> }[] = []
  try {
    for (const rows of sizes)
      found.push({ rows, starts: await measure(`${root}/${rows}`, rows, repetitions) })
  } finally {
    await server.close()
    await rm(root, { recursive: true, force: true })
  }
  process.stderr.write('\n')
  printTotals(found)
  await printParts(found)
  printReaches('Start', { 'on OPFS, Chromium': found.flatMap(({ rows, starts }) => reachOf(rows, starts)) })
}

/** Each has a profile of its own: databases in one share files, and a cache. */
async function measure(folder: string, rows: number, repetitions: number): Promise<Record<Name, Start[]>> {
  const profile = (name: Name) => `${folder}-${name}`
  for (const name of names)
    await inProfile(profile(name), async (page) => {
      await load(page)
      await page.evaluate(([name, rows]) => (globalThis as unknown as StartPage).fill(name, rows), [
        name,
        rows,
      ] as const)
      process.stderr.write('f')
    })
  const starts = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, Start[]>
  // Two starts more, in which the browser fills its caches of what it compiled.
  for (let i = -2; i < repetitions; i++) {
    for (const name of names) {
      const start = await inProfile(profile(name), async (page) => {
        await load(page)
        return page.evaluate((name) => (globalThis as unknown as StartPage).start(name), name)
      })
      if (i >= 0) starts[name].push(start)
      process.stderr.write('.')
    }
  }
  return starts
}

async function load(page: Page): Promise<void> {
  page.on('pageerror', (error) => console.error(error))
  await page.goto(PAGE)
  await page.waitForFunction(() => 'start' in globalThis)
}

type Found = readonly { readonly rows: number; readonly starts: Readonly<Record<Name, Start[]>> }[]

const totals = (starts: readonly Start[]) => starts.map(({ total }) => total)
const median = (starts: readonly Start[]) => middle(totals(starts))

function printTotals(found: Found): void {
  printTable(
    'Start of a browser, until the first 50 rows are laid out',
    ['rows', 'store', 'median', 'fastest to slowest', 'Millrace is', 'of the floor'],
    found.flatMap(({ rows, starts }) =>
      names.map((name) => [
        rows.toLocaleString('en'),
        name,
        ms(median(starts[name])),
        `${ms(Math.min(...totals(starts[name])))} to ${ms(Math.max(...totals(starts[name])))}`,
        ratio(median(starts.Millrace), median(starts[name])),
        ratio(median(starts[name]), median(starts.floor)),
      ]),
    ),
  )
  console.log(`\n${note.replaceAll('\n', ' ')}`)
}

const note = `From the first line of the page's script; each contender's own script is loaded after that, and counts. Each
start is a new process of the browser, with the profile's HTTP cache and cache of compiled code as the starts before left
them; files may be in the cache of the operating system. Millrace opens with a first live query to be preloaded, and renders it; the
others open, and render a query. The floor, in a worker: the wasm compiled, two handles opened, and one page read, all at once, and 50 rows
that it has already.`

/** From what to what, in the order in which they end. */
const parts: readonly (readonly [what: string, from: string, to: string])[] = [
  ['script of the page', '', 'page: script'],
  ['script of the worker', 'page: worker asked', 'script'],
  ['lock', 'lock asked', 'lock given'],
  ['wasm: from the page, which compiles it, and instantiated', 'script', 'wasm ready'],
  ['files: folders and handles', 'files asked', 'files given'],
  ['sqlite3_open, and cr-sqlite’s own opening', 'wasm open', 'wasm first statement'],
  ['schema, the rest of the engine, and the answer to the page', 'wasm first statement', 'page: opened'],
  ['first live query, asked for with opening', 'page: opened', 'page: first'],
  ['rendering', 'page: first', 'page: end'],
]

async function printParts(found: Found): Promise<void> {
  const exports = await wasmExports()
  const rows: string[][] = []
  for (const { rows: size, starts } of found) {
    const probed = starts['Millrace, probed'].map(({ parts = {} }) => ({
      '': 0,
      ...parts,
      'wasm open': parts[`wasm ${exports.sqlite3_open_v2}`] as number,
      'wasm first statement': parts[`wasm ${exports.sqlite3_exec ?? exports.sqlite3_prepare_v2}`] as number,
    })) as Record<string, number>[]
    for (const [what, from, to] of parts) {
      const at = (mark: string) => middle(probed.map((start) => start[mark] ?? Number.NaN))
      const took = probed.map((start) => (start[to] ?? Number.NaN) - (start[from] ?? Number.NaN))
      rows.push([size.toLocaleString('en'), what, ms(at(from)), ms(at(to)), ms(middle(took))])
    }
  }
  printTable('Parts of Millrace’s start, probed', ['rows', 'part', 'from', 'to', 'median'], rows)
  printTable(
    'Files and wasm in Millrace’s start, until the first rows',
    ['rows', 'flushes', 'ms', 'writes', 'ms', 'reads', 'kB', 'ms', 'truncations', 'ms in wasm'],
    found.map(({ rows: size, starts }) => {
      const probes = starts['Millrace, probed'].flatMap(({ probed }) => probed ?? [])
      const of = (method: 'flush' | 'write' | 'read' | 'truncate', what: 'calls' | 'time' | 'bytes') =>
        middle(probes.map(({ files }) => files[method][what]))
      const inWasm = probes.map(({ wasm }) => Object.values(wasm).reduce((sum, { time }) => sum + time, 0))
      return [
        size.toLocaleString('en'),
        String(of('flush', 'calls')),
        ms(of('flush', 'time')),
        String(of('write', 'calls')),
        ms(of('write', 'time')),
        String(of('read', 'calls')),
        String(Math.round(of('read', 'bytes') / 1_024)),
        ms(of('read', 'time')),
        String(of('truncate', 'calls')),
        ms(middle(inWasm)),
      ]
    }),
  )
}

/** The short names that the wasm's exports have, by the names of SQLite. */
async function wasmExports(): Promise<Record<string, string>> {
  const glue = fileURLToPath(import.meta.resolve('@vlcn.io/wa-sqlite/dist/crsqlite-sync.mjs'))
  const assigned = /\._(\w+)=\w+\.(\w+)\)\(/g
  return Object.fromEntries(
    [...(await readFile(glue, 'utf8')).matchAll(assigned)].map(([, name, short]) => [name, short]),
  )
}

function reachOf(rows: number, starts: Readonly<Record<Name, Start[]>>): Reach[] {
  const ours = median(starts.Millrace)
  const what = `${rows.toLocaleString('en')} rows`
  return [
    {
      what: `${what}, of Dexie`,
      is: ratio(ours, median(starts.Dexie)),
      reach: '≤ 1.0 ×, or the floor’s',
      met: ours <= median(starts.Dexie),
    },
    {
      what: `${what}, of the floor`,
      is: ratio(ours, median(starts.floor)),
      reach: '≤ 1.3 ×',
      met: ours <= 1.3 * median(starts.floor),
    },
  ]
}

const ms = (value: number) => `${value.toFixed(1)} ms`
