import type { Expr } from 'sqlite3-parser'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sqlite } from '../../test/oracle/connect.ts'
import { Database } from '../database/database.ts'
import type { Catalog } from '../schema/catalog.ts'
import { applySchema } from '../schema/schema.ts'
import { bind } from './bind.ts'
import { collationOf } from './collation.ts'
import { textOf } from './edits.ts'
import { Beyond, type Bound, type Item, type Ref } from './levels.ts'
import { normalize } from './normalize.ts'
import { conjuncts, ordinalOf } from './terms.ts'

const SCHEMA = `
  CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT COLLATE NOCASE, "odd name");
  CREATE TABLE u (id INTEGER PRIMARY KEY, t INTEGER, a INTEGER);
  CREATE TABLE w (k TEXT, n INTEGER, a INTEGER, PRIMARY KEY (n, k)) WITHOUT ROWID;
  CREATE TABLE free (x TEXT);
  CREATE VIRTUAL TABLE f USING fts5 (text);`

let database: Database
let catalog: Catalog
beforeAll(async () => {
  database = new Database((await sqlite()).open(':memory:'))
  catalog = applySchema(database, SCHEMA)
})
afterAll(() => {
  database.get('SELECT crsql_finalize()')
  database.close()
})

/** A query whose names SQLite, too, can resolve. */
function bound(sql: string): { sql: string; bound: Bound } {
  database.connection.prepare(sql).finalize()
  const normal = normalize(sql, new Map()) ?? expect.fail('not normal')
  return { sql: normal.sql, bound: bind(normal.body, catalog) }
}

const nameOf = (item: Item) =>
  item.table === null || item.table.name === item.alias ? item.alias : `${item.alias}(${item.table.name})`

/** What each name stands for, in the order of the text: `alias(table).column`, and of an alias `=text`. */
function names(text: string): string[] {
  const { sql, bound: found } = bound(text)
  const show = (ref: Ref) =>
    ref.type === 'output'
      ? `=${textOf(sql, ref.expr)}`
      : `${nameOf(ref.item)}.${ref.item.columns[ref.column]}`
  return [...found.refs].sort(([a], [b]) => a - b).map(([, ref]) => show(ref))
}

const topOf = (text: string) => bound(text).bound.arms[0] ?? expect.fail('no arm')
const itemsOf = (text: string) => topOf(text).items

describe('what a name stands for', () => {
  test.for([
    ['SELECT a, t.b, "odd name", T.[A] FROM t', ['t.a', 't.b', 't.odd name', 't.a']],
    ['SELECT x.a, y.a FROM t AS x, t AS y', ['x(t).a', 'y(t).a']],
    ['SELECT rowid, oid, _ROWID_, t.rowid FROM t', ['t.id', 't.id', 't.id', 't.id']],
    [
      "SELECT lower(b), 'a', count FROM (SELECT b, a AS count FROM t)",
      ['millrace:0.b', 'millrace:0.count', 't.b', 't.a'],
    ],
    ['SELECT a = TRUE, false FROM t', ['t.a']],
    // Of the level itself first, then of those around it.
    ['SELECT (SELECT a FROM u WHERE u.t = t.id) FROM t', ['u.a', 'u.t', 't.id']],
    ['SELECT (SELECT b FROM u WHERE t = a) FROM t', ['t.b', 'u.t', 'u.a']],
    ['SELECT (SELECT t.a FROM u AS t) FROM t', ['t(u).a']],
    [
      'SELECT 1 FROM t WHERE EXISTS (SELECT 1 FROM u WHERE EXISTS (SELECT 1 FROM w WHERE n = t.id AND k = b AND w.a = u.a))',
      ['w.n', 't.id', 'w.k', 't.b', 'w.a', 'u.a'],
    ],
    ['SELECT a FROM t ORDER BY (SELECT max(u.a) FROM u WHERE u.t = t.id)', ['t.a', 'u.a', 'u.t', 't.id']],
    // A derived table sees what is around the SELECT that it stands in, not its siblings.
    ['SELECT (SELECT count(*) FROM (SELECT 1 FROM u WHERE u.t = t.id) AS d) FROM t', ['u.t', 't.id']],
    ['SELECT d.a FROM t AS x, (SELECT a FROM u) AS d WHERE d.a = x.a', ['d.a', 'u.a', 'd.a', 'x(t).a']],
    [
      'SELECT (SELECT x.a FROM u AS t, (SELECT t.a FROM w WHERE w.n = t.id) AS x) FROM t',
      ['x.a', 't.a', 'w.n', 't.id'],
    ],
    // Aliases of the select list: behind columns in WHERE, GROUP BY and HAVING.
    ['SELECT a + 1 AS q FROM t WHERE q > 1', ['t.a', '=a + 1']],
    ['SELECT b AS a FROM t WHERE a > 1', ['t.b', 't.a']],
    ['SELECT lower(b) AS "Q" FROM t GROUP BY q HAVING q > 1', ['t.b', '=lower(b)', '=lower(b)']],
    ['SELECT a AS q FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.t = q)', ['t.a', 'u.t', '=a']],
    // But not in the select list itself: there the name is of a level around it.
    ['SELECT (1, 2) IN (SELECT u.a AS b, b FROM u) FROM t', ['u.a', 't.b']],
    // Names of a derived table's columns.
    ['SELECT d.q, d."b" FROM (SELECT a AS q, t.b FROM t) AS d', ['d.q', 'd.b', 't.a', 't.b']],
    ['SELECT z.a FROM (SELECT * FROM t) AS z', ['z.a']],
    ['SELECT q FROM (SELECT a AS q FROM t UNION ALL SELECT n FROM w) AS d', ['d.q', 't.a', 'w.n']],
    [
      'SELECT e.value, t.a FROM t, json_each(t.b) AS e WHERE e.key = t.a',
      ['e.value', 't.a', 't.b', 'e.key', 't.a'],
    ],
    // In joins in parentheses too.
    [
      'SELECT t.a, u.a FROM w JOIN (t JOIN u ON u.t = t.id) ON w.n = u.id',
      ['t.a', 'u.a', 'u.t', 't.id', 'w.n', 'u.id'],
    ],
  ] as const)('%s: %j', ([sql, expected]) => {
    expect(names(sql)).toEqual(expected)
  })

  test('an alias of an outer query that stands for one of the table is followed', () => {
    const { bound: found } = bound('SELECT a AS q FROM t ORDER BY q')
    expect([...(found.tables[0]?.decides ?? [])]).toEqual([1])
  })
})

describe('USING and NATURAL', () => {
  const outputs = (sql: string) =>
    topOf(sql).outputs.map((output) =>
      output.type === 'column' ? `${output.item.alias}.${output.name}` : (output.name ?? '?'),
    )
  const terms = (sql: string) =>
    itemsOf(sql)
      .flatMap(({ on }) => on)
      .concat(topOf(sql).conditions)
      .map((term) =>
        term.type === 'using'
          ? [term.left, term.right]
              .map(({ item, column }) => `${item.alias}.${item.columns[column]}`)
              .join(' = ')
          : term.type,
      )

  test('compare with the first table before that has the column', () => {
    expect(terms('SELECT 1 FROM t JOIN u USING (id, a)')).toEqual(['t.id = u.id', 't.a = u.a'])
    expect(terms('SELECT 1 FROM t NATURAL JOIN u')).toEqual(['t.id = u.id', 't.a = u.a'])
    expect(terms('SELECT 1 FROM t JOIN u USING (id) LEFT JOIN w USING (a)')).toEqual(
      terms('SELECT 1 FROM t JOIN u USING (id) NATURAL LEFT JOIN w').toSorted(),
    )
    expect(terms('SELECT 1 FROM w NATURAL JOIN (SELECT a AS n, b FROM t)')).toEqual(['w.n = millrace:1.n'])
    expect(terms('SELECT 1 FROM t NATURAL JOIN free')).toEqual([])
  })

  test('give a column once in *, and to a name the first', () => {
    expect(outputs('SELECT * FROM t JOIN u USING (a)')).toEqual([
      't.id',
      't.a',
      't.b',
      't.odd name',
      'u.id',
      'u.t',
    ])
    expect(outputs('SELECT u.*, * FROM t NATURAL JOIN u')).toEqual([
      'u.id',
      'u.t',
      'u.a',
      't.id',
      't.a',
      't.b',
      't.odd name',
      'u.t',
    ])
    expect(names('SELECT a, u.a FROM t JOIN u USING (a)')).toEqual(['t.a', 'u.a'])
  })

  test('read what they compare, and it decides', () => {
    const [t, u] = itemsOf('SELECT t.b FROM t JOIN u USING (a)')
    expect([t, u].map((item) => [...(item?.reads ?? [])])).toEqual([[1, 2], [2]])
    expect([t, u].map((item) => [...(item?.decides ?? [])])).toEqual([[1], [2]])
  })
})

describe('joins', () => {
  const nullable = (sql: string) =>
    itemsOf(sql).map((item) => `${item.alias}${item.nullable ? `? ${item.on.length}` : ''}`)

  test('what may be missing, and by how many terms it joins', () => {
    expect(nullable('SELECT 1 FROM t JOIN u ON u.t = t.id')).toEqual(['t', 'u'])
    expect(nullable('SELECT 1 FROM t LEFT JOIN u ON u.t = t.id AND (u.a = 1 AND t.a = 2)')).toEqual([
      't',
      'u? 3',
    ])
    expect(nullable('SELECT 1 FROM t RIGHT JOIN u ON u.t = t.id')).toEqual(['t? 1', 'u'])
    expect(nullable('SELECT 1 FROM t LEFT JOIN u USING (a) CROSS JOIN w')).toEqual(['t', 'u? 1', 'w'])
    expect(nullable('SELECT 1 FROM t, (SELECT a FROM u) AS d')).toEqual(['t', 'd'])
  })

  test('ON of an inner join is a condition like WHERE, that of an outer one is not', () => {
    const count = (sql: string) => topOf(sql).conditions.length
    expect(count('SELECT 1 FROM t JOIN u ON u.t = t.id AND u.a = 1 WHERE t.a = 2 AND t.b = 3')).toBe(4)
    expect(count('SELECT 1 FROM t LEFT JOIN u ON u.t = t.id AND u.a = 1 WHERE t.a = 2 OR t.b = 3')).toBe(1)
  })
})

describe('of each table', () => {
  const reads = (sql: string, which: 'reads' | 'decides') =>
    bound(sql).bound.tables.map(
      (item) =>
        `${item.alias}: ${[...item[which]]
          .sort()
          .map((column) => item.columns[column])
          .join(' ')}`,
    )

  test('the columns that are read, and those of them that decide more than what is shown', () => {
    const sql = 'SELECT b, (SELECT max(a) FROM u WHERE u.t = t.id) FROM t WHERE "odd name" > 1 ORDER BY a'
    expect(reads(sql, 'reads')).toEqual(['t: id a b odd name', 'u: t a'])
    expect(reads(sql, 'decides')).toEqual(['t: id a odd name', 'u: t a'])
  })

  test.for([
    ['SELECT * FROM t', 't: '],
    ['SELECT * FROM t ORDER BY 2', 't: a'],
    ['SELECT a AS q, b FROM t ORDER BY q', 't: a'],
    ['SELECT a, b FROM t ORDER BY 2', 't: b'],
    ['SELECT a + 1 AS q FROM t WHERE q > 1', 't: a'],
    ['SELECT DISTINCT a, b FROM t', 't: a b'],
    ['SELECT a, b FROM t UNION ALL SELECT 1, 2 FROM t AS z', 't: a b'],
    ['SELECT a FROM (SELECT a, b FROM t)', 't: a b'],
  ] as const)('%s: %s', ([sql, expected]) => {
    expect(reads(sql, 'decides')[0]).toBe(expected)
  })
})

describe('levels', () => {
  test.for([
    ['SELECT a FROM t', true],
    ['SELECT a FROM t WHERE a > 1 ORDER BY a', true],
    ['SELECT DISTINCT a FROM t', false],
    ['SELECT a FROM t LIMIT 1', false],
    ['SELECT a FROM t GROUP BY a', false],
    ['SELECT max(a) FROM t', false],
    ['SELECT max(a, 2) FROM t', true],
    ['SELECT (SELECT max(u.a) FROM u) FROM t', true],
    ['SELECT count(*) FROM t HAVING max(a) > 0', false],
    ['SELECT a FROM t UNION ALL SELECT a FROM u', false],
  ] as const)('%s is plain: %s', ([sql, plain]) => {
    expect(topOf(sql).plain).toBe(plain)
  })

  test('GROUP BY goes by number and alias, a column before an alias', () => {
    const grouped = (text: string) => {
      const { sql, bound: found } = bound(text)
      return found.arms[0]?.groupBy.map((expr) => textOf(sql, expr))
    }
    expect(grouped('SELECT lower(b) AS q, a + 1 FROM t GROUP BY q, 2, id')).toEqual([
      'lower(b)',
      'a + 1',
      'id',
    ])
    expect(grouped('SELECT b AS a FROM t GROUP BY a')).toEqual(['a'])
  })

  test('where a subquery stands: in an ON, behind IN, positive or not', () => {
    const place = (sql: string) => {
      const found = bound(sql).bound.tables.find(({ alias }) => alias === 'w')?.level.place
      return found?.type === 'expression' ? [found.on?.alias, found.in?.positive] : found?.type
    }
    const where = (condition: string) => place(`SELECT 1 FROM t LEFT JOIN u ON u.t = t.id WHERE ${condition}`)
    expect(where('t.a IN (SELECT n FROM w)')).toEqual([undefined, true])
    expect(where('(t.b = 1 OR (t.a IN (SELECT n FROM w)))')).toEqual([undefined, true])
    expect(where('t.a NOT IN (SELECT n FROM w)')).toEqual([undefined, false])
    expect(where('NOT t.a IN (SELECT n FROM w)')).toEqual([undefined, false])
    expect(where('(t.a IN (SELECT n FROM w)) IS NULL')).toEqual([undefined, false])
    expect(where('EXISTS (SELECT 1 FROM w)')).toEqual([undefined, undefined])
    expect(place('SELECT t.a IN (SELECT n FROM w) FROM t')).toEqual([undefined, false])
    expect(place('SELECT 1 FROM t LEFT JOIN u ON u.a IN (SELECT n FROM w)')).toEqual(['u', true])
    expect(place('SELECT 1 FROM t JOIN u ON u.a IN (SELECT n FROM w)')).toEqual([undefined, true])
    expect(place('SELECT 1 FROM t, (SELECT n FROM w)')).toBe('derived')
    expect(place('SELECT n FROM w')).toBe('top')
  })
})

describe('beyond what can be bound', () => {
  test.for([
    ['SELECT a FROM t UNION SELECT a FROM u', /UNION/],
    ['SELECT a FROM t UNION ALL SELECT a FROM u EXCEPT SELECT a FROM w', /EXCEPT/],
    ['VALUES (1)', /VALUES/],
    ['SELECT sum(a) OVER (ORDER BY id) FROM t', /window/],
    ['SELECT sum(a) OVER q FROM t WINDOW q AS (ORDER BY id)', /window/],
    ['SELECT * FROM t FULL JOIN u ON u.t = t.id', /FULL JOIN/],
    ['SELECT * FROM t JOIN w ON w.n = t.id RIGHT JOIN u ON u.t = t.id', /RIGHT JOIN/],
    ['SELECT * FROM t RIGHT JOIN u USING (a)', /RIGHT JOIN/],
    ['SELECT * FROM t LEFT JOIN (u JOIN w ON w.n = u.id) ON u.t = t.id', /parentheses/],
    ['SELECT rowid FROM free', /rowid/],
    ['SELECT f.text FROM f', /virtual table/],
    ['SELECT name FROM sqlite_master', /sqlite_master/],
    ['SELECT 1 FROM t, pragma_table_info(t.b)', /table-valued function/],
    ['SELECT random() FROM t', /random\(\)/],
    ['SELECT a FROM t ORDER BY RANDOM()', /random\(\)/i],
    ['SELECT changes() FROM t', /changes\(\)/],
    ["SELECT date('now') FROM t", /current time/],
    ["SELECT strftime('%s') FROM t", /current time/],
    ["SELECT datetime('NOW', '-1 day') FROM t", /current time/],
    ['SELECT unixepoch() FROM t', /current time/],
    ['SELECT current_timestamp FROM t', /current time/],
    ['SELECT CURRENT_DATE FROM t', /current time/],
    ['SELECT *, count(*) FROM t GROUP BY 1', /GROUP BY/],
    ['SELECT (SELECT sum(t.a) FROM u) FROM t', /outer columns/],
  ] as const)('%s: %s', ([sql, why]) => {
    expect(() => bound(sql)).toThrow(Beyond)
    expect(() => bound(sql)).toThrow(why)
  })

  test.for([
    'SELECT date(b) FROM t',
    "SELECT strftime('%Y', a, 'unixepoch') FROM t",
    'SELECT (SELECT sum(u.a + t.a) FROM u) FROM t',
    'SELECT (SELECT sum(u.a) FROM u WHERE u.t = t.a) FROM t',
    'SELECT abs(a), max(a, 1) FROM t',
    'SELECT rowid FROM u',
    'SELECT a FROM t UNION ALL SELECT a FROM u UNION ALL SELECT n FROM w',
    'SELECT a FROM t WHERE (a, b) IN (VALUES (1, 2))',
  ])('and not beyond: %s', (sql) => {
    expect(() => bound(sql)).not.toThrow()
  })
})

describe('of expressions', () => {
  const expression = (text: string): { expr: Expr; refs: Bound['refs'] } => {
    const { bound: found } = bound(`SELECT ${text} FROM t`)
    const output = found.arms[0]?.outputs[0]
    return output?.type === 'expression'
      ? { expr: output.expr, refs: found.refs }
      : expect.fail('no expression')
  }

  test('conjuncts', () => {
    const count = (text: string) => conjuncts(expression(text).expr).length
    expect(
      ['a', 'a AND b', '(a AND (b AND 1)) AND 2', 'a OR b AND 1', 'NOT (a AND b)', 'a BETWEEN 1 AND 2'].map(
        count,
      ),
    ).toEqual([1, 2, 4, 1, 1, 1])
  })

  test('ordinals: integers, however dressed, and nothing that is computed', () => {
    const ordinal = (text: string) => ordinalOf(expression(text).expr)
    expect(['1', '(2)', '+3', '4 COLLATE NOCASE', '0x2'].map(ordinal)).toEqual([1, 2, 3, 4, 2])
    expect(['1.0', '-1', "'1'", '1 + 1', 'a', 'NULL'].map(ordinal)).toEqual(Array(6).fill(undefined))
  })

  test('collations: of columns, through what keeps them, and what is said explicitly', () => {
    const collation = (text: string) => {
      const { expr, refs } = expression(text)
      return collationOf(expr, refs)
    }
    expect(
      ['b', '(b)', '+b', 'CAST(b AS BLOB)', 'b COLLATE RTRIM', "b || ''", 'lower(b)', "'x'"].map(collation),
    ).toEqual(['NOCASE', 'NOCASE', 'NOCASE', 'NOCASE', 'RTRIM', undefined, undefined, undefined])
    const derived = bound('SELECT q FROM (SELECT b AS q FROM t)').bound
    const output = derived.arms[0]?.outputs[0]
    expect(output?.type === 'expression' && collationOf(output.expr, derived.refs)).toBe('NOCASE')
  })
})
