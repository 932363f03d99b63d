import { openEngine } from '@millrace/engine/node'
import type {
  EngineCalls,
  EngineMessage,
  Operation,
  QueryId,
  RowKey,
  TableInfo,
  WriteId,
} from '@millrace/protocol'
import { KnownRows } from '../src/known-rows.ts'
import { LiveStore } from '../src/live-store.ts'
import { PendingWrites, type TouchedRow } from '../src/pending.ts'
import type { Rows, Writes } from '../src/predict/predictor.ts'
import { compileQuery, type SqlQuery } from '../src/query.ts'
import type { Entry } from '../src/result.ts'
import { RowCache } from '../src/row-cache.ts'
import type { RowState } from '../src/row-state.ts'
import type { Change } from '../src/types.ts'
import { View } from '../src/view.ts'

type Engine = Awaited<ReturnType<typeof openEngine>>

/** One live query on the bench, and what the engine said of it, as plain arrays have it. */
export interface Held {
  readonly query: SqlQuery
  readonly store: LiveStore
  base: readonly Entry[]
}

/**
 * The store as the client wires it, without ports and turns: the engine answers at once, writes settle when the test says
 * so, and nothing shows before `refresh`. It counts what it is asked for.
 */
export class Workbench {
  readonly engine: Engine
  readonly tables: ReadonlyMap<string, TableInfo>
  readonly held = new Map<QueryId, Held>()
  readonly cache: RowCache
  readonly pending: PendingWrites<LiveStore>
  readonly rows: Rows
  readonly operations = new Map<WriteId, readonly Operation[]>()
  /** How often a row was asked for, and how often a row's operations were applied one after the other. */
  readonly count = { asked: 0, folded: 0 }

  /** Commit messages so far. */
  commits = 0
  readonly #session: EngineCalls
  #renewed: TouchedRow<LiveStore>[] = []
  #next = 1

  static async open(schema: string): Promise<Workbench> {
    return new Workbench(await openEngine({ schema }))
  }

  constructor(engine: Engine) {
    this.engine = engine
    this.tables = new Map(engine.tables.map((table) => [table.name, table]))
    this.pending = new PendingWrites((name) => this.tables.get(name))
    this.cache = new RowCache((table, key) => this.#renew(table, key))
    this.rows = new CountedRows(this)
    this.#session = engine.connect((message) => this.#receive(message))
  }

  /** The query with its rows; nothing shows yet. */
  subscribe(query: SqlQuery): Held {
    const compiled = compileQuery(query)
    const store = new LiveStore(compiled, this.#next++ as QueryId, { rows: this.rows, cache: this.cache })
    const held: Held = { query, store, base: [] }
    this.held.set(store.id, held)
    void this.#session.subscribe(store.id, compiled.sql, compiled.parameters)
    this.engine.readNow()
    return held
  }

  /** The whole result comes once more, as after a lost port. */
  again({ store }: Held): void {
    void this.#session.unsubscribe(store.id)
    void this.#session.subscribe(store.id, store.query.sql, store.query.parameters)
    this.engine.readNow()
  }

  end({ store }: Held): void {
    void this.#session.unsubscribe(store.id)
    this.held.delete(store.id)
    store.dispose()
    this.#tellRenewed()
  }

  /** Somebody else's write. False: SQLite refused it. */
  foreign(operations: readonly Operation[]): boolean {
    try {
      this.engine.write(operations)
      return true
    } catch {
      return false
    } finally {
      this.#tellRenewed()
    }
  }

  add(operations: readonly Operation[]): WriteId {
    const id = this.#next++ as WriteId
    this.operations.set(id, operations)
    this.#touch(this.pending.add(id, operations, () => ({ type: 'unknown', tables: [] })).rows)
    return id
  }

  /** The engine's answer to a pending write comes with the rows that hold it, or it is refused. */
  settle(id: WriteId): void {
    try {
      this.engine.write(this.operations.get(id) ?? [])
    } catch {
      // It goes, and leaves nothing.
    }
    this.withdraw(id)
  }

  withdraw(id: WriteId): void {
    this.operations.delete(id)
    this.#touch(this.pending.remove(id).rows)
    this.#tellRenewed()
  }

  refresh({ store }: Held): Change | null {
    return store.refresh((table) => this.pending.overlay(table))
  }

  /** A view of the same, made of nothing but the last base and what is pending now. */
  afresh(held: Held, cache: RowCache): View | null {
    const { view, query } = held.store
    if (view === null) return null
    const byKey = new Map(held.base.map((entry) => [entry.key, entry]))
    const fresh = new View(view.decoder, { entries: held.base, byKey }, query, { rows: this.rows, cache })
    for (const table of this.tables.keys())
      for (const key of this.pending.overlay(table)?.rows.keys() ?? []) fresh.touch(table, key)
    fresh.flush()
    return fresh
  }

  close(): void {
    this.engine.close()
  }

  #receive(message: EngineMessage): void {
    if (message.type === 'rows') {
      this.held.get(message.query)?.store.receive(message.rows, message.shape)
      return
    }
    if (message.type === 'failed') return
    this.commits++
    for (const change of message.changes) {
      const held = this.held.get(change.query)
      if (held === undefined) continue
      const arrived = held.store.takeArrived(change)
      if (change.type === 'reset') held.base = [...arrived.entries]
      else if (change.type === 'delta') {
        const gone = new Set([...change.remove, ...arrived.entries.map(({ key }) => key)])
        const base = held.base.filter(({ key }) => !gone.has(key))
        arrived.entries.forEach((entry, i) => {
          base.splice(change.at[i] as number, 0, entry)
        })
        held.base = base
      }
      const isOther = held.store.apply(change, arrived)
      if (!isOther) continue
      for (const table of held.store.view?.predictedTables ?? [])
        for (const key of this.pending.overlay(table)?.rows.keys() ?? []) held.store.view?.touch(table, key)
    }
  }

  #touch(rows: readonly TouchedRow<LiveStore>[]): void {
    for (const { table, key } of rows)
      for (const { store } of this.held.values()) store.view?.touch(table, key)
  }

  #renew(table: string, key: RowKey): void {
    for (const { store } of this.held.values()) store.view?.notice(table, key)
    const pending = this.pending.row(table, key)
    if (pending === undefined) return
    pending.state = undefined
    this.#renewed.push({ table, key, concerned: pending.concerned })
  }

  #tellRenewed(): void {
    const renewed = this.#renewed
    this.#renewed = []
    this.#touch(renewed)
  }
}

class CountedRows extends KnownRows {
  readonly #bench: Workbench

  constructor(bench: Workbench) {
    super(bench.cache, bench.pending)
    this.#bench = bench
  }

  override state(table: string, key: RowKey, without?: Writes): RowState | undefined {
    const { count, pending } = this.#bench
    count.asked++
    if (pending.row(table, key)?.state === undefined && this.isPending(table, key)) count.folded++
    return super.state(table, key, without)
  }
}
