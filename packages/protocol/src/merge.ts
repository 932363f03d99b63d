import type { ErrorData } from './error.ts'
import type { Version } from './message.ts'
import type { SqlValue } from './value.ts'

/** One cell that a site changed: a row of `crsql_changes`. */
export interface MergeChange {
  /** The replicated table, in the letter case of its CREATE TABLE. */
  readonly table: string
  /** The row's key, as cr-sqlite packs it. */
  readonly pk: Uint8Array
  /** The column; `-1` for the row as such: made, deleted, or made again. */
  readonly cid: string
  readonly val: SqlValue
  /**
   * `val` is a REAL without a fraction, which a JS number does not tell from an integer. Columns without a type store
   * 1.0 and 1 as given, and where versions are equal an integer wins over a real: without this, sites would differ.
   */
  readonly real?: boolean
  /** How often the cell was changed; of a row as such the same as `cl`. */
  readonly colVersion: number
  /** Of the database that it was read from. */
  readonly dbVersion: number
  /** The 16 bytes of the site that made the change. */
  readonly siteId: Uint8Array
  /** Causal length: odd where the row is there, even where it was deleted. */
  readonly cl: number
  /** Its place in the transaction. */
  readonly seq: number
}

/** A transaction of a site, as one database knows it. */
export interface OriginVersion {
  readonly siteId: Uint8Array
  readonly dbVersion: number
}

/** What a merge did, on its way to a client. */
export interface MergeAnswer {
  readonly version: Version
  /** Versions that are stored, in their order; also those that were known already and changed nothing. */
  readonly applied: readonly OriginVersion[]
  /** Rows changed; one that several versions changed counts in each. */
  readonly changes: number
  /** Live queries, of all clients, that it made run again. */
  readonly woken: number
  /** The change at which it ended: nothing of its version is stored, nor of those after it. */
  readonly refused: { readonly change: MergeChange; readonly error: ErrorData } | null
}
