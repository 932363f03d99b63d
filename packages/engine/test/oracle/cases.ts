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
  {
    // SQLite takes the alias for it in ORDER BY: a row outside the window comes in by the column behind.
    name: 'ordered by an alias that hides a column, in a window',
    schema: 'CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER);',
    queries: [query('SELECT id, b AS a FROM t ORDER BY a, id LIMIT 2')],
    history: [
      write(
        'INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60) SELECT i, 1, i FROM n',
      ),
      write('UPDATE t SET b = -5 WHERE id = 50'),
    ],
  },
  {
    name: 'a COLLATE in parentheses, or within an expression',
    schema: 'CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, x TEXT);',
    queries: [
      query('SELECT id, name FROM t ORDER BY (name COLLATE BINARY), id', {
        order: [{ column: 1, collation: 'BINARY' }],
      }),
      query("SELECT x FROM t ORDER BY x COLLATE NOCASE || '', id", {
        order: [{ column: 0, collation: 'NOCASE' }],
      }),
      query("SELECT x FROM t ORDER BY coalesce(x COLLATE NOCASE, 'z'), id", {
        order: [{ column: 0, collation: 'NOCASE' }],
      }),
      query("SELECT count(*) FROM t GROUP BY x COLLATE NOCASE || ''"),
      query('SELECT DISTINCT trim(x COLLATE NOCASE) FROM t', { spelling: true }),
    ],
    history: [
      write("INSERT INTO t VALUES (1, 'abd', 'abd'), (2, 'B', 'B'), (3, 'Abc', 'Abc')"),
      write("UPDATE t SET x = 'b' WHERE id = 1"),
      write("INSERT INTO t VALUES (4, 'ABD', 'ABC')"),
    ],
  },
  {
    name: 'collations of compound SELECTs',
    schema: `CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT); CREATE TABLE u (id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE, b TEXT);
      CREATE TABLE v (id INTEGER PRIMARY KEY, a TEXT, b TEXT COLLATE NOCASE);`,
    queries: [
      query("SELECT id, upper(b) || '' AS n FROM u UNION ALL SELECT id, b FROM v ORDER BY n, id", {
        order: [{ column: 1, collation: 'NOCASE' }],
      }),
      query('SELECT id FROM t WHERE x IN (SELECT a FROM u EXCEPT SELECT a FROM v)'),
      query('SELECT id FROM t WHERE x IN (SELECT a FROM u INTERSECT SELECT a FROM v)'),
      query("SELECT id FROM t WHERE x || '' IN (SELECT b FROM u UNION ALL SELECT b FROM v)"),
    ],
    history: [
      write(
        "INSERT INTO t VALUES (1, 'abc'), (2, 'q1')",
        "INSERT INTO u VALUES (1, 'abc', 'ABC')",
        "INSERT INTO v VALUES (1, 'x', 'ZZ'), (2, 'y', 'qq')",
      ),
      write("INSERT INTO v VALUES (3, 'ABC', 'm')"),
      write("INSERT INTO u VALUES (2, 'k', 'Q1')"),
    ],
  },
  {
    name: 'conditions on groups that have several spellings',
    schema: `CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, x TEXT); CREATE TABLE u (id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE);`,
    queries: [
      query("SELECT x, n FROM (SELECT name AS x, count(*) AS n FROM t GROUP BY name) WHERE x GLOB 'A*'"),
      query(
        'SELECT id FROM t WHERE EXISTS (SELECT 1 FROM (SELECT DISTINCT a FROM u) d WHERE d.a = t.x COLLATE BINARY)',
      ),
    ],
    history: [
      write("INSERT INTO t VALUES (1, 'Abc', 'ABC')", "INSERT INTO u VALUES (1, 'abc'), (2, 'ABC')"),
      write("INSERT INTO t VALUES (2, 'abc', 'abc')"),
      write('DELETE FROM u WHERE id = 1'),
    ],
  },
  {
    name: 'a query recovers when a row is mended that its conditions leave out',
    schema: 'CREATE TABLE t (id INTEGER PRIMARY KEY, owner INTEGER, data TEXT);',
    queries: [query("SELECT id FROM t WHERE json_extract(data, '$.a') = 1 AND owner = 1")],
    subscribeAfter: 1,
    history: [
      write(`INSERT INTO t VALUES (1, 1, '{"a":1}'), (2, 2, '{')`),
      write(`UPDATE t SET data = '{}' WHERE id = 2`),
    ],
  },
  {
    name: 'LIMIT and OFFSET that are whole only together',
    schema: 'CREATE TABLE t (id INTEGER PRIMARY KEY);',
    queries: [query('SELECT id FROM t LIMIT ? OFFSET ?', { parameters: [2.5, 0.5] })],
    history: [write('INSERT INTO t VALUES (1), (2), (3)')],
  },
  {
    name: 'what is made of a group key that 1 and 1.0 share',
    schema: 'CREATE TABLE t (id INTEGER PRIMARY KEY, n, a INTEGER);',
    queries: [
      query('SELECT n / 2, sum(a) FROM t GROUP BY n', { choice: true }),
      query("SELECT typeof(n) || '', count(*) FROM t GROUP BY n", { choice: true }),
      query('SELECT n, sum(a) FROM t GROUP BY n'),
    ],
    history: [write('INSERT INTO t VALUES (1, 1, 1), (2, 1.0, 2)'), write('DELETE FROM t WHERE id = 1')],
  },
  {
    name: 'of two outputs of one name, the alias sorts',
    schema: 'CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER);',
    queries: [query('SELECT a, b AS a, id FROM t ORDER BY a LIMIT 1')],
    history: [
      write(
        'INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60) SELECT i, 1, i FROM n',
      ),
      write('UPDATE t SET b = -1 WHERE id = 50'),
    ],
  },
  {
    name: 'GROUP BY a number with a COLLATE',
    schema: 'CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);',
    queries: [query('SELECT v, count(*) FROM t GROUP BY 1 COLLATE NOCASE', { spelling: true })],
    history: [write("INSERT INTO t VALUES (1, 'a')"), write("INSERT INTO t VALUES (2, 'A')")],
  },
  {
    name: 'a COLLATE in a derived table gives way outside of it',
    schema:
      'CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT); CREATE TABLE u (id INTEGER PRIMARY KEY, w TEXT COLLATE NOCASE);',
    queries: [
      query(
        'SELECT id FROM u WHERE EXISTS (SELECT 1 FROM (SELECT x COLLATE BINARY AS q FROM t) d WHERE u.w = d.q)',
      ),
      query('SELECT id FROM u WHERE w IN (SELECT q FROM (SELECT x COLLATE BINARY AS q FROM t))'),
    ],
    history: [
      write("INSERT INTO u VALUES (3, 'c')", "INSERT INTO t VALUES (1, 'z')"),
      write("UPDATE t SET x = 'C'"),
    ],
  },
]
