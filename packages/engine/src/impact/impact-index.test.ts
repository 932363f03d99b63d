import { type Collation, compareValues, type SqlValue } from '@millrace/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ChangedRow, type Condition, ImpactIndex, type Interest } from './impact-index.ts'
import type { Bound } from './interval-index.ts'

type Image = readonly SqlValue[] | null

/** A row with the columns that differ to the bit. */
function change(before: Image, after: Image): ChangedRow {
  const changed = new Set<number>()
  if (before !== null && after !== null) {
    before.forEach((cell, column) => {
      if (cell !== after[column]) changed.add(column)
    })
  }
  return { before, after, changed }
}

function visited<S>(index: ImpactIndex<S>, row: ChangedRow): S[] {
  const subscribers: S[] = []
  index.visit(row, (subscriber) => subscribers.push(subscriber))
  return subscribers
}

function visitedByAll<S>(index: ImpactIndex<S>, changed: ReadonlySet<number> | 'all'): S[] {
  const subscribers: S[] = []
  index.visitAll(changed, (subscriber) => subscribers.push(subscriber))
  return subscribers
}

const equal = (column: number, ...values: SqlValue[]): Condition => ({
  type: 'equal',
  column,
  collation: 'BINARY',
  values,
})
const atLeast = (column: number, value: SqlValue): Condition => ({
  type: 'range',
  column,
  collation: 'BINARY',
  low: { value, inclusive: true },
  high: null,
})
const reads = (columns: number[], condition: Condition | null = null): Interest => ({
  columns: new Set(columns),
  condition,
})

describe('without a condition', () => {
  const index = new ImpactIndex<string>()
  index.add('first', reads([0]))
  index.add('both', reads([0, 1]))
  index.add('any', { columns: 'all', condition: null })
  index.add('rows', reads([]))

  test('an update is for those who read a column that changed', () => {
    expect(visited(index, change([1, 1, 1], [2, 1, 1])).sort()).toEqual(['any', 'both', 'first'])
    expect(visited(index, change([1, 1, 1], [1, 2, 1])).sort()).toEqual(['any', 'both'])
    expect(visited(index, change([1, 1, 1], [1, 1, 2]))).toEqual(['any'])
  })

  test('a row that comes or goes is for everyone', () => {
    expect(visited(index, change(null, [1, 1, 1]))).toHaveLength(4)
    expect(visited(index, change([1, 1, 1], null))).toHaveLength(4)
  })

  test('a row in which nothing changed, or that came and went, is for nobody', () => {
    expect(visited(index, change([1, 1, 1], [1, 1, 1]))).toEqual([])
    expect(visited(index, change(null, null))).toEqual([])
  })
})

describe('with a condition', () => {
  test('the row before counts as much as the row after', () => {
    const index = new ImpactIndex<string>()
    index.add('seven', reads([0, 1], equal(0, 7)))
    index.add('eight', reads([0, 1], equal(0, 8)))
    expect(visited(index, change([7, 'a'], [8, 'a']))).toEqual(['seven', 'eight'])
    expect(visited(index, change([7, 'a'], [7, 'b']))).toEqual(['seven'])
    expect(visited(index, change([9, 'a'], [9, 'b']))).toEqual([])
    expect(visited(index, change(null, [8, 'a']))).toEqual(['eight'])
  })

  test('its column is read, listed or not: by it rows come and go', () => {
    const index = new ImpactIndex<string>()
    index.add('title of seven', reads([1], equal(0, 7)))
    expect(visited(index, change([7, 'a'], [8, 'a']))).toEqual(['title of seven'])
    expect(visitedByAll(index, new Set([0]))).toEqual(['title of seven'])
  })

  test('a list with one value twice, and a row that meets it before and after, is one visit', () => {
    const index = new ImpactIndex<string>()
    const undo = index.add('list', reads([0], { ...equal(0, 'a', 'A', 'b'), collation: 'NOCASE' }))
    expect(visited(index, change(['A'], ['B']))).toEqual(['list'])
    undo()
    expect(index.held).toBe(0)
  })

  test('a list of nothing is met by no row, and is still told when everyone is', () => {
    const index = new ImpactIndex<string>()
    const undo = index.add('= NULL', reads([0], equal(0)))
    expect(visited(index, change(null, [null]))).toEqual([])
    expect(visitedByAll(index, 'all')).toEqual(['= NULL'])
    undo()
    expect(index.held).toBe(0)
  })

  test('NULL is equal to NULL, and in no range', () => {
    const index = new ImpactIndex<string>()
    index.add('IS NULL', reads([0], equal(0, null)))
    index.add('any value', reads([0], { ...atLeast(0, 0), low: null } as Condition))
    expect(visited(index, change(null, [null]))).toEqual(['IS NULL'])
    expect(visited(index, change([null], [1])).sort()).toEqual(['IS NULL', 'any value'])
  })

  test('equality is that of numbers: 1 and 1.0 are one, beyond 2^53 all digits count', () => {
    const index = new ImpactIndex<string>()
    index.add('one', reads([0], equal(0, 1n)))
    index.add('2^53', reads([0], equal(0, 2 ** 53)))
    index.add('2^53 + 1', reads([0], equal(0, 2n ** 53n + 1n)))
    index.add('infinite', reads([0], equal(0, Number.POSITIVE_INFINITY)))
    const found = (value: SqlValue) => visited(index, change(null, [value]))
    expect(found(1)).toEqual(['one'])
    expect(found('1')).toEqual([])
    expect(found(2n ** 53n)).toEqual(['2^53'])
    expect(found(2n ** 53n + 1n)).toEqual(['2^53 + 1'])
    expect(found(Number.POSITIVE_INFINITY)).toEqual(['infinite'])
  })

  test('an image that lacks its column is a mistake of the caller, not a row that meets nothing', () => {
    const index = new ImpactIndex<string>()
    index.add('third', reads([2], equal(2, 1)))
    expect(() => visited(index, change(null, [1, 1]))).toThrowError(/lacks the column/)
  })
})

describe('subscribers', () => {
  test('are told the interest that was hit, each once, and may have several', () => {
    const index = new ImpactIndex<string>()
    const byList = reads([0], equal(0, 7))
    const byDate = reads([1], atLeast(1, 100))
    index.add('query', byList)
    const undo = index.add('query', byDate)
    const hit: Interest[] = []
    index.visit(change(null, [7, 200]), (_, interest) => hit.push(interest))
    expect(hit).toEqual([byList, byDate])
    undo()
    undo()
    expect(index.size).toBe(1)
    expect(visited(index, change(null, [7, 200]))).toEqual(['query'])
  })

  test('may come and go while a row is visited', () => {
    const index = new ImpactIndex<string>()
    const interest: Interest = { columns: 'all', condition: null }
    const seen: string[] = []
    index.add('first', interest)
    const undoSecond = index.add('second', interest)
    index.visit(change(null, [1]), (subscriber) => {
      seen.push(subscriber)
      undoSecond()
      index.add('later', interest)
      index.visit(change([1], null), (within) => seen.push(`${within} within`))
    })
    expect(seen).toEqual(['first', 'first within', 'later within'])
  })

  test('do not follow a set of columns that is changed afterwards', () => {
    const index = new ImpactIndex<string>()
    const columns = new Set([0])
    const undo = index.add('query', { columns, condition: null })
    columns.add(1)
    expect(visited(index, change([1, 1], [1, 2]))).toEqual([])
    columns.delete(0)
    undo()
    expect(index.held).toBe(0)
  })
})

test('visitAll: those who read what changed, whatever their condition', () => {
  const index = new ImpactIndex<string>()
  index.add('zero', reads([0], equal(0, 7)))
  index.add('one', reads([1], atLeast(1, 7)))
  index.add('rows', reads([]))
  index.add('any', { columns: 'all', condition: null })
  expect(visitedByAll(index, new Set([0]))).toEqual(['any', 'zero'])
  expect(visitedByAll(index, new Set([1, 2])).sort()).toEqual(['any', 'one'])
  expect(visitedByAll(index, new Set())).toEqual([])
  expect(visitedByAll(index, 'all')).toEqual(['zero', 'one', 'rows', 'any'])
})

describe('any history', () => {
  const WIDTH = 3
  const value = fc.constantFrom<SqlValue[]>(
    null,
    Number.NEGATIVE_INFINITY,
    -(2n ** 63n),
    -(2 ** 63),
    0,
    1,
    1.5,
    2 ** 53,
    2n ** 53n,
    2n ** 53n + 1n,
    Number.POSITIVE_INFINITY,
    '',
    '1',
    'A',
    'a',
    'a ',
    'a\0b',
    'A\0c',
    'é',
    '\uffff',
    '\u{10000}',
    new Uint8Array(),
    new Uint8Array([0x31]),
    new Uint8Array([0xff]),
  )
  const column = fc.nat(WIDTH - 1)
  const collation = fc.constantFrom<Collation[]>('BINARY', 'NOCASE', 'RTRIM')
  const bound = fc.option(fc.record({ value, inclusive: fc.boolean() }))
  const condition: fc.Arbitrary<Condition> = fc.oneof(
    fc.record({ type: fc.constant('equal'), column, collation, values: fc.array(value, { maxLength: 4 }) }),
    fc.record({ type: fc.constant('range'), column, collation, low: bound, high: bound }),
  )
  const interest: fc.Arbitrary<Interest> = fc.record({
    columns: fc.oneof(
      { weight: 4, arbitrary: fc.uniqueArray(column).map((columns) => new Set(columns)) },
      { weight: 1, arbitrary: fc.constant('all' as const) },
    ),
    condition: fc.option(condition, { freq: 4 }),
  })
  const image = fc.option(fc.array(value, { minLength: WIDTH, maxLength: WIDTH }), { freq: 4 })
  const row = fc.oneof(
    fc.tuple(image, image).map(([before, after]) => change(before, after)),
    // Most updates change one cell.
    fc
      .tuple(fc.array(value, { minLength: WIDTH, maxLength: WIDTH }), column, value)
      .map(([before, at, cell]) =>
        change(
          before,
          before.map((old, i) => (i === at ? cell : old)),
        ),
      ),
  )
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ type: fc.constant('add'), interest }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('undo'), which: fc.nat() }) },
    { weight: 4, arbitrary: fc.record({ type: fc.constant('visit'), row }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('visitAll'), changed: fc.uniqueArray(column) }) },
  )

  function meets(cells: Image, met: Condition | null): boolean {
    if (cells === null) return false
    if (met === null) return true
    const cell = cells[met.column] as SqlValue
    const order = (other: SqlValue) => compareValues(cell, other, met.collation)
    if (met.type === 'equal') return met.values.some((other) => order(other) === 0)
    const within = ({ value, inclusive }: Bound, side: 1 | -1) =>
      order(value) * side > 0 || (inclusive && order(value) === 0)
    return (
      cell !== null && (met.low === null || within(met.low, 1)) && (met.high === null || within(met.high, -1))
    )
  }

  const readsAny = ({ columns, condition }: Interest, changed: ReadonlySet<number>) =>
    [...changed].some((each) => columns === 'all' || columns.has(each) || condition?.column === each)

  const concerns = (of: Interest, { before, after, changed }: ChangedRow) =>
    (meets(before, of.condition) || meets(after, of.condition)) &&
    (before === null || after === null || readsAny(of, changed))

  test('visits whom a filter over all would, each once, and ends empty', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const index = new ImpactIndex<number>()
        const all = new Map<number, { interest: Interest; undo: () => void }>()
        const expectOnly = (found: number[], concerned: (interest: Interest) => boolean) => {
          const expected = [...all].filter(([, { interest }]) => concerned(interest)).map(([id]) => id)
          expect(found.sort((a, b) => a - b)).toEqual(expected)
        }
        steps.forEach((step, id) => {
          if (step.type === 'add') {
            all.set(id, { interest: step.interest, undo: index.add(id, step.interest) })
          } else if (step.type === 'visit') {
            expectOnly(visited(index, step.row), (interest) => concerns(interest, step.row))
          } else if (step.type === 'visitAll') {
            const changed = new Set(step.changed)
            expectOnly(visitedByAll(index, changed), (interest) => readsAny(interest, changed))
            expectOnly(visitedByAll(index, 'all'), () => true)
          } else if (all.size > 0) {
            const gone = [...all.keys()][step.which % all.size] as number
            all.get(gone)?.undo()
            all.delete(gone)
          }
          expect(index.size).toBe(all.size)
        })
        for (const { undo } of all.values()) undo()
        expect(index.held).toBe(0)
        expect(visitedByAll(index, 'all')).toEqual([])
      }),
      { numRuns: 1000 },
    )
  })
})

describe('the work, with 10,000 subscribers', () => {
  const COUNT = 10_000

  function counting(interestOf: (i: number) => Interest) {
    let comparisons = 0
    const index = new ImpactIndex<number>((a, b, collation) => {
      comparisons++
      return compareValues(a, b, collation)
    })
    const undos = Array.from({ length: COUNT }, (_, i) => index.add(i, interestOf(i)))
    /** What one row costs, and whom it visits. */
    const ask = (before: Image, after: Image) => {
      const row = change(before, after)
      const examinedBefore = index.examined
      comparisons = 0
      const subscribers = visited(index, row)
      return { subscribers, comparisons, examined: index.examined - examinedBefore }
    }
    return { index, undos, ask }
  }

  test('an equality looks at those who asked for the value, and compares nothing', () => {
    const { ask } = counting((i) => reads([0, 1], equal(0, i)))
    expect(ask([77, 'a'], [77, 'b'])).toEqual({ subscribers: [77], comparisons: 0, examined: 1 })
    expect(ask([77, 'a'], [78, 'a'])).toEqual({ subscribers: [77, 78], comparisons: 0, examined: 2 })
    expect(ask(null, [COUNT, 'a'])).toEqual({ subscribers: [], comparisons: 0, examined: 0 })
  })

  test('an equality that all ask for looks at nobody when what changed is read by few', () => {
    const { ask } = counting((i) => reads(i === 5 ? [0, 2] : [0, 1], equal(0, 'open')))
    expect(ask(['open', 'a', 'a'], ['open', 'a', 'b'])).toEqual({
      subscribers: [5],
      comparisons: 0,
      examined: 1,
    })
  })

  test('a range takes a few comparisons', () => {
    const { ask } = counting((i) =>
      reads([0, 1], {
        type: 'range',
        column: 0,
        collation: 'BINARY',
        low: { value: i, inclusive: true },
        high: { value: i + 1, inclusive: false },
      }),
    )
    const { subscribers, comparisons, examined } = ask([4321.5, 'a'], [4321.5, 'b'])
    expect(subscribers).toEqual([4321])
    expect(examined).toBe(1)
    expect(comparisons).toBeLessThan(200)
    expect(ask([-1, 'a'], null).comparisons).toBeLessThan(200)
  })

  test('ranges that hold a row are not walked when nobody of theirs reads what changed', () => {
    const { ask } = counting((i) => (i === 5 ? reads([2]) : reads([0, 1], atLeast(0, i))))
    expect(ask([COUNT, 'a', 'a'], [COUNT, 'a', 'b'])).toEqual({
      subscribers: [5],
      comparisons: 0,
      examined: 1,
    })
  })

  test.for<[string, (i: number) => Condition | null]>([
    ['none', () => null],
    ['equality', (i) => equal(0, i % 3)],
    ['range', (i) => atLeast(0, i % 100)],
  ])('a column that nobody reads costs nothing; condition: %s', ([, conditionOf]) => {
    const { ask } = counting((i) => reads([0, 1], conditionOf(i)))
    expect(ask([1, 'a', 'a'], [1, 'a', 'b'])).toEqual({ subscribers: [], comparisons: 0, examined: 0 })
  })

  test('when all went, nothing is left', () => {
    const conditions: ((i: number) => Condition | null)[] = [
      () => null,
      (i) => equal(0, i, `${i}`, null),
      (i) => atLeast(1, i),
      (i) => ({ ...atLeast(1, `${i}`), collation: 'NOCASE' }),
    ]
    const { index, undos } = counting((i) => ({
      columns: i % 5 === 0 ? 'all' : new Set([i % 7, i % 11]),
      condition: conditions[i % conditions.length]?.(i) ?? null,
    }))
    expect(index.size).toBe(COUNT)
    for (const undo of undos) undo()
    expect(index.size).toBe(0)
    expect(index.held).toBe(0)
  })
})

describe('many rows', () => {
  const few = (count: number) => {
    const index = new ImpactIndex<number>()
    for (let i = 0; i < count; i++) {
      index.add(i, {
        columns: new Set([0]),
        condition: { type: 'equal', column: 0, collation: 'BINARY', values: [i] },
      })
    }
    return index
  }
  const visited = (
    index: ImpactIndex<number>,
    cells: readonly SqlValue[] | null,
    changed: ReadonlySet<number> | 'all' = 'all',
  ) => {
    const found: number[] = []
    index.visitMany(
      changed,
      () => cells,
      (subscriber) => found.push(subscriber),
    )
    return found.sort((a, b) => a - b)
  }

  test('concern those whose condition one of their cells meets', () => {
    const index = few(20)
    index.add(100, { columns: 'all', condition: null })
    index.add(101, {
      columns: new Set([0]),
      condition: {
        type: 'range',
        column: 0,
        collation: 'BINARY',
        low: { value: 4, inclusive: true },
        high: null,
      },
    })
    expect(visited(index, [3, 7, null])).toEqual([3, 7, 100, 101])
    expect(visited(index, [3])).toEqual([3, 100])
    expect(visited(index, [3], new Set([1]))).toEqual([100])
  })

  test('concern all where the cells are too many, or conditions few', () => {
    expect(visited(few(20), null).length).toBe(20)
    expect(visited(few(3), [1])).toEqual([0, 1, 2])
  })
})
