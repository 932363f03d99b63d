import type {
  Bindable,
  Durability,
  Explanation,
  MergeAnswer,
  MergeChange,
  MillraceError,
  Operation,
  PortSource,
  SqlValue,
  StorageInfo,
  Version,
} from '@millrace/protocol'
import type { Queryable, Row } from './query.ts'

/**
 * The tables of an app, by name, each with its row: the interface that Kysely users already have. A column whose type
 * is an object with `__select__` and `__insert__` (Kysely's `Generated` and `ColumnType`) is taken as those.
 */
// biome-ignore lint/suspicious/noExplicitAny: an interface has no index signature, so nothing narrower accepts one
export type Tables = Record<string, any>

type Selected<C> = C extends { readonly __select__: infer S } ? S : C
type Inserted<C> = C extends { readonly __insert__: infer I } ? I : C

/** Booleans may be written where the column holds 0 and 1. */
type Writable<V> = V extends number ? V | boolean : V

/** Columns that an insert may leave out: those that may be NULL, or that Kysely's `Generated` marks. */
type OptionalColumn<R> = {
  [C in keyof R]: undefined extends Inserted<R[C]> ? C : null extends Inserted<R[C]> ? C : never
}[keyof R]

/** What `insert` takes for a row of type `R`. */
export type InsertRow<R> = { [C in Exclude<keyof R, OptionalColumn<R>>]: Writable<Inserted<R[C]>> } & {
  [C in OptionalColumn<R>]?: Writable<Inserted<R[C]>> | undefined
}

/** What `update` takes: the columns to change. */
export type Patch<R> = { [C in keyof R]?: Writable<Selected<R[C]>> | undefined }

/** A row's primary key: one value, or for a composite key an array in key order, or an object by column. */
export type Key = Bindable | readonly Bindable[] | Readonly<Record<string, Bindable>>

/** A table's name. Any string where the tables are not declared. */
export type TableName<T> = Extract<keyof T, string>

/** The changes that one write is made of; each is checked when it is called. */
export interface Transaction<T extends Tables = Tables> {
  /**
   * Inserts one row. Columns left out, or undefined, get their default.
   * @throws MillraceError `SCHEMA_MISMATCH` (no such table or column), `INVALID_VALUE`.
   */
  insert<N extends TableName<T>>(table: N, row: InsertRow<T[N]>): void
  /** Changes the given columns of the row with this key. The write is rejected when there is none. */
  update<N extends TableName<T>>(table: N, key: Key, patch: Patch<T[N]>): void
  /** Deletes the row with this key. The write is rejected when there is none. */
  delete<N extends TableName<T>>(table: N, key: Key): void
  /**
   * Runs INSERT, UPDATE or DELETE in SQL. An UPDATE or DELETE of one table shows at once in the rows that live queries
   * hold, from the second time on that its text runs; all else shows when the engine has answered.
   */
  exec(query: Queryable<unknown>): void
}

/** One write on its way. It shows already; `stored` tells its end. */
export interface Write {
  /**
   * Resolves when it is on disk. Rejects with `WRITE_REJECTED` when the database refused it: then it has left every
   * view again. It need not be awaited: `onRejected` hears of refusals as well.
   */
  readonly stored: Promise<Stored>
  /**
   * Undoes it, as a write of its own, over all tables that it was made of: what was inserted goes, what was deleted comes
   * back, columns that were changed get the values that they had. It shows in the same tick where this write is stored
   * already, else as soon as it is. What others changed since in other columns stays. `stored` of the new write rejects
   * with `WRITE_REJECTED` where there is nothing to undo, or where that is not known: this write was refused, ran SQL text
   * (`exec`), changed a key, or was stored by a tab that has gone since.
   */
  undo(): Write
}

/** What became of a write. */
export interface Stored {
  /** Rows that its statements changed. */
  readonly changes: number
  /** Live queries, in all tabs, that ran again because of the commit it was in. */
  readonly woken: number
  readonly version: Version
  /**
   * The keys that SQLite made for the rows that were inserted without one, as `INTEGER PRIMARY KEY` allows, in the order of
   * the inserts: one value each. Empty where they are not known, for the write was stored by a tab that has gone since.
   */
  readonly keys: readonly (readonly SqlValue[])[]
}

/** A write that the database refused. */
export interface Rejection {
  /** `error.at` says which row of which table, and which constraint, as far as SQLite does. */
  readonly error: MillraceError
  /** What the write was made of, to show it, or to make it again with other values. */
  readonly operations: readonly Operation[]
}

/** The writes that are not stored yet. */
export interface PendingState {
  readonly writes: number
  /** How long the oldest of them has waited, in ms; 0 where there is none. */
  readonly oldest: number
}

/** What became of a merge. */
export interface Merged extends Omit<MergeAnswer, 'refused'> {
  /** The change at which it ended: nothing of its version is stored, nor of those after it. Null where all were merged. */
  readonly refused: { readonly change: MergeChange; readonly error: MillraceError } | null
}

/** What a live query shows. Immutable; the same object until something changes. */
export interface Snapshot<R = Row> {
  /** The rows in order. Rows that did not change are the same objects as before; so is the array. */
  readonly data: readonly R[]
  /** `pending`: no rows yet. `live`: `data` is true. `error`: SQLite refused the query; `data` is what it was before. */
  readonly status: 'pending' | 'live' | 'error'
  readonly error: MillraceError | undefined
  /** A write is on its way whose effect here could not be predicted: it shows when the engine has answered. */
  readonly settling: boolean
  /** Grows with each change of what is shown here; 0 before the first rows. */
  readonly version: number
}

/** One step of a change of `data`, to be applied in order. */
export type Edit<R = Row> =
  | { readonly type: 'insert'; readonly index: number; readonly row: R }
  | { readonly type: 'remove'; readonly index: number }
  /** The row with the same key, with other values. */
  | { readonly type: 'update'; readonly index: number; readonly row: R }

/**
 * How a snapshot came from the one before: step by step, or too much of it for that, and `edits` is null. A row that
 * moves is taken out and put in again as the same object; where it also changes, an update comes first.
 */
export interface Change<R = Row> {
  /** What it leads to. A listener that writes may already have led to the next. */
  readonly snapshot: Snapshot<R>
  readonly edits: readonly Edit<R>[] | null
  /**
   * Where `edits` is null: of the rows `among` that were shown before, those that have other values now under the same
   * key, before and after. A destination that patches rows in place keeps their identity by it. Worked out when called.
   */
  renewed(among: { has(row: R & object): boolean }): readonly (readonly [before: R, after: R])[]
}

/** How long the caller of a query waits. */
export interface QueryOptions {
  /**
   * When it aborts, the query is dropped, whether it waits or runs. Of a live query the subscriptions end, as by their
   * undo: the last one ends it.
   */
  readonly signal?: AbortSignal | undefined
  /**
   * Milliseconds, for waiting and running together. A live query whose run takes longer is in error with `TIMEOUT`, until
   * data has changed and a run takes less; those with another limit are other queries.
   */
  readonly timeout?: number | undefined
}

/** A query whose rows are kept true. Those of equal text and parameters share one result. */
export interface LiveQuery<R = Row> {
  /** What it shows now. Reading it starts nothing. */
  readonly snapshot: Snapshot<R>
  /**
   * Starts the query if nobody had, and calls back after each change of `snapshot`; never from within `subscribe`.
   * Local writes call back before they return. Returns the undo; the last undo ends the query after a moment.
   */
  subscribe(listener: (change: Change<R>) => void): () => void
  /**
   * Keeps a list of yours in the order of the rows: subscribes, fills it once there are rows, and then tells it of each
   * change, at most two operations for each row that changed. Returns the undo.
   */
  orderInto(destination: Destination<R>): () => void
  /**
   * The same for a part of the rows, as a scroller shows it: row `start` to row `end`, that one not included, as far as
   * there are rows. Throws `INVALID_VALUE` unless 0 ≤ start ≤ end.
   */
  windowInto(destination: Destination<R>, start: number, end: number): ListWindow
}

/** A part of the rows of a live query that a destination follows. */
export interface ListWindow {
  /** How many rows there are in all. */
  readonly length: number
  /** Shows another part: of rows that are in both nothing is told. Throws as `windowInto`. */
  move(start: number, end: number): void
  /** Ends it. */
  end(): void
}

/** A list that follows the rows of a live query. Rows that did not change are not spoken of. */
export interface Destination<R = Row> {
  /** All of them: at first, and where too much changed to tell it step by step. The array is not to be changed. */
  reset(rows: readonly R[]): void
  insert(index: number, row: R): void
  remove(index: number): void
  /** Another row in the place of the one with the same key. */
  replace(index: number, row: R): void
}

/** Whether the engine can be reached. While it cannot, reads show what they showed, and writes are kept and sent later. */
export type Connection =
  | { readonly status: 'connected' }
  | { readonly status: 'connecting'; readonly error: MillraceError | undefined }
  | { readonly status: 'closed' }

/** How one write is stored. */
export interface WriteOptions {
  /** Default: as the database was opened. */
  readonly durability?: Durability | undefined
}

/** An open database. */
export interface Database<T extends Tables = Tables> {
  /** Where the data is and why there. */
  readonly storage: StorageInfo
  /**
   * Asks the browser to keep the site's data until the user clears it, instead of taking it away when the disk is nearly
   * full. Resolves to whether it does; `storage.persisted` then says so as well. Firefox asks the user: call it when the
   * user has made something worth keeping.
   */
  persist(): Promise<boolean>
  /** Whether the engine can be reached now. */
  readonly connection: Connection
  /** Hears of each change of `connection`. Returns the undo. */
  onConnection(listener: (connection: Connection) => void): () => void

  /** A query whose rows are kept true. */
  live<R>(query: Queryable<R>, options?: QueryOptions): LiveQuery<R>
  /**
   * Runs a SELECT once, after all writes made before it here. Rejects with `INVALID_SQL`; with `ABORTED` or `TIMEOUT` as
   * the options say; with `OWNER_LOST` where the tab that ran it went away, which is not tried again, for the query may
   * be why.
   */
  query<R>(query: Queryable<R>, options?: QueryOptions): Promise<R[]>
  /**
   * Says how a query is kept true when it is live: by which strategy, what wakes it, the SQL that runs, and what would
   * make it cheaper. For a person, while an app is made; it is not run. Rejects with `INVALID_SQL`.
   */
  explain(query: Queryable<unknown>): Promise<Explanation>

  /** As in {@link Transaction}, as a write of its own. */
  insert<N extends TableName<T>>(table: N, row: InsertRow<T[N]>, options?: WriteOptions): Write
  update<N extends TableName<T>>(table: N, key: Key, patch: Patch<T[N]>, options?: WriteOptions): Write
  delete<N extends TableName<T>>(table: N, key: Key, options?: WriteOptions): Write
  /** Several changes as one: they show together, and are stored together or not at all. `run` must be synchronous. */
  write(run: (tx: Transaction<T>) => void, options?: WriteOptions): Write
  /** Runs INSERT, UPDATE or DELETE in SQL; resolves when it is on disk. */
  exec(query: Queryable<unknown>, options?: WriteOptions): Promise<Stored>
  /** Resolves when every write made before survives a power cut, relaxed ones as well. */
  flush(): Promise<void>
  /**
   * Takes over what other sites changed in replicated tables: what `changesSince` gave there. Each version of a site is
   * checked, and stored as a whole, in its order, up to the first that is refused. What is known already changes nothing.
   * When it resolves, live queries here show it; those of other tabs hear of it too. Whether the sender may speak for a site is for you to check.
   * Rejects with `INVALID_VALUE` when it is given no array; what is wrong with a change is in the answer.
   */
  merge(changes: readonly MergeChange[]): Promise<Merged>
  /**
   * What `merge` of another site takes: the cells of replicated tables that changed after a version of this database (0:
   * all), and after all writes made before it here. The highest `dbVersion` among them is where to go on from.
   */
  changesSince(dbVersion: number): Promise<readonly MergeChange[]>

  /** The writes on their way now. It is worked out when it is read. */
  readonly pending: PendingState

  /** Hears of every refused write. Without a listener they are logged as errors. */
  onRejected(listener: (rejection: Rejection) => void): () => void

  /**
   * Required from bindings: each round of notifications runs inside `batch`, so that a framework shows all of it at once.
   * Returns the undo.
   */
  batchWith(batch: (notify: () => void) => void): () => void

  /** The whole database as the bytes of a SQLite file. */
  export(): Promise<Uint8Array>
  /** Waits until all writes have settled, then ends every live query and lets go of the worker. */
  close(): Promise<void>
}

/** What `open` takes. */
export interface OpenOptions {
  /** Where the engine is: `workerPort(…)` of @millrace/worker, `enginePort(…)` of @millrace/engine/node in tests. */
  readonly port: PortSource
  /**
   * Queries that the first screen shows: they are asked for together with opening, so that their rows are there some
   * message round trips sooner. Give the same text and parameters to `live` or `useQuery` within five seconds.
   */
  readonly preload?: readonly Queryable<unknown>[]
  /**
   * How long `open` waits before it rejects, in ms; default 10,000. It is counted in turns of a second while the page runs,
   * and from the last sign of work that goes on: the making of an index on a large table may take as long as it takes.
   */
  readonly timeout?: number
}
