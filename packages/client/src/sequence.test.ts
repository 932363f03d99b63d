import type { RowKey, SqlValue } from '@millrace/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Row } from './query.ts'
import type { Entry } from './result.ts'
import { type Compare, Sequence } from './sequence.ts'

/** An entry that counts how often its row was asked for. */
class Counted implements Entry {
  static asked = 0
  readonly key: RowKey
  readonly values: readonly SqlValue[]
  readonly #row: Row

  constructor(key: number, rank: number) {
    this.key = String(key) as RowKey
    this.values = [key, rank]
    this.#row = { key, rank }
  }

  get row(): Row {
    Counted.asked++
    return this.#row
  }
}

const byRank: Compare = ({ values: a }, { values: b }) =>
  Number(a[1]) - Number(b[1]) || Number(a[0]) - Number(b[0])
const listOf = (length: number, rank = (i: number) => i) =>
  Array.from({ length }, (_, i) => new Counted(i, rank(i)))

/** Everything that can be asked of it, as the array says. */
function expectSame(sequence: Sequence, array: readonly Entry[]): void {
  expect(sequence.length).toBe(array.length)
  const all = sequence.toArray()
  expect(all.length).toBe(array.length)
  expect(all.every((entry, i) => entry === array[i])).toBe(true)
  const rows = sequence.rows()
  expect(rows.length).toBe(array.length)
  expect(rows.every((row, i) => row === array[i]?.row)).toBe(true)
  const places = [-1, 0, 1, 127, 128, 255, 256, 257, 511, 512, array.length - 1, array.length]
  for (const place of places) expect(sequence.at(place)).toBe(array[place < 0 ? array.length : place])
  for (const count of [0, 1, 50, 256, 257, array.length, array.length + 1]) {
    if (count <= 0) continue
    for (const start of [0, count >> 1, count]) {
      const part = sequence.slice(start, count)
      const same = array.slice(start, count)
      expect(part.length).toBe(same.length)
      expect(part.every((entry, i) => entry === same[i])).toBe(true)
    }
  }
}

const sizes = fc.constantFrom(0, 1, 2, 255, 256, 257, 511, 512, 513, 700)
/** A part of 1: which of the places there are at the time, the ends and chunks' borders among them. */
const place = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 1))
const step = fc.oneof(
  fc.record({ type: fc.constant('insert' as const), place }),
  fc.record({ type: fc.constant('remove' as const), place }),
  fc.record({ type: fc.constant('with' as const), place }),
  // A whole chunk more at one place, or less: so that chunks split, and go.
  fc.record({ type: fc.constantFrom('many' as const, 'fewer' as const), place }),
)

test('law: a history of changes is that of an array, and every sequence on the way stays what it was', () => {
  fc.assert(
    fc.property(sizes, fc.array(step, { maxLength: 12 }), (size, steps) => {
      let array: readonly Entry[] = listOf(size)
      let sequence = Sequence.from(array)
      let next = size
      const past: [Sequence, readonly Entry[]][] = [[sequence, array]]
      const change = (type: 'insert' | 'remove' | 'with', part: number) => {
        if (type !== 'insert' && array.length === 0) return
        const entry = new Counted(next++, 0)
        const index = Math.round(part * (array.length - (type === 'insert' ? 0 : 1)))
        if (type === 'insert') {
          sequence = sequence.inserted(index, entry)
          array = array.toSpliced(index, 0, entry)
        } else if (type === 'remove') {
          sequence = sequence.removed(index)
          array = array.toSpliced(index, 1)
        } else {
          sequence = sequence.with(index, entry)
          array = array.with(index, entry)
        }
      }
      for (const { type, place: part } of steps) {
        if (type === 'many') for (let i = 0; i < 300; i++) change('insert', part)
        else if (type === 'fewer') for (let i = 0; i < 300; i++) change('remove', part)
        else change(type, part)
        past.push([sequence, array])
      }
      for (const [one, other] of past) expectSame(one, other)
    }),
    { numRuns: 60 },
  )
})

test('law: lowerBound and indexOf find what an array finds', () => {
  const rank = fc.integer({ min: 0, max: 12 })
  fc.assert(
    fc.property(sizes, fc.array(fc.tuple(fc.integer({ min: 0, max: 800 }), rank)), (size, wanted) => {
      // Inserted one by one, so that chunks are of all lengths.
      let sequence = Sequence.from(listOf(0))
      const array: Entry[] = []
      for (const entry of listOf(size, (i) => (i * 7) % 13)) {
        const index = sequence.lowerBound(entry, byRank)
        expect(index).toBe(firstNotBefore(array, entry))
        array.splice(index, 0, entry)
        sequence = sequence.inserted(index, entry)
      }
      expectSame(sequence, array)
      for (const [key, wantedRank] of wanted) {
        const entry = new Counted(key, wantedRank)
        expect(sequence.lowerBound(entry, byRank)).toBe(firstNotBefore(array, entry))
        // By its key, whatever else it says.
        const index = array.findIndex((other) => other.key === entry.key)
        expect(sequence.indexOf(entry, byRank)).toBe(index)
        expect(sequence.indexOf(entry, null)).toBe(index)
      }
      array.forEach((entry, i) => {
        if (i % 41 === 0) expect(sequence.indexOf(entry, byRank)).toBe(i)
      })
    }),
    { numRuns: 30 },
  )
})

function firstNotBefore(array: readonly Entry[], entry: Entry): number {
  const index = array.findIndex((other) => byRank(other, entry) >= 0)
  return index === -1 ? array.length : index
}

describe('of 100,000 rows, a change of one leaves all other chunks as they are', () => {
  const array = listOf(100_000)
  const sequence = Sequence.from(array)
  const rows = sequence.rows()
  const other = new Counted(100_001, 0)

  test.each<[string, (index: number) => Sequence, asked: number]>([
    ['with', (index) => sequence.with(index, other), 1],
    ['inserted', (index) => sequence.inserted(index, other), 1],
    ['removed', (index) => sequence.removed(index), 0],
  ])('%s', (_, change, asked) => {
    for (const index of [0, 255, 256, 50_000, 99_999]) {
      // The others have been asked for their rows.
      Counted.asked = 0
      const changed = change(index).rows()
      expect(Counted.asked).toBe(asked)
      // The rows before it are the same objects, at the same places.
      expect(changed.slice(0, index).every((row, i) => row === rows[i])).toBe(true)
    }
    Counted.asked = 0
    expect(sequence.rows()).toEqual(rows)
    expect(Counted.asked).toBe(0)
  })

  test('a thousand changes at one place ask for a few chunks, not for a thousand', () => {
    let changed = sequence
    for (let i = 0; i < 1000; i++) changed = changed.inserted(70_000, new Counted(200_000 + i, 0))
    Counted.asked = 0
    expect(changed.rows()).toHaveLength(101_000)
    expect(Counted.asked).toBeLessThanOrEqual(1000 + 256)
    expect(changed.at(70_000)?.key).toBe('200999')
    expect(changed.at(71_000)).toBe(array[70_000])
  })
})

test('none of it: what is empty, and what becomes so', () => {
  const entry = new Counted(1, 1)
  expectSame(Sequence.from([]), [])
  expect(Sequence.from([]).lowerBound(entry, byRank)).toBe(0)
  expect(Sequence.from([]).indexOf(entry, byRank)).toBe(-1)
  expect(Sequence.from([]).indexOf(entry, null)).toBe(-1)
  const one = Sequence.from([]).inserted(0, entry)
  expectSame(one, [entry])
  expectSame(one.removed(0), [])
  expectSame(one.removed(0).inserted(0, entry), [entry])
  expectSame(one, [entry])
})

test('the array of rows is one of its own each time', () => {
  const sequence = Sequence.from(listOf(3))
  sequence.rows().length = 0
  expect(sequence.rows()).toHaveLength(3)
})
