import type { Collation, SqlValue } from '@millrace/protocol'
import fc from 'fast-check'
import type { RandomQuery } from './random-query.ts'
import type { RandomSchema } from './schema.ts'
import { literal, maybe, oneOf, sql } from './text.ts'

const COLUMNS = ['id', 'a', 'b', 'c', 'd', 'r'] as const
const COMPARE = oneOf('=', '<>', '<', '>=', 'IS', 'IS NOT')
const column = (alias: string) => oneOf(...COLUMNS.map((name) => `${alias}.${name}`))

const expression = (alias: string): fc.Arbitrary<string> =>
  fc.oneof(
    { arbitrary: column(alias), weight: 4 },
    sql`${column(alias)} COLLATE NOCASE`,
    sql`lower(${column(alias)})`,
    sql`${alias}.a + ${oneOf('1', '0.5')}`,
    sql`coalesce(${column(alias)}, ${literal})`,
    sql`${alias}.b || 'x'`,
    sql`CASE WHEN ${alias}.a > 1 THEN ${column(alias)} END`,
    sql`typeof(${column(alias)})`,
  )

/** A condition over one table. Never a parameter: those have templates of their own. */
export const condition = (alias: string, other: string): fc.Arbitrary<string> =>
  fc.oneof(
    sql`${column(alias)} ${COMPARE} ${literal}`,
    sql`${expression(alias)} ${COMPARE} ${expression(alias)}`,
    sql`${column(alias)} IS NOT NULL`,
    sql`${column(alias)} IN (${literal}, ${literal})`,
    sql`${column(alias)} BETWEEN ${literal} AND ${literal}`,
    sql`${alias}.b LIKE ${oneOf("'a%'", "'%b%'", "'A'")}`,
    sql`NOT (${column(alias)} = ${literal} OR ${alias}.a IS ${literal})`,
    sql`${oneOf('', 'NOT ')}EXISTS (SELECT 1 FROM ${other} AS s WHERE s.${oneOf('a', 'r')} = ${column(alias)})`,
    sql`${column(alias)} ${oneOf('IN', 'NOT IN')} (SELECT ${oneOf('a', 'b', 'id')} FROM ${other})`,
    sql`${alias}.a = (SELECT ${oneOf('max', 'min')}(s.a) FROM ${other} AS s WHERE s.b IS ${alias}.b)`,
  )

const DIRECTION = maybe(oneOf('DESC', 'ASC', 'NULLS LAST', 'DESC NULLS FIRST'))
const LIMIT = oneOf(
  ' LIMIT 1',
  ' LIMIT 3',
  ' LIMIT 2 OFFSET 1',
  ' LIMIT 1, 2',
  ' LIMIT -1',
  ' LIMIT 100',
  ' LIMIT 0',
  ' LIMIT 1 + 1',
)

/** No order asked for, or one that is told by `order`. */
function query(
  text: fc.Arbitrary<string>,
  more: Partial<Omit<RandomQuery, 'sql'>> = {},
): fc.Arbitrary<RandomQuery> {
  return text.map((sql) => ({ sql, parameters: [], order: [], choice: false, ...more }))
}

const parameter: fc.Arbitrary<SqlValue> = fc.constantFrom<SqlValue>(
  1,
  2,
  'a',
  'A',
  null,
  1.5,
  'b',
  new Uint8Array([0x61]),
)

/** Window functions, recursion, UNION and its like, tables of SQLite's own, and odd words: what the grammar leaves out. */
export function templateArbitrary(schema: RandomSchema): fc.Arbitrary<RandomQuery> {
  const names = schema.tables.map((table) => table.name)
  const t = oneOf(...names)
  const join = oneOf('JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'CROSS JOIN')
  const on = sql`${oneOf('x.a = y.a', 'x.id = y.r', 'x.b = y.b', 'x.a < y.a', 'x.r IS y.id', 'x.c = y.c AND y.a > 0')}`
  const aggregate = oneOf(
    'count(*)',
    'count(b)',
    'sum(a)',
    'sum(d)',
    'total(a)',
    'avg(a)',
    // Of 'a' and 'A' neither is the greater: which one is shown is left open, unless all are spelled alike.
    ...(schema.values === 'plain' ? ['min(c)', 'max(b)'] : ['min(lower(c))', 'max(lower(b))']),
    'count(DISTINCT b)',
    'sum(a) FILTER (WHERE a > 0)',
    "group_concat(b, ',' ORDER BY b COLLATE BINARY, a)",
  )
  const groupKey = oneOf(
    'b',
    'a',
    'c',
    'r',
    'b COLLATE NOCASE',
    'lower(b)',
    'a > 1',
    'typeof(c)',
    'a = c COLLATE NOCASE',
    'd',
  )

  return t.chain((one) => {
    const where = maybe(sql` WHERE ${condition('x', one)}`)
    const where2 = maybe(sql` WHERE ${fc.oneof(condition('x', one), condition('y', one))}`)
    /** Sorted by a column, an expression, an ordinal or an alias, each an output, so that the order can be checked. */
    const ordered = fc
      .record({
        column: fc.constantFrom(...COLUMNS),
        collation: fc.constantFrom<Collation | ''>('', 'NOCASE', 'BINARY', 'RTRIM'),
        by: fc.constantFrom('column', 'ordinal', 'alias'),
        direction: DIRECTION,
        where,
        limit: maybe(LIMIT),
        star: fc.boolean(),
        name: t,
      })
      .map(({ column, collation, by, direction, where, limit, star, name }): RandomQuery => {
        const term = by === 'column' ? `x.${column}` : by === 'ordinal' ? '1' : 'q'
        return {
          sql: `SELECT x.${column} AS q, x.${column}${star ? ', *' : ', x.a'} FROM ${name} AS x${where} ORDER BY ${term}${collation === '' ? '' : ` COLLATE ${collation}`} ${direction}${limit}`,
          parameters: [],
          // The column's own collation is at most NOCASE: rows equal by it are equal by this too.
          order: [
            { column: 0, collation: collation === '' || collation === 'BINARY' ? 'NOCASE' : collation },
          ],
          choice: limit !== '',
        }
      })
    return fc.oneof(
      { arbitrary: ordered, weight: 4 },
      query(sql`SELECT * FROM ${one} AS x${where}`),
      query(sql`SELECT ${expression('x')}, ${expression('x')} AS e FROM ${one} AS x${where}`),
      query(
        sql`SELECT rowid, b FROM ${oneOf(...schema.tables.filter((table) => table.rowid).map(({ name }) => name), 'sqlite_master')}`,
      ),
      query(
        sql`SELECT x.id FROM ${one} AS x ORDER BY ${expression('x')} ${DIRECTION}, ${expression('x')} ${DIRECTION}`,
      ),
      query(sql`SELECT x.*, y.b FROM ${one} AS x ${join} ${t} AS y ON ${on}${where2}`),
      query(
        sql`SELECT x.id, y.id, z.a FROM ${t} AS x LEFT JOIN ${t} AS y ON x.a = y.a ${oneOf('JOIN', 'LEFT JOIN')} ${t} AS z ON z.b IS y.b`,
      ),
      query(
        sql`SELECT * FROM ${one} ${oneOf('JOIN', 'LEFT JOIN', 'FULL JOIN')} ${oneOf(...names.filter((name) => name !== one))} USING (${oneOf('a', 'b', 'a, b')})`,
      ),
      query(
        sql`SELECT id, a FROM ${one} NATURAL ${oneOf('', 'LEFT ')}JOIN ${oneOf(...names.filter((name) => name !== one))}`,
      ),
      query(sql`SELECT x.a, y.a FROM ${one} AS x, ${one} AS y WHERE x.a = y.r ORDER BY y.a DESC`, {
        order: [{ column: 1, collation: 'BINARY' }],
      }),
      query(sql`SELECT ${aggregate}, ${aggregate} FROM ${t} AS x${where}${maybe(' HAVING count(*) > 1')}`),
      query(
        groupKey.chain(
          (key) =>
            sql`SELECT ${key} AS k, ${aggregate} AS n, ${aggregate} FROM ${t} AS x${where} GROUP BY ${oneOf(key, '1', 'k')}${maybe(oneOf(' HAVING count(*) > 1', ' HAVING sum(a) IS NOT NULL'))}`,
        ),
      ),
      query(
        sql`SELECT ${aggregate}, ${aggregate} FROM ${t} AS x GROUP BY ${groupKey}, ${groupKey} ORDER BY ${oneOf('1', '2 DESC', 'count(*)')}`,
      ),
      query(
        oneOf('x.b', 'x.a', 'x.c').chain(
          (key) =>
            sql`SELECT ${key}, count(*), count(y.a) FROM ${t} AS x LEFT JOIN ${t} AS y ON ${on} GROUP BY ${oneOf(key, '1')} HAVING count(*) < 5`,
        ),
      ),
      query(sql`SELECT DISTINCT ${oneOf('b', 'a', 'c', 'a, b', 'lower(b)', 'c COLLATE NOCASE')} FROM ${t}`),
      query(
        sql`SELECT a, b FROM ${t} ${oneOf('UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT')} SELECT a, b FROM ${t}`,
      ),
      query(sql`SELECT b AS q FROM ${t} UNION ALL SELECT c FROM ${t} ORDER BY ${oneOf('1', 'q')} DESC`, {
        order: [{ column: 0, collation: 'NOCASE' }],
      }),
      query(
        sql`SELECT a, b FROM ${t} UNION SELECT a, c FROM ${t} ORDER BY 1, 2 LIMIT ${oneOf('2', '3 OFFSET 1')}`,
        { choice: true },
      ),
      query(
        sql`WITH w AS (SELECT a, b FROM ${t} WHERE a > 0) SELECT w.b, x.id FROM w JOIN ${t} AS x ON x.a = w.a`,
      ),
      query(
        sql`WITH RECURSIVE n(i) AS (SELECT 0 UNION SELECT i + 1 FROM n WHERE i < (SELECT count(*) FROM ${t}) AND i < 6) SELECT i, (SELECT count(*) FROM ${t} AS x WHERE x.a = i) FROM n`,
      ),
      query(
        sql`SELECT id, row_number() OVER (ORDER BY a, b, c, d, r, id), sum(a) OVER (PARTITION BY b) FROM ${t}`,
      ),
      query(sql`SELECT a, count(*) OVER w, rank() OVER w FROM ${t} WINDOW w AS (ORDER BY a) ORDER BY a`),
      query(sql`SELECT * FROM ${oneOf(...schema.views)}${maybe(' WHERE b IS NOT NULL')}`),
      query(sql`SELECT v.b, x.id FROM ${oneOf(...schema.views)} AS v LEFT JOIN ${t} AS x ON x.a = v.a`),
      query(
        sql`SELECT x.id, j.value FROM ${t} AS x, json_each('[1, 2, "a"]') AS j WHERE j.value = ${oneOf('x.a', 'x.b')}`,
      ),
      query(
        sql`SELECT x.id, (SELECT json_group_array(y.a) FROM (SELECT a FROM ${t} WHERE r IS x.r ORDER BY a) AS y) FROM ${t} AS x`,
      ),
      query(
        sql`SELECT x.id, (SELECT count(*) FROM ${t} AS y WHERE y.a = x.a) AS n FROM ${one} AS x${where} ORDER BY n`,
        {
          order: [{ column: 1, collation: 'BINARY' }],
        },
      ),
      query(sql`SELECT count(*), 'of' FROM (SELECT a FROM ${t} GROUP BY a LIMIT 2)`),
      query(sql`SELECT (SELECT sum(x.a) FROM ${t}), id FROM ${one} AS x`, { choice: true }),
      query(fc.constant('SELECT count(*) FROM crsql_changes')),
      query(sql`SELECT 1 FROM ${t}, ${t}`),
      // With parameters: by position, numbered, named, and as LIMIT.
      fc
        .tuple(sql`SELECT id, b FROM ${t} AS x WHERE ${column('x')} ${COMPARE} ?`, parameter)
        .map(([sql, value]): RandomQuery => ({ sql, parameters: [value], order: [], choice: false })),
      fc
        .tuple(sql`SELECT x.*, ?2 AS p FROM ${t} AS x WHERE x.a IS NOT ?1 OR x.b = ?2`, parameter, parameter)
        .map(([sql, ...parameters]): RandomQuery => ({ sql, parameters, order: [], choice: false })),
      fc
        .tuple(
          sql`SELECT ?, count(*) FROM ${t} AS x WHERE ${column('x')} > ? GROUP BY ${groupKey}`,
          parameter,
          parameter,
        )
        .map(([sql, ...parameters]): RandomQuery => ({ sql, parameters, order: [], choice: false })),
      fc
        .tuple(
          sql`SELECT c, id FROM ${t} ORDER BY c DESC LIMIT :n OFFSET :o`,
          fc.integer({ min: -1, max: 4 }),
          fc.integer({ min: -1, max: 2 }),
        )
        .map(
          ([sql, ...parameters]): RandomQuery => ({
            sql,
            parameters,
            order: [{ column: 0, collation: 'NOCASE' }],
            choice: true,
          }),
        ),
    )
  })
}
