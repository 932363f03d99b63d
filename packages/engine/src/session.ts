import {
  type ClientId,
  type EngineCalls,
  type EngineMessage,
  type ExecPlan,
  type Explanation,
  encodeError,
  type Hello,
  type MergeAnswer,
  type MergeChange,
  MillraceError,
  type Operation,
  PROTOCOL_VERSION,
  type QueryChange,
  type QueryId,
  type QueryResult,
  type Rejected,
  type Settled,
  type Shape,
  type SqlValue,
  type Version,
  type Welcome,
  type WireRow,
  type WriteId,
  type WriteRequest,
} from '@millrace/protocol'
import type { Engine } from './engine.ts'
import type { LiveQuery, ResultChange } from './maintain/live-query.ts'

/** Rows in one message: at a thousand, taking it over costs the main thread less than a frame. */
const ROWS_PER_MESSAGE = 1000

/** Operations that undo a write, up to which they are told with its end. */
const SHORT_UNDO = 100

/** Longer ones that are kept. */
const UNDO_KEPT = 20

/** One client's subscriptions and writes, and what it is to be told at the next commit message. */
export class Session implements EngineCalls {
  readonly #engine: Engine
  readonly #send: (message: EngineMessage) => void
  readonly #ended: () => void
  /** The undo of each subscription. */
  readonly #subscriptions = new Map<QueryId, () => void>()
  /** Reads without an answer yet. Aborted with the reason, a MillraceError. */
  readonly #reads = new Map<QueryId, AbortController>()

  /** What undoes the newest long writes. Bounded. */
  readonly #undo = new Map<WriteId, readonly Operation[]>()

  #client: ClientId | null = null
  #changes: QueryChange[] = []
  #settled: Settled[] = []
  #rejected: Rejected[] = []
  /** Writes that ran when SQLite failed. */
  #failed: WriteId[] = []

  constructor(engine: Engine, send: (message: EngineMessage) => void, ended: () => void) {
    this.#engine = engine
    this.#send = send
    this.#ended = ended
  }

  async hello({ protocol, client }: Hello): Promise<Welcome> {
    if (protocol !== PROTOCOL_VERSION) {
      throw new MillraceError(
        'PROTOCOL_MISMATCH',
        `This page speaks version ${protocol} of Millrace's protocol, the tab that owns the database version ${PROTOCOL_VERSION}: reload the older tab.`,
      )
    }
    this.#client = client
    return { version: this.#engine.version, storage: this.#engine.storage, tables: this.#engine.tables }
  }

  subscribe(query: QueryId, sql: string, parameters: readonly SqlValue[], timeout?: number): Promise<void> {
    // A page that comes back sends its unanswered writes first: their end is told before the rows that hold them.
    return this.#read(query, () => {
      const subscriber = {
        changed: (live: LiveQuery, change: ResultChange) => this.#note(query, live, change),
      }
      const { query: live, undo } = this.#engine.attach(sql, parameters, true, subscriber, timeout)
      this.#subscriptions.set(query, undo)
      this.#note(query, live, live.error === null ? { type: 'reset' } : { type: 'error', error: live.error })
      this.sendCommit(this.#engine.version, 0)
    })
  }

  async unsubscribe(query: QueryId): Promise<void> {
    this.#cancel(query)
    this.#subscriptions.get(query)?.()
    this.#subscriptions.delete(query)
  }

  async write(writes: readonly WriteRequest[], answered: WriteId): Promise<void> {
    const client = this.#client
    if (client === null) throw new MillraceError('INTERNAL', 'A client wrote before it said hello.')
    for (const request of writes) {
      this.#engine.enqueue({ client, request, answered }, (outcome) => {
        if ('unknown' in outcome) this.#failed.push(request.id)
        else if ('error' in outcome) {
          // Whether it is on disk is not known: the client asks again where the file is opened next.
          if (this.#engine.diskBroken) return
          this.#rejected.push({ id: request.id, error: encodeError(outcome.error) })
        } else {
          const undo = 'undo' in outcome ? this.#keep(request.id, outcome.undo) : null
          const keys = 'keys' in outcome ? outcome.keys : []
          this.#settled.push({ id: request.id, changes: outcome.changes, undo, keys })
        }
      })
    }
  }

  async replay(client: ClientId, writes: readonly WriteRequest[]): Promise<readonly Rejected[]> {
    const rejected: Rejected[] = []
    const ends = writes.map(
      (request) =>
        new Promise<void>((resolve, reject) => {
          this.#engine.enqueue({ client, request, answered: 0, replayed: true }, (outcome) => {
            // Where its end is not known it waits in its journal for an owner with a sound file.
            if ('unknown' in outcome || ('error' in outcome && this.#engine.diskBroken))
              return reject(outcome.error)
            if ('error' in outcome) rejected.push({ id: request.id, error: encodeError(outcome.error) })
            resolve()
          })
        }),
    )
    await Promise.all(ends)
    return rejected
  }

  /** A long one would make a long task of its message, and is hardly ever asked for. */
  #keep(id: WriteId, undo: readonly Operation[] | null): Settled['undo'] {
    if (undo === null || undo.length <= SHORT_UNDO) return undo
    this.#undo.set(id, undo)
    const [oldest] = this.#undo.keys()
    if (this.#undo.size > UNDO_KEPT && oldest !== undefined) this.#undo.delete(oldest)
    return 'kept'
  }

  async takeUndo(write: WriteId): Promise<readonly Operation[] | null> {
    return this.#undo.get(write) ?? null
  }

  query(
    query: QueryId,
    sql: string,
    parameters: readonly SqlValue[],
    timeout?: number,
  ): Promise<QueryResult> {
    return this.#read(query, (signal) => this.#engine.read(sql, parameters, signal, timeout))
  }

  async cancel(query: QueryId): Promise<void> {
    this.#cancel(query)
  }

  #cancel(query: QueryId): void {
    this.#reads
      .get(query)
      ?.abort(new MillraceError('ABORTED', 'The query was taken back before it was answered.'))
  }

  /** Reads when the turn comes, unless it is cancelled before. */
  async #read<T>(query: QueryId, work: (signal: AbortSignal) => T | Promise<T>): Promise<T> {
    const controller = new AbortController()
    const { signal } = controller
    this.#reads.set(query, controller)
    try {
      return await new Promise((resolve, reject) => {
        const takeBack = this.#engine.later(() => {
          try {
            const answer = work(signal)
            // Not resolve(answer): what is resolved cannot be rejected any more when it is taken back.
            if (answer instanceof Promise) {
              answer.then(resolve, reject)
              return
            }
            resolve(answer)
          } catch (error) {
            reject(error)
          }
          // Not when the promise is awaited: what has run cannot be taken back.
          this.#reads.delete(query)
        })
        signal.addEventListener('abort', () => {
          takeBack()
          reject(signal.reason)
        })
      })
    } finally {
      this.#reads.delete(query)
    }
  }

  async planExec(sql: string): Promise<ExecPlan | null> {
    return this.#engine.planExec(sql)
  }

  async explain(sql: string, parameters: readonly SqlValue[]): Promise<Explanation> {
    return this.#engine.explain(sql, parameters)
  }

  async merge(changes: readonly MergeChange[]): Promise<MergeAnswer> {
    const { version, applied, changes: rows, woken, refused } = await this.#engine.mergeInSlices(changes)
    this.#sendCommit(version, woken)
    return {
      ...{ version, applied, changes: rows, woken },
      refused: refused === null ? null : { change: refused.change, error: encodeError(refused.error) },
    }
  }

  async changesSince(dbVersion: number): Promise<readonly MergeChange[]> {
    return this.#engine.changesSince(dbVersion)
  }

  async flush(): Promise<void> {
    this.#engine.sync()
  }

  async export(): Promise<Uint8Array> {
    return this.#engine.export()
  }

  async close(): Promise<void> {
    this.end()
    for (const undo of this.#subscriptions.values()) undo()
    this.#subscriptions.clear()
    this.#ended()
  }

  /** What it still waits for ends here: the page is gone, or the engine. */
  end(): void {
    const why = new MillraceError('CLOSED', 'The database was closed before the query was answered.')
    for (const read of this.#reads.values()) read.abort(why)
  }

  #note(query: QueryId, live: LiveQuery, change: ResultChange): void {
    switch (change.type) {
      case 'reset':
        this.#sendRows(query, live.rows, live.shape)
        this.#changes.push({ type: 'reset', query, shape: live.shape })
        break
      case 'delta':
        this.#sendRows(
          query,
          change.put.map((put) => put.row),
        )
        this.#changes.push({
          type: 'delta',
          query,
          remove: change.remove,
          at: change.put.map((put) => put.at),
        })
        break
      case 'error':
        this.#changes.push({ type: 'error', query, error: encodeError(change.error) })
        break
    }
  }

  #sendRows(query: QueryId, rows: readonly WireRow[], shape?: Shape): void {
    this.#engine.countSent(rows.length)
    for (let start = 0; start < rows.length; start += ROWS_PER_MESSAGE) {
      const part = rows.slice(start, start + ROWS_PER_MESSAGE)
      this.#send(
        shape === undefined
          ? { type: 'rows', query, rows: part }
          : { type: 'rows', query, rows: part, shape },
      )
    }
  }

  /** Tells all that was noted since the last time, as one. Nothing noted: nothing is sent. */
  sendCommit(version: Version, woken: number): void {
    if (this.#changes.length + this.#settled.length + this.#rejected.length > 0)
      this.#sendCommit(version, woken)
  }

  /** SQLite failed: says in which query or writes. Other changes are told by the next engine. */
  sendFailure(version: Version): void {
    this.#changes = this.#changes.filter(({ type }) => type === 'error')
    if (this.#changes.length > 0) this.#sendCommit(version, 0)
    if (this.#failed.length > 0) this.#send({ type: 'failed', writes: this.#failed.splice(0) })
  }

  #sendCommit(version: Version, woken: number): void {
    const message: EngineMessage = {
      type: 'commit',
      version,
      changes: this.#changes,
      settled: this.#settled,
      rejected: this.#rejected,
      woken,
    }
    this.#changes = []
    this.#settled = []
    this.#rejected = []
    this.#send(message)
  }
}
