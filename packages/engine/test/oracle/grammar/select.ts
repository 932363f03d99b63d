import type { Collation } from '@millrace/protocol'
import { type Fragment, instead, list, optional, part } from '../fragment.ts'
import type { Draft, OrderMark } from '../random-query.ts'
import { expression, filter, scalar, where } from './condition.ts'
import { type From, from, withClause } from './from.ts'
import { childList, jsonArrayFrom, jsonObjectFrom, jsonRelation, orderedList } from './nested.ts'
import type { Source, Writer } from './scope.ts'

/*
 * Whole queries: of rows, of groups, DISTINCT, UNION ALL; each with ORDER BY and LIMIT.
 */

/** A column of the result. */
interface Output {
  readonly text: Fragment
  /** What it is called, where it is. */
  readonly alias: string | undefined
  /** Sorts by it under its own text too. */
  readonly plain: string | undefined
}

const written = (w: Writer, { text, alias }: Output): Fragment =>
  alias === undefined ? text : part`${text} AS ${w.name(alias)}`

const selectList = (w: Writer, outputs: readonly Output[], more: readonly Fragment[] = []): Fragment =>
  list([...outputs.map((output) => written(w, output)), ...more], ', ')

export function draft(w: Writer): Draft {
  const make = w.dice.weighted<() => Draft>([
    [62, () => () => rows(w)],
    [27, () => () => groups(w)],
    [6, () => () => distinct(w)],
    [5, () => () => union(w)],
  ])
  return make()
}

/** The marks of the writer, which has now written all. */
const marks = (w: Writer) => ({
  spelling: w.spelling,
  unordered: w.unordered,
  incremental: w.incremental,
})

function rows(w: Writer): Draft {
  const { dice } = w
  const source = from(w)
  const star = dice.chance(15)
    ? [dice.pick(['*', ...source.sources.map((one) => `${w.name(one.alias)}.*`)])]
    : []
  const ordered = dice.chance(45)
  const limit = limitClause(w, ordered ? 45 : 4)
  const outputs = star.length > 0 && dice.chance(60) ? [] : rowOutputs(w, source, limit === '')
  const condition = where(w, source.sources, source.conditions)
  const order = ordered ? rowOrder(w, outputs, source) : undefined
  return {
    body: part`${withClause(w)}SELECT ${selectList(w, outputs, star)} ${source.text}${condition}${order?.text ?? ''}`,
    limit,
    // A list that nothing orders has no place in an order either.
    order: w.unordered ? [] : (order?.marks ?? []),
    choice: limit !== '' && order?.total !== true,
    ...marks(w),
  }
}

function rowOutputs(w: Writer, { sources }: From, whole: boolean): Output[] {
  const { dice } = w
  return Array.from({ length: dice.between(1, 4) }, (): Output => {
    const source = dice.pick(sources)
    const computed = (text: Fragment): Output => ({ text, alias: w.fresh('e'), plain: undefined })
    return dice.weighted<Output>([
      [
        72,
        () => {
          const ref = w.columnRef(source)
          return { text: ref, alias: dice.chance(20) ? w.fresh('e') : undefined, plain: ref }
        },
      ],
      [
        10,
        () => {
          const text = expression(w, source)
          return { text, alias: dice.chance(50) ? w.fresh('e') : undefined, plain: text }
        },
      ],
      [6, () => computed(scalar(w, sources))],
      [4, () => computed(jsonArrayFrom(w, sources))],
      [2, () => computed(jsonObjectFrom(w, sources))],
      [3, () => computed(jsonRelation(w, sources))],
      // Refused at run time when there is a blob. Under a LIMIT it would be open whether SQLite looks at that row.
      [w.schema.values === 'all' && whole ? 4 : 0, () => computed(`json_array(${w.columnRef(source)})`)],
      [1, () => computed(childList(w, sources))],
      [1, () => computed(w.parametric ? w.parameter('int') : '1')],
    ])
  })
}

interface Order {
  readonly text: Fragment
  readonly marks: readonly OrderMark[]
  /** Leaves no two rows in doubt. */
  readonly total: boolean
}

const DIRECTIONS = [
  '',
  '',
  '',
  ' ASC',
  ' DESC',
  ' DESC',
  ' NULLS LAST',
  ' DESC NULLS FIRST',
  ' DESC NULLS LAST',
] as const

/** A term that sorts by an output, and the mark that it is so. */
function outputTerm(w: Writer, outputs: readonly Output[]): { text: string; mark: OrderMark } {
  const { dice } = w
  const column = dice.between(0, outputs.length - 1)
  const output = outputs[column] as Output
  const names = [
    `${column + 1}`,
    ...(output.alias === undefined ? [] : [w.name(output.alias)]),
    ...(output.plain === undefined ? [] : [output.plain, output.plain]),
  ]
  const collation = dice.weighted<Collation | undefined>([
    [88, () => undefined],
    [6, () => 'NOCASE'],
    [3, () => 'BINARY'],
    [3, () => 'RTRIM'],
  ])
  const collate = collation === undefined ? '' : ` COLLATE ${collation}`
  return {
    text: `${dice.pick(names)}${collate}${dice.pick(DIRECTIONS)}`,
    // The output's own collation is at most NOCASE: rows equal by it are equal by this too.
    mark: { column, collation: collation === 'RTRIM' ? 'RTRIM' : 'NOCASE' },
  }
}

function rowOrder(w: Writer, outputs: readonly Output[], { sources }: From): Order {
  const { dice } = w
  const terms: Fragment[] = []
  const marks: OrderMark[] = []
  for (let count = dice.pick([1, 1, 2, 3]); count > 0; count--) {
    if (outputs.length > 0 && dice.chance(60)) {
      const { text, mark } = outputTerm(w, outputs)
      // Behind a term that cannot be seen, order says nothing about what can.
      if (marks.length === terms.length) marks.push(mark)
      terms.push(text)
    } else {
      terms.push(
        dice.chance(3)
          ? instead(scalar(w, sources), '1')
          : `${expression(w, dice.pick(sources))}${dice.pick(DIRECTIONS)}`,
      )
    }
  }
  const [only] = sources
  const total =
    sources.length === 1 && only?.unique !== undefined && only.table !== undefined && dice.chance(35)
  if (total) terms.push(w.ref(only, only.unique as string))
  return { text: orderBy(terms), marks, total }
}

const orderBy = (terms: readonly Fragment[]): Fragment => list(terms, ', ', 0, ' ORDER BY ')

/** LIMIT and OFFSET, or nothing. */
function limitClause(w: Writer, percent: number): Fragment {
  const { dice } = w
  if (!dice.chance(percent)) return ''
  const count = () =>
    w.parametric && dice.chance(50)
      ? w.bound([0, 1, 2, 3, 5, 10, -1])
      : `${dice.pick([1, 1, 2, 2, 3, 5, 10])}`
  const skip = () =>
    w.parametric && dice.chance(50) ? w.bound([0, 1, 2, 4, -1]) : `${dice.pick([0, 1, 2, 4])}`
  return dice.weighted<Fragment>([
    [60, () => part` LIMIT ${count()}`],
    [30, () => part` LIMIT ${count()}${optional(part` OFFSET ${skip()}`)}`],
    [3, () => part` LIMIT ${skip()}, ${count()}`],
    [2, () => ' LIMIT -1'],
    [2, () => ' LIMIT 0'],
    [2, () => ' LIMIT 100'],
    [1, () => ' LIMIT 1 + 1'],
  ])
}

/** Keys that rows are grouped by. */
function groupKey(w: Writer, source: Source): string {
  const { dice } = w
  const [a, b] = ['int', 'text'].map((kind) =>
    w.ref(source, (source.columns.find((column) => column.kind === kind) ?? w.column(source)).name),
  )
  return dice.weighted<string>([
    [75, () => w.columnRef(source)],
    [4, () => `lower(${b})`],
    [4, () => `${a} % 2`],
    [3, () => `${a} > 1`],
    [3, () => `coalesce(${a}, 0)`],
    [3, () => `typeof(${w.columnRef(source)})`],
    [2, () => `substr(${b}, 1, 1)`],
    [4, () => `${b} COLLATE NOCASE`],
    [2, () => `${b} IS NULL`],
  ])
}

function aggregate(w: Writer, sources: readonly Source[]): Fragment {
  const { dice } = w
  const source = dice.pick(sources)
  const column = w.columnRef(source)
  const number = w.ref(source, (source.columns.find(({ kind }) => kind === 'int') ?? w.column(source)).name)
  // Of 'a' and 'A' neither is the greater: which one is shown is left open, unless all are spelled alike.
  const compared = w.schema.values === 'plain' ? column : `lower(${column})`
  const filtered = (text: string): Fragment =>
    dice.chance(12) ? instead(part`${text} FILTER (WHERE ${filter(w, source)})`, text) : text
  return dice.weighted<Fragment>([
    [34, () => filtered('count(*)')],
    [12, () => filtered(`count(${column})`)],
    [16, () => filtered(`sum(${number})`)],
    [3, () => `sum(${column})`],
    [3, () => `total(${column})`],
    [5, () => filtered(`avg(${number})`)],
    [7, () => filtered(`min(${compared})`)],
    [9, () => filtered(`max(${compared})`)],
    [5, () => `count(DISTINCT ${column})`],
    [4, () => orderedList(w, source)],
    [3, () => `count(*) FILTER (WHERE ${number} > 1)`],
    [2, () => `sum(${number}) * 1.0 / count(*)`],
    [1, () => `max(${number}) - min(${number})`],
    [1, () => `coalesce(sum(${number}), 0)`],
    // Overflows when a second row comes.
    [0.5, () => `sum(${number} + 4611686018427387904) FILTER (WHERE ${column} = 1)`],
    [1, () => `sum(CASE WHEN ${number} > 1 THEN 1 ELSE 0 END)`],
  ])
}

function groups(w: Writer): Draft {
  const { dice } = w
  const source = from(w)
  const count = dice.weighted<number>([
    [28, () => 0],
    [58, () => 1],
    [14, () => 2],
  ])
  const keys = Array.from({ length: count }, () => groupKey(w, dice.pick(source.sources)))
  if (count > 0) w.dependsOnSpelling()
  const shown = keys.map((key): Output => {
    const alias = dice.chance(30) ? w.fresh('k') : undefined
    return { text: key, alias, plain: key }
  })
  const keysShown = dice.chance(92) ? shown : []
  const outputs = [...keysShown, ...groupOutputs(w, source)]
  const condition = where(w, source.sources, source.conditions)
  const terms = keys.map((key, i) => {
    const alias = keysShown[i]?.alias
    return dice.weighted<string>([
      [80, () => key],
      [keysShown.length > 0 ? 8 : 0, () => `${i + 1}`],
      [alias === undefined ? 0 : 30, () => w.name(alias ?? '')],
    ])
  })
  const order = count > 0 && dice.chance(40) ? groupOrder(w, outputs, keys) : undefined
  const limit = order === undefined ? '' : limitClause(w, 35)
  const group = terms.length === 0 ? '' : ` GROUP BY ${terms.join(', ')}`
  return {
    body: part`${withClause(w)}SELECT ${selectList(w, outputs)} ${source.text}${condition}${group}${having(w, source, keys)}${order?.text ?? ''}`,
    limit,
    order: order?.marks ?? [],
    choice: limit !== '',
    ...marks(w),
  }
}

function groupOutputs(w: Writer, { sources }: From): Output[] {
  const { dice } = w
  const named = (text: Fragment): Output => ({
    text,
    alias: dice.chance(40) ? w.fresh('n') : undefined,
    plain: undefined,
  })
  const [first] = sources
  // Columns of the row that has the maximum: one row, as its key is the maximum.
  if (first?.unique === 'id' && first.table !== undefined && dice.chance(8)) {
    return [named(`max(${w.ref(first, 'id')})`), named(w.columnRef(first)), named('count(*)')]
  }
  return Array.from({ length: dice.pick([1, 1, 2, 3]) }, () => named(aggregate(w, sources)))
}

function having(w: Writer, { sources }: From, keys: readonly string[]): Fragment {
  const { dice } = w
  if (!dice.chance(keys.length > 0 ? 15 : 3)) return ''
  const number = w.columnRef(dice.pick(sources))
  return optional(
    part` HAVING ${dice.pick<Fragment>([
      'count(*) > 1',
      'count(*) > 1',
      `sum(${number}) IS NOT NULL`,
      `max(${number}) > 1`,
      part`count(*) >= ${w.parametric ? w.bound([1, 2, 3]) : '2'}`,
      ...keys.slice(0, 1).map((key) => `${key} IS NOT NULL`),
    ])}`,
  )
}

function groupOrder(w: Writer, outputs: readonly Output[], keys: readonly string[]): Order {
  const { dice } = w
  const terms: Fragment[] = []
  const marks: OrderMark[] = []
  for (let count = dice.pick([1, 1, 2]); count > 0; count--) {
    if (dice.chance(65)) {
      const { text, mark } = outputTerm(w, outputs)
      if (marks.length === terms.length) marks.push(mark)
      terms.push(text)
    } else {
      terms.push(`${dice.pick(['count(*)', 'count(*)', ...keys])}${dice.pick(DIRECTIONS)}`)
    }
  }
  return { text: orderBy(terms), marks, total: false }
}

function distinct(w: Writer): Draft {
  const { dice } = w
  w.dependsOnSpelling()
  const source = from(w)
  const outputs = Array.from({ length: dice.pick([1, 1, 2, 3]) }, (): Output => {
    const one = dice.pick(source.sources)
    const text = dice.chance(80) ? w.columnRef(one) : expression(w, one)
    return { text, alias: dice.chance(20) ? w.fresh('e') : undefined, plain: text }
  })
  const condition = where(w, source.sources, source.conditions)
  const order = dice.chance(40) ? outputOrder(w, outputs) : undefined
  const limit = order === undefined ? '' : limitClause(w, 40)
  return {
    body: part`${withClause(w)}SELECT DISTINCT ${selectList(w, outputs)} ${source.text}${condition}${order?.text ?? ''}`,
    limit,
    order: order?.marks ?? [],
    choice: limit !== '',
    ...marks(w),
  }
}

function outputOrder(w: Writer, outputs: readonly Output[]): Order {
  const terms = Array.from({ length: w.dice.pick([1, 2]) }, () => outputTerm(w, outputs))
  return { text: orderBy(terms.map(({ text }) => text)), marks: terms.map(({ mark }) => mark), total: false }
}

function union(w: Writer): Draft {
  const { dice } = w
  const width = dice.between(1, 3)
  const arms = Array.from({ length: dice.pick([2, 2, 3]) }, () => {
    const source = from(w)
    const outputs = Array.from({ length: width }, () => w.columnRef(dice.pick(source.sources)))
    return part`SELECT ${outputs.join(', ')} ${source.text}${where(w, source.sources, source.conditions)}`
  })
  const columns = Array.from(
    { length: width },
    (): Output => ({ text: '', alias: undefined, plain: undefined }),
  )
  const order = dice.chance(50) ? outputOrder(w, columns) : undefined
  const limit = order === undefined ? limitClause(w, 4) : limitClause(w, 45)
  return {
    body: part`${withClause(w)}${list(arms, ' UNION ALL ')}${order?.text ?? ''}`,
    limit,
    order: order?.marks ?? [],
    choice: limit !== '',
    ...marks(w),
  }
}
