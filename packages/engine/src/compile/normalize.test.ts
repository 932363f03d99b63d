import type { SqlValue } from '@millrace/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sqlite } from '../../test/oracle/connect.ts'
import { Database } from '../database/database.ts'
import { inlineViews, normalize } from './normalize.ts'
import { readViews } from './views.ts'

const SCHEMA = `
  CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT);
  CREATE TABLE u (id INTEGER PRIMARY KEY, t INTEGER);
  CREATE TABLE single (n INTEGER PRIMARY KEY);
  CREATE VIEW v AS SELECT id, a FROM t WHERE a > 1;
  CREATE VIEW "odd ""name" AS SELECT id AS "x y" FROM v -- of v
  ;
  CREATE VIEW renamed (p, q) AS SELECT id, a FROM t;
  CREATE VIEW counted AS WITH c AS (SELECT t, count(*) AS n FROM u GROUP BY t) SELECT * FROM c;
  INSERT INTO t VALUES (1, 1, 'one'), (2, 2, 'two'), (3, 3, 'three');
  INSERT INTO u VALUES (1, 1), (2, 2), (3, 2), (7, NULL);
  INSERT INTO single VALUES (1), (3);`

let database: Database
beforeAll(async () => {
  database = new Database((await sqlite()).open(':memory:'))
  database.connection.exec(SCHEMA)
})
afterAll(() => {
  database.get('SELECT crsql_finalize()')
  database.close()
})

const normal = (sql: string) => normalize(sql, readViews(database))?.sql

/** What is run instead, after the law was held to: it says what the text says. */
function written(sql: string, parameters: readonly SqlValue[] = []): string {
  const text = normal(sql) ?? expect.fail(`not written out: ${sql}`)
  expect(database.all(text, parameters)).toEqual(database.all(sql, parameters))
  return text
}

/** It is written out so that it says the same, or not written out at all. */
function rightOrNot(sql: string): boolean {
  const text = normal(sql)
  return text === undefined || String(database.all(text)) === String(database.all(sql))
}

describe('views', () => {
  test.for([
    ['SELECT a FROM v', 'SELECT a FROM (SELECT id, a FROM t WHERE a > 1) AS "v"'],
    ['SELECT a FROM V AS w', 'SELECT a FROM (SELECT id, a FROM t WHERE a > 1) AS w'],
    ['SELECT w.a FROM [v] w', 'SELECT w.a FROM (SELECT id, a FROM t WHERE a > 1) w'],
    [
      'SELECT "x y" FROM "odd ""name"',
      'SELECT "x y" FROM (SELECT id AS "x y" FROM (SELECT id, a FROM t WHERE a > 1) AS "v") AS "odd ""name"',
    ],
    [
      'SELECT n FROM counted',
      'SELECT n FROM (SELECT * FROM (SELECT t, count(*) AS n FROM u GROUP BY t) AS "c") AS "counted"',
    ],
    [
      'SELECT (SELECT count(*) FROM v AS o WHERE o.a > v.a) FROM v',
      'SELECT (SELECT count(*) FROM (SELECT id, a FROM t WHERE a > 1) AS o WHERE o.a > v.a) FROM (SELECT id, a FROM t WHERE a > 1) AS "v"',
    ],
    ['SELECT a FROM main.t', 'SELECT a FROM main.t'],
  ] as const)('%s', ([sql, text]) => {
    expect(written(sql)).toBe(text)
  })

  test('a view whose columns are named anew stays a name', () => {
    expect(written('SELECT p FROM renamed')).toBe('SELECT p FROM renamed')
  })

  test('a view of a schema stays a name', () => {
    expect(written('SELECT a FROM main.v')).toBe('SELECT a FROM main.v')
  })

  test('views of views, to any sensible depth, and none that name themselves', () => {
    const views = new Map([['v0', 'SELECT id FROM t']])
    for (let i = 1; i <= 15; i++) views.set(`v${i}`, `SELECT id FROM v${i - 1}`)
    expect(inlineViews(views).get('v15')).not.toMatch(/FROM v/)
    expect([...inlineViews(new Map([['v', 'SELECT * FROM v']])).keys()]).toEqual([])
    expect([
      ...inlineViews(
        new Map([
          ['a', 'SELECT * FROM b'],
          ['b', 'SELECT * FROM a'],
        ]),
      ).keys(),
    ]).toEqual([])
  })

  test('no name in a view is taken for a CTE of the query', () => {
    expect(written('WITH t AS (SELECT 9 AS a, 9 AS id) SELECT a FROM v')).toBe(
      'SELECT a FROM (SELECT id, a FROM t WHERE a > 1) AS "v"',
    )
  })
})

describe('CTEs', () => {
  test.for([
    ['WITH x AS (SELECT a FROM t) SELECT a FROM x', 'SELECT a FROM (SELECT a FROM t) AS "x"'],
    [
      'WITH x AS (SELECT a FROM t), y AS (SELECT a + 1 AS a FROM x) SELECT a FROM y',
      'SELECT a FROM (SELECT a + 1 AS a FROM (SELECT a FROM t) AS "x") AS "y"',
    ],
    [
      'WITH x AS (SELECT a FROM t) SELECT p.a FROM x AS p JOIN x AS q ON q.a = p.a + 1',
      'SELECT p.a FROM (SELECT a FROM t) AS p JOIN (SELECT a FROM t) AS q ON q.a = p.a + 1',
    ],
    [
      'WITH x AS (SELECT id FROM u) SELECT id FROM t WHERE EXISTS (SELECT 1 FROM x WHERE x.id = t.id)',
      'SELECT id FROM t WHERE EXISTS (SELECT 1 FROM (SELECT id FROM u) AS "x" WHERE x.id = t.id)',
    ],
    [
      'SELECT id FROM (WITH x AS (SELECT id FROM u) SELECT id FROM x) AS d',
      'SELECT id FROM (SELECT id FROM (SELECT id FROM u) AS "x") AS d',
    ],
    [
      'WITH x AS (SELECT id FROM t), d AS (WITH x AS (SELECT t AS id FROM u) SELECT id FROM x) SELECT d.id, x.id FROM d JOIN x',
      'SELECT d.id, x.id FROM (SELECT id FROM (SELECT t AS id FROM u) AS "x") AS "d" JOIN (SELECT id FROM t) AS "x"',
    ],
    [
      'WITH x AS (SELECT 1 AS n UNION ALL SELECT 2) SELECT n FROM x ORDER BY n DESC',
      'SELECT n FROM (SELECT 1 AS n UNION ALL SELECT 2) AS "x" ORDER BY n DESC',
    ],
    [
      'WITH x AS MATERIALIZED (SELECT a FROM v) SELECT a FROM x UNION ALL SELECT 0',
      'SELECT a FROM (SELECT a FROM (SELECT id, a FROM t WHERE a > 1) AS "v") AS "x" UNION ALL SELECT 0',
    ],
    ['WITH RECURSIVE x AS (SELECT a FROM t) SELECT a FROM x', 'SELECT a FROM (SELECT a FROM t) AS "x"'],
    ['WITH [x y] AS (SELECT a FROM t) SELECT a FROM "X Y"', 'SELECT a FROM (SELECT a FROM t) AS "X Y"'],
    ['WITH x AS (SELECT a FROM t -- all\n) SELECT a FROM x', 'SELECT a FROM (SELECT a FROM t) AS "x"'],
    ['WITH x AS (SELECT 1) SELECT a FROM t', 'SELECT a FROM t'],
  ] as const)('%s', ([sql, text]) => {
    expect(written(sql)).toBe(text)
  })

  test('a CTE goes before a table or a view of its name', () => {
    expect(written('WITH t AS (SELECT 5 AS a) SELECT a FROM t')).toBe('SELECT a FROM (SELECT 5 AS a) AS "t"')
    expect(written('WITH [T] AS (SELECT 5 AS a) SELECT a FROM t')).toBe(
      'SELECT a FROM (SELECT 5 AS a) AS "t"',
    )
    expect(written('WITH v AS (SELECT 5 AS a) SELECT a FROM v')).toBe('SELECT a FROM (SELECT 5 AS a) AS "v"')
    expect(written('WITH t AS (SELECT 5 AS a) SELECT a FROM main.t')).toBe('SELECT a FROM main.t')
  })

  test('and before a table of its name also in the CTEs that come before it', () => {
    const sql = 'WITH x AS (SELECT a FROM t), t AS (SELECT 5 AS a) SELECT a FROM x'
    expect(rightOrNot(sql)).toBe(true)
  })

  test('one of an inner WITH is not seen outside', () => {
    expect(written('SELECT a, (WITH t AS (SELECT 5 AS a) SELECT a FROM t) AS five FROM t')).toBe(
      'SELECT a, (SELECT a FROM (SELECT 5 AS a) AS "t") AS five FROM t',
    )
  })

  test('columns that are named are aliases of the first arm', () => {
    expect(written('WITH x (p, "q r") AS (SELECT a, b AS z FROM t) SELECT p, "q r" FROM x')).toBe(
      'SELECT p, "q r" FROM (SELECT a AS "p", b AS "q r" FROM t) AS "x"',
    )
    expect(written('WITH x (p) AS (SELECT a FROM t UNION ALL SELECT id FROM u) SELECT p FROM x')).toBe(
      'SELECT p FROM (SELECT a AS "p" FROM t UNION ALL SELECT id FROM u) AS "x"',
    )
  })

  test('an ORDER BY in it goes on meaning the same where its columns are named anew', () => {
    const sql =
      'WITH x (a) AS (SELECT -id FROM t ORDER BY a LIMIT 1) SELECT id FROM t WHERE -id IN (SELECT a FROM x)'
    expect(rightOrNot(sql)).toBe(true)
  })
})

describe('IN a table', () => {
  test.for([
    ['SELECT id FROM t WHERE id IN single', 'SELECT id FROM t WHERE id IN (SELECT * FROM single)'],
    [
      'SELECT id FROM t WHERE id NOT IN main.single',
      'SELECT id FROM t WHERE id NOT IN (SELECT * FROM main.single)',
    ],
    [
      'SELECT id FROM t WHERE (id, a) IN v',
      'SELECT id FROM t WHERE (id, a) IN (SELECT id, a FROM t WHERE a > 1)',
    ],
    ['WITH x AS (SELECT 2) SELECT id FROM t WHERE id IN x', 'SELECT id FROM t WHERE id IN (SELECT 2)'],
    [
      'WITH single AS (SELECT 2) SELECT id FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.id = t.id AND u.id IN "Single")',
      'SELECT id FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.id = t.id AND u.id IN (SELECT 2))',
    ],
  ] as const)('%s', ([sql, text]) => {
    expect(written(sql)).toBe(text)
  })
})

describe('parameters are numbered', () => {
  test.for([
    ['SELECT ?, ?', [1, 2], 'SELECT ?1, ?2'],
    ['SELECT ?2, ?', [1, 2, 3], 'SELECT ?2, ?3'],
    ['SELECT ?2, ?, ?1', [1, 2, 3], 'SELECT ?2, ?3, ?1'],
    ['SELECT :a, @a, $a, :a', [1, 2, 3], 'SELECT ?1, ?2, ?3, ?1'],
    ['SELECT ?, :a, ?1, :a, ?', [1, 2, 3], 'SELECT ?1, ?2, ?1, ?2, ?3'],
    ['SELECT \'?\', "a", ? FROM t -- ?\n WHERE a = ?', [1, 2], undefined],
    [
      'SELECT id FROM t WHERE a = ? LIMIT ? OFFSET ?',
      [1, 2, 0],
      'SELECT id FROM t WHERE a = ?1 LIMIT ?2 OFFSET ?3',
    ],
  ] as const)('%s', ([sql, parameters, text]) => {
    const found = written(sql, parameters)
    if (text !== undefined) expect(found).toBe(text)
  })

  test('before text is moved, so that each keeps its value wherever it is used', () => {
    expect(
      written(
        'WITH x AS (SELECT a + ? AS a FROM t), y AS (SELECT ? AS k) SELECT p.a, ?, k FROM y, x AS p, x AS q WHERE p.a = q.a AND p.a > ?',
        [10, 'k', 'said', 11],
      ),
    ).toBe(
      'SELECT p.a, ?3, k FROM (SELECT ?2 AS k) AS "y", (SELECT a + ?1 AS a FROM t) AS p, (SELECT a + ?1 AS a FROM t) AS q WHERE p.a = q.a AND p.a > ?4',
    )
  })
})

test.for([
  ['SELECT a FROM t;', 'SELECT a FROM t'],
  ['  SELECT a FROM t ; -- end', 'SELECT a FROM t'],
  ['-- first\nSELECT /* a */ a FROM t /* last */', 'SELECT /* a */ a FROM t'],
  ['SELECT [a], "a", `a` FROM [t], "u", `single`', 'SELECT [a], "a", `a` FROM [t], "u", `single`'],
  ["SELECT 'FROM v' AS [v] FROM t", "SELECT 'FROM v' AS [v] FROM t"],
  ['VALUES (1), (2)', 'VALUES (1), (2)'],
] as const)('what is not of the statement falls away, the rest stays: %s', ([sql, text]) => {
  expect(written(sql)).toBe(text)
})

describe('what cannot be written out', () => {
  test.for([
    [
      'recursion',
      'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n',
    ],
    ['names for the columns of a *', 'WITH x (p) AS (SELECT * FROM single) SELECT p FROM x'],
    ['names for the columns of VALUES', 'WITH x (p) AS (VALUES (1), (2)) SELECT p FROM x'],
    [
      'names for the columns of a WITH',
      'WITH x (p) AS (WITH y AS (SELECT 1 AS k) SELECT k FROM y) SELECT p FROM x',
    ],
    [
      'two such in a subquery',
      'SELECT a FROM t WHERE a IN (WITH x (p) AS (SELECT * FROM single) SELECT p FROM x)',
    ],
    ['no SELECT', 'DELETE FROM t'],
    ['no SQL', 'SELECT FROM'],
    ['nothing', ''],
  ] as const)('%s', ([, sql]) => {
    expect(normal(sql)).toBeUndefined()
  })
})
