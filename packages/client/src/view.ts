import type { QueryChange, RowKey } from '@millrace/protocol'
import { compareRows } from '@millrace/protocol'
import { UNKNOWN, type Unknown } from './expression/cell.ts'
import { Lineage } from './lineage.ts'
import { GroupsPredictor } from './predict/groups.ts'
import { type Held, type Predictor, type Rows, rowName } from './predict/predictor.ts'
import { RowsPredictor } from './predict/rows.ts'
import type { CompiledQuery, Row } from './query.ts'
import { type Decoder, type Entry, editsBetween, merge, renewedRows } from './result.ts'
import type { RowCache } from './row-cache.ts'
import { Chunk, type Compare, Sequence } from './sequence.ts'
import type { Change, Edit } from './types.ts'

/** Beyond this many rows at once the lists are made anew. */
const MANY = 100

/** Lists of up to so many rows are compared where some of them moved. */
const FEW = 500

/** What a view depends on. */
export interface World {
  readonly rows: Rows
  readonly cache: RowCache
}

/** How what is shown differs from before. */
export interface Shown {
  readonly edits: Change['edits']
  readonly renewed: Change['renewed']
}

/**
 * One live query's rows: what the engine last said (base), and what is shown, which is base with the predictions of the
 * pending writes. Only units that something touched are worked out again.
 *
 *     base ── delta ──► base           each unit of it is marked
 *     pending writes, rows of others   each unit they touch is marked
 *     marked units ── flush ──► shown  as the predictor says; where it cannot, as the engine said, and the view is unsure
 */
export class View {
  readonly decoder: Decoder
  readonly predictor: Predictor | null
  readonly predictedTables: readonly string[]
  /** Tables that it reads and predicts nothing by: a pending write to one of them is waited for. */
  readonly unpredicted: readonly string[]
  readonly #compare: Compare | null
  /** The first rows are shown; null: all are. */
  readonly #limit: number | null
  /** As many rows as the engine sends at most. */
  readonly #most: number
  readonly #lineage: Lineage | null
  readonly #rows: Rows

  #base: Sequence
  /** The base by key; the unit of an entry is its key but for joins, which have `#units` besides. */
  #byKey: Map<RowKey, Entry>
  readonly #units: Map<RowKey, Entry> | null
  #shown: Sequence
  /** What is shown of units otherwise than the base says; null: nothing is. */
  readonly #predicted = new Map<RowKey, Entry | null>()
  /** What was shown of the units that are to be worked out again. */
  readonly #marked = new Map<RowKey, Entry | null>()
  /** Units that cannot be told now. */
  readonly #unsure = new Set<RowKey>()
  /** Units that would stand behind the last row that is held, where others may go before them. */
  readonly #behind = new Set<RowKey>()
  /** Of a join: the units that are told by a row, or cannot be for want of it, by the row. None is kept empty. */
  readonly #awaiting = new Map<string, Set<RowKey>>()
  /** The same by unit. */
  readonly #through = new Map<RowKey, ReadonlySet<string>>()
  /** The view whose place it took: its rows lend their objects until this one has shown its own. */
  #previous: View | null
  /** Rows of which it cannot be told what they change, by table and key. */
  readonly #untold = new Set<string>()
  /** Set when the base changed too much to go unit by unit; what was shown before. */
  #before: Sequence | null = null
  /** Of a window: what is shown of it. */
  #visible: Chunk
  /** What the predictor may ask for. */
  readonly #held: Held = {
    of: (source, key) => this.#holding(source, key),
    all: () => this.#byKey.values(),
  }

  /** The entries and their map are taken over. `previous`: the view that it takes the place of. */
  constructor(
    decoder: Decoder,
    { entries, byKey }: { readonly entries: readonly Entry[]; readonly byKey: ReadonlyMap<RowKey, Entry> },
    query: CompiledQuery,
    world: World,
    previous: View | null = null,
  ) {
    const { plan, order, tables } = decoder.shape
    this.decoder = decoder
    this.#rows = world.rows
    this.#previous = previous
    this.#compare = order === null ? null : (a, b) => compareRows(order, a.values, b.values)
    const rows = plan?.type === 'rows' ? new RowsPredictor(plan, query.parameters, decoder, world.rows) : null
    this.predictor =
      plan?.type === 'groups' ? new GroupsPredictor(plan, query.parameters, decoder, world.rows) : rows
    this.predictedTables = [...new Set(this.predictor?.interests.map(({ table }) => table))]
    this.unpredicted = tables.filter((table) => !this.predictedTables.includes(table))
    const window = plan?.type === 'rows' ? plan.window : null
    this.#limit = window?.limit ?? null
    this.#most = window === null ? Number.POSITIVE_INFINITY : window.limit + window.margin
    this.#byKey = byKey as Map<RowKey, Entry>
    this.#base = Sequence.from(entries)
    this.#shown = this.#base
    this.#visible = Chunk.of(this.#limit === null ? [] : this.#base.slice(0, this.#limit))
    const isJoin = rows !== null && rows.tables.length > 1
    this.#units = isJoin ? new Map(entries.map((entry) => [rows.unitOf(entry), entry])) : null
    this.#lineage =
      rows === null ? null : new Lineage(rows, (key) => this.#byKey.get(key), world.cache, isJoin)
    this.#lineage?.addAll(entries)
  }

  /** The rows that it shows, in order. */
  get shown(): Sequence {
    return this.#limit === null ? this.#shown : Sequence.from(this.#visible.entries)
  }

  /** What users see of them: gives what it shows now also when it shows others. */
  get reader(): () => readonly Row[] {
    const shown = this.#shown
    const visible = this.#visible
    return this.#limit === null ? () => shown.rows() : () => visible.rows.slice()
  }

  /** How what it shows differs from what another showed before it; null: nothing was shown. */
  since(before: View | null): Shown | null {
    return shownBetween(before?.shown.toArray() ?? [], this.shown.toArray())
  }

  /** Some of what pending writes do here cannot be told. */
  get isUnsure(): boolean {
    return this.#unsure.size > 0 || this.#untold.size > 0 || this.#isShort
  }

  /** There are rows behind those that are held, and they are wanted. */
  get #isShort(): boolean {
    return this.#limit !== null && !this.#isComplete && this.#shown.length < this.#limit
  }

  /** All rows of the result are in the base: there is none beyond the window. */
  get #isComplete(): boolean {
    return this.#base.length < this.#most
  }

  #known(unit: RowKey): Entry | undefined {
    return this.#units === null ? this.#byKey.get(unit) : this.#units.get(unit)
  }

  #shownOf(unit: RowKey): Entry | null {
    const predicted = this.#predicted.get(unit)
    return predicted === undefined ? (this.#known(unit) ?? null) : predicted
  }

  /** The entry whose row object may be shown on for a row of the engine's. */
  lender(entry: Pick<Entry, 'key' | 'values'>): Entry | undefined {
    const unit = this.#unitOf(entry)
    return this.#predicted.get(unit) ?? this.#lent(unit) ?? this.#known(unit)
  }

  #mark(unit: RowKey): void {
    if (!this.#marked.has(unit)) this.#marked.set(unit, this.#shownOf(unit))
  }

  /** A pending write to this row came or went, or the row is known otherwise. */
  touch(table: string, key: RowKey): void {
    if (this.predictor === null) return
    const { units, untold } = this.predictor.touch(table, key, this.#held)
    if (untold) this.#untold.add(rowName(table, key))
    else if (this.#untold.size > 0) this.#untold.delete(rowName(table, key))
    for (const unit of units) this.#mark(unit)
    this.notice(table, key)
  }

  /** A row is known otherwise, be it in use here or not. True where something was told by it. */
  notice(table: string, key: RowKey): boolean {
    if (this.#awaiting.size === 0) return false
    const units = this.#awaiting.get(rowName(table, key))
    for (const unit of units ?? []) this.#mark(unit)
    return units !== undefined
  }

  /** The rows of the result that come from a row of a source, in the base or predicted. */
  *#holding(source: number, key: RowKey): Iterable<Entry> {
    yield* this.#lineage?.entries(source, key) ?? []
    const { predictor } = this
    if (!(predictor instanceof RowsPredictor)) return
    for (const entry of this.#predicted.values())
      if (entry !== null && predictor.keyOf(source, entry) === key) yield entry
  }

  /** The engine's word: `remove` goes, then each entry of `put` is put at its place in `at`, ascending. */
  apply({ remove, at }: Extract<QueryChange, { type: 'delta' }>, put: readonly Entry[]): void {
    const old: Entry[] = []
    for (const key of remove) this.#takeOut(key, old)
    for (const { key } of put) this.#takeOut(key, old)
    const isFew = this.#compare !== null && remove.length + put.length <= MANY
    if (isFew) {
      for (const entry of [...old, ...put]) this.#mark(this.#unitOf(entry))
      this.#base = this.#moved(old, put, at)
    } else {
      this.#before ??= this.#shown
      // What was shown of them may be shown on.
      for (const entry of old) if (this.#isPending(this.#unitOf(entry))) this.#mark(this.#unitOf(entry))
      const gone = new Set(old.map(({ key }) => key))
      const kept = this.#base.toArray().filter(({ key }) => !gone.has(key))
      this.#base = Sequence.from(merge(kept, put, at))
    }
    for (const entry of old) this.#forget(entry)
    for (const entry of put) this.#remember(entry)
    // What lies behind the window's last row is judged by that row.
    if (this.#limit !== null)
      for (const unit of [...this.#predicted.keys(), ...this.#behind]) this.#mark(unit)
  }

  /** Whether a pending write touches the row that a unit comes from. */
  #isPending(unit: RowKey): boolean {
    const [table] = this.predictedTables
    return table !== undefined && this.#rows.isPending(table, unit)
  }

  #takeOut(key: RowKey, old: Entry[]): void {
    const entry = this.#byKey.get(key)
    if (entry !== undefined) old.push(entry)
  }

  #moved(old: readonly Entry[], put: readonly Entry[], at: readonly number[]): Sequence {
    const [only] = put
    const place = at[0] as number
    // A row that changed in its place.
    if (put.length === 1 && old.length === 1 && only !== undefined && this.#base.at(place)?.key === only.key)
      return this.#base.with(place, only)
    let base = this.#base
    for (const entry of old) {
      const index = base.indexOf(entry, this.#compare)
      if (index !== -1) base = base.removed(index)
    }
    put.forEach((entry, i) => {
      base = base.inserted(at[i] as number, entry)
    })
    return base
  }

  #forget(entry: Entry): void {
    this.predictor?.forget?.(entry)
    this.#byKey.delete(entry.key)
    this.#units?.delete(this.#unitOf(entry))
    this.#lineage?.remove(entry)
  }

  #remember(entry: Entry): void {
    this.predictor?.remember?.(entry)
    this.#byKey.set(entry.key, entry)
    this.#units?.set(this.#unitOf(entry), entry)
    this.#lineage?.add(entry)
  }

  #unitOf(entry: Pick<Entry, 'key' | 'values'>): RowKey {
    return this.predictor?.unitOf(entry) ?? entry.key
  }

  /** Lets go of the rows in the cache. */
  dispose(): void {
    for (const entry of this.#byKey.values()) this.#lineage?.remove(entry)
  }

  /** Takes over what was marked: how what is shown differs; null where it looks the same. */
  flush(): Shown | null {
    if (this.#before !== null || this.#marked.size > MANY) return this.#flushAll()
    const edits: Edit[] = []
    const before = this.#shown
    for (const [unit, was] of this.#marked) this.#exchange(was, this.#stateOf(unit, was), edits)
    this.#marked.clear()
    this.#previous = null
    if (this.#limit !== null) return this.#flushWindow(this.#limit, edits)
    // Where several rows move, some may be where they were.
    if (areMoved(edits) && before.length <= FEW && looksLike(before.toArray(), this.#shown.toArray()))
      return null
    return shownBy(edits)
  }

  /** What is shown of a unit from here on; `was`: what was. */
  #stateOf(unit: RowKey, was: Entry | null): Entry | null {
    const known = this.#known(unit)
    const told = this.#tell(unit, known, was)
    let state = told === UNKNOWN ? this.#tellPart(unit, known, was) : told
    if (told === UNKNOWN) this.#unsure.add(unit)
    else this.#unsure.delete(unit)
    this.#behind.delete(unit)
    if (state !== null && state !== known && this.#isBehind(state)) {
      this.#behind.add(unit)
      state = null
    }
    if (state === (known ?? null)) this.#predicted.delete(unit)
    else this.#predicted.set(unit, state)
    return state
  }

  #tell(unit: RowKey, known: Entry | undefined, was: Entry | null): Entry | null | Unknown {
    if (this.predictor === null) return known ?? null
    const through = this.#units === null ? NO_ROWS : new Set<string>()
    const told = this.predictor.stateOf(unit, known, this.#lent(unit) ?? was, through)
    // What is as the engine said is found by the rows that it comes from; what it did not say, only by these.
    if (this.#units !== null) this.#await(unit, told === known ? NO_ROWS : through)
    return told
  }

  /** What does not go back meanwhile. */
  #tellPart(unit: RowKey, known: Entry | undefined, was: Entry | null): Entry | null {
    return this.predictor?.tellPart(unit, known, this.#lent(unit) ?? was) ?? null
  }

  #lent(unit: RowKey): Entry | null {
    return this.#previous === null ? null : this.#previous.#shownOf(unit)
  }

  #await(unit: RowKey, rows: ReadonlySet<string>): void {
    for (const row of this.#through.get(unit) ?? []) {
      const units = this.#awaiting.get(row)
      units?.delete(unit)
      if (units?.size === 0) this.#awaiting.delete(row)
    }
    if (rows.size === 0) this.#through.delete(unit)
    else this.#through.set(unit, rows)
    for (const row of rows) this.#awaiting.set(row, (this.#awaiting.get(row) ?? new Set()).add(unit))
  }

  /** Behind the last row that is held there may be others that go before it. */
  #isBehind(entry: Entry): boolean {
    if (this.#limit === null || this.#isComplete || this.#compare === null) return false
    const last = this.#base.at(this.#base.length - 1)
    return last !== undefined && this.#compare(entry, last) > 0
  }

  #exchange(was: Entry | null, now: Entry | null, edits: Edit[]): void {
    if (was === now) return
    const compare = this.#compare
    const index = was === null ? -1 : this.#shown.indexOf(was, compare)
    if (was !== null && now !== null && index !== -1 && (compare === null || compare(was, now) === 0)) {
      this.#shown = this.#shown.with(index, now)
      if (was.row !== now.row) edits.push({ type: 'update', index, row: now.row })
      return
    }
    if (was !== null && index !== -1) this.#shown = this.#shown.removed(index)
    const place =
      now === null ? -1 : compare === null ? this.#shown.length : this.#shown.lowerBound(now, compare)
    if (now !== null) this.#shown = this.#shown.inserted(place, now)
    if (was !== null && index !== -1) {
      if (now !== null && was.row !== now.row) edits.push({ type: 'update', index, row: now.row })
      // Sorted by another value it may stand where it stood.
      if (place === index) return
      edits.push({ type: 'remove', index })
    }
    if (now !== null) edits.push({ type: 'insert', index: place, row: now.row })
  }

  /** `edits`: of all that is held. */
  #flushWindow(limit: number, edits: readonly Edit[]): Shown | null {
    const before = this.#visible.entries
    // Rows that stay in their places, which most writes leave them in.
    if (edits.every(({ type }) => type === 'update')) {
      const seen = edits.filter(({ index }) => index < limit)
      for (const { index } of seen) this.#visible = this.#visible.with(index, this.#shown.at(index) as Entry)
      return shownBy(seen)
    }
    const after = this.#shown.slice(0, limit)
    this.#visible = Chunk.of(after)
    if (!isOneStep(edits)) return shownBetween(before, after)
    return looksLike(before, after) ? null : shownBy(editsOfWindow(edits, before.length, after, limit))
  }

  /** Makes the list anew: the base without what is predicted otherwise, and with it. */
  #flushAll(): Shown | null {
    const shown = this.#before?.toArray()
    const before = this.#limit === null ? (shown ?? this.#shown.toArray()) : this.#visible.entries
    this.#before = null
    for (const unit of new Set([...this.#predicted.keys(), ...this.#unsure, ...this.#behind]))
      this.#mark(unit)
    // Some were marked when the base had moved already: what was shown of them was another.
    for (const entry of this.#marked.size > 0 ? (shown ?? []) : []) {
      const unit = this.#unitOf(entry)
      if (this.#marked.has(unit)) this.#marked.set(unit, entry)
    }
    for (const [unit, was] of this.#marked) this.#stateOf(unit, was)
    this.#marked.clear()
    this.#previous = null
    this.#shown = this.#predicted.size === 0 ? this.#base : Sequence.from(this.#merged())
    if (this.#limit === null) return shownBetween(before, this.#shown.toArray())
    this.#visible = Chunk.of(this.#shown.slice(0, this.#limit))
    return shownBetween(before, this.#visible.entries)
  }

  #merged(): Entry[] {
    const compare = this.#compare
    const base = this.#base.toArray()
    const isOther = (entry: Entry) => this.#predicted.has(this.#unitOf(entry))
    // Where the order is not known, what is predicted stands where it stood.
    if (compare === null)
      return base.flatMap((entry) =>
        isOther(entry) ? (this.#predicted.get(this.#unitOf(entry)) ?? []) : [entry],
      )
    const more = [...this.#predicted.values()].filter((entry) => entry !== null).sort(compare)
    const merged: Entry[] = []
    let next = 0
    for (const entry of base) {
      if (isOther(entry)) continue
      while (next < more.length && compare(more[next] as Entry, entry) < 0) merged.push(more[next++] as Entry)
      merged.push(entry)
    }
    return [...merged, ...more.slice(next)]
  }
}

/** A row of a join may come from others, and look the same. */
function looksLike(before: readonly Entry[], after: readonly Entry[]): boolean {
  return before.length === after.length && before.every(({ row }, i) => row === after[i]?.row)
}

/** Edits tell of each row. */
export const NONE_RENEWED = () => []

function shownBy(edits: readonly Edit[]): Shown | null {
  return edits.length === 0 ? null : { edits, renewed: NONE_RENEWED }
}

function shownBetween(before: readonly Entry[], after: readonly Entry[]): Shown | null {
  if (looksLike(before, after)) return null
  const edits = editsBetween(before, after)
  if (edits !== null && edits.length === 0) return null
  return { edits, renewed: (among) => (edits === null ? renewedRows(before, after, among) : []) }
}

/** Whether several rows are. */
function areMoved(edits: readonly Edit[]): boolean {
  return edits.length > 3 && edits.filter(({ type }) => type === 'remove').length > 1
}

/** Whether they take out one row at most, then put in one at most. */
function isOneStep(edits: readonly Edit[]): boolean {
  const steps = edits.filter(({ type }) => type !== 'update')
  return (
    steps.length === 1 || (steps.length === 2 && steps[0]?.type === 'remove' && steps[1]?.type === 'insert')
  )
}

/** What edits of one step do to the first `limit` rows: `length` of them were shown, `after` are. */
function editsOfWindow(
  edits: readonly Edit[],
  length: number,
  after: readonly Entry[],
  limit: number,
): Edit[] {
  const seen: Edit[] = []
  let left = length
  for (const edit of edits) {
    if (edit.index >= (edit.type === 'insert' ? limit : left)) continue
    if (edit.type === 'insert' && left === limit) seen.push({ type: 'remove', index: limit - 1 })
    else if (edit.type === 'insert') left++
    else if (edit.type === 'remove') left--
    seen.push(edit)
  }
  const last = after.at(-1)
  if (left < after.length && last !== undefined) seen.push({ type: 'insert', index: left, row: last.row })
  return seen
}

/** Of one table alone: nothing is added to it. */
const NO_ROWS = new Set<string>()
