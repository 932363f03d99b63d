/**
 * How a live query is kept true. `restrict`: rows, by running the query for the changed rows only. `aggregate`,
 * `distinct`: groups, by what changed in them. `window`: one of these with LIMIT. `rerun`: the whole query again.
 */
export type StrategyName = 'restrict' | 'aggregate' | 'window' | 'distinct' | 'rerun'

/** How a live query is kept true, for a person. */
export interface Explanation {
  readonly strategy: StrategyName
  /** Why it is `rerun`; empty otherwise. */
  readonly why: string
  /** The text that runs. */
  readonly sql: string
  /** What wakes it, one for each place at which it reads a table. */
  readonly wokenBy: readonly WokenBy[]
  /** What would make it cheaper: an index, another way to write it. */
  readonly advice: readonly string[]
}

/** A place at which a query reads a table. */
export interface WokenBy {
  readonly table: string
  /** Columns whose change matters. Rows that come or go always do. */
  readonly columns: readonly string[]
  /** Only rows that meet this before or after the change, as text; empty: any row. */
  readonly where: string
  /** What is done then. */
  readonly action:
    | 'restrict by its key'
    | 'search what it touches'
    | 'move the group'
    | 'run the group'
    | 'run again'
}
