import type { RowKey } from '@millrace/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { UNKNOWN, type Value } from './expression/cell.ts'
import { type Holder, RowCache } from './row-cache.ts'

const key = (name: string) => name as RowKey

/** A view that knows some columns of whatever row it holds. */
function holder(name: string, columns: readonly number[]): Holder & { readonly asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    known(row, column) {
      asked.push(`${row} ${column}`)
      return columns.includes(column) ? `${name} of ${row} ${column}` : UNKNOWN
    },
  }
}

function cacheThatTells() {
  const told: string[] = []
  return { cache: new RowCache((table, row) => told.push(`${table} ${row}`)), told }
}

test('a row is known as far as the views that hold it know it, and gone with the last of them', () => {
  const { cache, told } = cacheThatTells()
  const [list, count] = [holder('list', [0, 1]), holder('count', [0, 3])]
  expect(cache.image('todo', key('a'))).toBeUndefined()
  cache.add('todo', key('a'), list)
  cache.add('todo', key('a'), count)
  const image = cache.image('todo', key('a'))
  expect([0, 1, 2, 3].map((column) => image?.(column))).toEqual([
    'list of a 0',
    'list of a 1',
    UNKNOWN,
    'count of a 3',
  ])
  expect(cache.size).toBe(1)
  expect(cache.image('list', key('a'))).toBeUndefined()
  expect(cache.image('todo', key('b'))).toBeUndefined()

  cache.remove('todo', key('a'), list)
  expect([0, 1, 3].map((column) => cache.image('todo', key('a'))?.(column))).toEqual([
    'count of a 0',
    UNKNOWN,
    'count of a 3',
  ])
  cache.remove('todo', key('a'), count)
  expect(cache.image('todo', key('a'))).toBeUndefined()
  expect(cache.size).toBe(0)
  expect(told).toEqual(['todo a', 'todo a', 'todo a', 'todo a'])
})

test('it copies no value: a view is asked for a column when somebody wants it', () => {
  const { cache, told } = cacheThatTells()
  const view = holder('view', [0])
  cache.add('todo', key('a'), view)
  expect(view.asked).toEqual([])
  cache.image('todo', key('a'))?.(0)
  expect(view.asked).toEqual(['a 0'])
  cache.renew('todo', key('a'))
  expect(told).toEqual(['todo a', 'todo a'])
})

test('taking out what is not there tells nobody', () => {
  const { cache, told } = cacheThatTells()
  cache.remove('todo', key('a'), holder('view', []))
  expect([cache.size, told]).toEqual([0, []])
})

test('who does not hold a row takes it from nobody', () => {
  const { cache } = cacheThatTells()
  const [one, other] = [holder('one', [0]), holder('other', [0])]
  cache.add('todo', key('a'), one)
  cache.remove('todo', key('a'), other)
  expect(cache.image('todo', key('a'))?.(0)).toBe('one of a 0')
})

test('law: whatever came and went, it is the rows that are held, each by those who hold it in their order', () => {
  const holders = [holder('u', [0, 1]), holder('v', [1, 2]), holder('w', [2]), holder('x', [])]
  const step = fc.record({
    add: fc.boolean(),
    table: fc.constantFrom('s', 't'),
    row: fc.constantFrom('a', 'b', 'c').map(key),
    who: fc.integer({ min: 0, max: 3 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { cache, told } = cacheThatTells()
      const model = new Map<string, Set<Holder>>()
      const each = (check: (table: string, row: RowKey, held: ReadonlySet<Holder>) => void) => {
        for (const table of ['s', 't'])
          for (const row of ['a', 'b', 'c'].map(key))
            check(table, row, model.get(`${table} ${row}`) ?? new Set())
      }
      let changes = 0
      for (const { add, table, row, who } of steps) {
        const held = model.get(`${table} ${row}`) ?? new Set()
        const one = holders[who] as Holder
        // A view tells of a row once, and takes out what it has put in.
        if (held.has(one) === add) continue
        changes++
        if (add) {
          cache.add(table, row, one)
          held.add(one)
        } else {
          cache.remove(table, row, one)
          held.delete(one)
        }
        model.set(`${table} ${row}`, held)
        expect(told).toHaveLength(changes)
        expect(told.at(-1)).toBe(`${table} ${row}`)
        let rows = 0
        each((inTable, inRow, now) => {
          if (now.size > 0) rows++
          const image = cache.image(inTable, inRow)
          expect(image !== undefined).toBe(now.size > 0)
          for (const column of [0, 1, 2, 3]) {
            const known = [...now].map((view): Value => view.known(inRow, column))
            const first = known.find((value) => value !== UNKNOWN) ?? UNKNOWN
            if (image !== undefined) expect(image(column)).toBe(first)
          }
        })
        expect(cache.size).toBe(rows)
      }
      each((table, row, now) => {
        for (const view of now) cache.remove(table, row, view)
      })
      expect(cache.size).toBe(0)
    }),
    { numRuns: 100 },
  )
})
