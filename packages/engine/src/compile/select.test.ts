import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sqlite } from '../../test/oracle/connect.ts'
import { Database } from '../database/database.ts'
import type { Catalog } from '../schema/catalog.ts'
import { applySchema } from '../schema/schema.ts'
import { bind } from './bind.ts'
import { Beyond, type Level } from './levels.ts'
import { type Normal, normalize } from './normalize.ts'
import { SelectText } from './select.ts'
import { HiddenColumns } from './wire.ts'

const SCHEMA = `
  CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT COLLATE NOCASE);
  CREATE TABLE u (id INTEGER PRIMARY KEY, t INTEGER, a INTEGER);
  CREATE TABLE w (k TEXT, n INTEGER, PRIMARY KEY (n, k)) WITHOUT ROWID;`

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

function selectText(sql: string): { normal: Normal; text: SelectText } {
  const normal = normalize(sql, new Map()) ?? expect.fail('not normal')
  const bound = bind(normal.body, catalog)
  return { normal, text: new SelectText(normal, bound, bound.arms[0] as Level) }
}

/** Changed so, and taken by SQLite. */
function built(sql: string, changes: Parameters<SelectText['build']>[0] = {}): string {
  const text = selectText(sql).text.build(changes)
  database.connection.prepare(text).finalize()
  return text
}

function columnsOf(sql: string): readonly string[] {
  const statement = database.connection.prepare(sql)
  const { columns } = statement
  statement.finalize()
  return columns
}

describe('the text, changed', () => {
  test.for([
    ['SELECT a FROM t', 'SELECT a , 1 FROM t WHERE id = 2'],
    ['SELECT a FROM t ORDER BY a LIMIT 1', 'SELECT a , 1 FROM t WHERE id = 2'],
    ['SELECT a FROM t WHERE a = 1 OR a = 2', 'SELECT a , 1 FROM t WHERE (a = 1 OR a = 2) AND id = 2'],
    [
      'SELECT a FROM t -- of t\n WHERE a = 1 -- one',
      'SELECT a , 1 FROM t -- of t\n WHERE (a = 1) AND id = 2',
    ],
    ['SELECT a FROM t GROUP BY a HAVING a > 1', 'SELECT a , 1 FROM t WHERE id = 2 GROUP BY a HAVING a > 1'],
    [
      'SELECT a FROM t AS x LEFT JOIN w ON w.n = x.a',
      'SELECT a , 1 FROM t AS x LEFT JOIN w ON w.n = x.a WHERE id = 2',
    ],
    [
      "SELECT a, ' FROM ', (SELECT max(n) FROM w) FROM t",
      "SELECT a, ' FROM ', (SELECT max(n) FROM w) , 1 FROM t WHERE id = 2",
    ],
  ] as const)('%s: a hidden column, and one more condition', ([sql, expected]) => {
    expect(built(sql, { hidden: ', 1', where: 'id = 2' })).toBe(expected)
  })

  test('DISTINCT becomes GROUP BY', () => {
    expect(built('SELECT DISTINCT a, b FROM t WHERE a > 1', { groupBy: '1, 2' })).toBe(
      'SELECT a, b  FROM t WHERE a > 1 GROUP BY 1, 2',
    )
    expect(built('SELECT  distinct a FROM t', { groupBy: '1', where: 'a = 2' })).toBe(
      'SELECT a  FROM t WHERE a = 2 GROUP BY 1',
    )
  })

  test('another source for one table, under its name', () => {
    const from = (sql: string, alias: string) => {
      const item = selectText(sql).text.level.items.find((one) => one.alias === alias) ?? expect.fail(alias)
      return built(sql, { source: { item, sql: '(SELECT * FROM u)' } })
    }
    expect(from('SELECT t.a FROM t JOIN u ON u.t = t.id', 'u')).toBe(
      'SELECT t.a  FROM t JOIN (SELECT * FROM u) AS "u" ON u.t = t.id',
    )
    expect(from('SELECT y.a FROM t AS x, u y', 'y')).toBe('SELECT y.a  FROM t AS x, (SELECT * FROM u) y')
  })
})

describe('keys', () => {
  const keys = (sql: string) =>
    selectText(sql).text.units.map(
      ({ optional, key }) => `${key.map(({ sql: name }) => name).join(' ')}${optional ? '?' : ''}`,
    )

  test('of tables, and those that may be missing', () => {
    expect(keys('SELECT 1 FROM t AS x LEFT JOIN w ON w.n = x.a')).toEqual(['"x"."id"', '"w"."n" "w"."k"?'])
  })

  test('come out of derived tables, groups by what they are grouped by', () => {
    expect(keys('SELECT 1 FROM (SELECT t.a FROM t LEFT JOIN u ON u.t = t.id) AS d')).toEqual([
      '"d"."millrace:k0"',
      '"d"."millrace:k1"?',
    ])
    expect(built('SELECT d.a FROM t LEFT JOIN (SELECT a, b FROM t GROUP BY b, a) AS d ON d.a = t.a')).toBe(
      'SELECT d.a  FROM t LEFT JOIN (SELECT a, b , (b) AS "millrace:k0" , (a) AS "millrace:k1" FROM t GROUP BY b, a) AS d ON d.a = t.a',
    )
    expect(keys('SELECT 1 FROM t, (SELECT count(*) FROM u) AS n')).toEqual(['"t"."id"'])
  })

  test('through two levels, with a name for a derived table that has none', () => {
    expect(built('SELECT a FROM (SELECT a FROM (SELECT a FROM t) AS x)')).toBe(
      'SELECT a  FROM (SELECT a , "x"."millrace:k0" AS "millrace:k1" FROM (SELECT a , "t"."id" AS "millrace:k0" FROM t) AS x) AS "millrace:0" ',
    )
  })

  test('are not what * stands for', () => {
    expect(built('SELECT d.*, t.id FROM t JOIN (SELECT t AS "k k" FROM u) AS d ON d."k k" = t.id')).toMatch(
      /^SELECT "d"\."k k" AS "k k", t\.id {2}FROM/,
    )
    const star = 'SELECT *, 1 AS one FROM (SELECT * FROM t) AS d JOIN u USING (id)'
    expect(columnsOf(built(star))).toEqual(columnsOf(star))
  })

  test.for([
    ['SELECT 1 FROM t, t', /one name/],
    ['SELECT 1 FROM t, json_each(t.b)', /table-valued/],
    ['SELECT 1 FROM (SELECT a FROM t UNION ALL SELECT a FROM u)', /compound/],
    ['SELECT 1 FROM (SELECT a FROM t LIMIT 1)', /LIMIT/],
    ['SELECT 1 FROM (SELECT DISTINCT a FROM t)', /DISTINCT/],
    ['SELECT 1 FROM (SELECT count(*) FROM t HAVING count(*) > 1)', /HAVING/],
    ['SELECT 1 FROM (VALUES (1))', /compound/],
  ] as const)('%s: none', ([sql, why]) => {
    expect(() => selectText(sql)).toThrow(Beyond)
    expect(() => selectText(sql)).toThrow(why)
  })
})

describe('ORDER BY', () => {
  /** Columns by number, from 0; what is not selected behind them. */
  function sorted(sql: string): [string[], string] {
    const { normal, text } = selectText(sql)
    const hidden = new HiddenColumns(text.level.outputs.length)
    const terms = text.sortTerms(normal.body, hidden).map(({ column, collation, descending, nullsFirst }) => {
      const nulls = nullsFirst === !descending ? '' : nullsFirst ? ' NULLS FIRST' : ' NULLS LAST'
      return `${column}${collation === 'BINARY' ? '' : ` ${collation}`}${descending ? ' DESC' : ''}${nulls}`
    })
    return [terms, hidden.sql]
  }

  test.for([
    ['SELECT a, b FROM t ORDER BY 2 DESC, a', ['1 NOCASE DESC', '0'], ''],
    ['SELECT a, b FROM t ORDER BY t.b COLLATE BINARY NULLS LAST', ['1 NULLS LAST'], ''],
    ['SELECT * FROM t ORDER BY b', ['2 NOCASE'], ''],
    ['SELECT a + 1 FROM t ORDER BY a + 1 DESC NULLS FIRST', ['0 DESC NULLS FIRST'], ''],
    // An alias goes before a column of its name, but not within an expression.
    ['SELECT b AS a, a AS c FROM t ORDER BY a', ['0 NOCASE'], ''],
    ['SELECT b AS a FROM t ORDER BY a + 1', ['1'], ', (a + 1) AS "millrace:0"'],
    ['SELECT lower(b) AS q FROM t ORDER BY length(q)', ['1'], ', (length((lower(b)))) AS "millrace:0"'],
    // What is not selected, is: once.
    [
      'SELECT b FROM t ORDER BY a, id, a DESC',
      ['1', '2', '1 DESC'],
      ', (a) AS "millrace:0", (id) AS "millrace:1"',
    ],
    ['SELECT a FROM t ORDER BY b', ['1 NOCASE'], ', (b) AS "millrace:0"'],
  ] as const)('%s', ([sql, terms, hidden]) => {
    expect(sorted(sql)).toEqual([terms, hidden])
  })
})
