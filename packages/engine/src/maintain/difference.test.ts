import { encodeKey, type SqlValue } from '@millrace/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Delta, difference, type Result } from './difference.ts'

/** `a1 b2`: rows with keys a and b, and values 1 and 2. */
function result(text: string): Result {
  const rows = text.split(' ').filter((row) => row !== '')
  return {
    keys: rows.map((row) => encodeKey([row.charAt(0)])),
    rows: rows.map((row) => [row.charAt(0), row.slice(1)]),
  }
}

const notation = (delta: Delta | null) =>
  delta === null
    ? 'same'
    : [
        ...delta.remove.map((key) => `-${key.slice(-1)}`),
        ...delta.put.map(({ at, row }) => `${row.join('')}@${at}`),
      ].join(' ')

function apply({ keys, rows }: Result, delta: Delta | null): Result {
  if (delta === null) return { keys, rows }
  const gone = new Set([...delta.remove, ...delta.put.map(({ key }) => key)])
  const entries = keys
    .map((key, i) => ({ key, row: rows[i] as readonly SqlValue[] }))
    .filter(({ key }) => !gone.has(key))
  for (const { at, key, row } of delta.put) entries.splice(at, 0, { key, row })
  return { keys: entries.map(({ key }) => key), rows: entries.map(({ row }) => row) }
}

describe('the smallest delta', () => {
  test.for([
    ['', '', 'same'],
    ['a1 b1', 'a1 b1', 'same'],
    ['', 'a1', 'a1@0'],
    ['a1', '', '-a'],
    ['a1 b1 c1', 'a1 b2 c1', 'b2@1'],
    ['a1 b1 c1', 'c1 a1 b1', 'c1@0'],
    ['a1 b1 c1', 'b1 c1 a1', 'a1@2'],
    ['a1 b1 c1 d1', 'd1 b1 c1 a1', 'd1@0 a1@3'],
    ['a1 b1 c1', 'x1 a1 c1', '-b x1@0'],
    // Two that move: both go before the first is put.
    ['x1 y1 a1 b1 c1', 'a1 x1 b1 c1 y1', 'a1@0 y1@4'],
    ['a1 b1', 'b2 a1', 'b2@0'],
  ] as const)('%s → %s is %s', ([before, after, delta]) => {
    expect(notation(difference(result(before), result(after)))).toBe(delta)
  })
})

const resultArbitrary: fc.Arbitrary<Result> = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 0, max: 2 })), {
    selector: ([key]) => key,
    maxLength: 16,
    size: 'max',
  })
  .map((rows) => ({ keys: rows.map(([key]) => encodeKey([key])), rows }))

test('applied to the result before, it gives the result after', () => {
  fc.assert(
    fc.property(resultArbitrary, resultArbitrary, (before, after) => {
      expect(apply(before, difference(before, after))).toEqual(after)
    }),
    { numRuns: 1000 },
  )
})

test('nothing is spoken of without need', () => {
  fc.assert(
    fc.property(resultArbitrary, resultArbitrary, (before, after) => {
      const delta = difference(before, after)
      const old = new Map(before.keys.map((key, i) => [key, i]))
      const now = new Set(after.keys)
      expect(delta?.remove ?? []).toEqual(before.keys.filter((key) => !now.has(key)))
      const same = after.keys.filter((key, i) => {
        const was = old.get(key)
        return was !== undefined && String(before.rows[was]) === String(after.rows[i])
      })
      const stay = same.map((key) => old.get(key) as number)
      expect(delta?.put.length ?? 0).toBe(after.keys.length - longestIncreasing(stay))
    }),
    { numRuns: 1000 },
  )
})

test('of a result with itself there is none', () => {
  fc.assert(fc.property(resultArbitrary, (one) => difference(one, one) === null))
})

function longestIncreasing(values: readonly number[]): number {
  const best: number[] = []
  for (const [i, value] of values.entries()) {
    best[i] = 1
    for (let j = 0; j < i; j++)
      if ((values[j] as number) < value) best[i] = Math.max(best[i] as number, (best[j] as number) + 1)
  }
  return Math.max(0, ...best)
}
