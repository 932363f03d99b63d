import { compareValues, type SqlValue } from '@millrace/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sqlite } from '../../test/oracle/connect.ts'
import { Database } from '../database/database.ts'
import type { Condition } from '../impact/impact-index.ts'
import type { Catalog } from '../schema/catalog.ts'
import { applySchema } from '../schema/schema.ts'
import { bind } from './bind.ts'
import type { Item } from './levels.ts'
import { normalize } from './normalize.ts'
import { type Discriminator, discriminatorOf, rowCondition } from './reaction.ts'
import { Searcher } from './search.ts'

const SCHEMA = `
  CREATE TABLE t (id INTEGER PRIMARY KEY, i INTEGER, r REAL, x TEXT, n TEXT COLLATE NOCASE, b);
  CREATE TABLE u (id INTEGER PRIMARY KEY, t INTEGER, k INTEGER);`

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

/** The item that the query calls so, and what its changed rows are told apart by. */
function discriminated(sql: string, alias = 't'): { item: Item; discriminator: Discriminator | null } {
  const normal = normalize(sql, new Map()) ?? expect.fail('not normal')
  const bound = bind(normal.body, catalog)
  const item = bound.tables.find((one) => one.alias === alias) ?? expect.fail(`no ${alias}`)
  return { item, discriminator: discriminatorOf(item, new Searcher(normal.sql, bound)) }
}

const operand = (one: { readonly value: SqlValue } | { readonly parameter: number }) =>
  'parameter' in one ? `?${one.parameter + 1}` : JSON.stringify(one.value)

/** `i = ?1`, `1 <= i < ?2`, the collation where it is not BINARY. */
function notation(sql: string, alias?: string): string | null {
  const { item, discriminator } = discriminated(sql, alias)
  if (discriminator === null) return null
  const { column, collation, equal, low, high, nulls } = discriminator
  const name = `${item.columns[column]}${collation === 'BINARY' ? '' : ` ${collation}`}`
  if (equal !== null) return `${name} ${nulls ? 'is' : '='} ${equal.map(operand).join(', ')}`
  const from = low === null ? '' : `${operand(low.operand)} ${low.inclusive ? '<=' : '<'} `
  const to = high === null ? '' : ` ${high.inclusive ? '<=' : '<'} ${operand(high.operand)}`
  return `${from}${name}${to}`
}

describe('what rows are told apart by', () => {
  test.for([
    ['i = ?', 'i = ?1'],
    ['? = i', 'i = ?1'],
    ['(t.i) = 5', 'i = 5'],
    ["x = 'a'", 'x = "a"'],
    ["n = 'a'", 'n NOCASE = "a"'],
    ['i = -5', 'i = -5'],
    ['b = NULL', 'b = null'],
    ['i IN (?, 7, ?)', 'i = ?1, 7, ?2'],
    ['i IN ()', 'i = '],
    ['i IS ?', 'i is ?1'],
    ['? IS i', 'i is ?1'],
    ['i IS NULL', 'i is null'],
    ['i ISNULL', 'i is null'],
    ['i > ?', '?1 < i'],
    ['i >= 3', '3 <= i'],
    ['i < ?', 'i < ?1'],
    ['i <= ?', 'i <= ?1'],
    ['? > i', 'i < ?1'],
    ['? >= i', 'i <= ?1'],
    ['? < i', '?1 < i'],
    ['3 <= i', '3 <= i'],
    ['i > ? AND i <= ?', '?1 < i <= ?2'],
    ['? > i AND 2 < i', '2 < i < ?1'],
    ['i BETWEEN ? AND 9', '?1 <= i <= 9'],
    ['id = ?', 'id = ?1'],
    ['rowid = ?', 'id = ?1'],
    // An equality before a range, the first of several.
    ['r > 3 AND i = ? AND b = ?', 'i = ?1'],
    // Bounds of one column only: another's say nothing of it.
    ['i > ? AND r < ?', '?1 < i'],
    ['(i = ? AND (x > ?))', 'i = ?1'],
    ['i = ? AND EXISTS (SELECT 1 FROM u WHERE u.t = t.id)', 'i = ?1'],
  ] as const)('WHERE %s: %s', ([where, expected]) => {
    expect(notation(`SELECT b FROM t WHERE ${where}`)).toBe(expected)
  })

  test.for([
    'i <> ?',
    'i IS NOT ?',
    'i NOT NULL',
    'i NOT IN (?)',
    'i NOT BETWEEN 1 AND 2',
    'NOT i = ?',
    'i = ? OR i = ?',
    'i + 0 = ?',
    '+i = ?',
    'abs(i) = ?',
    'i = r',
    'i = ? + 1',
    'i IN (?, r)',
    'i BETWEEN r AND 2',
    'i IN (SELECT k FROM u)',
    // A test of truth, and a REAL that JS does not tell from an integer.
    'i IS TRUE',
    'i = TRUE',
    'i = 1.0',
    'x LIKE ?',
    '? = ?',
    'i',
  ])('WHERE %s: nothing', (where) => {
    expect(notation(`SELECT b FROM t WHERE ${where}`)).toBeNull()
  })

  test('COLLATE in the condition is not that of the column: nothing', () => {
    expect(notation('SELECT b FROM t WHERE x COLLATE NOCASE = ?')).toBeNull()
    expect(notation('SELECT b FROM t WHERE x = ? COLLATE NOCASE')).toBeNull()
  })
})

describe('wherever the condition stands that holds for the row', () => {
  test.for([
    ['SELECT t.id FROM t JOIN u ON u.t = t.id AND u.k = ?', 'u', 'k = ?1'],
    ['SELECT t.id FROM t JOIN u ON u.t = t.id AND u.k = ?', 't', null],
    ['SELECT t.id FROM t, u WHERE u.t = t.id AND t.i = ? AND u.k > ?', 'u', '?2 < k'],
    // Of an outer join: by ON for the row that may be missing, and not for the other.
    ['SELECT t.id FROM t LEFT JOIN u ON u.t = t.id AND u.k = ? AND t.i = ?', 'u', 'k = ?1'],
    ['SELECT t.id FROM t LEFT JOIN u ON u.t = t.id AND u.k = ? AND t.i = ?', 't', null],
    ['SELECT t.id FROM t LEFT JOIN u ON u.t = t.id WHERE u.k IS NULL', 'u', null],
    ['SELECT t.id FROM t LEFT JOIN u ON u.t = t.id WHERE u.k IS ?', 'u', null],
    ['SELECT t.id FROM t LEFT JOIN u ON u.t = t.id WHERE u.k = ?', 'u', 'k = ?1'],
    ['SELECT t.id FROM u RIGHT JOIN t ON u.t = t.id AND t.i = ? WHERE t.r > 1', 't', '1 < r'],
    // In subqueries, by their own conditions.
    ['SELECT id FROM t WHERE i = 1 AND EXISTS (SELECT 1 FROM u WHERE u.t = t.id AND u.k = ?)', 'u', 'k = ?1'],
    ['SELECT id, (SELECT count(*) FROM u WHERE u.k = ?) FROM t WHERE t.i = ?', 't', 'i = ?2'],
    // Through derived tables, whichever side it is written on.
    ['SELECT * FROM (SELECT i AS q, b FROM t) AS d WHERE d.q = ?', 't', 'i = ?1'],
    ['SELECT * FROM (SELECT b FROM t WHERE i = ?) AS d', 't', 'i = ?1'],
    ['SELECT * FROM (SELECT i, count(*) AS c FROM t GROUP BY i) AS d WHERE d.i = ?', 't', 'i = ?1'],
    ['SELECT * FROM (SELECT i, count(*) AS c FROM t GROUP BY i) AS d WHERE d.c = ?', 't', null],
    ['SELECT * FROM (SELECT i FROM t ORDER BY r LIMIT 3) AS d WHERE d.i = ?', 't', null],
    ['SELECT i AS q FROM t WHERE q = ?', 't', 'i = ?1'],
    ['SELECT i, count(*) FROM t GROUP BY i HAVING i = ?', 't', null],
    ['SELECT id FROM t WHERE i = 1 UNION ALL SELECT id FROM u WHERE k = 2', 'u', 'k = 2'],
  ] as const)('%s, %s: %s', ([sql, alias, expected]) => {
    expect(notation(sql, alias)).toBe(expected)
  })
})

describe('with parameters', () => {
  const condition = (where: string, parameters: readonly SqlValue[]): Condition | null => {
    const { item, discriminator } = discriminated(`SELECT b FROM t WHERE ${where}`)
    return rowCondition(item.table ?? expect.fail('no table'), discriminator, parameters)
  }
  const equal = (column: number, ...values: SqlValue[]) => ({
    type: 'equal',
    column,
    collation: 'BINARY',
    values,
  })

  test('values in the place of operands', () => {
    expect(condition('i = ?', [5])).toEqual(equal(1, 5))
    expect(condition('i IN (?, 7)', [5])).toEqual(equal(1, 5, 7))
    expect(condition('n = ?', ['A'])).toEqual({ ...equal(4, 'A'), collation: 'NOCASE' })
    expect(condition('i > ? AND i <= ?', [1, 9])).toEqual({
      type: 'range',
      column: 1,
      collation: 'BINARY',
      low: { value: 1, inclusive: false },
      high: { value: 9, inclusive: true },
    })
    expect(condition('i >= ?', [1])).toMatchObject({ low: { value: 1, inclusive: true }, high: null })
  })

  test('there is none where there is no discriminator', () => {
    expect(condition('i <> ?', [5])).toBeNull()
  })

  test('NULL is equal to nothing, except by IS; and nothing is more or less than it', () => {
    expect(condition('i = ?', [null])).toEqual(equal(1))
    expect(condition('i IN (?, 7, ?)', [null, null])).toEqual(equal(1, 7))
    expect(condition('i IS ?', [null])).toEqual(equal(1, null))
    expect(condition('i IS NULL', [])).toEqual(equal(1, null))
    expect(condition('i > ?', [null])).toEqual(equal(1))
    expect(condition('i BETWEEN 1 AND ?', [null])).toEqual(equal(1))
    // A parameter that was not given is NULL.
    expect(condition('i = ?', [])).toEqual(equal(1))
  })

  test.for([
    ['i = ?', ['5']],
    ['i IS ?', ['5']],
    ['r = ?', ['5']],
    ['i IN (5, ?)', ['5']],
    ['i > ?', ['5']],
    ['i BETWEEN 1 AND ?', ['5']],
    ["i = '5'", []],
    ['x = ?', [5]],
    ['x = ?', [5n]],
    ['x = 5', []],
    ['n < ?', [5]],
  ] as const)('what SQLite would convert, is not compared: %s', ([where, parameters]) => {
    expect(condition(where, parameters)).toBeNull()
  })

  test('what it does not convert, is', () => {
    expect(condition('b = ?', ['5'])).toEqual(equal(5, '5'))
    expect(condition('b = ?', [5])).toEqual(equal(5, 5))
    expect(condition('x = ?', [new Uint8Array([1])])).toEqual(equal(3, new Uint8Array([1])))
    expect(condition('r = ?', [5])).toEqual(equal(2, 5))
    expect(condition('i = ?', [5.5])).toEqual(equal(1, 5.5))
  })

  test('whatever the cell, the value and the comparison: a row that the query shows meets the condition', () => {
    const values: readonly SqlValue[] = [null, 1, 2, 2.5, '1', '2.0', 'a', 'A', 'b', new Uint8Array([49])]
    database.run('DELETE FROM t')
    for (const value of values)
      database.run('INSERT INTO t (i, r, x, n, b) VALUES (?1, ?1, ?1, ?1, ?1)', [value])
    const comparisons = ['=', 'IS', '<', '<=', '>', '>='].flatMap((operator) => [
      (column: string) => `${column} ${operator} ?1`,
      (column: string) => `?1 ${operator} ${column}`,
    ])
    let held = 0
    for (const column of ['i', 'r', 'x', 'n', 'b']) {
      for (const comparison of [
        ...comparisons,
        () => `${column} IN (?1, 2)`,
        () => `${column} BETWEEN ?1 AND 2`,
      ]) {
        for (const value of values) {
          const where = comparison(column)
          const found = condition(where, [value])
          if (found === null) continue
          const shown = database.all(`SELECT ${column} FROM t WHERE ${where}`, [value])
          for (const [cell] of shown) {
            expect(meets(found, cell as SqlValue), `${cell} in ${where} of ${value}`).toBe(true)
            held++
          }
        }
      }
    }
    expect(held).toBeGreaterThan(200)
  })
})

function meets(condition: Condition, cell: SqlValue): boolean {
  const { collation } = condition
  const order = (value: SqlValue) => Math.sign(compareValues(cell, value, collation))
  if (condition.type === 'equal')
    return condition.values.some((value) =>
      value === null || cell === null ? value === cell : order(value) === 0,
    )
  const { low, high } = condition
  if (cell === null) return false
  return (
    (low === null || order(low.value) > (low.inclusive ? -1 : 0)) &&
    (high === null || order(high.value) < (high.inclusive ? 1 : 0))
  )
}
