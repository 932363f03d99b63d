import type { RowKey, SqlValue, WireRow } from '@millrace/protocol'
import { encodeKey } from '@millrace/protocol'
import type { RowChange } from '../capture/capture.ts'
import type { Reaction } from '../compile/reaction.ts'
import type { KeyTerm } from '../compile/wire.ts'
import type { Table } from '../schema/catalog.ts'
import type { Delta, Result } from './difference.ts'

/*
 * The contract of the strategies. A strategy holds the result of one live query, or of a window the rows that it needs,
 * and keeps it true:
 *
 *     hydrate()        run the query, hold what it says
 *     apply(touched)   move what is held by what a transaction changed, or say that running again is cheaper
 *
 * After either, what is held is what the query says when it is run afresh. Both throw what SQLite throws; the caller
 * then holds the query for failed and hydrates it next time.
 */

/** One live query's result, and how it is kept. `Action` is what its reactions ask for. */
export interface Strategy<Action> {
  /** What the query says: in its order, each row with its key. */
  readonly result: Result
  /** False where two rows have one key, so that it cannot be kept by keys. */
  hydrate(): boolean
  /** Null: hydrate rather. A delta may be empty. */
  apply(touched: Touched<Action>): Delta | null
  /** Whether a row that stays, and of which only what is shown has changed, is in the result at all. */
  holds(reaction: Reaction<Action>, change: RowChange): boolean
}

/** What one transaction did that concerns one live query. */
export interface Touched<Action> {
  /** The changed rows, by the place in the query that they concern. */
  readonly rows: ReadonlyMap<Reaction<Action>, readonly RowChange[]>
  /** All tables that the transaction changed. */
  readonly tables: ReadonlySet<Table>
}

/** Whether rows of the table changed in a way that decides nothing: the rows that are shown are shown otherwise. */
export function isShownOnly({ before, after, changed }: RowChange, decides: ReadonlySet<number>): boolean {
  if (before === null || after === null) return false
  for (const column of changed) if (decides.has(column)) return false
  return true
}

/** The key of a wire row. */
export function keyer(terms: readonly KeyTerm[]): (row: WireRow) => RowKey {
  const collations = terms.map(({ collation }) => collation)
  const [only, ...others] = terms
  if (only !== undefined && others.length === 0)
    return (row) => encodeKey([row[only.column] as SqlValue], collations)
  return (row) =>
    encodeKey(
      terms.map(({ column }) => row[column] as SqlValue),
      collations,
    )
}

/**
 * Whether a key read from the database can be looked up there again. Text that is no UTF-8 comes out with U+FFFD in it,
 * and what goes back is another text.
 */
export function comesBack(key: readonly SqlValue[]): boolean {
  return !key.some((value) => typeof value === 'string' && value.includes('\ufffd'))
}
