import { type Fragment, instead, list, part } from '../fragment.ts'
import { condition, filter, latest, link } from './condition.ts'
import { type Column, exactly, type Source, type Writer } from './scope.ts'

/*
 * FROM: one to three sources, each a table, a view, a derived table or a CTE, joined in every way that SQLite knows.
 */

export interface From {
  readonly text: Fragment
  readonly sources: readonly Source[]
  /** What a comma join is linked by, for WHERE. */
  readonly conditions: readonly Fragment[]
}

type Item = { readonly text: Fragment; readonly source: Source }

const derivedSource = (alias: string, columns: readonly Column[], unique?: string): Source => ({
  alias,
  table: undefined,
  columns,
  unique,
  total: exactly(columns),
  weak: false,
  bare: false,
})

const ROW: readonly Column[] = [
  { name: 'id', kind: 'id' },
  { name: 'a', kind: 'int' },
  { name: 'b', kind: 'text' },
]

/** A SELECT of a few columns of the rows of a table or two, to be read like a table. */
function plainSelect(w: Writer): { readonly text: Fragment; readonly columns: readonly Column[] } {
  const { dice } = w
  const table = w.table()
  const first = w.base(table, w.fresh('p'))
  if (dice.chance(75)) {
    const inner = { ...first, bare: dice.chance(60) }
    const whole = !table.generated && dice.chance(30)
    const columns: readonly Column[] = whole ? inner.columns : [...ROW, { name: 'r', kind: 'ref' }]
    const outputs = whole ? '*' : columns.map(({ name }) => w.ref(inner, name)).join(', ')
    const wheres = dice.chance(55) ? [dice.chance(75) ? filter(w, inner) : condition(w, [inner])] : []
    return {
      text: part`SELECT ${outputs} FROM ${w.name(table.name)} AS ${w.name(inner.alias)}${list(wheres, ' AND ', 0, ' WHERE ')}`,
      columns,
    }
  }
  const other = w.table()
  const second = w.base(other, w.fresh('p'))
  const join = dice.pick(['JOIN', 'JOIN', 'LEFT JOIN'])
  return {
    text: part`SELECT ${w.ref(first, 'id')} AS id, ${w.ref(second, 'a')} AS a, ${w.ref(second, 'b')} AS b FROM ${w.name(table.name)} AS ${w.name(first.alias)} ${join} ${w.name(other.name)} AS ${w.name(second.alias)} ON ${link(w, first, second)}`,
    columns: ROW,
  }
}

/** `SELECT g, count(*) … GROUP BY g`, as counts are joined to what they count. */
function groupedSelect(w: Writer): { readonly text: Fragment; readonly columns: readonly Column[] } {
  const { dice } = w
  w.dependsOnSpelling()
  const table = w.table()
  const inner = { ...w.base(table, w.fresh('p')), bare: dice.chance(60) }
  const key = dice.pick(inner.columns.filter(({ name }) => name === 'r' || name === 'a' || name === 'b'))
  const value = dice.pick(['max', 'min', 'sum', 'count'])
  const wheres = dice.chance(35) ? [filter(w, inner)] : []
  const having = dice.chance(12) ? ' HAVING count(*) > 1' : ''
  return {
    text: part`SELECT ${w.ref(inner, key.name)} AS g, count(*) AS n, ${value}(${w.ref(inner, 'a')}) AS m FROM ${w.name(table.name)} AS ${w.name(inner.alias)}${list(wheres, ' AND ', 0, ' WHERE ')} GROUP BY ${w.ref(inner, key.name)}${having}`,
    columns: [
      { name: 'g', kind: key.kind },
      { name: 'n', kind: 'int' },
      { name: 'm', kind: 'int' },
    ],
  }
}

/** What cuts the path from a changed row to the result, or nearly. */
function oddSelect(w: Writer): { readonly text: Fragment; readonly columns: readonly Column[] } {
  const { dice } = w
  const table = w.table()
  const inner = w.base(table, w.fresh('p'))
  const outputs = ROW.map(({ name }) => w.ref(inner, name)).join(', ')
  const from = `FROM ${w.name(table.name)} AS ${w.name(inner.alias)}`
  return dice.weighted<{ text: Fragment; columns: readonly Column[] }>([
    [
      2,
      () => {
        w.incremental = false
        return { text: part`SELECT ${outputs} ${from}${w.totalOrder(inner)} LIMIT 3`, columns: ROW }
      },
    ],
    [
      1,
      () => {
        w.dependsOnSpelling()
        return { text: `SELECT DISTINCT ${w.ref(inner, 'a')} AS a ${from}`, columns: ROW.slice(1, 2) }
      },
    ],
    [
      1,
      () => {
        const other = w.base(w.table(), w.fresh('p'))
        return {
          text: part`SELECT ${outputs} ${from} UNION ALL SELECT id, a, b FROM ${w.name(w.table().name)} AS ${w.name(other.alias)}`,
          columns: ROW,
        }
      },
    ],
  ])
}

function item(w: Writer, alias: string): Item {
  const { dice } = w
  return dice.weighted<Item>([
    [
      74,
      () => {
        const table = w.table()
        return {
          text: `${w.name(table.name)} ${dice.pick(['AS ', ''])}${w.name(alias)}`,
          source: w.base(table, alias),
        }
      },
    ],
    [
      5,
      () => ({
        text: `${w.name(dice.pick(w.schema.views))} AS ${w.name(alias)}`,
        source: derivedSource(alias, ROW),
      }),
    ],
    [
      7,
      () => {
        const { text, columns } = plainSelect(w)
        return { text: part`(${text}) AS ${w.name(alias)}`, source: derivedSource(alias, columns) }
      },
    ],
    [7, () => cte(w, alias)],
    [
      6,
      () => {
        const { text, columns } = groupedSelect(w)
        return { text: part`(${text}) AS ${w.name(alias)}`, source: derivedSource(alias, columns, 'g') }
      },
    ],
    [
      1,
      () => {
        const { text, columns } = oddSelect(w)
        return { text: part`(${text}) AS ${w.name(alias)}`, source: derivedSource(alias, columns) }
      },
    ],
  ])
}

/** A CTE: a new one, or one that this query has already. */
function cte(w: Writer, alias: string): Item {
  const { dice } = w
  const old = w.ctes.length > 0 && dice.chance(60) ? dice.pick(w.ctes) : undefined
  const used = old ?? newCte(w)
  return {
    text: `${w.name(used.name)} AS ${w.name(alias)}`,
    source: derivedSource(alias, used.columns),
  }
}

function newCte(w: Writer): Writer['ctes'][number] {
  const { dice } = w
  const name = w.fresh('w')
  const { text, columns } = dice.chance(80) ? plainSelect(w) : groupedSelect(w)
  const renamed = dice.chance(25)
  const outputs = renamed ? columns.map(({ kind }, i) => ({ name: `${kind}_${i}`, kind })) : columns
  const head = renamed
    ? `${w.name(name)} (${outputs.map(({ name }) => w.name(name)).join(', ')})`
    : w.name(name)
  const hint = dice.weighted<string>([
    [94, () => ''],
    [3, () => 'MATERIALIZED '],
    [3, () => 'NOT MATERIALIZED '],
  ])
  const made = { name, columns: outputs, text: part`${head} AS ${hint}(${text})` }
  w.ctes.push(made)
  return made
}

/** WITH, or nothing: to be asked when all else has been written. */
export function withClause(w: Writer): Fragment {
  if (w.ctes.length === 0) return ''
  const texts = w.ctes.map(({ text }) => text)
  return part`${list(texts, ', ', 0, 'WITH ')} `
}

const ALIASES = ['x', 'y', 'z'] as const

export function from(w: Writer): From {
  const { dice } = w
  const count = dice.weighted<number>([
    [45, () => 1],
    [38, () => 2],
    [17, () => 3],
  ])
  const first = item(w, ALIASES[0])
  const sources: Source[] = [{ ...first.source, bare: count === 1 && dice.chance(40) }]
  const joins: Fragment[] = []
  const conditions: Fragment[] = []
  for (const alias of ALIASES.slice(1, count)) {
    const { source, text } = item(w, alias)
    const joined = join(w, sources, source, text, count === 2)
    joins.push(joined.text)
    if (joined.condition !== undefined) conditions.push(joined.condition)
    if (joined.weakens) for (const [i, left] of sources.entries()) sources[i] = { ...left, weak: true }
    sources.push({ ...source, weak: joined.weak })
  }
  return { text: part`FROM ${first.text}${list(joins, '', 0)}`, sources, conditions }
}

interface Joined {
  readonly text: Fragment
  readonly condition?: Fragment
  /** Rows of the new source may be missing; those of the earlier ones. */
  readonly weak: boolean
  readonly weakens: boolean
}

/**
 * RIGHT and FULL JOIN are of two base tables: where three meet, be it inside a view, SQLite 3.44 gives wrong rows for
 * them, others for the same query with ORDER BY: `x LEFT JOIN y ON … RIGHT JOIN z ON y.a = z.a WHERE z.b = 1 AND x.a < 3`.
 */
function join(w: Writer, left: readonly Source[], right: Source, text: Fragment, only: boolean): Joined {
  const { dice } = w
  const kept = { weak: false, weakens: false }
  const two = only && left[0]?.table !== undefined && right.table !== undefined
  const shared =
    left[0]?.columns.filter(({ name }) => right.columns.some((other) => other.name === name)) ?? []
  const on = () => onClause(w, left, right)
  return dice.weighted<Joined>([
    [46, () => ({ ...kept, text: part` ${dice.pick(['JOIN', 'INNER JOIN'])} ${text} ON ${on()}` })],
    [34, () => ({ weak: true, weakens: false, text: part` LEFT JOIN ${text} ON ${on()}` })],
    [two ? 5 : 0, () => ({ weak: false, weakens: true, text: part` RIGHT JOIN ${text} ON ${on()}` })],
    [two ? 1 : 0, () => ({ weak: true, weakens: true, text: part` FULL JOIN ${text} ON ${on()}` })],
    [6, () => ({ ...kept, text: part`, ${text}`, condition: link(w, dice.pick(left), right) })],
    [2, () => ({ ...kept, text: part` CROSS JOIN ${text}`, condition: link(w, dice.pick(left), right) })],
    [left.length === 1 ? 1 : 0, () => ({ ...kept, text: part` JOIN ${text} ON 1` })],
    [
      shared.length > 0 ? 4 : 0,
      () => {
        const by = w.name(dice.pick(shared).name)
        const outer = dice.chance(40)
        return { weak: outer, weakens: false, text: part` ${outer ? 'LEFT ' : ''}JOIN ${text} USING (${by})` }
      },
    ],
    [
      2,
      () => {
        const outer = dice.chance(40)
        return { weak: outer, weakens: false, text: part` NATURAL ${outer ? 'LEFT ' : ''}JOIN ${text}` }
      },
    ],
  ])
}

function onClause(w: Writer, left: readonly Source[], right: Source): Fragment {
  const { dice } = w
  const near = dice.pick(left)
  const { table } = right
  return dice.weighted<Fragment>([
    [90, () => link(w, near, right)],
    // The latest row per parent.
    [
      table === undefined ? 0 : 5,
      () => part`${w.ref(right, 'id')} = ${latest(w, near, table ?? w.table(), 'id')}`,
    ],
    [
      left.length > 1 ? 3 : 0,
      () =>
        instead(
          `${w.columnRef(right)} = coalesce(${left.map((source) => w.columnRef(source)).join(', ')})`,
          link(w, near, right),
        ),
    ],
    [
      left.length > 1 ? 4 : 0,
      () =>
        list(
          left.map((source) => link(w, source, right)),
          ' AND ',
        ),
    ],
  ])
}
