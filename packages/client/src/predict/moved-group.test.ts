import type { GroupOutput, RowKey, SqlValue } from '@millrace/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { UNKNOWN } from '../expression/cell.ts'
import { type Contribution, MovedGroup } from './moved-group.ts'

const arg = { type: 'column', source: 0, column: 0, affinity: 'BLOB' } as const
const least = { type: 'min', arg, filter: null, collation: 'BINARY' } as const
const greatest = { type: 'max', arg, filter: null, collation: 'NOCASE' } as const
const outputs: readonly GroupOutput[] = [{ type: 'count', arg: null, filter: null }, least, greatest]

const contribution = (sign: 1 | -1, least: SqlValue, greatest: SqlValue): Contribution => ({
  unit: 'g' as RowKey,
  key: [],
  sign,
  inputs: [1, least, greatest],
})

const row = fc.constantFrom('a', 'b', 'c', 'd').map((key) => key as RowKey)
const contributions = fc.array(
  fc
    .tuple(
      fc.constantFrom(1 as const, -1 as const),
      fc.constantFrom<SqlValue>(1, 2, 3, null),
      fc.constantFrom<SqlValue>('x', 'X', 'y', null),
    )
    .map((of) => contribution(...of)),
  { maxLength: 2 },
)

test('law: what rows moved one after the other is what they move together', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(row, contributions), { maxLength: 12 }), (steps) => {
      const moved = new MovedGroup(outputs)
      const now = new Map<RowKey, readonly Contribution[]>()
      for (const [key, here] of steps) {
        moved.set(key, here)
        if (here.length > 0) now.set(key, here)
        else now.delete(key)
        const afresh = new MovedGroup(outputs)
        for (const [other, of] of now) afresh.set(other, of)
        const all = [...now.values()].flat()
        expect(moved.isEmpty).toBe(now.size === 0)
        expect(moved.added(0)).toBe(all.reduce((sum, { sign }) => sum + sign, 0))
        for (const old of [null, 1, 2]) {
          const extreme = moved.extreme(1, least, old)
          expect(extreme).toBe(afresh.extreme(1, least, old))
          const given = all.flatMap(({ sign, inputs }) => (sign > 0 ? [inputs[1] as number | null] : []))
          const values = [old, ...given].filter((value) => value !== null)
          if (extreme !== UNKNOWN) expect(extreme).toBe(values.length === 0 ? null : Math.min(...values))
        }
        for (const old of [null, 'X', 'y'])
          expect(moved.extreme(2, greatest, old)).toBe(afresh.extreme(2, greatest, old))
      }
    }),
    { numRuns: 300 },
  )
})

test('which of two equal texts shows is not told, nor what comes after the last one that is known', () => {
  const extremeOf = (old: SqlValue, ...all: readonly (readonly [1 | -1, SqlValue])[]) => {
    const moved = new MovedGroup(outputs)
    all.forEach(([sign, value], i) => {
      moved.set(`${i}` as RowKey, [contribution(sign, null, value)])
    })
    return moved.extreme(2, greatest, old)
  }
  expect(extremeOf('x', [1, 'X'])).toBe(UNKNOWN)
  expect(extremeOf('x', [1, 'x'])).toBe('x')
  // A third may be spelled otherwise.
  expect(extremeOf('x', [1, 'x'], [-1, 'x'])).toBe(UNKNOWN)
  expect(extremeOf('x', [-1, 'x'])).toBe(UNKNOWN)
  expect(extremeOf('x', [-1, 'a'])).toBe('x')
  expect(extremeOf('x', [1, 'y'], [1, 'Y'])).toBe(UNKNOWN)
  expect(extremeOf('x', [1, 'y'], [-1, 'x'])).toBe('y')
})

test('of a thousand rows that come one by one each is looked at once', () => {
  let asked = 0
  const moved = new MovedGroup(outputs)
  for (let i = 0; i < 1000; i++) {
    const { inputs, ...others } = contribution(1, i, null)
    const counted: Contribution = {
      ...others,
      get inputs() {
        asked++
        return inputs
      },
    }
    moved.set(`${i}` as RowKey, [counted])
    expect(moved.extreme(1, least, null)).toBe(0)
  }
  expect(asked).toBeLessThanOrEqual(3 * 1000)
})
