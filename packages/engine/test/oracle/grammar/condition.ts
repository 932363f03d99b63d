import { type Fragment, instead, list, optional, part } from '../fragment.ts'
import type { RandomTable } from '../schema.ts'
import type { Kind } from '../text.ts'
import { outer, type Source, type Writer } from './scope.ts'

/*
 * Conditions: over one source, between two, and over subqueries. Weights are those of applications: equality and its
 * like mostly, what is odd about once in a hundred.
 */

/** A condition over one source that asks no other table. */
export function filter(w: Writer, source: Source): Fragment {
  const { dice } = w
  // One row by its key is asked for seldom, or most results would be empty.
  const common = source.columns.filter(({ kind }) => kind !== 'id')
  const column = w.column(common.length > 0 && dice.chance(90) ? { ...source, columns: common } : source)
  const ref = w.ref(source, column.name)
  const value = () => w.value(column.kind)
  return dice.weighted<Fragment>([
    [22, () => part`${ref} = ${value()}`],
    [16, () => part`${ref} ${dice.pick(['<', '<=', '>', '>='])} ${value()}`],
    [5, () => part`${ref} <> ${value()}`],
    [3, () => `${ref} IS NULL`],
    [8, () => `${ref} IS NOT NULL`],
    [2, () => part`${ref} IS ${value()}`],
    [4, () => part`${ref} IS NOT ${value()}`],
    [12, () => part`${ref} IN (${value()}, ${value()}, ${value()})`],
    [6, () => part`${ref} BETWEEN ${value()} AND ${value()}`],
    [4, () => `${textRef(w, source)} LIKE ${dice.pick(["'a%'", "'%b%'", "'A'", "'%'"])}`],
    [4, () => part`NOT (${ref} = ${value()})`],
    [6, () => part`(${ref} = ${value()} OR ${w.columnRef(source)} IS NOT NULL)`],
    [4, () => `${expression(w, source)} ${dice.pick(['=', '<', 'IS', '>='])} ${expression(w, source)}`],
    [1, () => part`${value()} = ${ref}`],
    [1, () => dice.pick(['1', '0', 'NULL'])],
  ])
}

function textRef(w: Writer, source: Source): string {
  const text = source.columns.find(({ kind }) => kind === 'text') ?? w.column(source)
  return w.ref(source, text.name)
}

/** A value of one row of a source. */
export function expression(w: Writer, source: Source): string {
  const { dice } = w
  const column = w.column(source)
  const ref = w.ref(source, column.name)
  const number = source.columns.find(({ kind }) => kind === 'int') ?? column
  return dice.weighted<string>([
    [30, () => ref],
    [4, () => `lower(${ref})`],
    [4, () => `${w.ref(source, number.name)} ${dice.pick(['+ 1', '* 2', '% 2', '+ 0.5'])}`],
    [4, () => `coalesce(${ref}, ${w.literal(column.kind)})`],
    [3, () => `${textRef(w, source)} || 'x'`],
    [3, () => `CASE WHEN ${w.ref(source, number.name)} > 1 THEN ${ref} END`],
    [2, () => `${ref} COLLATE NOCASE`],
    [2, () => `typeof(${ref})`],
    [2, () => `${ref} IS NULL`],
  ])
}

/** Columns of two sources that hold the same sort of thing: a reference and what it refers to, mostly. */
function pair(w: Writer, left: Source, right: Source): [string, string] {
  const { dice } = w
  const kinds = dice.weighted<readonly [Kind, Kind]>([
    [25, () => ['ref', 'id']],
    [25, () => ['id', 'ref']],
    [8, () => ['id', 'id']],
    [10, () => ['ref', 'ref']],
    [20, () => ['int', 'int']],
    [8, () => ['text', 'text']],
    [2, () => ['any', 'any']],
    [2, () => ['real', 'int']],
  ])
  const of = (source: Source, kind: Kind) => {
    const alike = source.columns.filter((column) => column.kind === kind)
    return w.ref(source, (alike.length > 0 ? dice.pick(alike) : w.column(source)).name)
  }
  return [of(left, kinds[0]), of(right, kinds[1])]
}

/** How two sources belong together. */
export function link(w: Writer, left: Source, right: Source): Fragment {
  const { dice } = w
  const [a, b] = pair(w, left, right)
  const equal = dice.chance(50) ? `${a} = ${b}` : `${b} = ${a}`
  // What NULL meets is where a path across an outer join ends.
  const odd = left.weak ? 12 : 3
  return dice.weighted<Fragment>([
    [72, () => equal],
    [10, () => part`${equal}${optional(part` AND ${filter(w, right)}`)}`],
    [3, () => part`${equal}${optional(part` AND ${filter(w, left)}`)}`],
    [3, () => `${a} ${dice.pick(['<', '>=', '>'])} ${b}`],
    [odd, () => `${a} IS ${b}`],
    [odd, () => instead(`coalesce(${a}, 2) = ${b}`, equal)],
    [3, () => instead(part`(${equal} OR ${pair(w, left, right).join(' = ')})`, equal)],
    [1, () => instead(`${b} IN (${a}, ${w.columnRef(left)})`, equal)],
    [1, () => instead(`${a} LIKE ${b}`, equal)],
  ])
}

/** FROM and WHERE of a subquery that depends on one of the sources around it, mostly. */
export function correlated(
  w: Writer,
  scope: readonly Source[],
  depth: number,
): { readonly from: Fragment; readonly inner: Source } {
  const { dice } = w
  const around = outer(scope)
  const table = w.table()
  const named = w.base(table, w.fresh('p'))
  const more = dice.weighted<'' | 'JOIN' | 'LEFT JOIN'>([
    [75, () => ''],
    [15, () => 'JOIN'],
    [10, () => 'LEFT JOIN'],
  ])
  const inner = { ...named, bare: more === '' && dice.chance(30) }
  const where: Fragment[] = []
  const driver = dice.pick(around)
  if (dice.chance(93)) where.push(link(w, driver, inner))
  let join: Fragment = ''
  if (more !== '') {
    const other = w.table()
    const second = w.base(other, w.fresh('p'))
    join = part` ${more} ${w.name(other.name)} AS ${second.alias} ON ${link(w, inner, second)}`
    if (dice.chance(30)) where.push(filter(w, second))
    if (more === 'LEFT JOIN' && dice.chance(30)) where.push(`${w.ref(second, 'id')} IS NULL`)
  }
  if (dice.chance(35)) where.push(filter(w, inner))
  if (depth < 2 && dice.chance(12)) where.push(exists(w, [inner, ...around], depth + 1))
  const from = part`FROM ${w.name(table.name)} AS ${w.name(inner.alias)}${join}${list(where, ' AND ', 0, ' WHERE ')}`
  return { from, inner }
}

function exists(w: Writer, scope: readonly Source[], depth: number): Fragment {
  // A subquery inside mostly asks about the rows of the subquery around it, not of the query.
  const near = depth > 1 && w.dice.chance(75) ? scope.slice(0, 1) : scope
  const { from } = correlated(w, near, depth)
  return part`${w.dice.chance(40) ? 'NOT ' : ''}EXISTS (SELECT ${w.dice.pick(['1', '*', 'NULL'])} ${from})`
}

function membership(w: Writer, scope: readonly Source[]): Fragment {
  const { dice } = w
  const source = dice.pick(scope)
  const column = w.column(source)
  const table = w.table()
  const inner = { ...w.base(table, w.fresh('p')), bare: dice.chance(50) }
  const alike = inner.columns.filter(({ kind }) => kind === column.kind)
  const output = w.ref(inner, (alike.length > 0 ? dice.pick(alike) : w.column(inner)).name)
  const where: Fragment[] = []
  if (dice.chance(50)) where.push(filter(w, inner))
  if (dice.chance(20)) where.push(link(w, dice.pick(outer(scope)), { ...inner, bare: false }))
  const not = dice.chance(25)
  // NULL in the list makes NOT IN unknown for every row: what people write guards against it, mostly.
  if (not && dice.chance(75)) where.push(`${output} IS NOT NULL`)
  const group = dice.chance(4) ? ` GROUP BY ${output}` : ''
  return part`${w.ref(source, column.name)} ${not ? 'NOT IN' : 'IN'} (SELECT ${output} FROM ${w.name(table.name)} AS ${w.name(inner.alias)}${list(where, ' AND ', 0, ' WHERE ')}${group})`
}

/** A subquery of one value. Where it picks one row of several, it says which. */
export function scalar(w: Writer, scope: readonly Source[]): Fragment {
  const { dice } = w
  return dice.weighted<Fragment>([
    [
      50,
      () => {
        const { from, inner } = correlated(w, scope, 1)
        // What the query does with a minimum must not depend on how it is spelled: an integer is spelled one way.
        const argument = w.schema.values === 'plain' ? w.columnRef(inner) : w.ref(inner, 'a')
        const name = dice.pick(['count', 'sum', 'max', 'max', 'min', 'total'])
        return part`(SELECT ${dice.chance(30) ? 'count(*)' : `${name}(${argument})`} ${from})`
      },
    ],
    [25, () => latest(w, dice.pick(scope), w.table())],
    [
      25,
      () => {
        const table = dice.pick(w.schema.tables.filter(({ unique }) => unique.length === 1))
        if (table === undefined) return latest(w, dice.pick(scope), w.table())
        const inner = w.base(table, w.fresh('p'))
        const [source] = outer([dice.pick(scope)]) as [Source]
        const parent = source.columns.find(({ kind }) => kind === 'ref') ?? w.column(source)
        return part`(SELECT ${w.columnRef(inner)} FROM ${w.name(table.name)} AS ${w.name(inner.alias)} WHERE ${w.ref(inner, 'id')} = ${w.ref(source, parent.name)})`
      },
    ],
  ])
}

/** One column of the first row of a table that belongs to a source's row, by a total order. */
export function latest(w: Writer, around: Source, table: RandomTable, column?: string): Fragment {
  const inner = w.base(table, w.fresh('p'))
  const [driver] = outer([around]) as [Source]
  const where = [link(w, driver, inner), ...(w.dice.chance(20) ? [filter(w, inner)] : [])]
  const output = column === undefined ? w.columnRef(inner) : w.ref(inner, column)
  return part`(SELECT ${output} FROM ${w.name(table.name)} AS ${w.name(inner.alias)}${list(where, ' AND ', 1, ' WHERE ')}${w.totalOrder(inner)} LIMIT 1)`
}

/** A condition of WHERE over all that FROM holds. */
export function condition(w: Writer, scope: readonly Source[]): Fragment {
  const { dice } = w
  const source = dice.pick(scope)
  const weak = scope.filter((source) => source.weak)
  return dice.weighted<Fragment>([
    [62, () => filter(w, source)],
    // The anti join.
    [weak.length > 0 ? 12 : 0, () => `${w.columnRef(dice.pick(weak))} IS NULL`],
    [scope.length > 1 ? 6 : 0, () => instead(part`(${filter(w, source)} OR ${filter(w, dice.pick(scope))})`)],
    [14, () => exists(w, scope, 0)],
    [7, () => membership(w, scope)],
    [1, () => part`(${membership(w, scope)}) IS ${dice.pick(['NOT TRUE', 'NULL', 'NOT NULL'])}`],
    [3, () => part`${w.columnRef(source)} ${dice.pick(['=', '>', 'IS'])} ${scalar(w, scope)}`],
    [2, () => part`${scalar(w, scope)} ${dice.pick(['>', '=', '<>'])} ${w.literal('int')}`],
    [1, () => part`(${exists(w, scope, 0)} OR ${filter(w, source)})`],
  ])
}

/** WHERE, or nothing. */
export function where(w: Writer, scope: readonly Source[], first: readonly Fragment[] = []): Fragment {
  const count = w.dice.weighted<number>([
    [38, () => 0],
    [45, () => 1],
    [14, () => 2],
    [3, () => 3],
  ])
  const conditions = Array.from({ length: count }, () => condition(w, scope))
  return list([...first, ...conditions], ' AND ', 0, ' WHERE ')
}
