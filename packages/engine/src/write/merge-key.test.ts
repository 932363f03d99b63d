import type { Affinity, SqlValue } from '@millrace/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sqlite } from '../../test/oracle/connect.ts'
import { Database } from '../database/database.ts'
import { isStoredAsIs, unpackKey } from './merge-key.ts'

const open = async () => new Database((await sqlite()).open(':memory:'))

const values: fc.Arbitrary<SqlValue> = fc.oneof(
  fc.constantFrom(
    null,
    '',
    'a\0b',
    'x'.repeat(255),
    'x'.repeat(256),
    new Uint8Array(),
    new Uint8Array(70_000),
  ),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(...[0, 7, 8, 15, 16, 31, 32, 47, 48, 53, 55, 56, 62].map((bit) => 2n ** BigInt(bit))),
  fc.integer(),
  fc.double({ noNaN: true }),
  fc.string({ unit: 'grapheme' }),
  fc.uint8Array(),
)

test('a packed key is read as cr-sqlite reads it', async () => {
  const database = await open()
  fc.assert(
    fc.property(fc.array(values, { minLength: 1, maxLength: 4 }), (key) => {
      const marks = key.map(() => '?').join(', ')
      const packed = database.get(`SELECT crsql_pack_columns(${marks})`, key)?.[0] as Uint8Array
      const read = database.all('SELECT cell, typeof(cell) FROM crsql_unpack_columns(?)', [packed])
      expect(unpackKey(packed)?.map(({ value, type }) => [value, type])).toEqual(read)
    }),
    { numRuns: 300 },
  )
})

describe('what is not a packed key', () => {
  test('ends nothing, and is told', async () => {
    const database = await open()
    let sound = 0
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      // Mostly sound, so that what is accepted is tried on cr-sqlite too.
      fc
        .uint8Array({ minLength: 1, maxLength: 3 })
        .map((tail) => new Uint8Array([1, tail.length * 8 + 1, ...tail])),
      fc.uint8Array({ maxLength: 5 }).map((tail) => new Uint8Array([2, 5, 11, tail.length, ...tail])),
    )
    fc.assert(
      fc.property(bytes, (packed) => {
        const key = unpackKey(packed)
        if (key === undefined) return
        sound++
        const read = database.all('SELECT cell, typeof(cell) FROM crsql_unpack_columns(?)', [packed])
        expect(key.map(({ value, type }) => [value, type])).toEqual(read)
      }),
      { numRuns: 1000 },
    )
    expect(sound).toBeGreaterThan(200)
  })
})

test('a value is stored as is exactly where SQLite stores it as is', async () => {
  const database = await open()
  const types: Record<string, Affinity> = {
    INTEGER: 'INTEGER',
    REAL: 'REAL',
    NUMERIC: 'NUMERIC',
    TEXT: 'TEXT',
    BLOB: 'BLOB',
  }
  const columns = Object.keys(types)
  database.run(`CREATE TABLE t (${columns.map((type) => `"${type}" ${type}`).join(', ')})`)
  const numbers = [
    '0',
    '1',
    '-1',
    '5.0',
    '1.5',
    '1e3',
    '1e300',
    '9007199254740993.0',
    '9.3e18',
    '-9223372036854775808',
    '-9223372036854775808.0',
    '9e999',
  ]
  const texts = [
    ...numbers,
    '',
    ' ',
    '+5',
    ' 5 ',
    '\t5\n',
    '.5',
    '5.',
    '.',
    '5e',
    '5e+2',
    '0x10',
    '1_000',
    '5a',
    'a5',
    '٥',
    '\u00a05',
    'inf',
    'nan',
    '-',
    '5\0',
  ]
  const literals = [
    ...numbers,
    "x''",
    "x'35'",
    ...texts.map((text) => `CAST(x'${Buffer.from(text).toString('hex')}' AS TEXT)`),
  ]
  for (const literal of literals) {
    const given = database.get(`SELECT crsql_pack_columns(${literal}), typeof(${literal}), quote(${literal})`)
    const [value] = unpackKey(given?.[0] as Uint8Array) ?? []
    database.run('DELETE FROM t')
    database.run(`INSERT INTO t VALUES (${columns.map(() => literal).join(', ')})`)
    for (const [type, affinity] of Object.entries(types)) {
      const stored = database.get(`SELECT typeof("${type}"), quote("${type}") FROM t`)
      const same = JSON.stringify(stored) === JSON.stringify(given?.slice(1))
      expect(isStoredAsIs(value as never, affinity), `${literal} in ${type}: ${stored}`).toBe(same)
    }
  }
})
