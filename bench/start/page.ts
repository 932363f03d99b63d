import { type Probed, readProbe } from '../stores/probe.ts'
import { type Contender, type Store, todos } from '../stores/store.ts'

export interface Start {
  /** Milliseconds, from the first line of the page's script until the first rows are laid out. */
  readonly total: number
  /** Where the worker was probed: on the same clock, by what happened. */
  readonly parts?: Readonly<Record<string, number>>
  readonly probed?: Probed
}

export interface StartPage {
  fill(name: Name, rows: number): Promise<void>
  start(name: Name): Promise<Start>
}

let workerAsked = 0
const probedWorker = () => {
  workerAsked = performance.now()
  return new Worker(new URL('../stores/probed-worker.ts', import.meta.url), { type: 'module' })
}

/** The script is part of a start, so each comes in one of its own. */
const contenders = {
  Millrace: async () => (await import('../stores/millrace.ts')).millrace('strict', { preload: true }),
  'Millrace, probed': async () =>
    (await import('../stores/millrace.ts')).millrace('strict', { worker: probedWorker, preload: true }),
  Dexie: async () => (await import('../stores/dexie.ts')).dexie('default'),
  SQLocal: async () => (await import('../stores/sqlocal.ts')).sqlocal,
  vlcn: async () => (await import('../stores/vlcn.ts')).vlcn,
  floor: async () => (await import('../stores/in-worker.ts')).floor,
} satisfies Record<string, () => Promise<Contender>>
export type Name = keyof typeof contenders

const DATABASE = 'start'
const FILLED_AT_ONCE = 50_000

const page: StartPage = {
  async fill(name, rows) {
    const store = await (await contenders[name]()).open(DATABASE)
    for (let start = 0; start < rows; start += FILLED_AT_ONCE)
      await store.load(todos(start, Math.min(FILLED_AT_ONCE, rows - start)))
    await store.close()
    // vlcn does not wait for IndexedDB, and a browser that ends then takes the last rows with it.
    await new Promise((resolve) => setTimeout(resolve, 3_000))
  },
  async start(name) {
    const begin = performance.now()
    const contender: Contender = await contenders[name]()
    const script = performance.now()
    const store: Store = await contender.open(DATABASE)
    const opened = performance.now()
    const rows = await store.first()
    const first = performance.now()
    render(rows)
    const end = performance.now()
    const total = end - begin
    if (name !== 'Millrace, probed') return { total }
    const probed = await readProbe()
    const marks = { script, 'worker asked': workerAsked, opened, first, end }
    const since = (time: number) => time - begin
    const parts: Record<string, number> = {}
    for (const [mark, time] of Object.entries(marks)) parts[`page: ${mark}`] = since(time)
    for (const [mark, time] of Object.entries(probed.marks))
      parts[mark] = since(time - performance.timeOrigin)
    for (const [name, call] of Object.entries(probed.wasm))
      if (call.calls > 0) parts[`wasm ${name}`] = since(call.first - performance.timeOrigin)
    return { total, parts, probed }
  },
}
Object.assign(globalThis, page)

/** In the document and laid out: when it is painted is up to the screen. */
function render(rows: Awaited<ReturnType<Store['first']>>): void {
  if (rows.length === 0) throw new Error('There are no rows to be shown.')
  const list = document.createElement('ul')
  for (const { title } of rows)
    list.append(Object.assign(document.createElement('li'), { textContent: title }))
  document.body.append(list)
  if (list.offsetHeight === 0) throw new Error('The rows are not laid out.')
}
