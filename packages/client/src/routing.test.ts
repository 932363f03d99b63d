import { encodeKey, type SqlValue } from '@millrace/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { UNKNOWN, type Value } from './expression/cell.ts'
import type { Interest } from './predict/predictor.ts'
import { Routing } from './routing.ts'
import type { RowImage } from './row-cache.ts'

type Collation = 'BINARY' | 'NOCASE' | 'RTRIM'
const any = (table: string): Interest => ({ table, condition: null })
const where = (
  table: string,
  column: number,
  value: SqlValue,
  collation: Collation = 'BINARY',
): Interest => ({ table, condition: { column, collation, value: encodeKey([value], [collation]) } })
const image =
  (...values: readonly Value[]): RowImage =>
  (column) =>
    values[column] ?? null

function find<S>(routing: Routing<S>, table: string, before?: RowImage, after?: RowImage): S[] {
  const found = new Set<S>()
  routing.find(table, before, after, found)
  return [...found].sort()
}

test('a write to one list concerns who asks for that list, and who asks for all', () => {
  const routing = new Routing<string>()
  routing.add('work', where('todo', 1, 'work'))
  routing.add('home', where('todo', 1, 'home'))
  routing.add('done', where('todo', 2, 1))
  routing.add('all', any('todo'))
  routing.add('lists', any('list'))
  expect(find(routing, 'todo', image('a', 'work', 0))).toEqual(['all', 'work'])
  // As it was and as it is.
  expect(find(routing, 'todo', image('a', 'work', 0), image('a', 'home', 0))).toEqual(['all', 'home', 'work'])
  expect(find(routing, 'todo', image('a', 'garden', 1), undefined)).toEqual(['all', 'done'])
  expect(find(routing, 'list', image('work'))).toEqual(['lists'])
  expect(find(routing, 'other', image('work'))).toEqual([])
})

test('of a row whose column is not known, it concerns all who ask by that column', () => {
  const routing = new Routing<string>()
  routing.add('work', where('todo', 1, 'work'))
  routing.add('home', where('todo', 1, 'home'))
  routing.add('done', where('todo', 2, 1))
  expect(find(routing, 'todo', image('a', UNKNOWN, 0))).toEqual(['home', 'work'])
  expect(find(routing, 'todo', undefined)).toEqual([])
})

test('values are equal by the collation that is asked with', () => {
  const routing = new Routing<string>()
  routing.add('folded', where('todo', 0, 'Ann', 'NOCASE'))
  routing.add('exact', where('todo', 0, 'Ann'))
  expect(find(routing, 'todo', image('ANN'))).toEqual(['folded'])
  expect(find(routing, 'todo', image('Ann'))).toEqual(['exact', 'folded'])
})

test('an undo takes out its own and no other, and may be called twice', () => {
  const routing = new Routing<string>()
  const undo = routing.add('first', where('todo', 0, 1))
  routing.add('second', where('todo', 0, 1))
  undo()
  expect(find(routing, 'todo', image(1))).toEqual(['second'])
  const again = routing.add('third', where('todo', 0, 2))
  again()
  routing.add('third', where('todo', 0, 2))
  again()
  undo()
  expect(find(routing, 'todo', image(2))).toEqual(['third'])
  const undoAny = routing.add('any', any('todo'))
  undoAny()
  undoAny()
  expect(find(routing, 'todo', image(3))).toEqual([])
})

test('law: whoever a row can concern is found; of known values nobody else is', () => {
  const value = fc.constantFrom<SqlValue>(null, 0, 1, 'a', 'A', 'a ', 'b')
  const seen = fc.oneof({ weight: 6, arbitrary: value as fc.Arbitrary<Value> }, fc.constant<Value>(UNKNOWN))
  const interest = fc.oneof(
    fc.constant(any('t')),
    fc
      .tuple(fc.integer({ min: 0, max: 1 }), value, fc.constantFrom<Collation>('BINARY', 'NOCASE', 'RTRIM'))
      .map(([column, of, collation]) => where('t', column, of, collation)),
  )
  const row = fc.option(fc.tuple(seen, seen), { nil: undefined })
  const interests = fc.array(fc.tuple(interest, fc.boolean()), { maxLength: 12 })
  fc.assert(
    fc.property(interests, fc.array(row, { maxLength: 2 }), (asked, rows) => {
      const routing = new Routing<number>()
      const undos = asked.map(([one], i) => routing.add(i, one))
      asked.forEach(([, stays], i) => {
        if (!stays) undos[i]?.()
      })
      const matches = ({ condition }: Interest) =>
        condition === null ||
        rows.some((values) => {
          if (values === undefined) return false
          const is = values[condition.column] as Value
          return is === UNKNOWN || encodeKey([is], [condition.collation]) === condition.value
        })
      const expected = asked.flatMap(([one, stays], i) => (stays && matches(one) ? [i] : []))
      const images = rows.map((values) => (values === undefined ? undefined : image(...values)))
      const found = new Set<number>()
      routing.find('t', images[0], images[1], found)
      expect([...found].sort((a, b) => a - b)).toEqual(expected)
    }),
    { numRuns: 200 },
  )
})
