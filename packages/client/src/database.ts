import {
  decodeError,
  type EngineCalls,
  type EngineMessage,
  type Explanation,
  type Journal,
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
import { abortable, checkTimeout, subscribeUntil } from './abortable.ts'
import { closedError, EngineConnection, pauseUnlessCancelled } from './connection.ts'
import { ExecPlans } from './exec-plans.ts'
import { compileCondition, compileStored } from './expression/compile.ts'
import { withGenerated } from './generated.ts'
import { type Arrived, LiveStore, PENDING } from './live-store.ts'
import { loadOnDemand, onDemand } from './on-demand.ts'
import { Operations } from './operation.ts'
import { OptimisticStore } from './optimistic-store.ts'
import { applyTo, Window } from './order-into.ts'
import type { Execute } from './pending.ts'
import { type CompiledQuery, compileQuery, type Queryable, withTimeout } from './query.ts'
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
  QueryOptions,
  Rejection,
  Stored,
  TableName,
  Tables,
  Transaction,
  Write,
  WriteOptions,
} from './types.ts'
import { WriteHandle } from './write-handle.ts'

/** How long a query stays live after its last subscriber has left, in ms: the next mount finds its rows still there. */
const WARM = 1000

/** Milliseconds for which the rows of a query that was to be preloaded are kept. */
const PRELOADED = 5000
/** Rows that a new port is asked for at once, about: other calls wait for as many. */
const ROWS_AT_ONCE = 1000
/** How long a call waits for a port before it rejects, in ms. */
const TIMEOUT = 10_000

interface PendingWrite {
  readonly request: WriteRequest
  /** When it was made, on the clock that only goes forward. */
  readonly since: number
  readonly handle: WriteHandle
}

const TOOLS = { compileCondition, compileStored, withGenerated }

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
  const opened = client.opened(options).then(() => client as unknown as Database<T>)
  // It may be rejected before a provider is there to show why. As a rejection that nobody handles it would end a server.
  opened.catch(() => {})
  return opened
}

class Client implements Database {
  readonly #connection: EngineConnection
  /** Undefined where the port source keeps none, or the database is in memory. */
  #journal: Journal | undefined
  readonly #stores = new Map<string, LiveStore>()
  readonly #byId = new Map<QueryId, LiveStore>()
  /** Those that were asked for before the engine had answered the greeting. */
  readonly #asked = new Map<LiveStore, Promise<void>>()
  readonly #cooling = new Map<LiveStore, ReturnType<typeof setTimeout>>()
  readonly #optimistic: OptimisticStore
  readonly #execPlans = new ExecPlans()
  readonly #rejectionListeners = new Set<(rejection: Rejection) => void>()
  /** Rejections of writes that other pages left, from before anyone listened. */
  #unheard: Rejection[] = []
  readonly #connectionListeners = new Set<(connection: Connection) => void>()
  readonly #batches = new Set<(notify: () => void) => void>()

  #operations = new Operations([])
  #storage: StorageInfo | null = null
  readonly #persist: () => Promise<boolean> | undefined
  /** In the order in which they were made. */
  #pending = new Map<WriteId, PendingWrite>()
  /** Writes that were answered, whose predictions stay until live queries have their rows again after a new port. */
  readonly #answered = new Set<WriteId>()
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
    this.#persist = () => source.persist?.()
    this.#optimistic = new OptimisticStore((name) => this.#operations.find(name))
    this.#connection = new EngineConnection(source, {
      greeted: (calls) => this.#greeted(calls),
      connected: (welcome, calls) => this.#connected(welcome, calls),
      message: (message) => this.#receive(message),
      changed: (connection) => {
        // What was on its way to a lost port will not come.
        if (connection.status !== 'connected') this.#tellShown(() => true)
        notifyAll(this.#connectionListeners, connection)
      },
      failed: (error) => this.#failed(error),
    })
    this.#journal = source.openJournal?.(this.#connection.client, () => this.#requests())
  }

  /** Their rows come with the answer to the greeting, and stay for a while for whoever comes to show them. */
  #preload(queries: readonly Queryable<unknown>[]): void {
    for (const query of queries) {
      let timer: ReturnType<typeof setTimeout> | undefined
      const undo = this.live(query).subscribe(() => {
        timer ??= setTimeout(undo, PRELOADED)
        ;(timer as { unref?: () => void }).unref?.()
      })
    }
  }

  async opened({ timeout = TIMEOUT, preload = [] }: OpenOptions): Promise<void> {
    this.#preload(preload)
    const first = this.#connection.call(async () => {}, timeout)
    // Ends with the connection; its errors reach `first` and the connection's listeners.
    void this.#connection.run()
    try {
      await first
    } catch (error) {
      // Not that time was up, where it is known why.
      const { state } = this.#connection
      const why = state.status === 'connecting' ? state.error : undefined
      await this.#connection.close()
      this.#journal?.close()
      throw why ?? error
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
    const own = (rejection: Rejection) => listener(rejection)
    const unheard = this.#unheard.splice(0)
    if (unheard.length > 0)
      queueMicrotask(() => {
        for (const rejection of unheard) notify(own, rejection)
      })
    return addOwn(this.#rejectionListeners, own)
  }

  batchWith(batch: (notify: () => void) => void): () => void {
    return addOwn(this.#batches, (notify) => batch(notify))
  }

  live<R>(query: Queryable<R>, { signal, timeout }: QueryOptions = {}): LiveQuery<R> {
    checkTimeout(timeout)
    const compiled = withTimeout(compileQuery(query), timeout)
    const stores = this.#stores
    return {
      get snapshot() {
        return (stores.get(compiled.id)?.snapshot ?? PENDING) as LiveQuery<R>['snapshot']
      },
      subscribe: (listener) =>
        subscribeUntil(signal, () => this.#subscribe(compiled, listener as (change: Change) => void)),
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

  async query<R>(query: Queryable<R>, options: QueryOptions = {}): Promise<R[]> {
    const { sql, parameters } = compileQuery(query)
    const id = this.#nextQuery++ as QueryId
    const { columns, rows } = await abortable(
      options,
      () => {
        this.#sendWrites()
        return this.#connection.callOnce(
          (calls) => calls.query(id, sql, parameters, options.timeout),
          TIMEOUT,
        )
      },
      () => this.#connection.calls?.cancel(id).catch(() => {}),
    )
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

  insert<N extends TableName<Tables>>(table: N, row: InsertRow<Tables[N]>, options?: WriteOptions): Write {
    return this.#write([this.#operations.insert(table, row)], options)
  }

  update<N extends TableName<Tables>>(
    table: N,
    key: Key,
    patch: Patch<Tables[N]>,
    options?: WriteOptions,
  ): Write {
    return this.#write([this.#operations.update(table, key, patch)], options)
  }

  delete<N extends TableName<Tables>>(table: N, key: Key, options?: WriteOptions): Write {
    return this.#write([this.#operations.delete(table, key)], options)
  }

  write(run: (tx: Transaction) => void, options?: WriteOptions): Write {
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
    return this.#write(operations, options)
  }

  exec(query: Queryable<unknown>, options?: WriteOptions): Promise<Stored> {
    try {
      return this.#write([execOperation(query)], options).stored
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async flush(): Promise<void> {
    this.#sendWrites()
    await this.#connection.call((calls) => calls.flush(), TIMEOUT)
  }

  async persist(): Promise<boolean> {
    const persisted = (await this.#persist()) ?? false
    this.#storage = { ...this.storage, persisted }
    return persisted
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
    this.#journal?.close()
    this.#stores.clear()
    this.#byId.clear()
  }

  // ——— Writes

  #write(operations: readonly Operation[], { durability }: WriteOptions = {}): Write {
    checkDurability(durability)
    if (this.#closing !== null || this.#connection.state.status === 'closed')
      throw this.#connection.closedError
    const id = this.#nextWrite++ as WriteId
    const handle = new WriteHandle(this.#writeAgain, () =>
      this.#connection.call((calls) => calls.takeUndo(id), TIMEOUT),
    )
    const request: WriteRequest = { id, operations, ...(durability === undefined ? {} : { durability }) }
    this.#pending.set(id, { request, since: performance.now(), handle })
    this.#journal?.changed()
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
    const execute = onDemand()?.execute
    if (plan == null || table === undefined || execute === undefined)
      return { type: 'unknown', tables: this.#operations.writtenBy(sql) }
    // All of them before the first is changed, as SQLite does.
    const keys = [...this.#optimistic.keys(plan.table)]
    const rows = [...execute(plan, table, parameters, keys, this.#optimistic.rows, TOOLS)]
    return { type: plan.type, table: plan.table, rows }
  }

  readonly #writeAgain = (operations: readonly Operation[]) => this.#write(operations)

  #sendWrites(): void {
    const writes = this.#unsent.splice(0)
    if (writes.length === 0) return
    const { calls } = this.#connection
    // Without a port they wait: all that is pending is sent when the next one is there.
    if (calls === null) this.#journal?.save()
    else this.#send(calls, writes)
  }

  /** Of the writes that have no answer. */
  *#requests(): Iterable<WriteRequest> {
    for (const { request } of this.#pending.values()) yield request
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
      if (this.#connection.calls !== null) void this.#request(this.#connection.calls, store)
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

  #request(calls: EngineCalls, store: LiveStore): Promise<void> {
    const asked = this.#asked.get(store) ?? this.#ask(calls, store)
    this.#asked.delete(store)
    return asked.catch((error: MillraceError) => {
      if (this.#connection.calls !== calls || this.#byId.get(store.id) !== store) return
      store.fail(error)
      this.#refresh([store])
      this.#resynced(store.id)
    })
  }

  #ask(calls: EngineCalls, { id, query }: LiveStore): Promise<void> {
    return calls.subscribe(id, query.sql, query.parameters, query.timeout)
  }

  #cool(store: LiveStore): void {
    if (this.#connection.state.status === 'closed') return
    // One that has no rows yet may be long, and others wait behind it.
    const warm = store.snapshot.status === 'pending' ? 0 : WARM
    const timer = setTimeout(() => {
      this.#cooling.delete(store)
      this.#stores.delete(store.query.id)
      this.#byId.delete(store.id)
      this.#optimistic.forget(store)
      this.#refresh(this.#optimistic.takeConcerned())
      this.#connection.calls?.unsubscribe(store.id).catch(() => {})
      this.#resynced(store.id)
    }, warm)
    ;(timer as { unref?: () => void }).unref?.()
    this.#cooling.set(store, timer)
  }

  // ——— The engine's messages

  /** Not where other pages left writes: rows without them would show first. */
  #greeted(calls: EngineCalls): boolean {
    this.#asked.clear()
    if (this.#storage !== null || this.#byId.size === 0 || this.#journal?.hasLeft) return false
    for (const store of this.#byId.values()) {
      const answer = this.#ask(calls, store)
      // Looked at when the engine has answered the greeting.
      answer.catch(() => {})
      this.#asked.set(store, answer)
    }
    return true
  }

  #connected(welcome: Welcome, calls: EngineCalls): void {
    this.#storage = welcome.storage
    this.#operations = new Operations(welcome.tables)
    const columns = welcome.tables.flatMap((table) => table.columns)
    if (columns.some(({ generated, defaultExpr }) => generated !== null || defaultExpr !== undefined))
      void loadOnDemand()
    this.#unsent = []
    if (welcome.storage.type === 'memory') {
      this.#journal?.close()
      this.#journal = undefined
    }
    const again = [...this.#requests()]
    // Writes first: the engine tells their end before the rows that hold them.
    if (again.length > 0) this.#send(calls, again)
    this.#journal?.replayTo(async (client, writes) => {
      const rejected = await calls.replay(client, writes)
      for (const { id, error } of rejected) {
        const operations = writes.find((write) => write.id === id)?.operations ?? []
        this.#tellRejection({ error: decodeError(error), operations }, true)
      }
    })
    const stores = [...this.#byId.values()].filter((store) => !store.endsEngine)
    this.#resync = stores.length === 0 ? null : { waiting: new Set(stores.map(({ id }) => id)), commits: [] }
    for (const store of stores) store.forgetArrived()
    void this.#requestAll(calls, stores)
  }

  /** Not all at once: a write that is made meanwhile waits for one of the long ones at most. */
  async #requestAll(calls: EngineCalls, stores: readonly LiveStore[]): Promise<void> {
    let rows = 0
    for (const store of stores) {
      if (this.#byId.get(store.id) !== store) continue
      const requested = this.#request(calls, store)
      rows += store.view?.shown.length ?? 0
      if (rows < ROWS_AT_ONCE) continue
      await requested
      // Nothing is heard any more of a port that was lost; one that came to be another since has its own requests.
      if (this.#connection.calls !== calls) return
      rows = 0
    }
  }

  #receive(message: EngineMessage): void {
    if (message.type === 'rows') {
      this.#byId.get(message.query)?.receive(message.rows, message.shape)
      return
    }
    if (message.type === 'failed') {
      this.#countFailures(message.writes)
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
    const ends = this.#answer(message)
    for (const { id } of message.settled) this.#answered.add(id)
    this.#resync.commits.push({ message, arrivals })
    this.#refresh(this.#optimistic.takeConcerned())
    for (const end of ends) end()
    for (const { query } of message.changes) this.#resync?.waiting.delete(query)
    this.#resynced()
  }

  /** Writes that SQLite failed in are sent again with their number of failures: the engine runs them no third time. */
  #countFailures(ids: readonly WriteId[]): void {
    for (const id of ids) {
      const write = this.#pending.get(id)
      if (write === undefined) continue
      const { request } = write
      this.#pending.set(id, { ...write, request: { ...request, failures: (request.failures ?? 0) + 1 } })
    }
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
      ends.push(...this.#answer(message))
      for (const { id } of message.settled) this.#optimistic.remove(id)
    }
    for (const id of this.#answered) this.#optimistic.remove(id)
    this.#answered.clear()
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

  /**
   * Writes leave the pending ones; returns what is to be told when the views have changed. The predictions of those that
   * are on disk stay until live queries have the rows.
   */
  #answer({ version, woken, settled, rejected }: CommitMessage): (() => void)[] {
    const ends = settled.map(({ id, changes, undo, keys }) =>
      this.#end(id, ({ handle }) => handle.end({ stored: { changes, woken, version, keys }, undo })),
    )
    return [...ends, ...rejected.map(({ id, error }) => this.#reject(id, decodeError(error)))]
  }

  #end(id: WriteId, tell: (write: PendingWrite) => void): () => void {
    const write = this.#pending.get(id)
    if (write === undefined) return () => {}
    this.#pending.delete(id)
    this.#journal?.changed()
    return () => {
      tell(write)
      if (this.#pending.size === 0) this.#whenSettled?.()
    }
  }

  #reject(id: WriteId, error: MillraceError): () => void {
    this.#optimistic.remove(id)
    return this.#end(id, ({ handle, request }) => {
      handle.end({ error })
      this.#tellRejection({ error, operations: request.operations })
    })
  }

  #tellRejection(rejection: Rejection, replayed = false): void {
    if (this.#rejectionListeners.size > 0) {
      notifyAll(this.#rejectionListeners, rejection)
      return
    }
    // A refusal that nobody hears of would be a lost write.
    console.error(rejection.error)
    // Nobody could listen before `open` resolved, and there is no handle that tells it.
    if (replayed) this.#unheard.push(rejection)
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

function checkDurability(durability: unknown): void {
  if (durability === undefined || durability === 'strict' || durability === 'relaxed') return
  throw new MillraceError(
    'INVALID_VALUE',
    `The durability of a write is 'strict' or 'relaxed', but it was given ${JSON.stringify(durability)}.`,
  )
}
