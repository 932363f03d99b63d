/** Instructions of SQLite's virtual machine after which a statement is interrupted, so that others have their turn. */
export interface Limits {
  /** Of a query that runs once. */
  readonly query: number
  /** Of such a query while others wait, where it can go on in a reader, beside the engine. */
  readonly short: number
  /** Of a query in a reader. */
  readonly reader: number
  /** Of one live query, for its first rows and for each change. */
  readonly live: number
  /** Of the writes that are committed together. */
  readonly write: number
}

/** A billion are about ten seconds. In instructions, and not in time: a busy machine changes nothing. */
export const LIMITS: Limits = { query: 1e9, short: 5e6, reader: 3e9, live: 2.5e8, write: 6e9 }
