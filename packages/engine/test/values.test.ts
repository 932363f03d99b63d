import { type Collation, compareValues, encodeKey, type SqlValue, toSqlValue } from '@millrace/protocol'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Connection } from '../src/database/sqlite.ts'
import { ask, sqlite } from './oracle/connect.ts'

let connection: Connection
beforeAll(async () => {
  connection = (await sqlite()).open(':memory:')
})
afterAll(() => {
  ask(connection, 'SELECT crsql_finalize()')
  connection.close()
})

const COLLATIONS: Collation[] = ['BINARY', 'NOCASE', 'RTRIM']
const INT64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n }

const text = fc.oneof(
  fc.string({
    unit: fc.constantFrom('a', 'A', 'b', 'Z', '_', ' ', '\0', 'é', '\uffff', '\u{10000}', '\ud83d'),
    maxLength: 4,
  }),
  fc.string({ unit: 'binary' }),
)
/** Anything a user may give, and so often near a border that values meet. */
const value: fc.Arbitrary<SqlValue> = fc
  .oneof(
    fc.constant(null),
    fc.integer({ min: -2, max: 2 }),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.bigInt(INT64),
    fc.constantFrom(
      2n ** 53n,
      2n ** 53n + 1n,
      2 ** 53,
      -(2n ** 63n),
      -(2 ** 63),
      2 ** 63,
      2n ** 63n - 1n,
      2 ** 31,
      -(2 ** 31) - 1,
    ),
    fc.double({ noNaN: true }),
    text,
    fc.uint8Array({ maxLength: 3 }),
  )
  .map((value) => toSqlValue(value, 'x'))

test('values come back as they were given', () => {
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 6 }), (values) => {
      const [row] = ask(connection, `SELECT ${values.map(() => '?').join(', ')}`, values)
      expect(row).toEqual(values)
    }),
    { numRuns: 1000 },
  )
})

describe('what SQLite holds, by its own word', () => {
  const half = '\ud83d'
  const cases: [string, unknown, string, SqlValue][] = [
    ['an integer from 2^31', 2 ** 31, 'integer', 2 ** 31],
    ['a timestamp', 1_700_000_000_000, 'integer', 1_700_000_000_000],
    ['the largest safe integer', 2 ** 53 - 1, 'integer', 2 ** 53 - 1],
    ['2^53 as a bigint', 2n ** 53n, 'integer', 2n ** 53n],
    ['the smallest integer', -(2n ** 63n), 'integer', -(2n ** 63n)],
    ['the largest integer', 2n ** 63n - 1n, 'integer', 2n ** 63n - 1n],
    ['a small bigint', 5n, 'integer', 5],
    ['an integral double beyond 2^53', 2 ** 60, 'real', 2 ** 60],
    ['infinity', Number.POSITIVE_INFINITY, 'real', Number.POSITIVE_INFINITY],
    ['minus infinity', Number.NEGATIVE_INFINITY, 'real', Number.NEGATIVE_INFINITY],
    ['true', true, 'integer', 1],
    ['false', false, 'integer', 0],
    ['no bytes', new Uint8Array(), 'blob', new Uint8Array()],
    ['a zero byte', new Uint8Array([0]), 'blob', new Uint8Array([0])],
    ['no text', '', 'text', ''],
    ['text with a NUL', 'a\0b', 'text', 'a\0b'],
    ['a NUL', '\0', 'text', '\0'],
    [
      'long text with a NUL and more',
      `${'x'.repeat(30)}\0é\u{1f600}`,
      'text',
      `${'x'.repeat(30)}\0é\u{1f600}`,
    ],
    ['a byte order mark', '\ufeffa', 'text', '\ufeffa'],
    ['half a surrogate pair', `a${half}b`, 'text', 'a\ufffdb'],
  ]
  test.for(cases)('%s', ([, given, type, back]) => {
    const [row] = ask(connection, 'SELECT typeof(?1), ?1', [toSqlValue(given, 'x')])
    expect(row).toEqual([type, back])
  })
})

test('compareValues is the order of ORDER BY, under every collation', () => {
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 2, maxLength: 8 }),
      fc.constantFrom(...COLLATIONS),
      (values, collation) => {
        const sorted = ask(
          connection,
          `SELECT value, position FROM (${values.map((_, i) => `SELECT ?${i + 1} AS value, ${i} AS position`).join(' UNION ALL ')}) ORDER BY value COLLATE ${collation}, position`,
          values,
        )
        const ours = values
          .map((value, position) => ({ value, position }))
          .sort((a, b) => compareValues(a.value, b.value, collation) || a.position - b.position)
        expect(ours.map(({ position }) => position)).toEqual(sorted.map((row) => row[1]))
      },
    ),
    { numRuns: 1500 },
  )
})

test('compareValues: 100,000 random pairs under each collation, as SQLite compares them', () => {
  const values = fc.sample(value, {
    numRuns: 320,
  })
  connection.exec('CREATE TEMP TABLE paired (i INTEGER PRIMARY KEY, v)')
  for (const [i, one] of values.entries()) ask(connection, 'INSERT INTO temp.paired VALUES (?, ?)', [i, one])
  let compared = 0
  for (const collation of COLLATIONS) {
    // NULLs come first, and are one.
    const pairs = ask(
      connection,
      `SELECT a.i, b.i, CASE WHEN a.v COLLATE ${collation} IS b.v THEN 0 WHEN a.v IS NULL THEN -1 WHEN b.v IS NULL THEN 1
        WHEN a.v COLLATE ${collation} < b.v THEN -1 ELSE 1 END FROM temp.paired AS a, temp.paired AS b`,
    )
    const wrong = pairs.filter(
      ([i, j, order]) =>
        Math.sign(
          compareValues(values[i as number] as SqlValue, values[j as number] as SqlValue, collation),
        ) !== order,
    )
    expect(wrong.map(([i, j]) => [values[i as number], values[j as number]])).toEqual([])
    compared += pairs.length
  }
  connection.exec('DROP TABLE temp.paired')
  expect(compared).toBeGreaterThan(300_000)
})

test('encodeKey is one for two values where SQLite says IS, and compareValues 0', () => {
  // Values of the same kind often, so that equals are met.
  const near = value.chain((one) =>
    fc.tuple(fc.constant(one), fc.oneof(fc.constant(one), value, fc.constantFrom(...variants(one)))),
  )
  let equal = 0
  fc.assert(
    fc.property(near, fc.constantFrom(...COLLATIONS), ([a, b], collation) => {
      const is = ask(connection, `SELECT ?1 COLLATE ${collation} IS ?2`, [a, b])[0]?.[0] === 1
      if (is) equal++
      expect(encodeKey([a], [collation]) === encodeKey([b], [collation])).toBe(is)
      expect(encodeKey([1, a], ['BINARY', collation]) === encodeKey([1, b], ['BINARY', collation])).toBe(is)
      expect(compareValues(a, b, collation) === 0).toBe(is)
    }),
    { numRuns: 3000 },
  )
  expect(equal).toBeGreaterThan(500)
})

/** Other ways to say nearly the same. */
function variants(value: SqlValue): SqlValue[] {
  if (typeof value === 'string')
    return [value.toUpperCase(), `${value} `, value.trimEnd(), `${value}\0`, value.replace(/\0./u, '\0q')]
  if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= 2 ** 63) {
    return [toSqlValue(BigInt.asIntN(64, BigInt(value)), 'x'), String(value), value + 1]
  }
  if (typeof value === 'bigint') return [Number(value), toSqlValue(BigInt.asIntN(64, value + 1n), 'x')]
  return [value]
}
