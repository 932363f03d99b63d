import {
  type Database,
  type LiveQuery,
  MillraceError,
  open,
  type SqlQuery,
  type SqlValue,
  sql,
} from '@millrace/client'
import { workerPort } from '@millrace/worker'
import { kindOf, type Report, SCHEMA, STORED, type StoredOf, type WriteKind } from './writes.ts'

/*
 * A tab that writes and asks without a pause through the public API, and reports what it was told. It is driven as
 * `window.tab`. Its address says which slot it is in, and how it opens the database.
 */

const BEAT = 100
const params = new URLSearchParams(location.search)
const writer = `${params.get('slot')}-${crypto.randomUUID().slice(0, 8)}`
const durability = params.get('durability') === 'relaxed' ? 'relaxed' : 'strict'
/** Writes at most that wait for an answer. */
const PENDING = 200

type Untold<R> = R extends { readonly writer: string } ? Omit<R, 'writer'> : never

function report(of: Untold<Report>): void {
  window.report?.(JSON.stringify({ ...of, writer }))
}

// The workers that Millrace starts, so that one can be taken away from it.
const workers: Worker[] = []
window.Worker = class extends Worker {
  constructor(url: string | URL, options?: WorkerOptions) {
    super(url, options)
    workers.push(this)
  }
}

addEventListener('error', ({ message }) => report({ type: 'error', message }))
addEventListener('unhandledrejection', ({ reason }) => report({ type: 'error', message: String(reason) }))
addEventListener('pageshow', ({ persisted }) => persisted && report({ type: 'restored' }))
document.addEventListener('freeze', () => report({ type: 'frozen' }))

let beats = 0
setInterval(() => {
  // A hidden page is slow by the browser's will.
  if (document.visibilityState !== 'visible') beats = 0
  else if (++beats >= 10) report({ type: 'silent', beats, state: client?.state ?? 'opening' })
}, BEAT)

/** The database in use: it writes, asks, and compares. */
class Client {
  readonly #db: Database
  readonly #newest: LiveQuery<{ serial: number }>
  readonly #counter: LiveQuery<{ alone: number }>
  readonly #others: { query: SqlQuery<object>; live: LiveQuery<object> }[]
  readonly #settled: Promise<unknown>[] = []
  #serial = -1
  #stopped = false

  constructor(db: Database) {
    this.#db = db
    this.#newest = db.live(
      sql`SELECT serial FROM entry WHERE writer = ${writer} ORDER BY serial DESC LIMIT 3`,
    )
    this.#counter = db.live(sql`SELECT alone FROM counter WHERE writer = ${writer}`)
    this.#others = [
      sql<object>`SELECT key, text FROM entry ORDER BY key DESC LIMIT 20`,
      sql<object>`SELECT writer, count(*) AS n, max(serial) AS last FROM entry GROUP BY writer ORDER BY writer`,
      sql<object>`SELECT writer, alone, along FROM counter ORDER BY writer`,
      sql<object>`SELECT count(*) AS n, sum(serial) AS sum FROM log`,
    ].map((query) => ({ query, live: db.live(query) }))
    for (const live of [this.#newest, this.#counter]) live.subscribe(() => {})
    for (const { live } of this.#others) live.subscribe(() => {})
    db.onRejected(() => {})
  }

  get state(): string {
    const { connection, pending } = this.#db
    return `${connection.status}, ${pending.writes} pending, newest ${this.#newest.snapshot.status}`
  }

  burst(count: number): void {
    for (let i = 0; i < count; i++) this.#write()
  }

  async keepWriting(): Promise<void> {
    while (!this.#stopped) {
      if (this.#db.pending.writes < PENDING) this.burst(1 + (this.#serial & 1))
      await pause(80)
    }
  }

  async keepAsking(): Promise<void> {
    for (let asked = 0; ; asked++) {
      try {
        const [answer] = await this.#db.query(
          sql<{ asked: number }>`SELECT ${asked} AS asked, count(*) AS n FROM counter`,
        )
        if (answer?.asked === asked) beats = 0
      } catch (error) {
        report({ type: 'refusedRead', code: codeOf(error), message: String(error) })
      }
      await pause(50)
    }
  }

  /** Writes no more, and waits for all answers. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#settled)
  }

  stored(): Promise<StoredOf[]> {
    return this.#db.query<StoredOf>({ sql: STORED, parameters: [] })
  }

  async integrity(): Promise<string> {
    const rows = await this.#db.query(sql<{ integrity_check: string }>`SELECT * FROM pragma_integrity_check`)
    return rows.map(({ integrity_check }) => integrity_check).join('\n')
  }

  /** Live results that are not what their query gives now, once nobody writes. */
  async differing(): Promise<string[]> {
    const compared = this.#others.map(async ({ query, live }) => {
      const fresh = JSON.stringify(await this.#db.query(query))
      const shown = JSON.stringify(live.snapshot.data)
      return fresh === shown ? [] : [`${query.sql}: shown ${excerpt(shown, fresh)}`]
    })
    return (await Promise.all(compared)).flat()
  }

  #write(): void {
    const serial = ++this.#serial
    const key = `${writer}.${serial}`
    const kind = kindOf(serial)
    const counted = this.#counter.snapshot.data[0]?.alone
    this.#settled.push(
      this.#make(kind, { key, writer, serial, text: key }).then(
        () => report({ type: 'committed', serial }),
        (error) => report({ type: 'rejected', serial, code: codeOf(error) }),
      ),
    )
    const showed =
      kind === 'count'
        ? counted !== undefined && this.#counter.snapshot.data[0]?.alone === counted + 1
        : kind !== 'refused' && this.#newest.snapshot.data[0]?.serial === serial
    if (showed) report({ type: 'showed', serial })
  }

  #make(kind: WriteKind, row: { key: string; serial: number; [column: string]: SqlValue }): Promise<unknown> {
    switch (kind) {
      case 'begin':
        return this.#db.insert('counter', { writer, alone: 0, along: 0 }).stored
      case 'insert':
        return this.#db.insert('entry', row).stored
      case 'count':
        return this.#db.exec(sql`UPDATE counter SET alone = alone + 1 WHERE writer = ${writer}`)
      default:
        return this.#db.write((tx) => {
          tx.insert('entry', row)
          tx.exec(sql`INSERT INTO log (writer, serial) VALUES (${writer}, ${row.serial})`)
          tx.exec(sql`UPDATE counter SET along = along + 1 WHERE writer = ${writer}`)
          if (kind === 'refused') tx.insert('entry', { ...row, key: `${row.key}!`, text: '' })
        }).stored
    }
  }
}

/** Tries until there is a database: one that cannot be had at the moment can be soon. */
async function openDatabase(): Promise<Database> {
  for (;;) {
    try {
      return await open({ port: workerPort({ name: 'tabs', schema: SCHEMA, durability }) })
    } catch (error) {
      report({ type: 'refusedRead', code: `open: ${codeOf(error)}`, message: String(error) })
      await pause(200)
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof MillraceError ? error.code : String(error)
}

/** Where two texts begin to differ. */
function excerpt(shown: string, fresh: string): string {
  let at = 0
  while (shown[at] === fresh[at]) at++
  const from = Math.max(0, at - 60)
  return `…${shown.slice(from, at + 100)}…, afresh …${fresh.slice(from, at + 100)}…`
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

let client: Client | undefined

const tab = {
  get client(): Client {
    if (client === undefined) throw new Error('There is no database yet.')
    return client
  },
  get connected(): boolean {
    return client !== undefined
  },
  burst(count: number): void {
    client?.burst(count)
  },
  /** Writes so many times and leaves in the same task. */
  leave(how: 'reload' | 'away', count: number): void {
    if (document.readyState !== 'complete') {
      // Before that, leaving makes no entry in the history, and there is no way back.
      addEventListener('load', () => setTimeout(() => tab.leave(how, count)))
      return
    }
    client?.burst(count)
    if (how === 'reload') location.reload()
    else location.href = 'elsewhere.html'
  },
  /** The main thread does nothing else for so long. */
  block(ms: number): void {
    client?.burst(5)
    const end = performance.now() + ms
    while (performance.now() < end);
  },
  /** Takes the worker away; `told` says so to the page, as a browser does for a script that failed. */
  terminate(told: boolean): void {
    const worker = workers.at(-1)
    worker?.terminate()
    if (told) worker?.dispatchEvent(new ErrorEvent('error', { message: 'ended by the test' }))
  },
}

declare global {
  interface Window {
    /** Given by whoever drives the browser. */
    report?: (text: string) => void
    tab: typeof tab
  }
}

window.tab = tab
report({ type: 'ready' })
client = new Client(await openDatabase())
report({ type: 'connected' })
void client.keepAsking()
// One that only looks does not write.
if (params.get('writes') !== 'no') void client.keepWriting()
