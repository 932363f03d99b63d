import {
  compareRows,
  encodeKey,
  type OrderTerm,
  type RowKey,
  type SqlValue,
  type WireRow,
} from '@millrace/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Delta } from './difference.ts'
import { OrderedRows } from './ordered.ts'

/** Rows are `value, key`; sorted by the value, then by the key. */
const term = (column: number, changes: Partial<OrderTerm> = {}): OrderTerm => ({
  column,
  collation: 'BINARY',
  descending: false,
  nullsFirst: true,
  ...changes,
})
const BY_KEY = term(1)

type Entry = readonly [RowKey, WireRow]
const keyOf = (key: SqlValue) => encodeKey([key])
const entry = (value: SqlValue, key: SqlValue): Entry => [keyOf(key), [value, key]]

function ordered(order: readonly OrderTerm[], entries: readonly Entry[]): OrderedRows {
  const rows = new OrderedRows(order)
  const sorted = entries.toSorted((a, b) => compareRows(order, a[1], b[1]))
  expect(
    rows.reset(
      sorted.map(([key]) => key),
      sorted.map(([, row]) => row),
    ),
  ).toBe(true)
  return rows
}

/** `3a 5b`: values and keys in their order. */
const show = ({ rows }: { readonly rows: readonly WireRow[] }) => rows.map((row) => row.join('')).join(' ')

/** `-a 5b@1`: keys that go, then rows that come and where to. */
const notation = ({ remove, put }: Delta, keys: readonly string[]) =>
  [
    ...remove.map((key) => `-${keys.find((name) => keyOf(name) === key)}`),
    ...put.map(({ at, row }) => `${row.join('')}@${at}`),
  ].join(' ')

describe('rows go to where the order has them', () => {
  const order = [term(0), BY_KEY]
  const KEYS = ['a', 'b', 'c', 'x', 'y']
  const held = () => ordered(order, [entry(1, 'a'), entry(3, 'b'), entry(5, 'c')])

  test.for([
    ['nothing', [], [], '1a 3b 5c', ''],
    ['one more', [], [entry(2, 'x')], '1a 2x 3b 5c', '2x@1'],
    ['at both ends', [], [entry(9, 'x'), entry(0, 'y')], '0y 1a 3b 5c 9x', '0y@0 9x@4'],
    ['among equals by the key', [], [entry(3, 'x'), entry(1, 'y')], '1a 1y 3b 3x 5c', '1y@1 3x@3'],
    ['one goes', ['b'], [], '1a 5c', '-b'],
    ['all go', ['c', 'a', 'b'], [], '', '-c -a -b'],
    ['one moves', [], [entry(6, 'a')], '3b 5c 6a', '6a@2'],
    ['one stays in its place with another value', [], [entry(4, 'b')], '1a 4b 5c', '4b@1'],
    ['one goes, one moves, one comes', ['a'], [entry(0, 'c'), entry(3, 'x')], '0c 3b 3x', '-a 0c@0 3x@2'],
  ] as const)('%s', ([, remove, put, result, delta]) => {
    const rows = held()
    expect(notation(rows.apply(remove.map(keyOf), put), KEYS)).toBe(delta)
    expect(show(rows)).toBe(result)
    expect(rows.size).toBe(rows.keys.length)
  })

  test('and are found by their keys', () => {
    const rows = held()
    rows.apply([keyOf('a')], [entry(4, 'b')])
    expect(['a', 'b', 'c'].map((key) => rows.get(keyOf(key)))).toEqual([undefined, [4, 'b'], [5, 'c']])
  })

  test('rows that stay are the same objects', () => {
    const rows = held()
    const [a] = rows.rows
    rows.apply([], [entry(0, 'x')])
    expect(rows.rows[1]).toBe(a)
  })

  test('a result with two rows of one key is said to be none', () => {
    const rows = new OrderedRows(order)
    const [a, b] = [entry(1, 'a'), entry(2, 'a')]
    expect(rows.reset([a[0], b[0]], [a[1], b[1]])).toBe(false)
    expect(rows.reset([a[0]], [a[1]])).toBe(true)
    expect(rows.reset([], [])).toBe(true)
    expect(rows.get(a[0])).toBeUndefined()
  })
})

describe('in SQLite’s order', () => {
  const values: readonly SqlValue[] = [null, -1, 0, 2n ** 60n, 'A', 'a', 'b', new Uint8Array([0])]
  const sortedBy = (changes: Partial<OrderTerm>) =>
    ordered(
      [term(0, changes), BY_KEY],
      values.map((value, i) => entry(value, i)),
    ).rows.map(([, key]) => key)

  test.for([
    ['numbers, then texts, then blobs', {}, [0, 1, 2, 3, 4, 5, 6, 7]],
    ['descending', { descending: true, nullsFirst: false }, [7, 6, 5, 4, 3, 2, 1, 0]],
    ['NULLS LAST', { nullsFirst: false }, [1, 2, 3, 4, 5, 6, 7, 0]],
    ['descending, NULLS FIRST', { descending: true }, [0, 7, 6, 5, 4, 3, 2, 1]],
    [
      'NOCASE: A and a are told apart by the key',
      { collation: 'NOCASE', descending: true },
      [0, 7, 6, 4, 5, 3, 2, 1],
    ],
  ] as const)('%s', ([, changes, expected]) => {
    expect(sortedBy(changes)).toEqual(expected)
  })
})

const valueArbitrary = fc.constantFrom<SqlValue>(null, 0, 1, 2, 2.5, 3n, 'a', 'A', 'b', new Uint8Array([1]))
const termArbitrary = fc.record({
  column: fc.constant(0),
  collation: fc.constantFrom('BINARY', 'NOCASE', 'RTRIM'),
  descending: fc.boolean(),
  nullsFirst: fc.boolean(),
})

/** Keys with their new values; none: the row goes. */
const stepArbitrary = (most: number, length: number) =>
  fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: most }), fc.option(valueArbitrary, { nil: undefined })), {
    selector: ([key]) => key,
    maxLength: length,
    size: 'max',
  })

/** The rows as they should be: put in order afresh. */
class Model {
  readonly #order: readonly OrderTerm[]
  readonly #rows = new Map<RowKey, WireRow>()

  constructor(order: readonly OrderTerm[]) {
    this.#order = order
  }

  /** What a step asks of rows that are held so. */
  asked(step: readonly (readonly [number, SqlValue | undefined])[]): [RowKey[], Entry[]] {
    const remove = step.filter(([key, value]) => value === undefined && this.#rows.has(keyOf(key)))
    const put = step.flatMap(([key, value]) => (value === undefined ? [] : [entry(value, key)]))
    return [remove.map(([key]) => keyOf(key)), put]
  }

  apply(remove: readonly RowKey[], put: readonly Entry[]): void {
    for (const key of remove) this.#rows.delete(key)
    for (const [key, row] of put) this.#rows.set(key, row)
  }

  get sorted(): Entry[] {
    return [...this.#rows].sort((a, b) => compareRows(this.#order, a[1], b[1]))
  }
}

/** As a client applies it: all that is spoken of goes, then each is put where it says, one after the other. */
function applied(before: readonly Entry[], { remove, put }: Delta): Entry[] {
  const gone = new Set([...remove, ...put.map(({ key }) => key)])
  const entries = before.filter(([key]) => !gone.has(key))
  for (const { at, key, row } of put) entries.splice(at, 0, [key, row])
  return entries
}

const entriesOf = ({ keys, rows }: OrderedRows): Entry[] =>
  keys.map((key, i) => [key, rows[i] as WireRow] as const)

describe('whatever goes and comes', () => {
  // Above and below the number from which on the arrays are rebuilt.
  test.for([
    ['a few at a time', 20, 6],
    ['many at a time', 80, 80],
  ] as const)('%s: as if all were sorted afresh, and the delta leads there', ([, most, length]) => {
    fc.assert(
      fc.property(termArbitrary, fc.array(stepArbitrary(most, length), { maxLength: 8 }), (first, steps) => {
        const order = [first, BY_KEY]
        const rows = new OrderedRows(order)
        const model = new Model(order)
        for (const step of steps) {
          const [remove, put] = model.asked(step)
          const before = entriesOf(rows)
          const delta = rows.apply(remove, put)
          model.apply(remove, put)
          expect(entriesOf(rows)).toEqual(model.sorted)
          expect(applied(before, delta)).toEqual(model.sorted)
          expect(rows.size).toBe(model.sorted.length)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('one by one or all at once is the same', () => {
    fc.assert(
      fc.property(termArbitrary, stepArbitrary(60, 60), stepArbitrary(60, 60), (first, start, step) => {
        const order = [first, BY_KEY]
        const model = new Model(order)
        model.apply(...model.asked(start))
        const atOnce = ordered(order, model.sorted)
        const oneByOne = ordered(order, model.sorted)
        const [remove, put] = model.asked(step)
        atOnce.apply(remove, put)
        for (const key of remove) oneByOne.apply([key], [])
        for (const one of put) oneByOne.apply([], [one])
        expect(entriesOf(atOnce)).toEqual(entriesOf(oneByOne))
      }),
      { numRuns: 200 },
    )
  })
})
