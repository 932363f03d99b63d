import type { ErrorData } from './error.ts'
import type { Explanation } from './explanation.ts'
import type { MergeAnswer, MergeChange } from './merge.ts'
import type { ExecPlan, Shape, TableInfo } from './plan.ts'
import type { RowKey, SqlValue } from './value.ts'

/** Raised with every change of the messages below: two sides that differ do not talk. */
export const PROTOCOL_VERSION = 6

/** A query of one client, live or not. Chosen by the client; never used again. */
export type QueryId = number & { readonly QueryId: unique symbol }
/** A write of one client: 1, 2, 3 … in the order in which they were made. */
export type WriteId = number & { readonly WriteId: unique symbol }
/** One open database in one page. Random; it stays the same when the owner changes. */
export type ClientId = string & { readonly ClientId: unique symbol }

/** A row on its way: values by position, first the visible columns, then hidden ones (see `Shape`). */
export type WireRow = readonly SqlValue[]

/** The engine's state: grows with each commit; a new owner has a higher epoch. */
export interface Version {
  readonly epoch: number
  readonly commit: number
}

/**
 * When a write is told as stored. `strict`: when it survives a power cut. `relaxed`: when it survives the end of the
 * browser; a power cut may take away those of the last second, in their order, and never a part of one.
 */
export type Durability = 'strict' | 'relaxed'

/** Where the data is, and why there. */
export interface StorageInfo {
  readonly type: 'opfs' | 'memory'
  /** Whether the browser keeps the site's data until the user clears it. Undefined where it does not say. */
  readonly persisted?: boolean
  /** Bytes that the site may use, as they were when the database was opened; undefined where the browser does not say. */
  readonly quota?: number
  /** Bytes that the site used then, all its databases and caches together. */
  readonly usage?: number
  /** For a person: "kept on disk" or why it is not. */
  readonly reason: string
}

/** One step of a write. Columns and values were checked by the client; the engine checks them again. */
export type Operation =
  | { readonly type: 'insert'; readonly table: string; readonly row: Readonly<Record<string, SqlValue>> }
  | {
      readonly type: 'update'
      readonly table: string
      readonly key: readonly SqlValue[]
      readonly patch: Readonly<Record<string, SqlValue>>
    }
  | { readonly type: 'delete'; readonly table: string; readonly key: readonly SqlValue[] }
  | { readonly type: 'exec'; readonly sql: string; readonly parameters: readonly SqlValue[] }

/** Operations that are stored together or not at all. */
export interface WriteRequest {
  readonly id: WriteId
  readonly operations: readonly Operation[]
  /**
   * How many times SQLite failed while it ran, as `failed` messages said; none where it is left out. Such a write runs in a
   * transaction by itself, and at the second failure it is not run any more: its end is what its record says.
   */
  readonly failures?: number
  /** Undefined: as the database was opened. */
  readonly durability?: Durability
}

/** What a client says of itself when it gets a port. */
export interface Hello {
  readonly protocol: number
  readonly client: ClientId
}

/** What a client must know before it can write: where the data is, and which tables there are. */
export interface Welcome {
  readonly version: Version
  readonly storage: StorageInfo
  readonly tables: readonly TableInfo[]
}

/** The answer to a query that runs once. */
export interface QueryResult {
  readonly columns: readonly string[]
  readonly rows: readonly WireRow[]
}

/**
 * What a client may ask of the engine. The engine works the calls of one client off in the order in which they were
 * made. Every promise settles, or the port is lost.
 */
export interface EngineCalls {
  /** First call on a port. Rejects with `PROTOCOL_MISMATCH`. */
  hello(hello: Hello): Promise<Welcome>
  /**
   * Rejects when SQLite refuses the query, or it is unsubscribed before it had its turn; else a `reset` for it comes in a
   * commit message. A run of it that takes more than `timeout` ms is an error, until one takes less.
   */
  subscribe(query: QueryId, sql: string, parameters: readonly SqlValue[], timeout?: number): Promise<void>
  unsubscribe(query: QueryId): Promise<void>
  /**
   * Resolves when the writes are taken over; each one's end is told in a commit message. Writes up to `answered` have
   * been told to this client, and need not be remembered. A write that was applied before is not applied again.
   */
  write(writes: readonly WriteRequest[], answered: WriteId): Promise<void>
  /**
   * Writes that another client left behind, with the ids that they have there. Resolves with those that were rejected,
   * when all that the database took is on disk. A write that had its end before keeps it, and one whose client was told of
   * its end is no longer spoken of.
   */
  replay(client: ClientId, writes: readonly WriteRequest[]): Promise<readonly Rejected[]>
  /** What undoes a write of this client; null where it is not known any more. */
  takeUndo(write: WriteId): Promise<readonly Operation[] | null>
  /**
   * Runs one SELECT once, after all earlier writes of this client. Rejects with `ABORTED` when it is cancelled before, with
   * `TIMEOUT` when it runs for more than `timeout` ms, or for more instructions than a query may.
   */
  query(query: QueryId, sql: string, parameters: readonly SqlValue[], timeout?: number): Promise<QueryResult>
  /** Nobody waits for the answer to `query` any more. */
  cancel(query: QueryId): Promise<void>
  /** How a client can predict a text of `exec`; null where it cannot. It is not run, nor checked. */
  planExec(sql: string): Promise<ExecPlan | null>
  /** Says how a query is, or would be, kept true. It is not run. */
  explain(sql: string, parameters: readonly SqlValue[]): Promise<Explanation>
  /**
   * Takes over what other sites changed, after all earlier writes of this client. What is known already changes nothing,
   * so that it may be asked twice. A commit message of the version in the answer comes as well, with what it changed for
   * this client, be that nothing.
   */
  merge(changes: readonly MergeChange[]): Promise<MergeAnswer>
  /** What `merge` of another site takes: the cells that changed after a version of this database (0: all). */
  changesSince(dbVersion: number): Promise<readonly MergeChange[]>
  /** Resolves when all that was stored before survives a power cut. */
  flush(): Promise<void>
  /** The whole database as the bytes of a SQLite file. */
  export(): Promise<Uint8Array>
  /** The session ends: its subscriptions are dropped. */
  close(): Promise<void>
}

/** How one live query changed. Rows that it speaks of came before, in `rows` messages or in `rows` here. */
export type QueryChange =
  /** The result from here on is the rows sent for this query since the last commit message. */
  | { readonly type: 'reset'; readonly query: QueryId; readonly shape: Shape }
  /**
   * First all rows go whose keys are in `remove`, or among the rows sent for this query since the last commit message;
   * then each of the rows sent is put at the position that `at` gives for it (ascending).
   */
  | {
      readonly type: 'delta'
      readonly query: QueryId
      readonly remove: readonly RowKey[]
      readonly at: readonly number[]
    }
  | { readonly type: 'error'; readonly query: QueryId; readonly error: ErrorData }

/** A write that is on disk. */
export interface Settled {
  readonly id: WriteId
  /** Rows that its statements changed. */
  readonly changes: number
  /**
   * What undoes it. `kept`: it is long, and `takeUndo` gives it. Null where it is not known: the write ran SQL text, or was
   * applied before and is sent again.
   */
  readonly undo: readonly Operation[] | 'kept' | null
  /**
   * The keys that SQLite made for the rows that were inserted without one, in the order of the inserts. None of a write that
   * was applied before and is sent again.
   */
  readonly keys: readonly (readonly SqlValue[])[]
}

/** A write that the database refused, and why. It changed nothing. */
export interface Rejected {
  readonly id: WriteId
  readonly error: ErrorData
}

/** Messages from the engine to one client, in order. A client shows nothing of `rows` before the `commit` that follows. */
export type EngineMessage =
  /** A part of the rows that the next commit speaks of; about 1,000 rows at most. The parts of a reset bring its shape. */
  | {
      readonly type: 'rows'
      readonly query: QueryId
      readonly rows: readonly WireRow[]
      readonly shape?: Shape
    }
  /** All of it is applied at once: results, and the end of the writes that caused them. */
  | {
      readonly type: 'commit'
      readonly version: Version
      readonly changes: readonly QueryChange[]
      readonly settled: readonly Settled[]
      readonly rejected: readonly Rejected[]
      /** Live queries, of all clients, that this commit made run again. */
      readonly woken: number
    }
  /** SQLite failed while these writes ran. The port is about to be lost, and all writes without an end are to be sent again. */
  | { readonly type: 'failed'; readonly writes: readonly WriteId[] }
