import { encodeKey, type Plan, type SqlValue } from '@millrace/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sqlite } from '../../test/oracle/connect.ts'
import { AccessRecorder } from '../database/authorizer.ts'
import { Database } from '../database/database.ts'
import type { Catalog } from '../schema/catalog.ts'
import { applySchema } from '../schema/schema.ts'
import { type Compiled, compile } from './compile.ts'

const SCHEMA = `
  CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT COLLATE NOCASE, c, "group by" TEXT);
  CREATE TABLE u (id TEXT PRIMARY KEY NOT NULL, t INTEGER, a INTEGER);
  CREATE TABLE w (k TEXT, n INTEGER, PRIMARY KEY (n, k)) WITHOUT ROWID;
  CREATE TABLE free (x TEXT);
  CREATE TABLE one (n INTEGER PRIMARY KEY);
  CREATE VIEW v AS SELECT id, a FROM t;
  CREATE VIRTUAL TABLE f USING fts5 (text);`

/** Equal values under each key, NULL and missing partners among them. */
const ROWS = `
  INSERT INTO t VALUES (1, 1, 'x', '[1, 2]', 'g'), (2, 1, 'X', NULL, 'g'), (3, NULL, 'y', '[]', NULL), (4, NULL, NULL, '[7]', 'h');
  INSERT INTO u VALUES ('1', 1, 1), ('2', 1, 1), ('3', 3, NULL), ('4', NULL, 4), ('5', 9, 1);
  INSERT INTO w VALUES ('a', 1), ('b', 1), ('a', 2), ('b', 7);
  INSERT INTO free VALUES ('x'), ('x'), (NULL);
  INSERT INTO one VALUES (1), (3);
  INSERT INTO f VALUES ('a'), ('a b');`

let database: Database
let recorder: AccessRecorder
let catalog: Catalog
beforeAll(async () => {
  database = new Database((await sqlite()).open(':memory:'))
  recorder = new AccessRecorder(database.connection)
  catalog = applySchema(database, SCHEMA)
  database.connection.exec(ROWS)
})
afterAll(() => {
  database.get('SELECT crsql_finalize()')
  database.close()
})

const compiled = (sql: string): Compiled => compile(database, recorder, catalog, sql)
/** What rows are sorted by, with what the client makes the wire column of. */
const sortedBy = (sql: string) => {
  const { plan, strategy } = compiled(sql)
  const outputs = plan?.type === 'rows' ? plan.outputs : []
  return (strategy?.order ?? []).map((term) => ({ ...term, expr: outputs[term.column] }))
}
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

describe('the text that runs: keys behind the select list, and behind ORDER BY by number', () => {
  test.for([
    ['SELECT a FROM t', 'SELECT a , "t"."id" AS "millrace:0" FROM t ORDER BY 2 COLLATE BINARY'],
    [
      'SELECT id FROM u ORDER BY id DESC NULLS LAST -- why\n LIMIT 2; -- end',
      'SELECT id , "u"."id" AS "millrace:0" FROM u ORDER BY 1 COLLATE BINARY DESC, 2 COLLATE BINARY LIMIT 2',
    ],
    // What rows are sorted by is selected, too: they are put in order without SQLite.
    [
      'SELECT x FROM free ORDER BY length(x) DESC NULLS FIRST, 1',
      'SELECT x , "free".rowid AS "millrace:0", (length(x)) AS "millrace:1" FROM free ORDER BY 3 COLLATE BINARY DESC NULLS FIRST, 1 COLLATE BINARY, 2 COLLATE BINARY',
    ],
    [
      'SELECT x.a FROM t AS x -- from\n, w WHERE x.a = w.n LIMIT 1',
      'SELECT x.a , "x"."id" AS "millrace:0", "w"."n" AS "millrace:1", "w"."k" AS "millrace:2" FROM t AS x -- from\n, w WHERE x.a = w.n ORDER BY 2 COLLATE BINARY, 3 COLLATE BINARY, 4 COLLATE BINARY LIMIT 1',
    ],
    [
      'SELECT a + 1 FROM t GROUP BY a + 1, c',
      'SELECT a + 1 , a + 1 AS "millrace:0", c AS "millrace:1", count(*) AS "millrace:2" FROM t GROUP BY a + 1, c ORDER BY 2 COLLATE BINARY, 3 COLLATE BINARY',
    ],
    [
      'SELECT c FROM t JOIN u ON u.t = t.id GROUP BY u.t = 1, 1 ORDER BY count(*)',
      'SELECT c , u.t = 1 AS "millrace:0", c AS "millrace:1", count(*) AS "millrace:2", (count(*)) AS "millrace:3" FROM t JOIN u ON u.t = t.id GROUP BY u.t = 1, 1 ORDER BY 5 COLLATE BINARY, 2 COLLATE BINARY, 3 COLLATE BINARY',
    ],
    [
      'SELECT DISTINCT c, a FROM t ORDER BY a DESC',
      'SELECT c, a , count(*) AS "millrace:0" FROM t GROUP BY 1, 2 ORDER BY 2 COLLATE BINARY DESC, 1 COLLATE BINARY, 2 COLLATE BINARY',
    ],
    // Arms are told apart by their number, their keys padded to one width.
    [
      'SELECT a FROM t UNION ALL SELECT k FROM w ORDER BY a',
      'SELECT a , 0 AS "millrace:0", "t"."id" AS "millrace:1", NULL AS "millrace:2" FROM t UNION ALL SELECT k , 1 AS "millrace:0", "w"."n" AS "millrace:1", "w"."k" AS "millrace:2" FROM w ORDER BY 1 COLLATE BINARY, 2 COLLATE BINARY, 3 COLLATE BINARY, 4 COLLATE BINARY',
    ],
    // Keys come out of derived tables, and * does not stand for them.
    [
      'SELECT * FROM v',
      'SELECT "v"."id" AS "id", "v"."a" AS "a" , "v"."millrace:k0" AS "millrace:0" FROM (SELECT id, a , "t"."id" AS "millrace:k0" FROM t) AS "v" ORDER BY 3 COLLATE BINARY',
    ],
    // Windows run again as a whole: the text is the user's, with the key appended.
    [
      'SELECT count(*) OVER () FROM t ORDER BY 1 -- all',
      'SELECT count(*) OVER () , "t"."id" AS "millrace:0" FROM t ORDER BY 1, ("t"."id") COLLATE BINARY',
    ],
  ] as const)('%s', ([sql, expected]) => {
    const { sql: runs } = compiled(sql)
    expect(runs).toBe(expected)
    expect(() => database.all(runs)).not.toThrow()
  })
})

describe('what tells rows apart', () => {
  test.for([
    ['SELECT b FROM t', '0'],
    ['SELECT * FROM t LEFT JOIN u ON u.t = t.id', '0, 1'],
    ['SELECT * FROM t RIGHT JOIN u ON u.t = t.id', '0, 1'],
    ['SELECT * FROM t FULL JOIN w ON w.n = t.id', '0, 1, 2'],
    ['SELECT * FROM t NATURAL JOIN u', '0, 1'],
    ['SELECT x.b FROM t AS x, t AS y', '0, 1'],
    ['SELECT count(*) FROM t', ''],
    ['SELECT sum(a) FROM v', ''],
    ['SELECT b, count(*) FROM t GROUP BY b', '0 NOCASE'],
    ['SELECT b COLLATE BINARY, count(*) FROM t GROUP BY 1', '0'],
    ['SELECT lower(b) AS l, count(*) FROM t GROUP BY l', '0'],
    ['SELECT b AS a, count(*) FROM t GROUP BY a', '0'],
    ['SELECT a, count(*) FROM t GROUP BY (1)', '0'],
    // A parameter is no ordinal: all rows are one group.
    ['SELECT a, count(*) FROM t GROUP BY ?', '0'],
    ['SELECT count(*) OVER () FROM t', '0'],
    ['SELECT b, sum(a) OVER (PARTITION BY b) FROM t GROUP BY b', '0 NOCASE'],
    ['SELECT DISTINCT a FROM t', '-1'],
    ['SELECT DISTINCT b, 1, a FROM t', '-3 NOCASE, -2, -1'],
    ['SELECT a FROM t UNION ALL SELECT a FROM u', '0, 1'],
    ['SELECT b FROM t UNION ALL SELECT k FROM w UNION ALL SELECT x FROM free', '0, 1, 2'],
    ['WITH x AS (SELECT 1) SELECT * FROM x', ''],
    ['WITH x AS (SELECT b, a FROM t) SELECT x.b FROM x JOIN x AS y ON y.b = x.b', '0, 1'],
    ['SELECT * FROM v', '0'],
    ['SELECT * FROM v JOIN t ON t.a = v.a', '0, 1'],
    ['SELECT * FROM (SELECT * FROM t)', '0'],
    ['SELECT * FROM (SELECT b, count(*) AS n FROM t GROUP BY b)', '0 NOCASE'],
    ['SELECT t.b, n FROM t LEFT JOIN (SELECT a, count(*) AS n FROM u GROUP BY a) AS g ON g.a = t.a', '0, 1'],
    ['SELECT t.b, n FROM t, (SELECT count(*) AS n FROM u)', '0'],
    ['SELECT *, count(*) FROM t GROUP BY 2', 'bag'],
    ['SELECT DISTINCT b, count(*) FROM t GROUP BY b', 'bag'],
    ['SELECT DISTINCT b FROM t ORDER BY a', 'bag'],
    ['SELECT a FROM t UNION SELECT a FROM u', 'bag'],
    ['SELECT a FROM t UNION ALL SELECT 1', 'bag'],
    ['SELECT * FROM (SELECT a FROM t LIMIT 3)', 'bag'],
    ['SELECT * FROM (SELECT a FROM t UNION ALL SELECT a FROM t)', 'bag'],
    ['SELECT * FROM t, json_each(t.c)', 'bag'],
    // A column without a name cannot be written out for *.
    ['SELECT * FROM (SELECT b, count(*) FROM t GROUP BY b)', 'bag'],
    ["SELECT text FROM f WHERE f MATCH 'a'", 'bag'],
    ['SELECT 1', 'bag'],
    ['VALUES (1), (2)', 'bag'],
    ['SELECT 1 FROM t, t', 'bag'],
  ] as const)('%s: %s', ([sql, key]) => {
    expect(keyOf(sql)).toBe(key)
    const { sql: runs, columns, bag, key: terms } = compiled(sql)
    const parameters = sql.includes('?') ? ['a'] : []
    const rows = database.all(runs, parameters)
    const shown = rows.map((row) => row.slice(0, columns.length))
    expect(sorted(shown), 'it says what was asked').toEqual(sorted(database.all(sql, parameters)))
    if (bag) return
    const collations = terms.map(({ collation }) => collation)
    const keys = rows.map((row) =>
      encodeKey(
        terms.map(({ column }) => row[column] as SqlValue),
        collations,
      ),
    )
    expect(new Set(keys).size, 'no two rows have one key').toBe(rows.length)
  })
})

/** In one order, whichever of two spellings SQLite gives to a group that has both. */
const sorted = (rows: readonly (readonly SqlValue[])[]) =>
  rows.map((row) => JSON.stringify(row).toLowerCase()).sort()

describe('what has no strategy, and why', () => {
  test.for([
    ['SELECT row_number() OVER (ORDER BY a) FROM t', /window functions/],
    ['SELECT a FROM t WINDOW w AS (ORDER BY a)', /window functions/],
    ['SELECT * FROM t FULL JOIN u ON u.t = t.id', /FULL JOIN/],
    ['SELECT a FROM t UNION SELECT a FROM u', /UNION/],
    [
      'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n',
      /recursion/,
    ],
    ['SELECT * FROM (SELECT a FROM t LIMIT 3)', /LIMIT in a derived table/],
    ['SELECT a FROM t LIMIT 1 + 1', /LIMIT/],
    ['SELECT id, random() FROM t', /random\(\)/],
    ["SELECT id FROM t WHERE c > date('now')", /date\(\)/],
    ['SELECT 1', /no FROM/],
    ['SELECT 1 FROM t, t', /one name/],
    ["SELECT text FROM f WHERE f MATCH 'a'", /virtual/],
    ['SELECT t.id FROM t, json_each(t.c)', /table-valued/],
    ['SELECT id, (SELECT sum(t.a) FROM u) FROM t', /aggregate of outer columns/],
  ] as const)('%s: %s', ([sql, why]) => {
    const { strategy, beyond, plan } = compiled(sql)
    expect(strategy).toBeNull()
    expect(beyond).toMatch(why)
    expect(plan).toBeNull()
  })

  test('where there is one, there is nothing to say', () => {
    expect(compiled('SELECT a FROM t')).toMatchObject({ strategy: { type: 'rows' }, beyond: '' })
    expect(compiled('SELECT DISTINCT a FROM t')).toMatchObject({ strategy: { type: 'groups' }, beyond: '' })
  })
})

describe('what a change of each table asks for', () => {
  const actions = (sql: string) => {
    const { strategy } = compiled(sql)
    if (strategy === null) return expect.fail('it has no strategy')
    return strategy.type === 'rows'
      ? strategy.reactions.map(({ table, action }) => `${table.name} ${action.type}`)
      : strategy.reactions.map(({ table, action: { images, search } }) =>
          [table.name, ...(images === null ? [] : ['images']), ...(search === null ? [] : ['search'])].join(
            ' ',
          ),
        )
  }
  test.for([
    ['SELECT * FROM t', ['t own']],
    ['SELECT * FROM t JOIN u ON u.t = t.id', ['t own', 'u own']],
    ['SELECT * FROM t LEFT JOIN u ON u.t = t.id', ['t own', 'u search']],
    ['SELECT * FROM t RIGHT JOIN u ON u.t = t.id', ['t search', 'u own']],
    ['SELECT * FROM t LEFT JOIN u ON u.t > t.id OR u.t IS NULL', ['t own', 'u search']],
    ['SELECT * FROM t LEFT JOIN u ON u.t = 1', ['t own', 'u rerun']],
    ['SELECT * FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.t = t.id)', ['t own', 'u search']],
    ['SELECT * FROM t WHERE a > (SELECT max(a) FROM u)', ['t own', 'u rerun']],
    ['SELECT * FROM v JOIN one ON one.n = v.a', ['t own', 'one own']],
    ['SELECT * FROM t LEFT JOIN v ON v.a = t.id', ['t own', 't search']],
    ['SELECT * FROM (SELECT t, count(*) AS n FROM u GROUP BY t)', ['u search']],
    ['SELECT a FROM t UNION ALL SELECT a FROM u', ['t own', 'u own']],
    ['SELECT count(*) FROM t', ['t images']],
    ['SELECT a, sum(id) FROM t GROUP BY a', ['t images search']],
    ['SELECT a, min(id) FROM t GROUP BY a', ['t search']],
    // What a group is called is SQLite's choice of 'a' and 'A'.
    ['SELECT b, count(*) FROM t GROUP BY b', ['t search']],
    ['SELECT a, count(*) FROM t GROUP BY a HAVING count(*) > 1', ['t search']],
    ['SELECT t.a, count(*) FROM t JOIN u ON u.t = t.id GROUP BY t.a', ['t images search', 'u images search']],
    ['SELECT u.a, count(*) FROM t LEFT JOIN u ON u.t = t.id GROUP BY u.a', ['t images', 'u']],
    ['SELECT x.a, count(*) FROM t AS x JOIN t AS y ON y.a = x.id GROUP BY x.a', ['t search', 't search']],
    ['SELECT DISTINCT a FROM t', ['t images search']],
    ['SELECT max(a) FROM t', ['t']],
  ] as const)('%s: %j', ([sql, expected]) => {
    expect(actions(sql)).toEqual(expected)
  })
})

describe('a plan is given where a row can be predicted from itself', () => {
  test.for([
    'SELECT * FROM t',
    'SELECT a, b FROM t WHERE a > 1 AND b = ? ORDER BY "group by" DESC, 1 LIMIT 5',
    'SELECT rowid, "group by" FROM t WHERE "group by" IS NULL',
    'SELECT a FROM t WHERE a > ?1 LIMIT ?1',
    // A subquery over another table: the row's own columns can still be predicted.
    'SELECT *, EXISTS (SELECT 1 FROM u WHERE u.t = t.id) FROM t',
    'SELECT count(*), sum(a), count(b) FROM t WHERE a IN (1, 2)',
    'SELECT b, sum(a + 1), avg(CASE WHEN c THEN a ELSE 0 END) FROM t GROUP BY b',
    'SELECT b, count(*) FROM t GROUP BY b ORDER BY count(*) DESC',
    'SELECT n, sum(n) FILTER (WHERE n > 1) FROM w GROUP BY n',
  ])('%s', (sql) => {
    expect(planOf(sql)).not.toBeNull()
  })
})

describe('and not where a prediction would be wrong', () => {
  test.for([
    'SELECT DISTINCT a FROM t',
    'SELECT a FROM t UNION SELECT a FROM u',
    'SELECT a FROM v',
    'SELECT x FROM free',
    'SELECT b, count(*) FROM t GROUP BY b HAVING count(*) > 1',
    'SELECT b, count(*) FROM t GROUP BY b LIMIT 2',
    'SELECT count(*) FROM t HAVING sum(a) > 1',
    'SELECT count(DISTINCT b) FROM t',
    // A parameter would be written twice.
    'SELECT sum(a + ?) FROM t',
    // A bare column: of which row is SQLite's to say.
    'SELECT a, b, count(*) FROM t GROUP BY a',
    'SELECT length(b), count(*) FROM t GROUP BY upper(b)',
    'SELECT length(b) = 1, count(*) FROM t GROUP BY upper(b) = 1',
    'SELECT a FROM t LIMIT 1 + 1',
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
    return sortedBy(`SELECT b AS q, c AS a, * FROM t ORDER BY ${sql}`).slice(0, -1)
  }
  const column = (index: number) => ({ type: 'column', source: 0, column: index })

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
    for (const test of ['a IS (TRUE)', 'a IS TRUE COLLATE NOCASE', 'a IS (b NOT IN ())'])
      expect(where(test), test).toEqual(where('a IS TRUE'))
    expect(where('a = TRUE')).toMatchObject({ op: '=', left: column(1), right: { value: 1 } })
  })

  test('an alias in WHERE or ORDER BY may stand for any column', () => {
    const plan = planOf('SELECT length(b) AS n FROM t WHERE n > 1 ORDER BY n + 1')
    expect(plan?.where).toMatchObject({
      left: { type: 'opaque', reads: [0, 1, 2, 3, 4].map((column) => ({ source: 0, column })) },
    })
    expect(sortedBy('SELECT length(b) AS n FROM t WHERE n > 1 ORDER BY n + 1')[0]?.expr).toMatchObject({
      args: [
        { type: 'opaque', reads: [0, 1, 2, 3, 4].map((column) => ({ source: 0, column })) },
        { value: 1 },
      ],
    })
  })

  test('ORDER BY goes by alias before column, and by ordinals however they are written', () => {
    for (const alias of ['a', '(a)', '(a) COLLATE RTRIM'])
      expect(order(alias), alias).toMatchObject([{ expr: column(3) }])
    expect(order('t.a')).toMatchObject([{ expr: column(1) }])
    for (const first of ['1', '(1)', '+1', '0x1', '1 COLLATE BINARY', '-(-1)', 'q', '"q"', 'b'])
      expect(order(first), first).toMatchObject([{ expr: column(2) }])
    expect(order('q')).toMatchObject([{ collation: 'NOCASE' }])
    expect(order('q COLLATE RTRIM DESC')).toMatchObject([
      { collation: 'RTRIM', descending: true, nullsFirst: false },
    ])
    expect(order('3 NULLS LAST')).toMatchObject([{ expr: column(0), descending: false, nullsFirst: false }])
    expect(order('-1 + 2')).toMatchObject([{ expr: { type: 'call', name: '+' } }])
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
    expect(plan?.outputs).toMatchObject([column(1), column(0), column(3), column(2)])
  })
})

describe('the plan of a join', () => {
  const sources = (from: string) => {
    const plan = planOf(`SELECT t.id FROM ${from}`)
    return plan?.type === 'rows'
      ? plan.sources.map(({ table, optional, lookup, on }) =>
          [table, optional && 'optional', lookup && 'lookup', on && 'on'].filter(Boolean).join(' '),
        )
      : null
  }

  test.each([
    ['u JOIN t ON t.id = u.t', ['u', 't lookup']],
    ['u LEFT JOIN t ON u.t = t.id', ['u', 't optional lookup']],
    ['u, t WHERE t.id = u.t AND t.a = 1', ['u', 't lookup']],
    ['t JOIN u ON u.t = t.id', ['t', 'u']],
    ['t LEFT JOIN u ON u.t = t.id', ['t', 'u optional on']],
    // More than its key decides whether it is there.
    ['u LEFT JOIN t ON t.id = u.t AND t.a = 1', ['u', 't optional on']],
    ['u JOIN t ON t.id > u.t', ['u', 't']],
    ['u RIGHT JOIN t ON t.id = u.t', null],
  ])('%s', (from, expected) => {
    expect(sources(from)).toEqual(expected)
  })
})

describe('the plan of subqueries', () => {
  const made = (select: string) => {
    const plan = planOf(`SELECT id, ${select} FROM t`)
    return plan?.type === 'rows' ? plan.subqueries.map(({ table, makes }) => `${table} ${makes.type}`) : null
  }
  const rows = 'FROM (SELECT * FROM u WHERE u.t = t.id ORDER BY u.id DESC) AS agg'

  test.each([
    ['EXISTS (SELECT 1 FROM u WHERE u.t = t.id)', ['u exists']],
    ['NOT EXISTS (SELECT * FROM u AS x WHERE t.id = x.t AND x.a IS NOT NULL)', ['u exists']],
    ['(SELECT count(*) FROM u WHERE u.t = t.id) + 1', ['u count']],
    [
      '(SELECT count(a) FROM u WHERE u.t = t.id), (SELECT count(*) FROM u WHERE t = t.id)',
      ['u count', 'u count'],
    ],
    [`(SELECT coalesce(json_group_array(json_object('id', agg.id)), '[]') ${rows})`, ['u list']],
    [`(SELECT json_group_array(json_array(agg.a, agg.id)) ${rows})`, ['u list']],
    // Which element is of which row cannot be told.
    [`(SELECT json_group_array(json_object('a', agg.a)) ${rows})`, []],
    [`(SELECT json_group_array(agg.id) ${rows})`, []],
    // Not by the key; not of all rows that have it; another than is counted.
    ['EXISTS (SELECT 1 FROM u WHERE u.t = t.a)', []],
    ['EXISTS (SELECT 1 FROM u WHERE u.t > t.id)', []],
    ['EXISTS (SELECT 1 FROM u WHERE u.t = t.id OR u.a = 1)', []],
    ['EXISTS (SELECT 1 FROM u WHERE u.t = t.id LIMIT 1 OFFSET 1)', []],
    ['(SELECT count(DISTINCT a) FROM u WHERE u.t = t.id)', []],
    ['(SELECT count(*) FILTER (WHERE a) FROM u WHERE u.t = t.id)', []],
    ['(SELECT max(a) FROM u WHERE u.t = t.id)', []],
    // The client would be told of its rows in one of them only.
    ['EXISTS (SELECT 1 FROM u WHERE u.t = t.id), (SELECT max(a) FROM u)', []],
  ])('%s', (select, expected) => {
    expect(made(select)).toEqual(expected)
  })

  test('says where an element stands, if its members do', () => {
    const listed = (members: string, order: string) => {
      const list = `json_group_array(json_object(${members})) FROM (SELECT * FROM u WHERE u.t = t.id ORDER BY ${order}) AS u`
      const plan = planOf(`SELECT id, (SELECT ${list}) AS list FROM t`)
      const [first] = plan?.type === 'rows' ? plan.subqueries : []
      return first?.makes.type === 'list' ? first.makes : null
    }
    const key = { column: 0, collation: 'BINARY' }
    expect(listed("'id', id, 'a', a", 'a DESC')).toMatchObject({
      key: [key],
      order: [{ column: 1, descending: true, nullsFirst: false }, key],
      sortedBy: [2, 0],
    })
    expect(listed("'id', id", 'a')).toMatchObject({ key: [key], order: null, sortedBy: [2, 0] })
  })
})

describe('refused', () => {
  test.for([
    ['SELECT', 'syntax error|incomplete input'],
    ['SELECT missing FROM t', 'no such column: missing'],
    ['SELECT 1 FROM missing', 'no such table: missing'],
    ['SELECT a FROM t, u', 'ambiguous column name: a'],
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
