import type { Collation, SqlValue } from '@millrace/protocol'
import { type Fragment, render, simplify } from './fragment.ts'

/** A SELECT with what is known of its answer: which parts of it SQL leaves open. */
export interface RandomQuery {
  readonly sql: string
  readonly parameters: readonly SqlValue[]
  /** Output columns that ORDER BY sorts by, first things first: their values must come in SQLite's order. */
  readonly order: readonly OrderMark[]
  /** LIMIT over an order that is not total: which of equal rows are shown is for the engine to choose. */
  readonly choice: boolean
  /** The query without its LIMIT: where there is a choice, it is among these rows. */
  readonly whole?: { readonly sql: string; readonly parameters: readonly SqlValue[] }
  /** Which spelling of equal values is shown ('a' or 'A', 1 or 1.0) is open: of a group, of DISTINCT, of min and max. */
  readonly spelling?: boolean
  /** Holds JSON arrays that nothing orders. */
  readonly unordered?: boolean
  /** No window function, UNION, EXCEPT, INTERSECT, recursion, or LIMIT in a derived table: should not be run again whole. */
  readonly incremental?: boolean
  /** The query with one part less, for making a failure small. */
  readonly simpler?: () => Iterable<RandomQuery>
}

export interface OrderMark {
  readonly column: number
  readonly collation: Collation
}

/** A query as the grammar makes it. */
export interface Draft extends Omit<RandomQuery, 'sql' | 'parameters' | 'whole' | 'simpler'> {
  readonly body: Fragment
  /** LIMIT and OFFSET; empty: none. */
  readonly limit: Fragment
}

export function assemble({ body, limit, ...marks }: Draft): RandomQuery {
  const { sql, parameters } = render([body, limit])
  return {
    ...marks,
    sql,
    parameters,
    ...(marks.choice ? { whole: render(body) } : {}),
    simpler: () => simplerDrafts({ body, limit, ...marks }),
  }
}

/** Without its order marks, which count columns and terms that may be gone. */
function* simplerDrafts(draft: Draft): Generator<RandomQuery> {
  const plain = { ...draft, order: [] }
  if (draft.limit !== '') yield assemble({ ...plain, limit: '' })
  for (const body of simplify(draft.body)) yield assemble({ ...plain, body })
  for (const limit of simplify(draft.limit)) yield assemble({ ...plain, limit })
}
