import { describe, expect, test } from 'vitest'
import { MillraceError } from './error.ts'
import {
  collate,
  compareValues,
  encodeKey,
  identical,
  identicalRows,
  identifyParameters,
  type SqlValue,
  toSqlValue,
} from './value.ts'

// That these agree with SQLite is tested on SQLite, in packages/engine/test/values.test.ts.

describe('toSqlValue', () => {
  test.for<[unknown, SqlValue]>([
    [true, 1],
    [false, 0],
    [null, null],
    [1.5, 1.5],
    [-0, 0],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    [2n ** 31n, 2 ** 31],
    [2n ** 53n, 2n ** 53n],
    [-(2n ** 63n), -(2n ** 63n)],
    ['a\0b', 'a\0b'],
    ['half \ud83d of a pair', 'half \ufffd of a pair'],
    ['a whole \u{1f600}', 'a whole \u{1f600}'],
  ])('%s becomes %s', ([given, stored]) => {
    expect(toSqlValue(given, 'x')).toBe(stored)
  })

  test('leaves bytes as they are', () => {
    const bytes = new Uint8Array(0)
    expect(toSqlValue(bytes, 'x')).toBe(bytes)
  })

  test.for<[unknown, RegExp]>([
    [Number.NaN, /NaN.*give null/],
    [undefined, /undefined.*give null/],
    [new Date(0), /Date.*toISOString/],
    [new Date(Number.NaN), /Date/],
    [{ a: 1 }, /an object \(Object\).*JSON\.stringify/],
    [[1, 2], /an array.*JSON\.stringify/],
    [new Uint16Array(1), /Uint16Array.*Uint8Array/],
    [new ArrayBuffer(1), /ArrayBuffer.*Uint8Array/],
    [2n ** 63n, /9223372036854775808.*text/],
    [-(2n ** 63n) - 1n, /64 bits/],
    [() => 1, /a function/],
    [Symbol('s'), /a symbol/],
    [Object.create(null), /object/],
  ])('refuses %s, and says what to do', ([given, message]) => {
    expect(() => toSqlValue(given, 'todo.title')).toThrowError(MillraceError)
    expect(() => toSqlValue(given, 'todo.title')).toThrowError(message)
    expect(() => toSqlValue(given, 'todo.title')).toThrowError('todo.title')
  })
})

describe('compareValues', () => {
  /** Ascending, each a class of equals. */
  const ORDER: SqlValue[][] = [
    [null],
    [Number.NEGATIVE_INFINITY],
    [-(2n ** 63n), -(2 ** 63)],
    [-1],
    [0, -0],
    [1.5],
    [2 ** 53],
    [2n ** 53n + 1n],
    [2n ** 63n - 1n],
    [2 ** 63],
    [Number.POSITIVE_INFINITY],
    [''],
    ['A'],
    ['a'],
    ['a\0'],
    ['a '],
    ['ab'],
    ['é'],
    ['\uffff'],
    ['\u{10000}'],
    [new Uint8Array()],
    [new Uint8Array([0])],
    [new Uint8Array([0, 1])],
    [new Uint8Array([255])],
  ]
  test('is total, and as SQLite has it', () => {
    ORDER.forEach((left, i) => {
      ORDER.forEach((right, j) => {
        for (const a of left)
          for (const b of right) expect(Math.sign(compareValues(a, b)), `${a} ${b}`).toBe(Math.sign(i - j))
      })
    })
  })

  test('under NOCASE folds ASCII only, under RTRIM ignores blanks at the end only', () => {
    expect(compareValues('ABC', 'abc', 'NOCASE')).toBe(0)
    expect(compareValues('É', 'é', 'NOCASE')).not.toBe(0)
    expect(compareValues('a  ', 'a', 'RTRIM')).toBe(0)
    expect(compareValues('a\t', 'a', 'RTRIM')).not.toBe(0)
    expect(compareValues('a \n ', 'a', 'RTRIM')).not.toBe(0)
  })
})

describe('encodeKey', () => {
  test('is one for what SQLite holds equal', () => {
    expect(encodeKey([-(2n ** 63n)])).toBe(encodeKey([-(2 ** 63)]))
    expect(encodeKey([2n ** 60n])).toBe(encodeKey([2 ** 60]))
    expect(encodeKey([-0])).toBe(encodeKey([0]))
    expect(encodeKey(['A', 'b '], ['NOCASE', 'RTRIM'])).toBe(encodeKey(['a', 'b'], ['NOCASE', 'RTRIM']))
  })

  test('never meets another', () => {
    const keys: SqlValue[][] = [
      [null],
      [0],
      ['0'],
      [1],
      ['1'],
      ['n1'],
      [''],
      [new Uint8Array()],
      [new Uint8Array([0x31])],
      ['x31'],
      [2n ** 53n + 1n],
      [2 ** 53],
      [Number.POSITIVE_INFINITY],
      ['Infinity'],
      ['a', 'b'],
      ['a;t1:b', null],
      ['a', ';b'],
      ['a;', 'b'],
      [null, 0],
      [0, null],
    ]
    expect(new Set(keys.map((key) => encodeKey(key))).size).toBe(keys.length)
  })
})

test('identical tells values apart that compare equal', () => {
  expect(identical('A', 'a')).toBe(false)
  expect(identical(1, '1')).toBe(false)
  expect(identical(new Uint8Array([1]), new Uint8Array([1]))).toBe(true)
  expect(identical(new Uint8Array(), '')).toBe(false)
  expect(identicalRows([1, null], [1, null])).toBe(true)
  expect(identicalRows([1], [1, null])).toBe(false)
})

test('collate: NOCASE looks no further than a NUL', () => {
  expect(collate('A\0b', 'NOCASE')).toBe(collate('a\0C', 'NOCASE'))
  expect(collate('A\0b', 'NOCASE')).not.toBe(collate('a\0é', 'NOCASE'))
})

test('parameters are one identity when they are the same, and only then', () => {
  const different = [
    [],
    [null],
    [1],
    [1n],
    ['1'],
    [Uint8Array.of(0x31)],
    ['null'],
    [2 ** 60],
    [2n ** 60n],
    [Infinity],
    [-Infinity],
    ['Infinity'],
    [1, 2],
    ['1;number2'],
    ['a', 'b'],
    ['a;text1:b'],
    [Uint8Array.of()],
    [''],
    ...Array.from({ length: 256 }, (_, byte) => [Uint8Array.of(byte)]).filter((_, byte) => byte !== 0x31),
    [Uint8Array.of(0xef, 0xbb, 0xbf, 1)],
    [Uint8Array.of(1), Uint8Array.of(2)],
    [Uint8Array.of(1, 2)],
  ]
  const identities = different.map((parameters) => identifyParameters(parameters))
  expect(new Set(identities).size).toBe(different.length)
  expect(identifyParameters(['a', Uint8Array.of(1)])).toBe(identifyParameters(['a', new Uint8Array([1])]))
})
