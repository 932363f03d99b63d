import type { Collation, OrderTerm, Plan, Shape } from '@millrace/protocol'
import type { Catalog, Table } from '../schema/catalog.ts'
import { Beyond, type Bound, type ColumnRef, type Item, type Level } from './levels.ts'
import type { Normal } from './normalize.ts'
import { discriminatorOf, type Reaction, type Sorted } from './reaction.ts'
import { planRows } from './rows-plan.ts'
import { isTooWide, keyOf, mayBeMissing, type Rendered, Searcher, searchStatement } from './search.ts'
import { SelectText, type Unit } from './select.ts'
import { type Sharing, sharingOf } from './sharing.ts'
import { HiddenColumns, type KeyTerm, orderBy } from './wire.ts'

/*
 * `restrict`: queries of rows. A result row is known by the keys of the rows that it came from, its lineage. When a row
 * of a table changes, the result rows that came from it are looked up by lineage, the query runs again restricted to
 * its key, and the two are compared. Where its key does not say which rows it touches (the nullable side of an outer
 * join, a subquery, a grouped derived table) a search leads from it to keys that do.
 */

/** How a query of rows is kept. */
export interface RowsStrategy {
  readonly type: 'rows'
  /** The whole result in order, without LIMIT. */
  readonly sql: string
  readonly order: readonly OrderTerm[]
  /** One, or those of a UNION ALL. */
  readonly arms: readonly Arm[]
  /** The wire column with the number of the arm that a row is of; null where there is one. */
  readonly armColumn: number | null
  /** How queries that differ in their parameters only can be answered together. */
  readonly sharing: Sharing | null
  readonly reactions: readonly Reaction<RowsAction>[]
}

/** A part of the result that runs by itself. */
export interface Arm {
  readonly sources: readonly ArmSource[]
}

/** By whose keys an arm can be restricted. */
export interface ArmSource {
  /** The wire columns of the key. */
  readonly key: readonly KeyTerm[]
  /** The arm restricted to `count` keys, whose values follow the query's own parameters. */
  readonly restricted: (count: number) => string
  /** The most keys that one statement takes. */
  readonly most: number
  /** The same for many queries of this text at once, by the table of their parameters: see sharing.ts. */
  readonly shared: (count: number, parameters: string) => string
}

export type RowsAction =
  /** The changed rows' own keys restrict. */
  | { readonly type: 'own'; readonly arm: number; readonly source: number }
  /** The statement gives the keys. `changed`: all tables that the transaction changed. */
  | {
      readonly type: 'search'
      readonly arm: number
      readonly source: number
      readonly sql: (changed: ReadonlySet<Table>) => string
    }
  | { readonly type: 'rerun'; readonly why: string }

export interface CompiledRows {
  readonly sql: string
  readonly key: Shape['key']
  readonly plan: Plan | null
  readonly strategy: RowsStrategy
}

/** Keys that one restricted statement takes at once, where there are many. */
const KEYS_PER_STATEMENT = 32

/** @throws Beyond */
export function compileRows(
  normal: Normal,
  bound: Bound,
  catalog: Catalog,
  columns: readonly string[],
  parameterCount: number,
): CompiledRows {
  const searcher = new Searcher(normal.sql, bound)
  const texts = bound.arms.map((level) => new SelectText(normal, bound, level))
  const [first] = texts
  if (first === undefined) throw new Beyond('VALUES')
  for (const { level } of texts) {
    if (level.outputs.length !== columns.length) throw new Beyond('columns that are not known')
    if (level.items.length === 0) throw new Beyond('no FROM')
    if (level.core.distinctness === 'Distinct' || level.aggregate || level.core.groupBy !== undefined)
      throw new Beyond('UNION ALL of groups')
  }
  const single = texts.length === 1
  const keyStart = columns.length + (single ? 0 : 1)
  const layout = keyLayout(texts)
  const hidden = texts.map((text, arm) => {
    const own = new HiddenColumns(columns.length)
    if (!single) own.add(String(arm))
    const keys = text.units.flatMap(({ key }) => key)
    layout.collations.forEach((_, i) => {
      own.add(keys[layout.places[arm]?.indexOf(i) ?? -1]?.sql ?? 'NULL')
    })
    return own
  })
  const key: KeyTerm[] = layout.collations.map((collation, i) => ({ column: keyStart + i, collation }))
  if (!single) key.unshift({ column: columns.length, collation: 'BINARY' })

  const planned = single
    ? planRows(normal.body, first.level, catalog, columns.length, bound, searcher)
    : undefined
  for (const name of planned?.needs ?? []) hidden[0]?.add(name)

  const asked = single
    ? first.sortTerms(normal.body, hidden[0] as HiddenColumns)
    : compoundOrder(normal, texts)
  const order = [...asked, ...key.map((term) => ({ ...term, descending: false, nullsFirst: true }))]

  const arm = (i: number, where?: string) =>
    (texts[i] as SelectText).build({
      hidden: hidden[i]?.sql ?? '',
      ...(where === undefined ? {} : { where }),
    })
  const sql = `${texts.map((_, i) => arm(i)).join(' UNION ALL ')}${orderBy(order)}`
  const sharing = single ? sharingOf(normal, bound, first.level) : null
  const shared = (table: string, where: string) => {
    const { without = [], hidden: compared = '', on = '1' } = sharing ?? {}
    const rows = first.build({ hidden: `${hidden[0]?.sql ?? ''}${compared}`, where, without })
    return `SELECT p.query, r.* FROM (${rows}) AS r CROSS JOIN temp.${table} AS p WHERE ${on}`
  }
  const arms = texts.map(({ units }, i): Arm => {
    let next = 0
    return {
      sources: units.map((unit) => {
        const places = (layout.places[i] ?? []).slice(next, next + unit.key.length)
        next += unit.key.length
        const at = places.map((place) => keyStart + place)
        return sourceOf(unit, at, parameterCount, (where) => arm(i, where), shared)
      }),
    }
  })
  const sorted = single ? sortedColumn(normal, first, searcher) : undefined
  const reactions = bound.tables.map((item) => ({
    ...reactionOf(item, bound, texts, searcher),
    sorted: sorted?.item === item ? sortedBy(sorted, order[0]) : null,
  }))
  return {
    sql: `${sql}${limitText(normal)}`,
    key,
    plan: planned?.finish(asked) ?? null,
    strategy: {
      type: 'rows',
      sql,
      order,
      arms,
      armColumn: single ? null : columns.length,
      sharing,
      reactions,
    },
  }
}

export function limitText({ sql, body }: Normal): string {
  if (body.limit === undefined) return ''
  const { offset, length } = body.limit.span
  return ` ${sql.slice(offset, offset + length)}`
}

/** Which key column of the wire each part of an arm's key goes to: arms share those that compare alike. */
function keyLayout(texts: readonly SelectText[]): {
  readonly collations: readonly Collation[]
  readonly places: readonly (readonly number[])[]
} {
  const collations: Collation[] = []
  const places = texts.map(({ units }) => {
    const taken: number[] = []
    for (const { collation } of units.flatMap(({ key }) => key)) {
      const free = collations.findIndex((other, i) => other === collation && !taken.includes(i))
      taken.push(free === -1 ? collations.push(collation) - 1 : free)
    }
    return taken
  })
  return { collations, places }
}

/** Of a compound SELECT, terms name outputs, by number or by name, and the first arm that has a collation gives it. */
function compoundOrder({ body }: Normal, texts: readonly SelectText[]): OrderTerm[] {
  const [first] = texts
  return (body.orderBy ?? []).map((term) => {
    const column = first?.outputNamed(term.expr)
    if (first === undefined || column === undefined)
      throw new Beyond('an ORDER BY of a compound SELECT that names no column of its first arm')
    const own = texts.map((text) => text.ownCollation(column)).find((collation) => collation !== undefined)
    return { column, ...first.sorting(term, own ?? 'BINARY') }
  })
}

function sourceOf(
  { item, key }: Unit,
  columns: readonly number[],
  parameterCount: number,
  build: (where: string) => string,
  shared: (table: string, where: string) => string,
): ArmSource {
  const texts = new Map<number, string>()
  const [only, ...others] = key
  const name = (i: number) => `?${parameterCount + 1 + i}`
  const where = (count: number) => {
    // The key of a group may be NULL.
    const is = item.table === null ? 'IS' : '='
    if (count === 1)
      return key.map(({ sql, collation }, i) => `${sql} COLLATE ${collation} ${is} ${name(i)}`).join(' AND ')
    const list = Array.from({ length: count }, (_, i) => name(i)).join(', ')
    return `${only?.sql} COLLATE ${only?.collation} IN (${list})`
  }
  return {
    key: key.map(({ collation }, i) => ({ column: columns[i] as number, collation })),
    most: others.length > 0 || item.table === null ? 1 : KEYS_PER_STATEMENT,
    shared: (count, table) => shared(table, where(count)),
    restricted: (count) => {
      const known = texts.get(count)
      const text = known ?? build(where(count))
      if (known === undefined) texts.set(count, text)
      return text
    },
  }
}

/** The column that is the first key of ORDER BY. */
function sortedColumn({ body }: Normal, text: SelectText, searcher: Searcher): ColumnRef | undefined {
  const [term] = body.orderBy ?? []
  if (term === undefined) return undefined
  const named = text.outputNamed(term.expr)
  const output = named === undefined ? undefined : text.level.outputs[named]
  if (output?.type === 'column') return output.item.table === null ? undefined : output
  const expr = output?.expr ?? term.expr
  return searcher.columnOf(expr.type === 'CollateExpr' ? expr.expr : expr)
}

/** Null where outer joins make NULLs of it. */
function sortedBy({ item, column }: ColumnRef, term: OrderTerm | undefined): Sorted | null {
  if (term === undefined || mayBeMissing(item)) return null
  const info = item.table?.info
  const isNeverNull =
    info?.columns[column]?.notNull === true || (info?.autoKey === true && info.key.includes(column))
  return { column, term, startsWithNull: term.nullsFirst && !isNeverNull }
}

function reactionOf(
  item: Item,
  bound: Bound,
  texts: readonly SelectText[],
  searcher: Searcher,
): Omit<Reaction<RowsAction>, 'sorted'> {
  const table = item.table as Table
  return {
    table,
    columns: item.reads,
    decides: item.decides,
    discriminator: discriminatorOf(item, searcher),
    action: actionOf(item, table, bound, texts, searcher),
  }
}

function actionOf(
  item: Item,
  table: Table,
  bound: Bound,
  texts: readonly SelectText[],
  searcher: Searcher,
): RowsAction {
  const top = topLevelOf(item.level)
  const arm = bound.arms.indexOf(top)
  const units = texts[arm]?.units ?? []
  const own = units.findIndex((unit) => unit.item === item)
  if (own !== -1 && units[own]?.optional === false) return { type: 'own', arm, source: own }
  // Inside a grouped derived table that is always there: the groups that it touches.
  const grouped = units.findIndex((unit) => unit.item.table === null && isInside(item, unit.item))
  if (grouped !== -1 && units[grouped]?.optional === false) {
    const level = units[grouped]?.item.derived?.[0]
    const keys = level?.groupBy.map((expr) => searcher.render(expr))
    const search =
      level === undefined || keys === undefined ? undefined : groupSearch(item, level, keys, searcher)
    if (search !== undefined) return { type: 'search', arm, source: grouped, sql: search }
  }
  const drivers = new Map(
    units.flatMap((unit, i) => (unit.item.table === null || unit.optional ? [] : [[unit.item, i] as const])),
  )
  const path = searcher.path(item, new Set(drivers.keys()), false)
  const driver = path === undefined ? undefined : [item, ...path.steps].find((step) => drivers.has(step))
  if (path === undefined || driver === undefined)
    return {
      type: 'rerun',
      why: `nothing compares ${table.name} with a table whose rows are always there`,
    }
  if (isTooWide(path))
    return {
      type: 'rerun',
      why: `${table.name} is joined with itself so often that to run it again costs less`,
    }
  const outputs = keyOf(driver)
  return {
    type: 'search',
    arm,
    source: drivers.get(driver) as number,
    sql: memoized((changed) => searchStatement(path, outputs, changed)),
  }
}

/** The statement that gives the groups of a level that a changed row touches. */
export function groupSearch(
  item: Item,
  level: Level,
  keys: readonly (Rendered | undefined)[],
  searcher: Searcher,
): ((changed: ReadonlySet<Table>) => string) | undefined {
  const targets = new Set(keys.flatMap((key) => [...(key?.items ?? [])]))
  // A row that is missing has NULL for a group, and no condition leads there.
  if (keys.includes(undefined) || targets.size === 0) return undefined
  if ([...targets].some((target) => target !== item && missingWithin(target, level))) return undefined
  if (targets.has(item) && missingWithin(item, level)) return undefined
  const path = searcher.path(item, targets, true)
  if (path === undefined || isTooWide(path)) return undefined
  const outputs = keys.map((key) => key?.sql ?? '')
  return memoized((changed) => searchStatement(path, outputs, changed))
}

function missingWithin(item: Item, level: Level): boolean {
  return item.level === level ? item.nullable : mayBeMissing(item)
}

/** By the tables that changed: few sets occur. */
function memoized(make: (changed: ReadonlySet<Table>) => string) {
  const texts = new Map<string, string>()
  return (changed: ReadonlySet<Table>) => {
    const id = [...changed].map(({ name }) => name).join('\n')
    const text = texts.get(id) ?? make(changed)
    texts.set(id, text)
    return text
  }
}

function topLevelOf(level: Level): Level {
  let at = level
  for (;;) {
    const { place } = at
    if (place.type === 'top') return at
    at = place.type === 'derived' ? place.item.level : place.level
  }
}

/** Whether an item stands somewhere within a derived table. */
function isInside(item: Item, derived: Item): boolean {
  for (let level = item.level; ; ) {
    const { place } = level
    if (place.type === 'top') return false
    if (place.type === 'derived' && place.item === derived) return true
    level = place.type === 'derived' ? place.item.level : place.level
  }
}
