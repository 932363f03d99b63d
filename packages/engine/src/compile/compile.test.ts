import type { Plan } from '@millrace/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sqlite } from '../../test/oracle/check.ts'
import { AccessRecorder } from '../database/authorizer.ts'
import { Database } from '../database/database.ts'
import type { Catalog } from '../schema/catalog.ts'
import { applySchema } from '../schema/schema.ts'
import { type Compiled, compile, widen } from './compile.ts'

const SCHEMA = `
  CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT COLLATE NOCASE, c, "group by" TEXT);
  CREATE TABLE u (id TEXT PRIMARY KEY NOT NULL, t INTEGER, a INTEGER);
  CREATE TABLE w (k TEXT, n INTEGER, PRIMARY KEY (n, k)) WITHOUT ROWID;
  CREATE TABLE free (x TEXT);
  CREATE TABLE one (n INTEGER PRIMARY KEY);
  CREATE VIEW v AS SELECT id, a FROM t;
  CREATE VIRTUAL TABLE f USING fts5 (text);`

let database: Database
let recorder: AccessRecorder
let catalog: Catalog
beforeAll(async () => {
  database = new Database((await sqlite()).open(':memory:'))
  recorder = new AccessRecorder(database.connection)
  catalog = applySchema(database, SCHEMA)
})
afterAll(() => {
  database.get('SELECT crsql_finalize()')
  database.close()
})

const compiled = (sql: string): Compiled => compile(database, recorder, catalog, sql)
const planOf = (sql: string): Plan | null => compiled(sql).plan
const keyOf = (sql: string) => {
  const { bag, key, columns } = compiled(sql)
  return bag
    ? 'bag'
    : key
        .map(
          ({ column, collation }) =>
            `${column - columns.length}${collation === 'BINARY' ? '' : ` ${collation}`}`,
        )
        .join(', ')
}

describe('the text that runs: keys behind the select list and behind ORDER BY', () => {
  test.for([
    ['SELECT a FROM t', 'SELECT a , "t"."id" AS "millrace:0" FROM t ORDER BY "t"."id" COLLATE BINARY '],
    [
      'SELECT id FROM u ORDER BY a DESC NULLS LAST -- why\n LIMIT 2; -- end',
      'SELECT id , "u"."id" AS "millrace:0", "u"."a" AS "millrace:1" FROM u ORDER BY a DESC NULLS LAST, "u"."id" COLLATE BINARY -- why\n LIMIT 2',
    ],
    [
      'SELECT x.a FROM t AS x -- from\n, w WHERE x.a = w.n LIMIT 1',
      'SELECT x.a , "x"."id" AS "millrace:0", "w"."n" AS "millrace:1", "w"."k" AS "millrace:2" FROM t AS x -- from\n, w WHERE x.a = w.n  ORDER BY "x"."id" COLLATE BINARY, "w"."n" COLLATE BINARY, "w"."k" COLLATE BINARY LIMIT 1',
    ],
    ['SELECT b FROM t JOIN u ON u.t = t.id GROUP BY u.t = 1, 1 ORDER BY count(*)', undefined],
    [
      'SELECT a + 1 FROM t GROUP BY a + 1, b',
      'SELECT a + 1 , a + 1 AS "millrace:0", b AS "millrace:1" FROM t GROUP BY a + 1, b ORDER BY (a + 1) COLLATE BINARY, (b) COLLATE NOCASE ',
    ],
    [
      'SELECT x FROM free',
      'SELECT x , "free".rowid AS "millrace:0" FROM free ORDER BY "free".rowid COLLATE BINARY ',
    ],
  ] as const)('%s', ([sql, expected]) => {
    const { sql: runs, bag } = compiled(sql)
    if (expected === undefined) expect(bag).toBe(true)
    else expect(runs).toBe(expected)
    expect(() => database.all(runs)).not.toThrow()
  })
})

describe('what tells rows apart', () => {
  test.for([
    ['SELECT b FROM t', '0'],
    ['SELECT * FROM t LEFT JOIN u ON u.t = t.id', '0, 1'],
    ['SELECT * FROM t FULL JOIN w ON w.n = t.id', '0, 1, 2'],
    ['SELECT * FROM t NATURAL JOIN u', '0, 1'],
    ['SELECT count(*) FROM t', ''],
    ['SELECT sum(a) FROM v', ''],
    ['SELECT b, count(*) FROM t GROUP BY b', '0 NOCASE'],
    ['SELECT b COLLATE BINARY, count(*) FROM t GROUP BY 1', '0'],
    ['SELECT lower(b) AS l, count(*) FROM t GROUP BY l', '0'],
    ['SELECT b AS a, count(*) FROM t GROUP BY a', '0'],
    ['SELECT a, count(*) FROM t GROUP BY ?', 'bag'],
    ['SELECT a, count(*) FROM t GROUP BY (1)', '0'],
    ['SELECT *, count(*) FROM t GROUP BY 2', 'bag'],
    ['SELECT count(*) OVER () FROM t', '0'],
    ['SELECT DISTINCT a FROM t', 'bag'],
    ['SELECT a FROM t UNION ALL SELECT a FROM u', 'bag'],
    ['WITH x AS (SELECT 1) SELECT * FROM x', 'bag'],
    ['SELECT * FROM v', 'bag'],
    ['SELECT * FROM (SELECT * FROM t)', 'bag'],
    ['SELECT * FROM t, json_each(t.c)', 'bag'],
    ["SELECT text FROM f WHERE f MATCH 'a'", 'bag'],
    ['SELECT 1', 'bag'],
    ['VALUES (1), (2)', 'bag'],
    ['SELECT 1 FROM t, t', 'bag'],
  ] as const)('%s: %s', ([sql, key]) => {
    expect(keyOf(sql)).toBe(key)
  })
})

describe('a plan is given where a row can be predicted from itself', () => {
  test.for([
    'SELECT * FROM t',
    'SELECT a, b FROM t WHERE a > 1 AND b = ? ORDER BY "group by" DESC, 1 LIMIT 5',
    'SELECT rowid, "group by" FROM t WHERE "group by" IS NULL',
    // A subquery over another table: the row's own columns can still be predicted.
    'SELECT *, EXISTS (SELECT 1 FROM u WHERE u.t = t.id) FROM t',
    'SELECT count(*), sum(a), count(b) FROM t WHERE a IN (1, 2)',
    'SELECT b, count(*) FROM t GROUP BY b ORDER BY count(*) DESC',
    'SELECT n, sum(n) FILTER (WHERE n > 1) FROM w GROUP BY n',
  ])('%s', (sql) => {
    expect(planOf(sql)).not.toBeNull()
  })
})

describe('and not where a prediction would be wrong', () => {
  test.for([
    'SELECT t.a FROM t JOIN u ON u.t = t.id',
    'SELECT DISTINCT a FROM t',
    'SELECT a FROM t UNION SELECT a FROM u',
    'SELECT a FROM v',
    'SELECT x FROM free',
    'SELECT b, count(*) FROM t GROUP BY b HAVING count(*) > 1',
    'SELECT b, count(*) FROM t GROUP BY b LIMIT 2',
    'SELECT count(*) FROM t HAVING sum(a) > 1',
    'SELECT count(DISTINCT b) FROM t',
    'SELECT min(a) FROM t',
    'SELECT avg(a) FROM t',
    'SELECT sum(a + 1) FROM t',
    'SELECT a, max(b) FROM t GROUP BY a',
    // A bare column: of which row is SQLite's to say.
    'SELECT a, b, count(*) FROM t GROUP BY a',
    'SELECT length(b), count(*) FROM t GROUP BY upper(b)',
    'SELECT length(b) = 1, count(*) FROM t GROUP BY upper(b) = 1',
    'SELECT a FROM t LIMIT 1 + 1',
    'SELECT a FROM t WHERE a > ?1 LIMIT ?1',
    // Other rows of the table decide.
    'SELECT a, row_number() OVER (ORDER BY a) FROM t',
    'SELECT a FROM t WINDOW w AS (PARTITION BY b) ORDER BY sum(a) OVER w',
    'SELECT a FROM t WHERE a = (SELECT max(a) FROM t)',
    'SELECT a FROM t WHERE a IN (SELECT a FROM v)',
    'SELECT n FROM one WHERE n + 1 IN one',
    'SELECT a, (SELECT count(*) FROM t AS other WHERE other.b = t.b) FROM t',
    'SELECT count(*) FROM t WHERE a > (SELECT avg(a) FROM t)',
    // An aggregate of the outer table.
    'SELECT id, (SELECT sum(t.a) FROM u) FROM t',
  ])('%s', (sql) => {
    expect(planOf(sql)).toBeNull()
    expect(() => database.all(compiled(sql).sql, sql.includes('?') ? [1] : [])).not.toThrow()
  })
})

describe('the plan of', () => {
  const where = (sql: string) => planOf(`SELECT id FROM t WHERE ${sql}`)?.where
  const order = (sql: string) => {
    const plan = planOf(`SELECT b AS q, c AS a, * FROM t ORDER BY ${sql}`)
    return plan?.type === 'rows' ? plan.order.slice(0, -1) : undefined
  }
  const column = (index: number) => ({ type: 'column', column: index })

  test('IS TRUE asks for truth, = TRUE for 1', () => {
    expect(where('a IS TRUE')).toMatchObject({
      op: 'IS',
      left: { type: 'not', expr: { type: 'not', expr: column(1) } },
      right: { value: 1 },
    })
    expect(where('a IS NOT FALSE')).toMatchObject({
      op: 'IS NOT',
      left: { type: 'not', expr: column(1) },
      right: { value: 1 },
    })
    for (const test of ['a IS (TRUE)', 'a IS TRUE COLLATE NOCASE', 'a IS (b IN ())'])
      expect(where(test), test).toMatchObject({ type: 'opaque' })
    expect(where('a = TRUE')).toMatchObject({ op: '=', left: column(1), right: { value: 1 } })
  })

  test('an alias in WHERE or ORDER BY may stand for any column', () => {
    const plan = planOf('SELECT length(b) AS n FROM t WHERE n > 1 ORDER BY n + 1')
    expect(plan?.where).toMatchObject({ left: { type: 'opaque', reads: [0, 1, 2, 3, 4] } })
    expect(plan?.type === 'rows' && plan.order[0]?.expr).toMatchObject({
      type: 'opaque',
      reads: [0, 1, 2, 3, 4],
    })
  })

  test('ORDER BY goes by alias before column, and by ordinals however they are written', () => {
    for (const alias of ['a', '(a)', '(a) COLLATE RTRIM'])
      expect(order(alias), alias).toMatchObject([{ expr: column(3) }])
    expect(order('t.a')).toMatchObject([{ expr: column(1) }])
    for (const first of ['1', '(1)', '+1', '0x1', '1 COLLATE BINARY', 'q', '"q"', 'b'])
      expect(order(first), first).toMatchObject([{ expr: column(2) }])
    expect(order('q')).toMatchObject([{ collation: 'NOCASE' }])
    expect(order('q COLLATE RTRIM DESC')).toMatchObject([
      { collation: 'RTRIM', descending: true, nullsFirst: false },
    ])
    expect(order('3 NULLS LAST')).toMatchObject([{ expr: column(0), descending: false, nullsFirst: false }])
    expect(order('-1 + 2')).toMatchObject([{ expr: { type: 'opaque' } }])
  })

  test('comparisons have the affinity and collation of SQLite', () => {
    expect(where("b = 'x'")).toMatchObject({ affinity: 'TEXT', collation: 'NOCASE' })
    expect(where("'x' = b")).toMatchObject({ affinity: 'TEXT', collation: 'NOCASE' })
    expect(where('b = ? COLLATE BINARY')).toMatchObject({ affinity: 'TEXT', collation: 'BINARY' })
    expect(where('c = b')).toMatchObject({ affinity: 'BLOB', collation: 'BINARY' })
    expect(where('b = a')).toMatchObject({ affinity: 'NUMERIC', collation: 'NOCASE' })
    expect(where('(b) = a')).toMatchObject({ affinity: 'NUMERIC', collation: 'NOCASE' })
  })

  test('what a client needs besides is sent behind the key', () => {
    const { key, columns, plan } = compiled('SELECT a FROM t WHERE c = 1 ORDER BY b')
    expect(columns).toEqual(['a'])
    expect(key).toEqual([{ column: 1, collation: 'BINARY' }])
    expect(plan?.outputs).toEqual([column(1), column(0), column(3), column(2)])
  })
})

describe('widen', () => {
  const widened = (sql: string, parameters: (number | string)[] = []) => {
    const { sql: runs, parameters: given, plan } = widen(compiled(sql), parameters)
    return [/LIMIT.*/.exec(runs)?.[0], given, plan?.type === 'rows' ? plan.window : null]
  }
  test.for([
    ['SELECT id FROM t LIMIT 5', [], ['LIMIT 13', [], { limit: 5, margin: 8, offset: 0 }]],
    ['SELECT id FROM t LIMIT 2, 5', [], ['LIMIT 2, 13', [], { limit: 5, margin: 8, offset: 2 }]],
    [
      'SELECT id FROM t WHERE a = ? LIMIT ? OFFSET ?',
      [1, 5, 2],
      ['LIMIT ? OFFSET ?', [1, 13, 2], { limit: 5, margin: 8, offset: 2 }],
    ],
    [
      'SELECT id FROM t WHERE a = :a LIMIT :n',
      [1, 0],
      ['LIMIT :n', [1, 8], { limit: 0, margin: 8, offset: 0 }],
    ],
    ['SELECT id FROM t LIMIT ?', ['5'], ['LIMIT ?', ['5'], null]],
    ['SELECT id FROM t LIMIT ?', [-1], ['LIMIT ?', [-1], null]],
    [
      'SELECT id FROM t LIMIT ?',
      [Number.MAX_SAFE_INTEGER],
      ['LIMIT ?', [Number.MAX_SAFE_INTEGER + 8], { limit: Number.MAX_SAFE_INTEGER, margin: 8, offset: 0 }],
    ],
  ] as const)('%s %j', ([sql, parameters, expected]) => {
    expect(widened(sql, [...parameters])).toEqual(expected)
  })
})

describe('refused', () => {
  test.for([
    ['SELECT', 'syntax error|incomplete input'],
    ['SELECT missing FROM t', 'no such column: missing'],
    ['SELECT 1 FROM missing', 'no such table: missing'],
    ['DELETE FROM t', 'a write'],
    ['INSERT INTO t DEFAULT VALUES RETURNING id', 'a write'],
    ['WITH x AS (SELECT 1) UPDATE t SET a = 1', 'a write'],
    ['CREATE TABLE x (a)', 'CREATE TABLE'],
    ['PRAGMA user_version = 5', 'PRAGMA'],
    ['BEGIN', 'BEGIN'],
    ['SAVEPOINT s', 'SAVEPOINT'],
    ["ATTACH ':memory:' AS x", 'ATTACH'],
    ["SELECT crsql_as_table('t')", 'crsql_as_table'],
    ['SELECT crsql_internal_sync_bit(1)', 'crsql_internal_sync_bit'],
    ['', 'no statement'],
    ['SELECT 1; DELETE FROM t', 'more than one'],
  ] as const)('%s: %s', ([sql, reason]) => {
    let error: unknown
    try {
      compiled(sql)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ code: 'INVALID_SQL', message: expect.stringMatching(reason) })
  })
})
