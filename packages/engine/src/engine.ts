import {
  assert,
  type ClientId,
  type Durability,
  type EngineCalls,
  type EngineMessage,
  type ExecPlan,
  type Explanation,
  type MergeChange,
  MillraceError,
  type Operation,
  type OriginVersion,
  type QueryResult,
  type SqlValue,
  type StorageInfo,
  toSqlValue,
  type Version,
  type WriteId,
} from '@millrace/protocol'
import { checkColumnNames, checkParameterCount, prepareRead } from './compile/compile.ts'
import { planExec } from './compile/exec-plan.ts'
import { AccessRecorder } from './database/authorizer.ts'
import { Database } from './database/database.ts'
import type { Disk } from './database/disk.ts'
import { storageError } from './database/errors.ts'
import { exportDatabase } from './database/export.ts'
import { isHalfMade, openingError } from './database/failed-opening.ts'
import { giveBackSpace, makeShrinkable } from './database/free-space.ts'
import { SETTINGS } from './database/settings.ts'
import type { RunLimit, Sqlite } from './database/sqlite.ts'
import { Epoch } from './epoch.ts'
import { LIMITS, type Limits } from './limits.ts'
import { LiveQueries, type Subscriber } from './live-queries.ts'
import type { LiveQuery, ResultChange } from './maintain/live-query.ts'
import { type Reader, runQuery } from './read-connection.ts'
import { ReadQueue } from './read-queue.ts'
import type { Catalog, Table } from './schema/catalog.ts'
import { openSchema } from './schema/known-schema.ts'
import { Session } from './session.ts'
import { Writer } from './write/apply.ts'
import { type Context, commitGroup, type Outcome, type QueuedMerge, type QueuedWrite } from './write/group.ts'
import {
  type MergeOutcome,
  type MergePlan,
  type MergeRefusal,
  planMerge,
  readChanges,
  slicesOf,
} from './write/merge.ts'
import { WriteRecords } from './write/records.ts'

/** Room is given back in so many steps when the database is closed: half a second. The rest follows when it is open again. */
const STEPS_AT_CLOSE = 30

/** What `createEngine` takes. */
export interface EngineOptions {
  readonly sqlite: Sqlite
  /** `:memory:`, or a file in the registered VFS that `vfs` names. */
  readonly filename: string
  readonly vfs?: string
  /** SQL text: CREATE TABLE, INDEX, VIEW, TRIGGER, `SELECT crsql_as_crr('t')`. */
  readonly schema: string
  readonly storage: StorageInfo
  /** The file below SQLite; none for a database in memory. */
  readonly disk?: Disk | null
  /** Of writes that do not say. `strict` (default): a stored write survives a power cut. `relaxed`: not those of the last second. */
  readonly durability?: Durability
  /** Called while statements run, about every millisecond of each: a long one can give a sign of life by it. */
  readonly onProgress?: () => void
  /** Goes on with the queries of clients that are long. Without one they run to their limit, and others wait. */
  readonly reader?: Reader | null
  /** When statements are interrupted; those that are left out are as in `LIMITS`. */
  readonly limits?: Partial<Limits>
  /** Puts the commit of waiting writes off, so that one commit serves all that came meanwhile. Default: a microtask. */
  readonly defer?: (run: () => void) => void
  /**
   * Puts off what is not urgent by about a second: the end of a live query that lost its last subscriber, so that a view that
   * comes back finds it, which ends at once by default; and giving room back to the disk, which is left undone by default.
   */
  readonly delay?: (run: () => void) => void
}

/** What a subscriber in the same process hears. Rows as arrays of the columns asked for. */
export type LiveChange =
  /** The whole result: after subscribing, and after an error. `keys` names each row; deltas speak of rows by them. */
  | {
      readonly type: 'rows'
      readonly columns: readonly string[]
      readonly keys: readonly string[]
      readonly rows: readonly (readonly SqlValue[])[]
    }
  /**
   * First all rows go whose key is in `remove` or `put`; then each row of `put` is put at its position `at`, ascending.
   * A row of `put` that was there before is thereby replaced, and moved.
   */
  | {
      readonly type: 'delta'
      readonly remove: readonly string[]
      readonly put: readonly {
        readonly at: number
        readonly key: string
        readonly row: readonly SqlValue[]
      }[]
    }
  /** SQLite refused the query at run time. It goes on, and tells `rows` when it can be run again. */
  | { readonly type: 'error'; readonly error: MillraceError }

/** What a commit did. */
export interface Commit {
  readonly version: Version
  /** Rows that the statements changed. */
  readonly changes: number
  /** Live queries that ran again. */
  readonly woken: number
}

/** What a merge did. */
export interface MergeResult extends Commit, MergeOutcome {}

/** Counters since the start, for tests and devtools. */
export interface EngineCounters {
  readonly commits: number
  /** Live queries that routing looked at. */
  readonly visited: number
  /** Of these, the ones whose answer was worked out anew. */
  readonly woken: number
  readonly statementsRun: number
  /** Instructions of SQLite's virtual machine, while `countSteps` is on. */
  readonly vmSteps: number
  /** Rows that SQLite's statements gave. */
  readonly rowsRead: number
  /** Rows that subscribers and clients were told. */
  readonly rowsSent: number
  /** Now: prepared statements held. */
  readonly statementsPrepared: number
  /** Now. */
  readonly liveQueries: number
  /** Now: rows that live queries hold in memory. */
  readonly rowsHeld: number
}

/**
 * Opens a database and brings it to its schema. Synchronous: SQLite is.
 * @throws MillraceError `INVALID_SCHEMA`, `SCHEMA_MISMATCH`, `STORAGE_FULL`, `STORAGE_FAILED`
 */
export function createEngine(options: EngineOptions): Engine {
  try {
    return openOnce(options)
  } catch (error) {
    const { disk } = options
    if (disk == null) throw error
    if (!isHalfMade(options, error)) throw openingError(options, error)
    disk.empty()
    return openOnce(options)
  }
}

function openOnce(options: EngineOptions): Engine {
  let database: Database | undefined
  try {
    database = new Database(
      options.sqlite.open(options.filename, options.vfs === undefined ? {} : { vfs: options.vfs }),
    )
    const engine = new Engine(database, options)
    options.disk?.opened()
    return engine
  } catch (error) {
    try {
      database?.close()
    } catch {
      // What went wrong first is what the app must hear.
    }
    throw storageError(error) ?? error
  }
}

/** One open database with its live queries: rows changed in, result deltas out. */
export class Engine {
  readonly storage: StorageInfo
  /**
   * Resolves when the database should be opened anew: SQLite failed (`ENGINE_LOST`), and every later call is refused; or
   * it ran out of memory (`OUT_OF_MEMORY`) with its data on disk, and a new one begins with little. Data that is only in
   * memory is kept in that case.
   */
  readonly lost: Promise<MillraceError>

  readonly #sqlite: Sqlite
  readonly #database: Database
  readonly #recorder: AccessRecorder
  readonly #catalog: Catalog
  readonly #writer: Writer
  readonly #context: Context
  readonly #disk: Disk | null
  readonly #reader: Reader | null
  readonly #limits: Limits
  readonly #defer: (run: () => void) => void
  readonly #delay: ((run: () => void) => void) | undefined

  readonly #queries: LiveQueries
  readonly #sessions = new Set<Session>()
  readonly #reads: ReadQueue
  /** Writes that wait for the next commit, each with the one who hears its end. */
  #queue: { write: QueuedWrite | QueuedMerge; settle: (outcome: Outcome) => void }[] = []
  #flushing = false
  /** Room is to be given back in a while. */
  #givesBack = false
  /** What listeners in this process are still to be told. Sessions were told before. */
  readonly #announcements: (() => void)[] = []
  #telling = false
  #commits = 0
  #visited = 0
  #woken = 0
  #rowsSent = 0
  #closed = false

  constructor(database: Database, options: EngineOptions) {
    this.storage = options.storage
    this.#sqlite = options.sqlite
    this.#database = database
    const { failed, exhausted } = options.sqlite
    this.lost = options.storage.type === 'memory' ? failed : Promise.race([failed, exhausted])
    const { onProgress } = options
    if (onProgress !== undefined) database.connection.onProgress(onProgress)
    this.#disk = options.disk ?? null
    this.#reader = options.reader ?? null
    this.#limits = { ...LIMITS, ...options.limits }
    this.#delay = options.delay
    this.#defer = options.defer ?? ((run) => queueMicrotask(run))
    this.#reads = new ReadQueue(this.#defer)
    database.connection.exec(SETTINGS)
    if (this.#disk !== null) makeShrinkable(database)
    this.#recorder = new AccessRecorder(database.connection)
    const records = new WriteRecords(database)
    const { catalog, keep } = openSchema(database, options.schema)
    const epoch = new Epoch(database, keep)
    this.#catalog = catalog
    this.#queries = new LiveQueries(database, this.#recorder, this.#catalog, this.#limits.live, options.delay)
    this.#writer = new Writer(database, this.#recorder, this.#catalog)
    this.#giveBackSpaceLater()
    this.#context = {
      ...{ database, writer: this.#writer, epoch, records },
      ...{ disk: this.#disk, durability: options.durability ?? 'strict', limit: this.#limits.write },
    }
  }

  /**
   * Why nothing can be run any more: SQLite failed. The call that it failed in throws this very error; the later ones
   * throw another of the same code.
   */
  get failure(): MillraceError | undefined {
    return this.#sqlite.failure
  }

  /** Grows with each commit that changed something; each opening of the database has a higher epoch. */
  get version(): Version {
    return { epoch: this.#context.epoch.number, commit: this.#commits }
  }

  get counters(): EngineCounters {
    return {
      commits: this.#commits,
      visited: this.#visited,
      woken: this.#woken,
      statementsRun: this.#database.statementsRun,
      vmSteps: this.#database.connection.vmSteps,
      rowsRead: this.#database.rowsRead,
      rowsSent: this.#rowsSent,
      statementsPrepared: this.#database.prepared,
      liveQueries: this.#queries.size,
      rowsHeld: this.#queries.held,
    }
  }

  /** Counts SQLite's instructions in `counters.vmSteps`, or stops: statements take twice as long meanwhile. */
  countSteps(on: boolean): void {
    this.#checkOpen()
    this.#database.connection.countSteps(on)
  }

  /** The tables of the schema. */
  get tables() {
    return [...this.#catalog.values()].map((table) => table.info)
  }

  /**
   * Keeps a SELECT true: `listener` hears its rows before this returns, then a delta after each commit that changed it.
   * Returns the undo. A listener may write and subscribe: each listener still hears of the commits in their order. One
   * that throws does not keep the others from hearing.
   * @throws MillraceError `INVALID_SQL`, `INVALID_VALUE`
   */
  subscribe(
    sql: string,
    parameters: readonly SqlValue[],
    listener: (change: LiveChange) => void,
  ): () => void {
    let ended = false
    const subscriber: Subscriber = {
      changed: (query, change) => {
        // Put into words now: when its turn comes, a write in another listener may have moved the query on.
        const told = liveChange(query, change)
        this.countSent(
          change.type === 'reset' ? query.rows.length : change.type === 'delta' ? change.put.length : 0,
        )
        this.#announcements.push(() => {
          if (!ended) listener(told)
        })
      },
    }
    const { query, undo } = this.attach(sql, parameters, false, subscriber)
    const end = () => {
      ended = true
      undo()
    }
    try {
      listener(
        liveChange(query, query.error === null ? { type: 'reset' } : { type: 'error', error: query.error }),
      )
    } catch (error) {
      end()
      throw error
    }
    return end
  }

  /**
   * Runs operations as one write, now: when it returns they are on disk and every subscriber has heard of them, or will
   * when the listener that called this returns. If a listener throws, so does this when all have heard; the write stays.
   * @throws MillraceError `WRITE_REJECTED`, `SCHEMA_MISMATCH`, `INVALID_SQL`, `INVALID_VALUE`, `STORAGE_FULL`
   */
  write(operations: readonly Operation[]): Commit {
    assert(!this.#flushing, "a session's send wrote before it returned")
    this.flush()
    this.#checkOpen()
    const woken = this.#woken
    let outcome: Outcome | undefined
    this.#queue.push({
      write: { client: null, request: { id: 0 as WriteId, operations }, answered: 0 },
      settle: (settled) => {
        outcome = settled
      },
    })
    this.flush()
    if (outcome === undefined || 'error' in outcome) throw outcome?.error ?? this.failure
    return { version: this.version, changes: outcome.changes, woken: this.#woken - woken }
  }

  /**
   * Merges what other sites changed: each version that a site made is stored as a whole, in its order, up to the first
   * that is refused; where it is not refused for good, what follows can be merged later. What is known already changes
   * nothing. Subscribers hear once, when all is stored: a long absence is one change to them, not thousands.
   * Not checked is whether the sender may speak for the sites that it names. If a listener throws, so does this when all
   * have heard; what was merged stays.
   * @throws MillraceError `INVALID_VALUE` where `changes` is no array. What is wrong with a change is in the result.
   */
  merge(changes: readonly MergeChange[]): MergeResult {
    assert(!this.#flushing, "a session's send merged before it returned")
    this.flush()
    this.#checkOpen()
    const woken = this.#woken
    let outcome: Outcome | undefined
    this.#queue.push({
      write: { merge: planMerge(this.#database, this.#catalog, changes) },
      settle: (settled) => {
        outcome = settled
      },
    })
    this.flush()
    if (outcome === undefined || 'error' in outcome) throw outcome?.error ?? this.failure
    assert('applied' in outcome, 'a merge ended as a write')
    return { ...outcome, version: this.version, woken: this.#woken - woken }
  }

  /**
   * The same for a client, in slices: what others ask meanwhile has its turn between two of them, and subscribers hear of
   * each. @internal
   */
  async mergeInSlices(changes: readonly MergeChange[]): Promise<MergeResult> {
    this.flush()
    this.#checkOpen()
    const woken = this.#woken
    const applied: OriginVersion[] = []
    let rows = 0
    let refused: MergeRefusal | null = null
    for (const slice of slicesOf(planMerge(this.#database, this.#catalog, changes))) {
      const outcome = await this.#commitSlice(slice)
      for (const version of outcome.applied) applied.push(version)
      rows += outcome.changes
      refused = outcome.refused
      if (refused !== null) break
    }
    return { applied, changes: rows, refused, version: this.version, woken: this.#woken - woken }
  }

  #commitSlice(merge: MergePlan): Promise<MergeOutcome> {
    this.#checkOpen()
    return new Promise((resolve, reject) => {
      this.#enqueue({ merge }, (outcome) => {
        if ('applied' in outcome) resolve(outcome)
        else reject('error' in outcome ? outcome.error : new Error('a merge ended as a write'))
      })
    })
  }

  /**
   * What `merge` of another site takes: the cells that changed after a version of this database (0: all), from whichever
   * site, with the newest value of each. The highest `dbVersion` among them is where to go on from.
   */
  changesSince(dbVersion: number): MergeChange[] {
    this.flush()
    this.#checkOpen()
    return readChanges(this.#database, dbVersion)
  }

  /**
   * Runs a SELECT once, after all writes that wait, for `timeout` milliseconds at most.
   * @throws MillraceError `INVALID_SQL`, `TIMEOUT`
   */
  query(sql: string, parameters: readonly SqlValue[] = [], timeout = Number.POSITIVE_INFINITY): QueryResult {
    return this.#query(sql, parameters, { steps: this.#limits.query, timeout })
  }

  /**
   * The same for a client, which can wait: a query that turns out to be long goes on beside the engine. Its columns must
   * have different names, because the rows of a client are objects.
   * @throws MillraceError `INVALID_SQL`, `TIMEOUT`, `ABORTED`. @internal
   */
  read(
    sql: string,
    parameters: readonly SqlValue[],
    signal: AbortSignal,
    timeout = Number.POSITIVE_INFINITY,
  ): QueryResult | Promise<QueryResult> {
    const { query, short } = this.#limits
    if (this.#reader === null) return this.#query(sql, parameters, { steps: query, timeout }, true)
    const end = performance.now() + timeout
    try {
      return this.#query(sql, parameters, { steps: Math.min(query, short), timeout }, true)
    } catch (error) {
      const isLong = error instanceof MillraceError && error.code === 'TIMEOUT' && performance.now() < end
      if (!isLong) throw error
    }
    return this.#readBeside(this.#reader, sql, parameters, signal, end)
  }

  async #readBeside(
    reader: Reader,
    sql: string,
    parameters: readonly SqlValue[],
    signal: AbortSignal,
    end: number,
  ): Promise<QueryResult> {
    const timeout = end - performance.now()
    const result = await reader.query(sql, parameters.map(asParameter), { signal, timeout })
    return result ?? this.query(sql, parameters, end - performance.now())
  }

  #query(sql: string, parameters: readonly SqlValue[], limit: RunLimit, forClient = false): QueryResult {
    this.flush()
    this.#checkOpen()
    const { columns, parameterCount } = prepareRead(this.#database, this.#recorder, sql)
    checkParameterCount(parameterCount, parameters, sql)
    if (forClient) checkColumnNames(columns, sql)
    return runQuery(this.#database, sql, parameters.map(asParameter), limit)
  }

  /**
   * Says how a query would be kept true: by which strategy, what wakes it, and what would make it cheaper. It is not run.
   * @throws MillraceError `INVALID_SQL`
   */
  explain(sql: string, parameters: readonly SqlValue[] = []): Explanation {
    this.#checkOpen()
    return this.#queries.explain(sql, parameters.map(asParameter))
  }

  /** How a client can predict a text of `exec`. @internal */
  planExec(sql: string): ExecPlan | null {
    this.#checkOpen()
    return planExec(this.#catalog, sql)
  }

  /** The whole database as the bytes of a SQLite file. */
  export(): Uint8Array {
    this.flush()
    this.#checkOpen()
    return exportDatabase(this.#sqlite, this.#database)
  }

  /**
   * Runs `work` when its turn comes, after the writes that were made before. Returns what takes it back before. `work` must
   * not throw. @internal
   */
  later(work: () => void): () => void {
    this.#checkOpen()
    return this.#reads.add(() => {
      if (this.#closed) return
      this.flush()
      work()
    })
  }

  /** Runs the reads that wait, now: for tests that look in between. @internal */
  readNow(): void {
    this.#reads.runAll()
  }

  /** Whether the file below SQLite failed: whether the last writes are on disk is not known then. @internal */
  get diskBroken(): boolean {
    return this.#disk?.broken ?? false
  }

  /** Flushes: when it returns, all that was stored survives a power cut. */
  sync(): void {
    this.#checkOpen()
    this.flush()
    this.#disk?.flush()
  }

  /** A session for one client: its calls, and `send` for what it is told. `send` must not call the engine before it returns. */
  connect(send: (message: EngineMessage) => void): EngineCalls {
    const session = new Session(this, send, () => this.#sessions.delete(session))
    this.#sessions.add(session)
    return session
  }

  /** Ends everything; the file is let go of. Writes that wait are committed first. */
  close(): void {
    if (this.#closed) return
    try {
      this.flush()
      for (let step = 0; step < STEPS_AT_CLOSE && this.#giveBackSpace(); step++);
    } finally {
      this.#end()
    }
  }

  #end(): void {
    this.#closed = true
    this.#announcements.length = 0
    this.#reads.clear()
    this.#queries.clear()
    for (const session of this.#sessions) session.end()
    this.#sessions.clear()
    if (this.failure === undefined) this.#database.close()
  }

  /** Lets a subscriber hear of a query; the query runs now unless it is live already. @internal */
  attach(
    sql: string,
    parameters: readonly SqlValue[],
    forClient: boolean,
    subscriber: Subscriber,
    timeout?: number,
  ): { query: LiveQuery; undo: () => void } {
    this.#checkOpen()
    return this.#queries.attach(sql, parameters.map(asParameter), forClient, subscriber, timeout)
  }

  /** A write that is committed with the next group. @internal */
  enqueue(write: QueuedWrite & { readonly client: ClientId }, settle: (outcome: Outcome) => void): void {
    this.#checkOpen()
    this.#enqueue(write, settle)
  }

  #enqueue(write: QueuedWrite | QueuedMerge, settle: (outcome: Outcome) => void): void {
    this.#queue.push({ write, settle })
    if (this.#queue.length === 1) this.#defer(() => this.flush())
  }

  /** Commits what waits. @internal */
  flush(): void {
    if (this.#flushing || this.#closed || this.failure !== undefined) return
    this.#flushing = true
    try {
      while (this.#queue.length > 0) this.#commit(this.#queue.splice(0))
    } finally {
      this.#flushing = false
    }
    this.#tell()
  }

  /** Calls the listeners, in the order of the commits. What they write is told after what waits already. */
  #tell(): void {
    if (this.#telling) return
    this.#telling = true
    let failed: { error: unknown } | undefined
    for (let next = this.#announcements.shift(); next !== undefined; next = this.#announcements.shift()) {
      try {
        next()
      } catch (error) {
        failed ??= { error }
      }
    }
    this.#telling = false
    if (failed !== undefined) throw failed.error
  }

  #commit(queued: { write: QueuedWrite | QueuedMerge; settle: (outcome: Outcome) => void }[]): void {
    const results = this.#commitGroup(queued.map(({ write }) => write))
    if (results === undefined) {
      this.#tellRunning(queued)
      return
    }
    // Where a group fell apart into several commits, queries see the last one only: all of it is told as one, or the
    // effect of a write would be told before its end.
    let committed = 0
    let undone = false
    for (const result of results) {
      if (result.committed) committed++
      undone ||= !result.committed || result.outcomes.some(isError)
    }
    this.#commits += committed
    if (committed > 0) this.#giveBackSpaceLater()
    const written = this.#writer.takeWritten()
    const woken = this.#wake(written, undone, committed > 0)
    // What was written is on disk, and its end is told by the next engine, with what live queries show of it.
    if (this.failure !== undefined) {
      for (const session of this.#sessions) session.sendFailure(this.version)
      return
    }
    let next = 0
    for (const { outcomes } of results) for (const outcome of outcomes) queued[next++]?.settle(outcome)
    for (const session of this.#sessions) session.sendCommit(this.version, woken)
  }

  #giveBackSpaceLater(): void {
    if (this.#disk === null || this.#delay === undefined || this.#givesBack) return
    this.#givesBack = true
    this.#delay(() => {
      this.#givesBack = false
      if (this.#giveBackSpace()) this.#giveBackSpaceLater()
    })
  }

  /** One step. Whether there was much to give back. */
  #giveBackSpace(): boolean {
    if (this.#disk === null || this.#closed || this.failure !== undefined || this.diskBroken) return false
    // It changes no row: nobody waits for its flush.
    this.#disk.durability = 'relaxed'
    try {
      return giveBackSpace(this.#database)
    } catch {
      // There is no room to do it, and the next commit tries again; what is worse is met by the next statement.
      return false
    }
  }

  /** Undefined when SQLite failed. Some of the writes may be on disk then, which the record of each says. */
  #commitGroup(writes: readonly (QueuedWrite | QueuedMerge)[]): ReturnType<typeof commitGroup> | undefined {
    try {
      const results = commitGroup(this.#context, writes)
      return this.failure === undefined ? results : undefined
    } catch (error) {
      if (this.failure === undefined) throw error
      return undefined
    }
  }

  /** Who made the writes that ran when SQLite failed hears of it; of the others nothing is known. */
  #tellRunning(
    queued: readonly { write: QueuedWrite | QueuedMerge; settle: (outcome: Outcome) => void }[],
  ): void {
    const running = new Set(this.#context.running ?? [])
    for (const { write, settle } of queued) {
      if (running.has(write)) settle({ error: this.failure, unknown: true })
    }
    for (const session of this.#sessions) session.sendFailure(this.version)
  }

  /** Rows that a subscriber was told. @internal */
  countSent(rows: number): void {
    this.#rowsSent += rows
  }

  #wake(written: ReadonlySet<Table>, undone: boolean, committed: boolean): number {
    if (!committed) {
      this.#queries.forget()
      return 0
    }
    try {
      const { visited, woken } = this.#queries.wake(written, undone)
      this.#visited += visited
      this.#woken += woken
      return woken
    } catch (error) {
      if (this.failure === undefined) throw error
      return 0
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new MillraceError('CLOSED', 'The engine was closed: open the database again.')
    const { failure } = this
    if (failure === undefined) return
    throw new MillraceError(
      'ENGINE_LOST',
      `The engine ended before this call, when SQLite failed (${String(failure.cause)}): open the database again.`,
      { cause: failure },
    )
  }
}

function liveChange(query: LiveQuery, change: ResultChange): LiveChange {
  const { columns } = query.shape
  const visible = (row: readonly SqlValue[]) => row.slice(0, columns.length)
  switch (change.type) {
    case 'reset':
      return { type: 'rows', columns, keys: [...query.keys], rows: query.rows.map(visible) }
    case 'delta':
      return { ...change, put: change.put.map((put) => ({ ...put, row: visible(put.row) })) }
    case 'error':
      return change
  }
}

const isError = (outcome: Outcome) => 'error' in outcome

/** Values come from outside; what TypeScript says of them may not be so. */
function asParameter(value: unknown, i: number): SqlValue {
  return toSqlValue(value, `parameter ${i + 1}`)
}
