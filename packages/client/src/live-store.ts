import type { MillraceError, QueryId, RowKey, Shape, WireRow } from '@millrace/protocol'
import { decodeError, type QueryChange } from '@millrace/protocol'
import type { TableOverlay } from './pending.ts'
import type { CompiledQuery } from './query.ts'
import { Decoder, type Entry } from './result.ts'
import type { Change, Snapshot } from './types.ts'
import { NONE_RENEWED, type Shown, View, type World } from './view.ts'

const NO_ROWS: readonly never[] = Object.freeze([])

/** What a live query shows before its first rows. */
export const PENDING: Snapshot<never> = Object.freeze({
  data: NO_ROWS,
  status: 'pending',
  error: undefined,
  settling: false,
  version: 0,
})

/** Rows that came before the commit message that speaks of them. */
export interface Arrived {
  readonly entries: readonly Entry[]
  /** Made part by part as well: 100,000 rows at once would be a long task. */
  readonly byKey: ReadonlyMap<RowKey, Entry>
  readonly decoder: Decoder | null
}

function noneArrived(): { entries: Entry[]; byKey: Map<RowKey, Entry>; decoder: Decoder | null } {
  return { entries: [], byKey: new Map(), decoder: null }
}

/** One live query in use: its rows on their way, its view once they are there, and who listens. */
export class LiveStore {
  readonly query: CompiledQuery
  readonly id: QueryId
  readonly #world: World

  readonly listeners = new Set<(change: Change) => void>()

  #view: View | null = null
  /** Decoded from `rows` messages, until the commit message that speaks of them. */
  #arrived: { entries: Entry[]; byKey: Map<RowKey, Entry>; decoder: Decoder | null } = noneArrived()
  /** Of the last reset that came, which after a new port waits to be applied while deltas already follow. */
  #decoder: Decoder | null = null
  #error: MillraceError | undefined
  #snapshot: Snapshot = PENDING
  #rows = new LazyRows(() => NO_ROWS)
  /** The one that shows: until the next refresh another may have taken its place. */
  #showing: View | null = null

  constructor(query: CompiledQuery, id: QueryId, world: World) {
    this.query = query
    this.id = id
    this.#world = world
  }

  get snapshot(): Snapshot {
    return this.#snapshot
  }

  get view(): View | null {
    return this.#view
  }

  /** Rows on their way; nothing shows yet. */
  receive(rows: readonly WireRow[], shape: Shape | undefined): void {
    if (shape !== undefined) this.#arrived.decoder ??= new Decoder(shape)
    const decoder = this.#arrived.decoder ?? this.#decoder
    if (decoder === null) return
    const sameShape = decoder.shape.columns.join() === this.#view?.decoder.shape.columns.join()
    for (const values of rows) {
      const key = decoder.keyOf(values)
      const known = sameShape ? this.#view?.lender({ key, values }) : undefined
      const entry = decoder.entry(values, [known], key)
      this.#arrived.entries.push(entry)
      this.#arrived.byKey.set(key, entry)
    }
  }

  /** The rows that came since the last commit message, which says `change` of them. */
  takeArrived(change: QueryChange): Arrived {
    const arrived = this.#arrived
    if (change.type === 'reset') this.#decoder = arrived.decoder ?? new Decoder(change.shape)
    this.forgetArrived()
    return { ...arrived, decoder: this.#decoder }
  }

  /** What a lost port brought without the commit message for it. */
  forgetArrived(): void {
    this.#arrived = noneArrived()
  }

  /** The engine's word: the base changes. What shows follows with `refresh`. True when the view is another one. */
  apply(change: QueryChange, arrived: Arrived): boolean {
    switch (change.type) {
      case 'reset': {
        const decoder = arrived.decoder ?? new Decoder(change.shape)
        this.#view?.dispose()
        this.#view = new View(decoder, arrived, this.query, this.#world, this.#showing)
        this.#error = undefined
        return true
      }
      case 'delta':
        this.#view?.apply(change, arrived.entries)
        this.#error = undefined
        return false
      case 'error':
        this.#error = decodeError(change.error)
        return false
    }
  }

  /** The engine ended by this query. Asked again, it would end the next one. */
  get endsEngine(): boolean {
    return this.#error?.code === 'ENGINE_LOST' || this.#error?.code === 'OUT_OF_MEMORY'
  }

  /** The engine refused the query outright. */
  fail(error: MillraceError): void {
    this.#error = error
  }

  /** Nobody listens any more: its rows leave the row cache. */
  dispose(): void {
    this.#view?.dispose()
    this.#view = null
  }

  /**
   * Works out what shows now. Returns how that differs from before, or null when nothing does.
   */
  refresh(overlayOf: (table: string) => TableOverlay | undefined): Change | null {
    const view = this.#view
    const shown = view === null ? null : this.#take(view)
    const status = this.#error !== undefined ? 'error' : view === null ? 'pending' : 'live'
    const settling = view !== null && isSettling(view, overlayOf)
    const old = this.#snapshot
    if (shown === null && old.status === status && old.settling === settling && old.error === this.#error)
      return null
    if (shown !== null && view !== null) this.#rows = new LazyRows(view.reader)
    const snapshot = new StoreSnapshot(this.#rows, status, this.#error, settling, old.version + 1)
    this.#snapshot = snapshot
    return { snapshot, edits: shown === null ? [] : shown.edits, renewed: shown?.renewed ?? NONE_RENEWED }
  }

  #take(view: View): Shown | null {
    const shown = view.flush()
    const before = this.#showing
    if (before === view) return shown
    // A new view begins with its base, whatever was shown before.
    this.#showing = view
    return view.since(before)
  }
}

function isSettling(view: View, overlayOf: (table: string) => TableOverlay | undefined): boolean {
  if (view.isUnsure) return true
  for (const table of view.unpredicted) if (overlayOf(table) !== undefined) return true
  for (const table of view.predictedTables) {
    const overlay = overlayOf(table)
    if (overlay !== undefined && overlay.unpredicted.size > 0) return true
  }
  return false
}

/** The array of rows, made when it is first read: a Solid store that is patched by edits never asks for it. */
class LazyRows {
  #read: (() => Snapshot['data']) | null
  #rows: Snapshot['data'] = NO_ROWS

  constructor(read: () => Snapshot['data']) {
    this.#read = read
  }

  get rows(): Snapshot['data'] {
    if (this.#read !== null) {
      this.#rows = this.#read()
      this.#read = null
    }
    return this.#rows
  }
}

class StoreSnapshot implements Snapshot {
  readonly status: Snapshot['status']
  readonly error: MillraceError | undefined
  readonly settling: boolean
  readonly version: number

  readonly #rows: LazyRows

  constructor(
    rows: LazyRows,
    status: Snapshot['status'],
    error: MillraceError | undefined,
    settling: boolean,
    version: number,
  ) {
    this.#rows = rows
    this.status = status
    this.error = error
    this.settling = settling
    this.version = version
  }

  get data(): Snapshot['data'] {
    return this.#rows.rows
  }
}
