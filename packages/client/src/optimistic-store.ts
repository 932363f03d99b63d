import type { Operation, RowKey, TableInfo, WriteId } from '@millrace/protocol'
import { KnownRows } from './known-rows.ts'
import type { LiveStore } from './live-store.ts'
import { type Execute, PendingWrites, type Touched, type TouchedRow } from './pending.ts'
import type { Rows } from './predict/predictor.ts'
import { Routing } from './routing.ts'
import { RowCache } from './row-cache.ts'
import { UNSEEN } from './row-state.ts'
import type { Change } from './types.ts'
import type { World } from './view.ts'

/**
 * The rows in use, the writes that are not settled, and which live queries each of them concerns.
 *
 *     add, remove, route ──► rows touched ──► takeConcerned ──► refresh of each
 */
export class OptimisticStore implements World {
  readonly cache: RowCache
  readonly rows: Rows
  readonly #pending: PendingWrites<LiveStore>
  readonly #routing = new Routing<LiveStore>()
  /** Takes a live query out of what routes writes to it. */
  readonly #unroute = new Map<LiveStore, () => void>()
  /** By table, those who wait for the engine where it is written to. */
  readonly #waiting = new Map<string, Set<LiveStore>>()
  /** By table, those who predict by its rows. */
  readonly #predicting = new Map<string, Set<LiveStore>>()
  /** Those who may predict by rows that pending writes do not touch. */
  readonly #joins = new Set<LiveStore>()
  /** Since it was last taken: what was touched, and who is concerned already. */
  #touched: Touched<LiveStore>[] = []
  #concerned = new Set<LiveStore>()
  /** Rows with pending writes that views came to know otherwise, or not at all. */
  #renewed: TouchedRow<LiveStore>[] = []

  /** `tables`: what the schema says of a table. */
  constructor(tables: (name: string) => TableInfo | undefined) {
    this.#pending = new PendingWrites(tables)
    this.cache = new RowCache((table, key) => this.#renew(table, key))
    this.rows = new KnownRows(this.cache, this.#pending)
  }

  /** Adds a write to those that are not settled. `execute`: what SQL text does to rows that are known. */
  add(write: WriteId, operations: readonly Operation[], execute: Execute): void {
    this.#touched.push(this.#pending.add(write, operations, execute))
  }

  /** A write is settled, or refused. */
  remove(write: WriteId): void {
    this.#touched.push(this.#pending.remove(write))
  }

  /** The keys of the rows that are known, or that pending writes touch. */
  keys(table: string): ReadonlySet<RowKey> {
    return new Set([...this.cache.keys(table), ...(this.#pending.overlay(table)?.rows.keys() ?? [])])
  }

  /** A live query has another view: what it is to hear of from now on, and what it missed. */
  route(store: LiveStore): void {
    this.#unroute.get(store)?.()
    const { view } = store
    if (view === null) return
    const undo = (view.predictor?.interests ?? []).map((interest) => this.#routing.add(store, interest))
    if (view.predictor !== null && view.predictor.interests.length > 1) {
      this.#joins.add(store)
      undo.push(() => this.#joins.delete(store))
    }
    undo.push(
      ...view.unpredicted.map((table) => addTo(this.#waiting, table, store)),
      ...view.predictedTables.map((table) => addTo(this.#predicting, table, store)),
    )
    this.#unroute.set(store, () => {
      for (const each of undo) each()
    })
    for (const table of view.predictedTables) {
      for (const [key, pending] of this.#pending.overlay(table)?.rows ?? []) {
        view.touch(table, key)
        pending.concerned.add(store)
      }
    }
  }

  /** A live query ends. What its rows were the last to say of pending ones is gone. */
  forget(store: LiveStore): void {
    this.#unroute.get(store)?.()
    this.#unroute.delete(store)
    store.dispose()
  }

  /** The live queries that may show something else than when this was last called. */
  takeConcerned(): Set<LiveStore> {
    for (const { rows, untold } of this.#touched) {
      for (const table of untold) {
        this.#concern(this.#waiting.get(table))
        this.#concern(this.#predicting.get(table))
      }
      for (const row of rows) this.#touch(row)
    }
    this.#touched = []
    // A row that one query learned may let another predict.
    for (const row of this.#renewed) this.#touch(row)
    this.#renewed = []
    const concerned = this.#concerned
    this.#concerned = new Set()
    return concerned
  }

  /** Works out what a live query shows; null where it is what it was. */
  refresh(store: LiveStore): Change | null {
    return store.refresh((table) => this.#pending.overlay(table))
  }

  #concern(stores: ReadonlySet<LiveStore> | undefined): void {
    if (stores !== undefined) for (const store of stores) this.#concerned.add(store)
  }

  /** Tells the views that the row can concern, and those that took it into account. */
  #touch({ table, key, concerned }: TouchedRow<LiveStore>): void {
    this.#concern(this.#waiting.get(table))
    const pending = this.#pending.row(table, key)
    const stores = pending?.concerned ?? new Set(concerned)
    const state = this.rows.state(table, key)
    // A row that no view holds may be there all the same, with any values.
    const before = this.cache.image(table, key) ?? (state === undefined || state.isNew ? undefined : UNSEEN)
    this.#routing.find(table, before, state?.exists ? state.image : undefined, stores)
    for (const store of stores) store.view?.touch(table, key)
    this.#concern(stores)
  }

  /** A row is known otherwise. Of interest where a pending write touches it, or what it touches was told by it. */
  #renew(table: string, key: RowKey): void {
    for (const store of this.#joins) if (store.view?.notice(table, key)) this.#concerned.add(store)
    const pending = this.#pending.row(table, key)
    if (pending === undefined) return
    pending.state = undefined
    this.#renewed.push({ table, key, concerned: pending.concerned })
  }
}

function addTo<S>(sets: Map<string, Set<S>>, name: string, subscriber: S): () => void {
  const set = sets.get(name) ?? new Set()
  sets.set(name, set.add(subscriber))
  return () => {
    set.delete(subscriber)
    if (set.size === 0 && sets.get(name) === set) sets.delete(name)
  }
}
