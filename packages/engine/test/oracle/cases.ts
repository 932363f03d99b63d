import type { Case } from './check.ts'
import type { RandomQuery } from './random-query.ts'

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
    // SQLite's authorizer is silent about columns that are compared by USING and NATURAL.
    name: 'joins by name: a change of the column joined by',
    schema: `CREATE TABLE t (id INTEGER PRIMARY KEY, a); CREATE TABLE u (id TEXT PRIMARY KEY NOT NULL, a);
      CREATE VIEW v AS SELECT t.id AS i FROM t JOIN u USING (a); CREATE VIEW w AS SELECT v.i FROM v;`,
    queries: [
      query('SELECT * FROM t FULL JOIN u USING (a)'),
      query('SELECT t.id FROM t JOIN u USING (a)'),
      query('SELECT count(*) FROM t JOIN u USING (a)'),
      query('SELECT a FROM t NATURAL LEFT JOIN (SELECT a FROM u)'),
      query('WITH c AS (SELECT t.id FROM t JOIN u USING (a)) SELECT * FROM c'),
      query('SELECT i FROM v'),
      query('SELECT count(*) FROM w'),
    ],
    history: [
      write('INSERT INTO t VALUES (1, 1), (2, 2)', "INSERT INTO u VALUES ('x', 1), ('y', 3)"),
      write('UPDATE t SET a = 3 WHERE id = 2'),
      write("UPDATE u SET a = 4 WHERE id = 'x'"),
    ],
  },
  {
    // The row that goes has the value in the index already; only the index's WHERE is new to the row that comes.
    name: 'an update replaces by a partial unique index',
    schema: `CREATE TABLE t (id INTEGER PRIMARY KEY, a, c); CREATE UNIQUE INDEX i ON t (a) WHERE c IS NOT NULL;`,
    queries: [query('SELECT id FROM t ORDER BY id'), query('SELECT count(*) FROM t')],
    history: [
      write('INSERT INTO t VALUES (1, 1, 1), (2, 1, NULL)'),
      write('UPDATE OR REPLACE t SET c = 2 WHERE id = 2'),
    ],
  },
  {
    name: 'rows change places by rowid in a query without an order',
    schema: `CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, c);`,
    queries: [query('SELECT DISTINCT c FROM t'), query('SELECT rowid, c FROM t')],
    history: [write("INSERT INTO t VALUES ('a', 1), ('b', 2)"), write('UPDATE t SET rowid = 7 - rowid')],
  },
  {
    name: 'only a hidden column changes: nothing to tell',
    schema: `CREATE TABLE t (id INTEGER PRIMARY KEY, b TEXT COLLATE NOCASE);`,
    queries: [
      query('SELECT count(*) FROM t GROUP BY b ORDER BY 1'),
      query('SELECT id FROM t ORDER BY b'),
      query('SELECT id, row_number() OVER (ORDER BY b) FROM t'),
    ],
    history: [write("INSERT INTO t VALUES (1, 'a')"), write("UPDATE t SET b = 'A'")],
  },
  {
    name: 'a group key of several words',
    schema: `CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE, b TEXT);`,
    queries: [
      query('SELECT a = b, count(*) FROM t GROUP BY a = b'),
      query('SELECT a || b, count(*) FROM t GROUP BY a || b'),
      query('SELECT count(*) FROM t GROUP BY (1)'),
      query('SELECT a AS k, count(*) FROM t GROUP BY +1 ORDER BY (2), k'),
    ],
    history: [
      write("INSERT INTO t VALUES (1, 'a', 'A'), (2, 'b', 'b'), (3, 'c', 'd'), (4, 'A', 'a')"),
      write('DELETE FROM t WHERE id = 2'),
      write("UPDATE t SET b = 'x'"),
    ],
  },
  {
    // The key has an index of its own, so that nothing but the rowid is in the way of the row that moves.
    name: 'an update replaces by a rowid that is not the key',
    schema: `CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, c); CREATE TABLE u (id TEXT PRIMARY KEY NOT NULL, rowid, c);`,
    queries: [
      query('SELECT id FROM t ORDER BY id'),
      query('SELECT count(*) FROM t'),
      query('SELECT id, rowid FROM u'),
    ],
    history: [
      write(
        "INSERT INTO t VALUES ('a', 1), ('b', 2), ('c', 3)",
        "INSERT INTO u VALUES ('a', 1, 1), ('b', 1, 2)",
      ),
      write("UPDATE OR REPLACE t SET rowid = 4 - rowid WHERE id = 'a'"),
      write('UPDATE OR REPLACE u SET _rowid_ = 3 - _rowid_'),
      write("INSERT OR REPLACE INTO t (rowid, id) VALUES (2, 'd')"),
    ],
  },
  {
    // Triggers before an insert see the NULL, not the default that OR REPLACE puts in its place.
    name: 'REPLACE by the default of a key column',
    schema: `CREATE TABLE t (id INTEGER NOT NULL, k TEXT NOT NULL DEFAULT 'k', r, PRIMARY KEY (k, id)) WITHOUT ROWID;`,
    queries: [query('SELECT DISTINCT k FROM t WHERE r = 6'), query('SELECT count(*), sum(r) FROM t')],
    history: [
      write('INSERT OR REPLACE INTO t VALUES (4, NULL, 6), (5, 5, NULL)'),
      write('INSERT OR REPLACE INTO t VALUES (4, NULL, 4)'),
      write('UPDATE OR REPLACE t SET k = NULL, id = 4'),
    ],
  },
]
