import {
  compareValues,
  hasOpaque,
  type OrderTerm,
  type RowKey,
  type RowsPlan,
  readsOf,
  type SqlValue,
} from '@millrace/protocol'
import { type Image, UNKNOWN, type Value } from '../expression/cell.ts'
import { compileCondition, compileExpr, type Evaluate } from '../expression/compile.ts'
import type { Truth } from '../expression/convert.ts'
import { fold, type RowState, type TableOverlay } from '../pending.ts'
import { type Base, type Entry, merge } from '../result.ts'

/** A result with the pending writes applied to it. */
export interface Predicted {
  readonly entries: readonly Entry[]
  /** Those of them that are not the engine's. */
  readonly made: readonly Entry[]
  /** Something could not be told: there the entries are still the engine's. */
  readonly settling: boolean
}

/** Finds the row of a table as other live queries know it; undefined where none does. */
export type FindImage = (table: string, key: RowKey) => Image | undefined

type State =
  | { readonly type: 'present'; readonly entry: Entry }
  | { readonly type: 'absent' }
  | { readonly type: 'unknown' }

/** Predicts one live query whose rows are rows of one table. */
export class RowsPredictor {
  readonly #plan: RowsPlan
  readonly #parameters: readonly SqlValue[]
  /** By table column, the wire column that carries it. */
  readonly #wire = new Map<number, number>()
  readonly #outputs: readonly { readonly evaluate: Evaluate<Value>; readonly reads: ReadonlySet<number> }[]
  readonly #where: Evaluate<Truth> | null
  readonly #order: readonly (OrderTerm & { readonly evaluate: Evaluate<Value> })[]
  readonly #whereReads: ReadonlySet<number>
  readonly #orderReads: ReadonlySet<number>
  /** No term of the order is beyond the client; of some rows it may be unknown all the same. */
  readonly #ordered: boolean

  constructor(plan: RowsPlan, parameters: readonly SqlValue[]) {
    this.#plan = plan
    this.#parameters = parameters
    plan.outputs.forEach((expr, i) => {
      if (expr.type === 'column') this.#wire.set(expr.column, i)
    })
    this.#outputs = plan.outputs.map((expr) => ({ evaluate: compileExpr(expr), reads: readsOf(expr, 0) }))
    this.#where = plan.where === null ? null : compileCondition(plan.where)
    this.#order = plan.order.map((term) => ({ ...term, evaluate: compileExpr(term.expr) }))
    this.#whereReads = plan.where === null ? new Set() : readsOf(plan.where, 0)
    const orderReads = new Set<number>()
    for (const { expr } of plan.order) readsOf(expr, 0, orderReads)
    this.#orderReads = orderReads
    this.#ordered = plan.order.every(({ expr }) => !hasOpaque(expr))
  }

  get table(): string {
    return this.#plan.table
  }

  /** The columns of the row behind an entry, as far as the query carries them. */
  image(entry: Entry): Image {
    return (_, column) => {
      const wire = this.#wire.get(column)
      return wire === undefined ? UNKNOWN : (entry.values[wire] as SqlValue)
    }
  }

  /** `shown` lends its row objects to entries that look the same. */
  predict(
    base: Base,
    overlay: TableOverlay | undefined,
    find: FindImage,
    shown: (key: RowKey) => Entry | undefined,
  ): Predicted {
    if (overlay === undefined) return { entries: this.#visible(base.entries), made: [], settling: false }
    let settling = overlay.unpredicted.size > 0
    const offset = this.#plan.window?.offset ?? 0
    const removed = new Set<RowKey>()
    const replaced = new Map<RowKey, Entry>()
    const inserted: Entry[] = []
    for (const [key, operations] of overlay.rows) {
      const known = base.byKey.get(key)
      const before = known === undefined ? find(this.#plan.table, key) : this.image(known)
      const folded = fold(before, operations)
      // What moves over the edge in front of the window is not known here.
      if (offset > 0 && this.#mayMove(folded))
        return { entries: this.#visible(base.entries), made: [], settling: true }
      const state = this.#stateOf(base, known, folded, shown(key))
      switch (state.type) {
        case 'unknown':
          settling = true
          break
        case 'absent':
          if (known !== undefined) removed.add(key)
          break
        case 'present':
          if (known === undefined) inserted.push(state.entry)
          else if (this.#samePlace(known, state.entry)) replaced.set(key, state.entry)
          else {
            removed.add(key)
            inserted.push(state.entry)
          }
          break
      }
    }
    if (removed.size === 0 && replaced.size === 0 && inserted.length === 0) {
      return { entries: this.#visible(base.entries), made: [], settling }
    }
    const { window } = this.#plan
    const list = this.#build(base, removed, replaced, inserted)
    if (list === undefined) return { entries: this.#visible(base.entries), made: [], settling: true }
    const exhausted = this.#exhausted(base)
    if (window !== null && !exhausted && list.length < window.limit) settling = true
    return { entries: this.#visible(list), made: [...replaced.values(), ...inserted], settling }
  }

  /** The row may enter or leave the result, or change its place. */
  #mayMove(state: RowState): boolean {
    if (!state.exists || state.changed === null) return true
    return [...state.changed].some((column) => this.#whereReads.has(column) || this.#orderReads.has(column))
  }

  /** All rows of the result are in the base: there is none beyond the window. */
  #exhausted(base: Base): boolean {
    const { window } = this.#plan
    return window === null || base.entries.length < window.limit + window.margin
  }

  #visible(entries: readonly Entry[]): readonly Entry[] {
    const limit = this.#plan.window?.limit
    return limit === undefined || entries.length <= limit ? entries : entries.slice(0, limit)
  }

  #stateOf(base: Base, known: Entry | undefined, state: RowState, shown: Entry | undefined): State {
    if (!state.exists) return { type: 'absent' }
    const { image, changed } = state
    const touches = (reads: ReadonlySet<number>) =>
      changed === null || [...reads].some((column) => changed.has(column))

    let matches = this.#where === null ? true : this.#where(image, this.#parameters)
    if (matches === UNKNOWN) {
      if (touches(this.#whereReads)) return { type: 'unknown' }
      matches = known !== undefined
    }
    if (matches !== true) return { type: 'absent' }
    // Not in the result, and nothing that decides was changed: it lies beyond the window, or is not there at all.
    if (known === undefined && !touches(this.#whereReads) && !touches(this.#orderReads))
      return { type: 'absent' }

    const values: SqlValue[] = []
    for (const [i, { evaluate, reads }] of this.#outputs.entries()) {
      let value = evaluate(image, this.#parameters)
      if (value === UNKNOWN && known !== undefined && !touches(reads)) value = known.values[i] as SqlValue
      if (value === UNKNOWN) return { type: 'unknown' }
      values.push(value)
    }
    const entry = base.decoder.entry(values, shown ?? known)
    const moves = known === undefined || touches(this.#orderReads)
    if (moves && (!this.#ordered || Number.isNaN(this.#compare(known ?? entry, entry))))
      return { type: 'unknown' }
    return { type: 'present', entry }
  }

  #samePlace(a: Entry, b: Entry): boolean {
    // What cannot be told was not touched, else the row would be unknown.
    return !this.#ordered || !(Math.abs(this.#compare(a, b)) > 0)
  }

  /** Undefined where the place of a row cannot be told. */
  #build(
    base: Base,
    removed: ReadonlySet<RowKey>,
    replaced: ReadonlyMap<RowKey, Entry>,
    inserted: Entry[],
  ): readonly Entry[] | undefined {
    let unsure = false
    const compare = (a: Entry, b: Entry) => {
      const order = this.#compare(a, b)
      unsure ||= Number.isNaN(order)
      return order
    }
    let entries: readonly Entry[] = base.entries
    if (removed.size + replaced.size > 0) {
      entries = this.#takeOut(base, removed, replaced)
    }
    if (inserted.length === 0) return entries
    inserted.sort(compare)
    const last = base.entries.at(-1)
    const places: number[] = []
    const fitting: Entry[] = []
    for (const entry of inserted) {
      // Behind the last row that is held there may be others that go before it.
      if (!this.#exhausted(base) && last !== undefined && compare(entry, last) > 0) continue
      places.push(this.#search(entries, entry, compare) + fitting.length)
      fitting.push(entry)
    }
    if (unsure) return undefined
    if (fitting.length === 1) return entries.toSpliced(places[0] as number, 0, fitting[0] as Entry)
    return merge(entries, fitting, places)
  }

  #takeOut(base: Base, removed: ReadonlySet<RowKey>, replaced: ReadonlyMap<RowKey, Entry>): Entry[] {
    // A few rows are found by search, so that a write costs a copy of the list at most, not a look at each row.
    if (this.#ordered && removed.size + replaced.size <= 16) {
      const entries = base.entries.slice()
      const places: number[] = []
      for (const [key, entry] of replaced) {
        const at = this.#place(base, key)
        if (at !== -1) entries[at] = entry
      }
      for (const key of removed) {
        const at = this.#place(base, key)
        if (at !== -1) places.push(at)
      }
      places.sort((a, b) => b - a)
      for (const at of places) entries.splice(at, 1)
      return entries
    }
    const entries: Entry[] = []
    for (const entry of base.entries) {
      if (!removed.has(entry.key)) entries.push(replaced.get(entry.key) ?? entry)
    }
    return entries
  }

  #place(base: Base, key: RowKey): number {
    const entry = base.byKey.get(key)
    if (entry === undefined) return -1
    const at = this.#search(base.entries, entry, (a, b) => this.#compare(a, b))
    return base.entries[at]?.key === key ? at : base.entries.findIndex((other) => other.key === key)
  }

  /** The first position whose entry does not go before `entry`. */
  #search(entries: readonly Entry[], entry: Entry, compare: (a: Entry, b: Entry) => number): number {
    let low = 0
    let high = entries.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (compare(entries[middle] as Entry, entry) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The query's order, which ends with the key; NaN where a term that decides is unknown. */
  #compare(a: Entry, b: Entry): number {
    for (const { evaluate, descending, nullsFirst, collation } of this.#order) {
      const x = evaluate(this.image(a), this.#parameters)
      const y = evaluate(this.image(b), this.#parameters)
      if (x === UNKNOWN || y === UNKNOWN) return Number.NaN
      if (x === null || y === null) {
        if (x === y) continue
        return (x === null) === nullsFirst ? -1 : 1
      }
      const order = compareValues(x, y, collation)
      if (order !== 0) return descending ? -order : order
    }
    return 0
  }
}
