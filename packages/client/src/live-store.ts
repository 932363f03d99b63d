import type { MillraceError, QueryId, RowKey, Shape, WireRow } from '@millrace/protocol'
import { decodeError, type QueryChange } from '@millrace/protocol'
import type { Image } from './expression/cell.ts'
import type { TableOverlay } from './pending.ts'
import { GroupsPredictor } from './predict/groups.ts'
import { type FindImage, type Predicted, RowsPredictor } from './predict/rows.ts'
import type { CompiledQuery } from './query.ts'
import { Base, Decoder, type Entry, editsBetween, renewedRows } from './result.ts'
import type { Change, Snapshot } from './types.ts'

const NO_ROWS: readonly never[] = Object.freeze([])

/** What a live query shows before its first rows. */
export const PENDING: Snapshot<never> = Object.freeze({
  data: NO_ROWS,
  status: 'pending',
  error: undefined,
  settling: false,
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

/**
 * One live query in use: what the engine last said of it (base), what is shown (base with pending writes applied), and
 * who listens.
 */
export class LiveStore {
  readonly query: CompiledQuery
  readonly id: QueryId

  readonly listeners = new Set<(change: Change) => void>()

  #base: Base | null = null
  #predictor: RowsPredictor | GroupsPredictor | null = null
  /** Decoded from `rows` messages, until the commit message that speaks of them. */
  #arrived: { entries: Entry[]; byKey: Map<RowKey, Entry>; decoder: Decoder | null } = noneArrived()
  /** Of the last reset that came, which after a new port waits to be applied while deltas already follow. */
  #decoder: Decoder | null = null
  #error: MillraceError | undefined
  #shown: readonly Entry[] = []
  /** The entries among them that predictions made. */
  #predicted: ReadonlyMap<RowKey, Entry> = new Map()
  #snapshot: Snapshot = PENDING
  #rows: LazyRows = new LazyRows([])

  constructor(query: CompiledQuery, id: QueryId) {
    this.query = query
    this.id = id
  }

  get snapshot(): Snapshot {
    return this.#snapshot
  }

  get shape(): Shape | null {
    return this.#base?.decoder.shape ?? null
  }

  /** A write to this table may show here. */
  concerns(table: string): boolean {
    return this.#predictor === null
      ? (this.shape?.tables.includes(table) ?? false)
      : this.#predictor.table === table
  }

  /** The columns that this query knows of a row of a table. */
  image(table: string, key: RowKey): Image | undefined {
    if (!(this.#predictor instanceof RowsPredictor) || this.#predictor.table !== table) return undefined
    const entry = this.#base?.byKey.get(key)
    return entry === undefined ? undefined : this.#predictor.image(entry)
  }

  /** Rows on their way; nothing shows yet. */
  receive(rows: readonly WireRow[], shape: Shape | undefined): void {
    if (shape !== undefined) this.#arrived.decoder ??= new Decoder(shape)
    const decoder = this.#arrived.decoder ?? this.#decoder
    if (decoder === null) return
    const sameShape = decoder.shape.columns.join() === this.shape?.columns.join()
    for (const values of rows) {
      const known = sameShape ? this.#known(decoder.keyOf(values)) : undefined
      const entry = decoder.entry(values, known)
      this.#arrived.entries.push(entry)
      this.#arrived.byKey.set(entry.key, entry)
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

  /** The engine's word: the base changes. What shows follows with `refresh`. */
  apply(change: QueryChange, arrived: Arrived): void {
    switch (change.type) {
      case 'reset': {
        const decoder = arrived.decoder ?? new Decoder(change.shape)
        this.#base = new Base(decoder, arrived.entries, arrived.byKey)
        this.#error = undefined
        this.#predictor = predictorOf(decoder.shape, this.query)
        break
      }
      case 'delta':
        this.#base = this.#base?.apply(change.remove, arrived.entries, change.at) ?? null
        this.#error = undefined
        break
      case 'error':
        this.#error = decodeError(change.error)
        break
    }
  }

  /** The engine refused the query outright. */
  fail(error: MillraceError): void {
    this.#error = error
  }

  /**
   * Works out what shows now. Returns how that differs from before, or null when nothing does.
   */
  refresh(overlayOf: (table: string) => TableOverlay | undefined, find: FindImage): Change | null {
    const { entries, made, settling } = this.#predict(overlayOf, find)
    const before = this.#shown
    const edits = entries === before ? [] : editsBetween(before, entries)
    const status = this.#error !== undefined ? 'error' : this.#base === null ? 'pending' : 'live'
    const old = this.#snapshot
    const looksSame = edits !== null && edits.length === 0
    this.#shown = entries
    this.#predicted = new Map(made.map((entry) => [entry.key, entry]))
    if (looksSame && old.status === status && old.settling === settling && old.error === this.#error)
      return null
    if (!looksSame) this.#rows = new LazyRows(entries)
    this.#snapshot = new StoreSnapshot(this.#rows, status, this.#error, settling)
    const snapshot = this.#snapshot
    return {
      snapshot,
      edits,
      renewed: (among) => (edits === null ? renewedRows(before, entries, among) : []),
    }
  }

  #predict(overlayOf: (table: string) => TableOverlay | undefined, find: FindImage): Predicted {
    const base = this.#base
    if (base === null) return { entries: this.#shown, made: [], settling: false }
    if (this.#predictor === null) {
      const { tables } = base.decoder.shape
      return {
        entries: base.entries,
        made: [],
        settling: tables.some((table) => overlayOf(table) !== undefined),
      }
    }
    return this.#predictor.predict(base, overlayOf(this.#predictor.table), find, (key) => this.#known(key))
  }

  /** An entry that may lend its row object: a prediction, else what the engine said last. */
  #known(key: RowKey): Entry | undefined {
    return this.#predicted.get(key) ?? this.#base?.byKey.get(key)
  }
}

function predictorOf({ plan }: Shape, query: CompiledQuery): RowsPredictor | GroupsPredictor | null {
  switch (plan?.type) {
    case 'rows':
      return new RowsPredictor(plan, query.parameters)
    case 'groups':
      return new GroupsPredictor(plan, query.parameters)
    default:
      return null
  }
}

/** The array of rows, made when it is first read: a Solid store that is patched by edits never asks for it. */
class LazyRows {
  #entries: readonly Entry[] | null
  #rows: Snapshot['data'] = NO_ROWS

  constructor(entries: readonly Entry[]) {
    this.#entries = entries
  }

  get rows(): Snapshot['data'] {
    if (this.#entries !== null) {
      this.#rows = this.#entries.map((entry) => entry.row)
      this.#entries = null
    }
    return this.#rows
  }
}

class StoreSnapshot implements Snapshot {
  readonly status: Snapshot['status']
  readonly error: MillraceError | undefined
  readonly settling: boolean

  readonly #rows: LazyRows

  constructor(
    rows: LazyRows,
    status: Snapshot['status'],
    error: MillraceError | undefined,
    settling: boolean,
  ) {
    this.#rows = rows
    this.status = status
    this.error = error
    this.settling = settling
  }

  get data(): Snapshot['data'] {
    return this.#rows.rows
  }
}
