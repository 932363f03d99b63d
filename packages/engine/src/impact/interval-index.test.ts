import { type Collation, compareValues, type SqlValue } from '@millrace/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Bound, type Compare, IntervalIndex } from './interval-index.ts'

type Interval = readonly [low: Bound | null, high: Bound | null]

/** `[1 5)`: from 1, included, to 5, not included; `*` for a number: open. */
function interval(text: string): Interval {
  const [low, high] = text.slice(1, -1).split(' ') as [string, string]
  const bound = (value: string, inclusive: boolean) =>
    value === '*' ? null : { value: Number(value), inclusive }
  return [bound(low, text.startsWith('[')), bound(high, text.endsWith(']'))]
}

function stabbed<T>(index: IntervalIndex<T>, value: SqlValue): T[] {
  const members: T[] = []
  index.stab(value, (member) => members.push(member))
  return members
}

describe('an interval holds', () => {
  test.for<[string, number[], number[]]>([
    ['[1 3]', [1, 2, 3], [0, 4]],
    ['(1 3)', [2], [1, 3]],
    ['[1 3)', [1, 2], [3]],
    ['(1 3]', [2, 3], [1]],
    ['(* 3)', [Number.NEGATIVE_INFINITY, 2], [3, 4]],
    ['[1 *)', [1, Number.POSITIVE_INFINITY], [0]],
    ['(* *)', [Number.NEGATIVE_INFINITY, 0, Number.POSITIVE_INFINITY], []],
    ['[2 2]', [2], [1, 3]],
    ['(2 2]', [], [2]],
    ['[3 1]', [], [1, 2, 3]],
  ])('%s: %j, not %j', ([text, inside, outside]) => {
    const index = new IntervalIndex<string>()
    index.add(...interval(text), text)
    for (const value of inside) expect(stabbed(index, value)).toEqual([text])
    for (const value of outside) expect(stabbed(index, value)).toEqual([])
  })
})

test('equal bounds are one interval, also where the collation alone makes them equal', () => {
  const index = new IntervalIndex<string>((a, b) => compareValues(a, b, 'NOCASE'))
  const from = (value: string): Bound => ({ value, inclusive: true })
  index.add(from('a'), null, 'one')
  index.add(from('A'), null, 'two')
  expect(index.size).toBe(1)
  expect(stabbed(index, 'B')).toEqual(['one', 'two'])
  index.remove(from('A'), null, 'one')
  expect(stabbed(index, 'b')).toEqual(['two'])
})

test('removing what is not there changes nothing', () => {
  const index = new IntervalIndex<string>()
  index.add(...interval('[1 3]'), 'here')
  index.remove(...interval('[1 3]'), 'elsewhere')
  index.remove(...interval('[1 3)'), 'here')
  expect(stabbed(index, 2)).toEqual(['here'])
  expect(index.size).toBe(1)
})

describe('any history of intervals', () => {
  const value = fc.constantFrom<SqlValue[]>(
    Number.NEGATIVE_INFINITY,
    -1,
    0,
    1,
    1.5,
    2 ** 53,
    2n ** 53n + 1n,
    Number.POSITIVE_INFINITY,
    '',
    'A',
    'a',
    'a ',
    'B',
    'é',
    new Uint8Array(),
    new Uint8Array([1]),
  )
  const bound = fc.option(fc.record({ value, inclusive: fc.boolean() }))
  const collation = fc.constantFrom<Collation[]>('BINARY', 'NOCASE', 'RTRIM')
  const histories = fc.array(fc.record({ low: bound, high: bound, stays: fc.boolean() }), { maxLength: 60 })

  test('answers as a filter over all does, and ends empty', () => {
    fc.assert(
      fc.property(collation, histories, fc.array(value, { maxLength: 8 }), (collated, history, values) => {
        const compare: Compare = (a, b) => compareValues(a, b, collated)
        const within = (order: number, inclusive: boolean) => order < 0 || (inclusive && order === 0)
        const holds = ({ low, high }: { low: Bound | null; high: Bound | null }, v: SqlValue) =>
          (low === null || within(compare(low.value, v), low.inclusive)) &&
          (high === null || within(compare(v, high.value), high.inclusive))

        const index = new IntervalIndex<(typeof history)[number]>(compare)
        for (const each of history) index.add(each.low, each.high, each)
        for (const each of history) if (!each.stays) index.remove(each.low, each.high, each)
        const staying = history.filter(({ stays }) => stays)
        for (const v of values) {
          const expected = staying.filter((each) => holds(each, v))
          const found = stabbed(index, v)
          expect(found.length).toBe(expected.length)
          expect(new Set(found)).toEqual(new Set(expected))
        }
        for (const each of staying) index.remove(each.low, each.high, each)
        expect(index.size).toBe(0)
      }),
      { numRuns: 500 },
    )
  })
})

describe('the work, with 10,000 intervals', () => {
  const COUNT = 10_000
  /** log2 of the count is 13.3. A treap is about twice as deep as it could be, and a step takes up to 3 comparisons. */
  const ONE_PATH = 200

  function counting() {
    const work = { comparisons: 0 }
    const index = new IntervalIndex<number>((a, b) => {
      work.comparisons++
      return compareValues(a, b)
    })
    const comparisonsOf = (act: () => void) => {
      const before = work.comparisons
      act()
      return work.comparisons - before
    }
    return { index, comparisonsOf }
  }

  /** Numbers from 0 to COUNT, each once. */
  const orders: Record<string, (i: number) => number> = {
    ascending: (i) => i,
    descending: (i) => COUNT - 1 - i,
    // 7919 has no divisor in common with the count.
    scattered: (i) => (i * 7919) % COUNT,
  }
  const shapes: Record<string, (i: number) => Interval> = {
    'next to each other': (i) => interval(`[${i} ${i + 1})`),
    'open below': (i) => interval(`(* ${i}]`),
    'open above': (i) => interval(`[${i} *)`),
    'of many lengths': (i) => interval(`[${i} ${i + ((i * 31) % 97)}]`),
    'one within the other': (i) => interval(`[${i} ${2 * COUNT - i}]`),
  }
  const cases = Object.keys(orders).flatMap((order) => Object.keys(shapes).map((shape) => [order, shape]))

  test.for(cases)('%s, %s: a question costs one path for each answer at most', ([order, shape]) => {
    const at = orders[order as string] as (i: number) => number
    const shaped = shapes[shape as string] as (i: number) => Interval
    const { index, comparisonsOf } = counting()
    for (let i = 0; i < COUNT; i++) {
      const [low, high] = shaped(at(i))
      expect(comparisonsOf(() => index.add(low, high, at(i)))).toBeLessThan(ONE_PATH)
    }
    for (const value of [-1, 0, 5, 4321, COUNT - 5, COUNT, 2 * COUNT, 2 * COUNT + 1]) {
      let hits = 0
      const comparisons = comparisonsOf(() => index.stab(value, () => hits++))
      // Three a node, and between two hits that are neighbours there is less than a path.
      expect(comparisons).toBeLessThan(ONE_PATH + 6 * hits)
    }
  })

  test('coming and going between questions costs a path each, not a rebuild', () => {
    const { index, comparisonsOf } = counting()
    for (let i = 0; i < COUNT; i++) index.add(...interval(`[${i} ${i + 1})`), i)
    for (let i = 0; i < COUNT; i++) {
      expect(comparisonsOf(() => index.remove(...interval(`[${i} ${i + 1})`), i))).toBeLessThan(ONE_PATH)
      expect(comparisonsOf(() => index.add(...interval(`[${i + COUNT} ${i + COUNT + 1})`), i))).toBeLessThan(
        ONE_PATH,
      )
      expect(comparisonsOf(() => index.stab(i + 1, () => {}))).toBeLessThan(ONE_PATH)
    }
    expect(index.size).toBe(COUNT)
  })
})
