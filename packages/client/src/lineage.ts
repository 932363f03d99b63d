import type { RowKey, WireRow } from '@millrace/protocol'
import { UNKNOWN, type Value } from './expression/cell.ts'
import type { RowsPredictor } from './predict/rows.ts'
import type { Entry } from './result.ts'
import type { Holder, RowCache } from './row-cache.ts'

/** Which rows of tables the entries of a view come from, told to the row cache. */
export class Lineage {
  readonly #predictor: RowsPredictor
  readonly #entry: (key: RowKey) => Entry | undefined
  readonly #cache: RowCache
  readonly #sources: readonly LineageSource[]

  /** `entry`: the view's entry of a key. */
  constructor(
    predictor: RowsPredictor,
    entry: (key: RowKey) => Entry | undefined,
    cache: RowCache,
    isJoin: boolean,
  ) {
    this.#predictor = predictor
    this.#entry = entry
    this.#cache = cache
    this.#sources = predictor.tables.map((table, source) => {
      const entries = isJoin ? new Map<RowKey, Set<Entry>>() : null
      const entryOf = (key: RowKey): Entry | undefined => {
        if (entries === null) return this.#entry(key)
        const [first] = entries.get(key) ?? []
        return first
      }
      const known = (key: RowKey, column: number): Value => {
        const entry = entryOf(key)
        return entry === undefined ? UNKNOWN : predictor.known(source, entry.values as WireRow, column)
      }
      return { table, entries, holder: { known } }
    })
  }

  addAll(entries: readonly Entry[]): void {
    for (const entry of entries) this.add(entry)
  }

  add(entry: Entry): void {
    this.#sources.forEach(({ table, entries, holder }, source) => {
      const key = this.#predictor.keyOf(source, entry)
      if (key === null) return
      if (entries === null) this.#cache.add(table, key, holder)
      else {
        const held = entries.get(key)
        if (held === undefined) {
          entries.set(key, new Set([entry]))
          this.#cache.add(table, key, holder)
        } else {
          held.add(entry)
          this.#cache.renew(table, key)
        }
      }
    })
  }

  remove(entry: Entry): void {
    this.#sources.forEach(({ table, entries, holder }, source) => {
      const key = this.#predictor.keyOf(source, entry)
      if (key === null) return
      const held = entries?.get(key)
      held?.delete(entry)
      if (held !== undefined && held.size > 0) return
      entries?.delete(key)
      this.#cache.remove(table, key, holder)
    })
  }

  *entries(source: number, key: RowKey): Iterable<Entry> {
    const of = this.#sources[source]
    if (of === undefined) return
    if (of.entries !== null) {
      yield* of.entries.get(key) ?? []
      return
    }
    const entry = this.#entry(key)
    if (entry !== undefined) yield entry
  }
}

interface LineageSource {
  readonly table: string
  /** Of a join: the entries that come from each row. Null: an entry has the key of its row. */
  readonly entries: Map<RowKey, Set<Entry>> | null
  readonly holder: Holder
}
