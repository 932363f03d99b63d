import type { Case } from './check.ts'
import type { RandomQuery } from './query.ts'

/** A past failure, with what it showed. */
export interface NamedCase extends Case {
  readonly name: string
}

export const query = (sql: string, more: Partial<RandomQuery> = {}): RandomQuery => ({
  sql,
  parameters: [],
  order: [],
  choice: false,
  ...more,
})

export const write = (...statements: string[]) => ({
  type: 'write' as const,
  operations: statements.map((sql) => ({ type: 'exec' as const, sql, parameters: [] })),
})

/** Every failure that the oracle found, shrunk. Replayed first. */
export const CASES: readonly NamedCase[] = [
  {
    name: 'a table and a query',
    schema: 'CREATE TABLE t (id INTEGER PRIMARY KEY, a)',
    queries: [query('SELECT * FROM t')],
    history: [write('INSERT INTO t VALUES (1, 2)')],
  },
]
