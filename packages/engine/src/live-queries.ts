import { type Explanation, identifyParameters, type SqlValue } from '@millrace/protocol'
import { Capture, type RowChange, type TableChange } from './capture/capture.ts'
import { type Compiled, checkColumnNames, checkParameterCount, compile } from './compile/compile.ts'
import type { AccessRecorder } from './database/authorizer.ts'
import type { Database } from './database/database.ts'
import { explain } from './explain.ts'
import { ImpactIndex } from './impact/impact-index.ts'
import { Sources } from './impact/sources.ts'
import { LiveQuery, type Place, type ResultChange } from './maintain/live-query.ts'
import { SharedRuns } from './maintain/shared-runs.ts'
import type { Catalog, Table } from './schema/catalog.ts'

/** Hears of one live query. */
export interface Subscriber {
  /** Before the commit that it belongs to is announced. */
  changed(query: LiveQuery, change: ResultChange): void
}

/** What the last commit did to live queries. */
export interface Impact {
  /** Live queries that routing looked at. */
  readonly visited: number
  /** Of these, the ones whose answer was worked out anew. */
  readonly woken: number
}

interface Registered {
  readonly id: string
  readonly query: LiveQuery
  readonly subscribers: Set<Subscriber>
  /** Takes it out of all that wakes it. */
  readonly leave: () => void

  /** Takes it out of the impact index, in which it stands with this horizon. */
  unlisten: () => void
  horizon: SqlValue | undefined
}

/** Plans kept. A text that comes again later is compiled again. */
const MAX_PLANS = 1000

/**
 * The live queries, and the way from a changed row to them. Equal text and parameters are one query with many
 * subscribers; equal text is one plan.
 */
export class LiveQueries {
  readonly #database: Database
  readonly #recorder: AccessRecorder
  readonly #catalog: Catalog
  readonly #sources: Sources
  readonly #capture: Capture
  /** Instructions that one live query may take at a time. */
  readonly #limit: number
  readonly #linger: ((end: () => void) => void) | undefined

  /** By text, parameters, and whether they are for a client. One without subscribers lingers. */
  readonly #queries = new Map<string, Registered>()
  /** In order of use, the oldest first. */
  readonly #plans = new Map<string, Compiled>()
  readonly #impact = new Map<Table, ImpactIndex<{ readonly registered: Registered; readonly place: Place }>>()
  /** Those that are run again when a table is written to, even where its rows are then as they were. None is kept empty. */
  readonly #anyWrite = new Map<Table, Set<Registered>>()
  /** Those that are run again after every commit. */
  readonly #always = new Set<Registered>()
  /** Those that SQLite refuses as the data is. */
  readonly #failed = new Set<Registered>()
  readonly #shared: SharedRuns
  /** How many queries of each text are live. */
  readonly #ofText = new Map<Compiled, number>()

  constructor(
    database: Database,
    recorder: AccessRecorder,
    catalog: Catalog,
    limit: number,
    linger: ((end: () => void) => void) | undefined,
  ) {
    this.#database = database
    this.#recorder = recorder
    this.#catalog = catalog
    this.#sources = new Sources(database, recorder, catalog)
    this.#capture = new Capture(database)
    this.#shared = new SharedRuns(database, limit)
    this.#limit = limit
    this.#linger = linger
  }

  get size(): number {
    return this.#queries.size
  }

  /** Rows in memory. */
  get held(): number {
    let rows = 0
    for (const { query } of this.#queries.values()) rows += query.held
    return rows
  }

  /**
   * Lets a subscriber hear of a query; the query runs now unless it is live already. `timeout`: milliseconds that a run
   * may take.
   */
  attach(
    sql: string,
    parameters: readonly SqlValue[],
    forClient: boolean,
    subscriber: Subscriber,
    timeout = Number.POSITIVE_INFINITY,
  ): { query: LiveQuery; undo: () => void } {
    const id = `${forClient}\u0000${timeout}\u0000${sql}\u0000${identifyParameters(parameters)}`
    const registered = this.#queries.get(id) ?? this.#register(id, sql, parameters, forClient, timeout)
    registered.subscribers.add(subscriber)
    return {
      query: registered.query,
      undo: () => {
        registered.subscribers.delete(subscriber)
        if (registered.subscribers.size > 0) return
        const end = () => {
          if (registered.subscribers.size === 0) this.#end(registered)
        }
        if (this.#linger === undefined) end()
        else this.#linger(end)
      },
    }
  }

  #register(
    id: string,
    sql: string,
    parameters: readonly SqlValue[],
    forClient: boolean,
    timeout: number,
  ): Registered {
    const query = this.#make(sql, parameters, forClient, timeout)
    const undo: (() => void)[] = []
    const registered: Registered = {
      id,
      query,
      subscribers: new Set(),
      horizon: undefined,
      unlisten: () => {},
      leave: () => {
        for (const each of undo) each()
        registered.unlisten()
        this.#always.delete(registered)
        this.#failed.delete(registered)
      },
    }
    query.refresh()
    this.#noteFailure(registered)
    if (query.always) this.#always.add(registered)
    for (const table of query.anyWrite) undo.push(this.#joinAnyWrite(table, registered))
    this.#listen(registered)
    this.#queries.set(id, registered)
    this.#ofText.set(query.compiled, (this.#ofText.get(query.compiled) ?? 0) + 1)
    return registered
  }

  /** Puts it into the impact index, anew where it stands there with another horizon. */
  #listen(registered: Registered): void {
    const undo: (() => void)[] = []
    for (const { table, interest, place } of registered.query.interests()) {
      const index = this.#impact.get(table) ?? new ImpactIndex()
      this.#impact.set(table, index)
      undo.push(index.add({ registered, place }, interest))
    }
    registered.unlisten()
    registered.unlisten = () => {
      for (const each of undo) each()
    }
    registered.horizon = registered.query.horizon
  }

  #joinAnyWrite(table: Table, registered: Registered): () => void {
    const readers = this.#anyWrite.get(table) ?? new Set()
    this.#anyWrite.set(table, readers.add(registered))
    return () => {
      readers.delete(registered)
      if (readers.size === 0) this.#anyWrite.delete(table)
    }
  }

  #make(sql: string, parameters: readonly SqlValue[], forClient: boolean, timeout: number): LiveQuery {
    const compiled = this.#compile(sql)
    checkParameterCount(compiled.parameterCount, parameters, sql)
    if (forClient) checkColumnNames(compiled.columns, sql)
    const sources = this.#sources.of(compiled.reads)
    // What was written before the triggers were there must not be missed: nothing is, for all of this is synchronous.
    for (const { table, only } of sources ?? []) this.#capture.watch(table, only)
    // Of what is not watched, as crsql_changes, it is not known which tables it shows.
    const tables = [...compiled.reads.keys()]
    if (sources === null) for (const { info } of this.#catalog.values()) tables.push(info.name)
    return new LiveQuery(this.#database, compiled, sources, tables, sql, parameters, forClient, {
      steps: this.#limit,
      timeout,
    })
  }

  #compile(sql: string): Compiled {
    const compiled = this.#plans.get(sql) ?? compile(this.#database, this.#recorder, this.#catalog, sql)
    this.#plans.delete(sql)
    this.#plans.set(sql, compiled)
    if (this.#plans.size > MAX_PLANS) this.#plans.delete(this.#plans.keys().next().value as string)
    return compiled
  }

  #end(registered: Registered): void {
    if (this.#queries.get(registered.id) !== registered) return
    this.#queries.delete(registered.id)
    registered.leave()
    const { compiled } = registered.query
    const others = (this.#ofText.get(compiled) ?? 1) - 1
    this.#ofText.set(compiled, others)
    if (others > 0) return
    this.#ofText.delete(compiled)
    this.#shared.end(compiled)
  }

  /** Says how a query would be kept true. */
  explain(sql: string, parameters: readonly SqlValue[]): Explanation {
    const query = this.#make(sql, parameters, false, Number.POSITIVE_INFINITY)
    return explain(this.#database, this.#catalog, sql, this.#compile(sql), query)
  }

  /**
   * Moves the live queries by what was committed since the last time, and tells their subscribers. `written`: the virtual
   * tables that statements wrote to. `undone`: some statement or transaction was undone meanwhile.
   */
  wake(written: Iterable<Table>, undone: boolean): Impact {
    const reached = new Reached()
    try {
      if (undone) this.#capture.doubt()
      const changes = this.#capture.changes()
      for (const change of changes) this.#route(change, reached)
      for (const registered of this.#always) reached.again(registered)
      for (const registered of this.#readersOfAnyWrite(written)) reached.again(registered)
      // What made it fail may be any row, also one that its conditions leave out.
      if (changes.length > 0) for (const registered of this.#failed) reached.again(registered)
      this.#endUnheard(reached)
      if (reached.woken.size === 0) return reached.impact
      this.#shared.prepare(reached.woken)
      const tables = new Set<Table>()
      for (const { table } of changes) tables.add(table)
      for (const registered of reached.woken) {
        this.#wakeOne(registered, tables)
        // SQLite failed in this one, and not in those after it.
        if (this.#database.connection.failure !== undefined) break
      }
      return reached.impact
    } finally {
      this.#capture.clear()
    }
  }

  /** Nobody may ever come back for it. */
  #endUnheard({ woken }: Reached): void {
    for (const registered of woken) {
      if (registered.subscribers.size > 0) continue
      woken.delete(registered)
      this.#end(registered)
    }
  }

  /** What was noted came to nothing. */
  forget(): void {
    this.#capture.clear()
  }

  #route(change: TableChange, reached: Reached): void {
    const index = this.#impact.get(change.table)
    if (index === undefined) return
    if (change.type === 'bulk') {
      index.visitMany(change.columns, change.cells, ({ registered }) => reached.again(registered))
      return
    }
    for (const row of change.rows)
      index.visit(row, ({ registered, place }) => reached.by(registered, place, row))
  }

  #readersOfAnyWrite(written: Iterable<Table>): readonly Registered[] {
    if (this.#anyWrite.size === 0) return NOBODY
    return [...this.#capture.noted(), ...written].flatMap((table) => [...(this.#anyWrite.get(table) ?? [])])
  }

  #wakeOne(registered: Registered, tables: ReadonlySet<Table>): void {
    const { query, subscribers } = registered
    if (query.readsImages) this.#capture.fill()
    const change = query.wake(tables)
    this.#noteFailure(registered)
    if (query.horizon !== registered.horizon) this.#listen(registered)
    if (change !== null) for (const subscriber of subscribers) subscriber.changed(query, change)
  }

  #noteFailure(registered: Registered): void {
    if (registered.query.error === null) this.#failed.delete(registered)
    else this.#failed.add(registered)
  }

  clear(): void {
    for (const registered of this.#queries.values()) registered.leave()
    this.#queries.clear()
  }
}

const NOBODY: readonly Registered[] = []

/** The live queries that a commit reaches. */
class Reached {
  readonly visited = new Set<Registered>()
  /** Of these, the ones whose answer is to be worked out anew. */
  readonly woken = new Set<Registered>()

  get impact(): Impact {
    return { visited: this.visited.size, woken: this.woken.size }
  }

  /** By a changed row. */
  by(registered: Registered, place: Place, row: RowChange): void {
    this.visited.add(registered)
    if (registered.query.touch(place, row)) this.woken.add(registered)
  }

  /** To run it again. */
  again(registered: Registered): void {
    this.visited.add(registered)
    this.woken.add(registered)
    registered.query.touchAll()
  }
}
