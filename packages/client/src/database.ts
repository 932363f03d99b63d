import {
  decodeError,
  type EngineCalls,
  type EngineMessage,
  type Explanation,
  type MergeChange,
  MillraceError,
  type Operation,
  type PortSource,
  type QueryChange,
  type QueryId,
  type StorageInfo,
  type Version,
  type Welcome,
  type WriteId,
  type WriteRequest,
} from '@millrace/protocol'
import { closedError, EngineConnection, pauseUnlessCancelled } from './connection.ts'
import { ExecPlans, execute } from './exec-plans.ts'
import { type Arrived, LiveStore, PENDING } from './live-store.ts'
import { Operations } from './operation.ts'
import { OptimisticStore } from './optimistic-store.ts'
import { applyTo, Window } from './order-into.ts'
import type { Execute } from './pending.ts'
import { type CompiledQuery, compileQuery, type Queryable } from './query.ts'
import type {
  Change,
  Connection,
  Database,
  InsertRow,
  Key,
  LiveQuery,
  Merged,
  OpenOptions,
  Patch,
  PendingState,
  Rejection,
  Stored,
  TableName,
  Tables,
  Transaction,
  Write,
} from './types.ts'
import { WriteHandle } from './write-handle.ts'

/** How long a query stays live after its last subscriber has left, in ms: the next mount finds its rows still there. */
const WARM = 1000
/** How long a call waits for a port before it rejects, in ms. */
const TIMEOUT = 10_000

interface PendingWrite {
  readonly request: WriteRequest
  /** When it was made, on the clock that only goes forward. */
  readonly since: number
  readonly handle: WriteHandle
}

/**
 * Opens a database: resolves when it can be read and written.
 *
 * ```ts
 * const db = await open<DB>({ port: workerPort({ name: 'todos', schema }) })
 * ```
 *
 * @throws MillraceError (as a rejection) `STORAGE_UNAVAILABLE`, `INVALID_SCHEMA`, `SCHEMA_MISMATCH`,
 * `PROTOCOL_MISMATCH`, `WORKER_LOST`, or `OWNER_LOST` when no tab answers in time.
 */
export function open<T extends Tables = Tables>(options: OpenOptions): Promise<Database<T>> {
  const client = new Client(options.port)
  const opened = client.opened(options.timeout ?? TIMEOUT).then(() => client as unknown as Database<T>)
  // It may be rejected before a provider is there to show why. As a rejection that nobody handles it would end a server.
  opened.catch(() => {})
  return opened
}

class Client implements Database {
  readonly #connection: EngineConnection
  readonly #stores = new Map<string, LiveStore>()
  readonly #byId = new Map<QueryId, LiveStore>()
  readonly #cooling = new Map<LiveStore, ReturnType<typeof setTimeout>>()
  readonly #optimistic: OptimisticStore
  readonly #execPlans = new ExecPlans()
  readonly #rejectionListeners = new Set<(rejection: Rejection) => void>()
  readonly #connectionListeners = new Set<(connection: Connection) => void>()
  readonly #batches = new Set<(notify: () => void) => void>()

  #operations = new Operations([])
  #storage: StorageInfo | null = null
  /** In the order in which they were made. */
  #pending = new Map<WriteId, PendingWrite>()
  /** Made since the last message; sent together when the task ends. */
  #unsent: WriteRequest[] = []
  #nextWrite = 1
  #nextQuery = 1
  /** After a new port: commit messages wait here until every live query has its rows again, so that nothing flickers. */
  #resync: {
    readonly waiting: Set<QueryId>
    readonly commits: { message: CommitMessage; arrivals: readonly Arrival[] }[]
  } | null = null
  /** Of the last commit message that was shown. */
  #version: Version | null = null
  /** Those who wait until a version is shown. */
  #whenShown: { readonly version: Version; readonly resolve: () => void }[] = []
  /** Changes that are to be told, in their order. */
  readonly #news: { store: LiveStore; change: Change; listeners: ((change: Change) => void)[] }[] = []
  #telling = false
  #closing: Promise<void> | null = null
  #whenSettled: (() => void) | null = null

  constructor(source: PortSource) {
    this.#optimistic = new OptimisticStore((name) => this.#operations.find(name))
    this.#connection = new EngineConnection(source, {
      connected: (welcome, calls) => this.#connected(welcome, calls),
      message: (message) => this.#receive(message),
      changed: (connection) => {
        // What was on its way to a lost port will not come.
        if (connection.status !== 'connected') this.#tellShown(() => true)
        notifyAll(this.#connectionListeners, connection)
      },
      failed: (error) => this.#failed(error),
    })
  }

  async opened(timeout: number): Promise<void> {
    const first = this.#connection.call(async () => {}, timeout)
    // Ends with the connection; its errors reach `first` and the connection's listeners.
    void this.#connection.run()
    try {
      await first
    } catch (error) {
      await this.#connection.close()
      throw error
    }
  }

  get storage(): StorageInfo {
    return this.#storage as StorageInfo
  }

  get connection(): Connection {
    return this.#connection.state
  }

  onConnection(listener: (connection: Connection) => void): () => void {
    return addOwn(this.#connectionListeners, (connection) => listener(connection))
  }

  get pending(): PendingState {
    const [oldest] = this.#pending.values()
    return {
      writes: this.#pending.size,
      oldest: oldest === undefined ? 0 : performance.now() - oldest.since,
    }
  }

  onRejected(listener: (rejection: Rejection) => void): () => void {
    return addOwn(this.#rejectionListeners, (rejection) => listener(rejection))
  }

  batchWith(batch: (notify: () => void) => void): () => void {
    return addOwn(this.#batches, (notify) => batch(notify))
  }

  live<R>(query: Queryable<R>): LiveQuery<R> {
    const compiled = compileQuery(query)
    const stores = this.#stores
    return {
      get snapshot() {
        return (stores.get(compiled.id)?.snapshot ?? PENDING) as LiveQuery<R>['snapshot']
      },
      subscribe: (listener) => this.#subscribe(compiled, listener as (change: Change) => void),
      orderInto(destination) {
        const undo = this.subscribe((change) => applyTo(destination, change))
        const { status, data } = this.snapshot
        if (status !== 'pending') destination.reset(data)
        return undo
      },
      windowInto(destination, start, end) {
        return new Window(destination, start, end, (show) => {
          const showAll = () => {
            const all = stores.get(compiled.id)?.view?.shown
            if (all !== undefined) show(all)
          }
          const undo = this.subscribe(showAll)
          showAll()
          return undo
        })
      },
    }
  }

  async query<R>(query: Queryable<R>): Promise<R[]> {
    const { sql, parameters } = compileQuery(query)
    this.#sendWrites()
    const { columns, rows } = await this.#connection.call((calls) => calls.query(sql, parameters), TIMEOUT)
    return rows.map((row) => Object.fromEntries(columns.map((column, i) => [column, row[i]])) as R)
  }

  async explain(query: Queryable<unknown>): Promise<Explanation> {
    const { sql, parameters } = compileQuery(query)
    return this.#connection.call((calls) => calls.explain(sql, parameters), TIMEOUT)
  }

  async merge(changes: readonly MergeChange[]): Promise<Merged> {
    this.#sendWrites()
    const answer = await this.#connection.call((calls) => send(() => calls.merge(changes)), TIMEOUT)
    await this.#shown(answer.version)
    const { refused } = answer
    return {
      ...answer,
      refused: refused === null ? null : { change: refused.change, error: decodeError(refused.error) },
    }
  }

  async changesSince(dbVersion: number): Promise<readonly MergeChange[]> {
    this.#sendWrites()
    return this.#connection.call((calls) => calls.changesSince(dbVersion), TIMEOUT)
  }

  insert<N extends TableName<Tables>>(table: N, row: InsertRow<Tables[N]>): Write {
    return this.#write([this.#operations.insert(table, row)])
  }

  update<N extends TableName<Tables>>(table: N, key: Key, patch: Patch<Tables[N]>): Write {
    return this.#write([this.#operations.update(table, key, patch)])
  }

  delete<N extends TableName<Tables>>(table: N, key: Key): Write {
    return this.#write([this.#operations.delete(table, key)])
  }

  write(run: (tx: Transaction) => void): Write {
    const operations: Operation[] = []
    let ended = false
    const add = (operation: Operation) => {
      if (ended) {
        throw new MillraceError(
          'INTERNAL',
          'A transaction was used after its write had ended: db.write takes a synchronous function, so await what it needs before it.',
        )
      }
      operations.push(operation)
    }
    let answer: unknown
    try {
      answer = run({
        insert: (table, row) => add(this.#operations.insert(table, row)),
        update: (table, key, patch) => add(this.#operations.update(table, key, patch)),
        delete: (table, key) => add(this.#operations.delete(table, key)),
        exec: (query) => add(execOperation(query)),
      })
    } finally {
      ended = true
    }
    if (typeof (answer as { then?: unknown } | undefined)?.then === 'function') {
      // Its next use of the transaction fails; that this is refused is told here already.
      ;(answer as PromiseLike<unknown>).then(undefined, () => {})
      throw new MillraceError(
        'INVALID_VALUE',
        'db.write was given an asynchronous function, but a write is made in one go: await what it needs before it. Nothing was written.',
      )
    }
    return this.#write(operations)
  }

  exec(query: Queryable<unknown>): Promise<Stored> {
    try {
      return this.#write([execOperation(query)]).stored
    } catch (error) {
      return Promise.reject(error)
    }
  }

  export(): Promise<Uint8Array> {
    this.#sendWrites()
    return this.#connection.call((calls) => calls.export(), 6 * TIMEOUT)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#sendWrites()
    // Bounded: where there is no port, the writes cannot be stored, and their promises say so.
    const settled = new Promise<void>((resolve) => {
      this.#whenSettled = resolve
      if (this.#pending.size === 0) resolve()
    })
    const { promise, cancel } = pauseUnlessCancelled(TIMEOUT)
    await Promise.race([settled, promise])
    cancel()
    for (const timer of this.#cooling.values()) clearTimeout(timer)
    this.#cooling.clear()
    await this.#connection.close()
    this.#rejectAll(this.#pending.keys(), closedError())
    this.#stores.clear()
    this.#byId.clear()
  }

  // ——— Writes

  #write(operations: readonly Operation[]): Write {
    if (this.#closing !== null || this.#connection.state.status === 'closed')
      throw this.#connection.closedError
    const id = this.#nextWrite++ as WriteId
    const handle = new WriteHandle(this.#writeAgain, () =>
      this.#connection.call((calls) => calls.takeUndo(id), TIMEOUT),
    )
    const request: WriteRequest = { id, operations }
    this.#pending.set(id, { request, since: performance.now(), handle })
    if (this.#unsent.length === 0) queueMicrotask(() => this.#sendWrites())
    this.#unsent.push(request)
    this.#optimistic.add(id, operations, this.#execute)
    this.#refresh(this.#optimistic.takeConcerned())
    return handle
  }

  /** What SQL text does to rows that are known, if how it can be predicted is known. */
  readonly #execute: Execute = ({ sql, parameters }) => {
    const plan = this.#execPlans.of(sql, (text) => this.#connection.calls?.planExec(text))
    const table = plan == null ? undefined : this.#operations.find(plan.table)
    if (plan == null || table === undefined)
      return { type: 'unknown', tables: this.#operations.writtenBy(sql) }
    // All of them before the first is changed, as SQLite does.
    const keys = [...this.#optimistic.keys(plan.table)]
    const rows = [...execute(plan, table, parameters, keys, this.#optimistic.rows)]
    return { type: plan.type, table: plan.table, rows }
  }

  readonly #writeAgain = (operations: readonly Operation[]) => this.#write(operations)

  #sendWrites(): void {
    const calls = this.#connection.calls
    // Without a port they wait: all that is pending is sent when the next one is there.
    if (calls === null || this.#unsent.length === 0) return
    this.#send(calls, this.#unsent.splice(0))
  }

  #send(calls: EngineCalls, writes: readonly WriteRequest[]): void {
    const [oldest] = this.#pending.keys()
    const answered = ((oldest ?? this.#nextWrite) - 1) as WriteId
    calls.write(writes, answered).catch((error: MillraceError) => {
      // The engine did not take them over: closed, or broken. A lost port is no answer, and they are sent again.
      if (this.#connection.calls !== calls) return
      this.#rejectAll(
        writes.map(({ id }) => id),
        error,
      )
    })
  }

  // ——— Live queries

  #subscribe(query: CompiledQuery, listener: (change: Change) => void): () => void {
    let store = this.#stores.get(query.id)
    if (store === undefined) {
      store = new LiveStore(query, this.#nextQuery++ as QueryId, this.#optimistic)
      this.#stores.set(query.id, store)
      this.#byId.set(store.id, store)
      // The engine counts the writes made before: they must be sent before.
      this.#sendWrites()
      if (this.#connection.calls !== null) this.#request(this.#connection.calls, store)
      if (this.#connection.state.status === 'closed') {
        store.fail(this.#connection.closedError)
        this.#refresh([store])
      }
    }
    clearTimeout(this.#cooling.get(store))
    this.#cooling.delete(store)
    // A listener of its own for each call, so that one function may subscribe twice.
    const own = (change: Change) => listener(change)
    store.listeners.add(own)
    const subscribed = store
    return () => {
      if (subscribed.listeners.delete(own) && subscribed.listeners.size === 0) this.#cool(subscribed)
    }
  }

  #request(calls: EngineCalls, store: LiveStore): void {
    calls.subscribe(store.id, store.query.sql, store.query.parameters).catch((error: MillraceError) => {
      if (this.#connection.calls !== calls || this.#byId.get(store.id) !== store) return
      store.fail(error)
      this.#refresh([store])
      this.#resynced(store.id)
    })
  }

  #cool(store: LiveStore): void {
    if (this.#connection.state.status === 'closed') return
    const timer = setTimeout(() => {
      this.#cooling.delete(store)
      this.#stores.delete(store.query.id)
      this.#byId.delete(store.id)
      this.#optimistic.forget(store)
      this.#refresh(this.#optimistic.takeConcerned())
      this.#connection.calls?.unsubscribe(store.id).catch(() => {})
      this.#resynced(store.id)
    }, WARM)
    ;(timer as { unref?: () => void }).unref?.()
    this.#cooling.set(store, timer)
  }

  // ——— The engine's messages

  #connected(welcome: Welcome, calls: EngineCalls): void {
    this.#storage = welcome.storage
    this.#operations = new Operations(welcome.tables)
    this.#unsent = []
    const again = [...this.#pending.values()].map(({ request }) => request)
    // Writes first: the engine tells their end before the rows that hold them.
    if (again.length > 0) this.#send(calls, again)
    this.#resync = this.#byId.size === 0 ? null : { waiting: new Set(this.#byId.keys()), commits: [] }
    for (const store of this.#byId.values()) {
      store.forgetArrived()
      this.#request(calls, store)
    }
  }

  #receive(message: EngineMessage): void {
    if (message.type === 'rows') {
      this.#byId.get(message.query)?.receive(message.rows, message.shape)
      return
    }
    const arrivals: Arrival[] = []
    for (const change of message.changes) {
      const store = this.#byId.get(change.query)
      if (store !== undefined) arrivals.push({ store, change, rows: store.takeArrived(change) })
    }
    if (this.#resync === null) {
      this.#show([{ message, arrivals }])
      return
    }
    this.#resync.commits.push({ message, arrivals })
    for (const { query } of message.changes) this.#resync?.waiting.delete(query)
    this.#resynced()
  }

  /** One live query less to wait for after a new port. When all have their rows, everything that came is shown at once. */
  #resynced(query?: QueryId): void {
    if (this.#resync === null) return
    if (query !== undefined) this.#resync.waiting.delete(query)
    if (this.#resync.waiting.size > 0) return
    const { commits } = this.#resync
    this.#resync = null
    this.#show(commits)
  }

  /** Takes commits over as one: bases change, settled predictions leave, subscribers are told once, promises settle. */
  #show(commits: readonly { message: CommitMessage; arrivals: readonly Arrival[] }[]): void {
    const concerned = new Set<LiveStore>()
    const ends: (() => void)[] = []
    for (const { message, arrivals } of commits) {
      for (const { store, change, rows } of arrivals) {
        if (store.apply(change, rows)) this.#optimistic.route(store)
        concerned.add(store)
      }
      const { version, woken } = message
      for (const { id, changes, undo } of message.settled) {
        ends.push(this.#end(id, ({ handle }) => handle.end({ stored: { changes, woken, version }, undo })))
      }
      for (const { id, error } of message.rejected) ends.push(this.#reject(id, decodeError(error)))
    }
    for (const store of this.#optimistic.takeConcerned()) concerned.add(store)
    this.#refresh(concerned)
    for (const end of ends) end()
    this.#version = commits.at(-1)?.message.version ?? this.#version
    this.#tellShown((version) => isReached(version, this.#version))
  }

  /** The commit message of a version may come behind the answer to the call that made it: they travel by two ways. */
  #shown(version: Version): Promise<void> {
    return new Promise((resolve) => {
      this.#whenShown.push({ version, resolve })
      this.#tellShown((wanted) => this.#connection.calls === null || isReached(wanted, this.#version))
    })
  }

  #tellShown(isShown: (version: Version) => boolean): void {
    const waiting = this.#whenShown
    this.#whenShown = waiting.filter(({ version }) => !isShown(version))
    for (const { version, resolve } of waiting) if (isShown(version)) resolve()
  }

  /** A write leaves the pending ones; returns what is to be told when the views have changed. */
  #end(id: WriteId, tell: (write: PendingWrite) => void): () => void {
    const write = this.#pending.get(id)
    if (write === undefined) return () => {}
    this.#pending.delete(id)
    this.#optimistic.remove(id)
    return () => {
      tell(write)
      if (this.#pending.size === 0) this.#whenSettled?.()
    }
  }

  #reject(id: WriteId, error: MillraceError): () => void {
    return this.#end(id, (write) => {
      write.handle.end({ error })
      const { operations } = write.request
      if (this.#rejectionListeners.size > 0) notifyAll(this.#rejectionListeners, { error, operations })
      // A refusal that nobody hears of would be a lost write.
      else console.error(error)
    })
  }

  #rejectAll(ids: Iterable<WriteId>, error: MillraceError): void {
    const ends = [...ids].map((id) => this.#reject(id, error))
    this.#refresh(this.#optimistic.takeConcerned())
    for (const end of ends) end()
  }

  /** There will be no port again: all that waits hears why. */
  #failed(error: MillraceError): void {
    this.#rejectAll(this.#pending.keys(), error)
    for (const store of this.#byId.values()) store.fail(error)
    this.#refresh(this.#byId.values())
  }

  // ——— What shows

  /** Works out what the stores show, all of them before anyone is told; then tells. */
  #refresh(stores: Iterable<LiveStore>): void {
    for (const store of stores) {
      const change = this.#optimistic.refresh(store)
      // Those who listen now: who subscribes later has seen it.
      if (change !== null) this.#news.push({ store, change, listeners: [...store.listeners] })
    }
    // A listener that writes adds to what is being told; so everyone hears of everything in its order.
    if (this.#telling || this.#news.length === 0) return
    this.#telling = true
    let tell = () => {
      for (let news = this.#news.shift(); news !== undefined; news = this.#news.shift()) {
        const { store, change, listeners } = news
        for (const listener of listeners) if (store.listeners.has(listener)) notify(listener, change)
      }
    }
    for (const batch of this.#batches) {
      const inner = tell
      tell = () => batch(inner)
    }
    try {
      tell()
    } finally {
      this.#telling = false
    }
  }
}

/** Each opening of the database has a higher epoch. */
function isReached(wanted: Version, version: Version | null): boolean {
  if (version === null) return false
  return version.epoch === wanted.epoch ? version.commit >= wanted.commit : version.epoch > wanted.epoch
}

/** A call with values that come from outside. @throws MillraceError `INVALID_VALUE` where they cannot be sent */
async function send<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (thrown) {
    if (thrown instanceof MillraceError) throw thrown
    throw new MillraceError(
      'INVALID_VALUE',
      `The changes could not be sent to the database (${String(thrown)}): give the rows that changesSince gave.`,
      { cause: thrown },
    )
  }
}

type CommitMessage = Extract<EngineMessage, { type: 'commit' }>

/** A change with the rows that came for it. */
interface Arrival {
  readonly store: LiveStore
  readonly change: QueryChange
  readonly rows: Arrived
}

/** Adds a function made for this call, so that one given twice is there twice. Returns the undo. */
function addOwn<T>(set: Set<T>, own: T): () => void {
  set.add(own)
  return () => set.delete(own)
}

/** A listener that throws does not stop the others; its error is reported as one that nobody caught. */
function notifyAll<T>(listeners: Iterable<(value: T) => void>, value: T): void {
  for (const listener of [...listeners]) notify(listener, value)
}

function notify<T>(listener: (value: T) => void, value: T): void {
  try {
    listener(value)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

function execOperation(query: Queryable<unknown>): Operation {
  const { sql, parameters } = compileQuery(query)
  return { type: 'exec', sql, parameters }
}
