import type { OrderTerm, Plan, Shape } from '@millrace/protocol'
import type { Expr, FunctionCallExpr, FunctionCallStarExpr } from 'sqlite3-parser'
import { traverse } from 'sqlite3-parser'
import { imagesBefore, isNoted, noteOf } from '../capture/images.ts'
import { quote } from '../database/database.ts'
import type { Catalog, Table } from '../schema/catalog.ts'
import { startOf, textOf } from './edits.ts'
import { isAggregateCall } from './functions.ts'
import { ODD_INPUT, planGroups, SUM_BEHIND } from './groups-plan.ts'
import { Beyond, type Bound, type ColumnRef, type Item, type Level } from './levels.ts'
import type { Normal } from './normalize.ts'
import { numberParameters } from './parameters.ts'
import { seesOtherRows } from './plan.ts'
import { discriminatorOf, type Reaction } from './reaction.ts'
import { groupSearch, limitText } from './rows.ts'
import { Searcher } from './search.ts'
import { SelectText } from './select.ts'
import { isName } from './terms.ts'
import { HiddenColumns, type KeyTerm, orderBy } from './wire.ts'

/*
 * `aggregate` and `distinct`: queries of groups. A group is known by what it is grouped by. Where COUNT and SUM are all
 * that is asked, a changed row is taken out of its group as it was and added as it is, by the query itself run over the
 * images alone. Otherwise the groups that it touches are run again, each by itself. SELECT DISTINCT is GROUP BY all.
 */

/** How a query of groups is kept. */
export interface GroupsStrategy {
  readonly type: 'groups'
  readonly distinct: boolean
  /** All groups in order, without LIMIT. */
  readonly sql: string
  readonly order: readonly OrderTerm[]
  readonly key: readonly KeyTerm[]
  /** The wire column with the number of rows in the group. */
  readonly rowCount: number
  /** One group, its key behind the query's own parameters; null where there is only one. */
  readonly one: string | null
  /** How each wire column moves by images; null where some column cannot. */
  readonly rules: readonly ColumnRule[] | null
  readonly reactions: readonly Reaction<GroupsAction>[]
}

/** How a wire column of a group moves when rows come or go. */
export type ColumnRule =
  /** The same for all rows of the group. */
  | { readonly type: 'fixed' }
  | { readonly type: 'count' }
  /** Wire columns: the sum itself, the number of inputs that are not NULL, and of those that do not add up exactly. */
  | {
      readonly type: 'sum' | 'total' | 'avg'
      readonly sum: number
      readonly inputs: number
      readonly odd: number
    }
  /** The sum that a total or an average is made of. */
  | { readonly type: 'part'; readonly inputs: number; readonly odd: number }

export type GroupsAction = {
  /** The query over the rows as they were, and as they are. */
  readonly images: { readonly before: string; readonly now: string } | null
  /** The statement that gives the groups that a change touches. */
  readonly search: ((changed: ReadonlySet<Table>) => string) | null
  /** Where neither is there. */
  readonly why: string
}

export interface CompiledGroups {
  readonly sql: string
  readonly key: Shape['key']
  readonly plan: Plan | null
  readonly strategy: GroupsStrategy
}

/** @throws Beyond */
export function compileGroups(
  normal: Normal,
  bound: Bound,
  catalog: Catalog,
  columns: readonly string[],
  parameterCount: number,
): CompiledGroups {
  const [level, ...others] = bound.arms
  if (level === undefined || others.length > 0) throw new Beyond('UNION ALL of groups')
  if (level.items.length === 0) throw new Beyond('no FROM')
  if (level.outputs.length !== columns.length) throw new Beyond('columns that are not known')
  const text = new SelectText(normal, bound, level)
  const searcher = new Searcher(normal.sql, bound)
  const distinct = level.core.distinctness === 'Distinct'
  if (distinct && (level.aggregate || level.core.groupBy !== undefined || level.core.having !== undefined))
    throw new Beyond('DISTINCT over groups')

  const hidden = new HiddenColumns(columns.length)
  const groupBy = distinct
    ? level.outputs.map((_, i) => text.output(i))
    : level.groupBy.map((expr) => text.expression(expr))
  const collations = distinct
    ? level.outputs.map((_, i) => text.outputCollation(i))
    : level.groupBy.map((expr) => text.collationOf(expr))
  const key: KeyTerm[] = collations.map((collation, i) => ({
    column: distinct ? i : hidden.add(groupBy[i] ?? ''),
    collation,
  }))

  const planned = distinct ? undefined : planOf(normal, level, bound.refs, catalog, columns, key.length, text)
  for (const column of planned?.hidden ?? []) hidden.add(column)
  const rowCount = hidden.share('count(*)')
  const picks = new BareColumns(normal, bound, level)
  const open = collations.some((collation) => collation !== 'BINARY') || picks.any || picks.ofKeys
  // With one min() SQLite takes what is not grouped by from the row that has it, so that it is always the same row's.
  const settled = open && !picks.minOrMax
  if (settled) {
    const keys = picks.any ? text.units.flatMap(({ key }) => key.map(({ sql }) => sql)) : []
    hidden.add(`min(${[...groupBy, ...keys].map((sql) => `quote(${sql})`).join(" || ',' || ")})`)
  }
  const asked = text.sortTerms(normal.body, hidden)
  if (distinct && asked.some(({ column }) => column >= columns.length))
    throw new Beyond('DISTINCT ordered by what is not selected')
  const order = [...asked, ...key.map((term) => ({ ...term, descending: false, nullsFirst: true }))]
  const rules = distinct
    ? distinctRules(columns.length, rowCount)
    : new Rules(normal, bound, level, hidden).all(normal.body.orderBy?.map(({ expr }) => expr) ?? [], order)

  const build = (changes: Parameters<SelectText['build']>[0]) =>
    text.build({
      hidden: hidden.sql,
      ...(distinct ? { groupBy: groupBy.map((_, i) => String(i + 1)).join(', ') } : {}),
      ...changes,
    })
  const sql = `${build({})}${orderBy(order)}`
  const isGroup = groupBy.map((expr, i) => `(${expr}) COLLATE ${collations[i]} IS ?${parameterCount + 1 + i}`)
  const usable = open || level.core.having !== undefined ? null : rules
  const alone = settled || collations.every((collation) => collation === 'BINARY')
  return {
    sql: `${sql}${limitText(normal)}`,
    key,
    plan: planned?.plan ?? null,
    strategy: {
      type: 'groups',
      distinct,
      sql,
      order,
      key,
      rowCount,
      one: key.length === 0 ? null : build({ where: isGroup.join(' AND ') }),
      rules: usable,
      reactions: bound.tables.map((item): Reaction<GroupsAction> => {
        const table = item.table as Table
        return {
          table,
          columns: item.reads,
          decides: item.reads,
          discriminator: discriminatorOf(item, searcher),
          sorted: null,
          action: {
            images: usable === null ? null : imagesOf(item, bound, level, build),
            search: alone ? groupSearchOf(item, level, distinct, searcher) : null,
            why: alone
              ? `a change of ${table.name} can touch any group`
              : 'which spelling of a group is shown, SQLite decides anew at each run',
          },
        }
      }),
    },
  }
}

function groupSearchOf(item: Item, level: Level, distinct: boolean, searcher: Searcher) {
  const keys = distinct
    ? level.outputs.map((output) => searcher.renderOutput(output))
    : level.groupBy.map((expr) => searcher.render(expr))
  return groupSearch(item, level, keys, searcher) ?? null
}

/** The query over images of one table. Exact where its rows are always there and it is read at no other place. */
function imagesOf(
  item: Item,
  bound: Bound,
  level: Level,
  build: (changes: Parameters<SelectText['build']>[0]) => string,
): GroupsAction['images'] {
  const table = item.table as Table
  const places = bound.tables.filter((other) => other.table === table)
  if (!isAlwaysThere(item, level) || places.length > 1) return null
  const columns = table.columns.map(({ name }) => `t.${quote(name)}`).join(', ')
  const now = `(SELECT ${columns} FROM temp.${noteOf(table)} AS n CROSS JOIN main.${quote(table.name)} AS t WHERE ${isNoted(table, 't', 'n')})`
  return {
    before: build({ source: { item, sql: imagesBefore(table) } }),
    now: build({ source: { item, sql: now } }),
  }
}

/** Whether each row of the level has one of this item: in its FROM, or through plain derived tables there. */
function isAlwaysThere(item: Item, level: Level): boolean {
  if (item.nullable) return false
  if (item.level === level) return true
  const { place, plain } = item.level
  return plain && place.type === 'derived' && isAlwaysThere(place.item, level)
}

function planOf(
  { sql, body }: Normal,
  level: Level,
  refs: Bound['refs'],
  catalog: Catalog,
  columns: readonly string[],
  keyCount: number,
  text: SelectText,
): { plan: Plan; hidden: readonly string[] } | undefined {
  const [item, ...others] = level.items
  if (item?.table == null || others.length > 0) return undefined
  const source = { table: item.table, alias: item.alias }
  if (seesOtherRows(catalog, body, item, refs)) return undefined
  const sorts = text.hiddenSorts(body)
  return planGroups(sql, body, level.core, columns, source, numberParameters(body), keyCount, sorts)
}

function distinctRules(width: number, rowCount: number): ColumnRule[] {
  return Array.from({ length: rowCount + 1 }, (_, i) => (i < width ? { type: 'fixed' } : { type: 'count' }))
}

/** What a query of groups shows of single rows. */
class BareColumns {
  /** A column is shown that is neither grouped by nor aggregated. */
  readonly any: boolean
  /** Something is made of a key that 1 and 1.0 share, of which one row's is taken. */
  readonly ofKeys: boolean
  /** By which SQLite picks the row. */
  readonly minOrMax: boolean

  constructor({ sql, body }: Normal, { refs }: Bound, level: Level) {
    const { core, outputs, groupBy } = level
    const sorted = (body.orderBy ?? []).map(({ expr }) => expr)
    const roots = [...core.columns, ...(core.having === undefined ? [] : [core.having]), ...sorted]
    const keys = new Set(groupBy.map((key) => textOf(sql, key)))
    let any = outputs.some(
      (output) =>
        output.type === 'column' &&
        !groupBy.some((key) => {
          const ref = isName(key) ? refs.get(startOf(key)) : undefined
          return ref?.type === 'column' && ref.item === output.item && ref.column === output.column
        }),
    )
    const hasOneForm = (key: Expr) => {
      const ref = isName(key) ? refs.get(startOf(key)) : undefined
      const column = ref?.type === 'column' ? ref.item.table?.columns[ref.column] : undefined
      return column !== undefined && column.affinity !== 'BLOB' && column.affinity !== 'NUMERIC'
    }
    let minOrMax = false
    let ofKeys = false
    for (const root of roots) {
      const shown = root.type === 'ExprResultColumn' ? root.expr : root
      traverse(root, {
        enter(node) {
          if (node.type !== 'ExprResultColumn' && keys.has(textOf(sql, node))) {
            if (node !== shown && !hasOneForm(node as Expr)) ofKeys = true
            return 'skip'
          }
          if (
            (node.type === 'FunctionCallExpr' || node.type === 'FunctionCallStarExpr') &&
            isAggregateCall(node)
          ) {
            if (/^(min|max)$/i.test(node.name.name)) minOrMax = true
            return 'skip'
          }
          const ref = isName(node as Expr) ? refs.get(startOf(node)) : undefined
          if (ref?.type === 'column' && ref.item.level === level) any = true
          return 'continue'
        },
      })
    }
    this.any = any && core.distinctness !== 'Distinct'
    this.ofKeys = ofKeys
    this.minOrMax = minOrMax
  }
}

/** Finds the rule of each wire column. */
class Rules {
  readonly #normal: Normal
  readonly #bound: Bound
  readonly #level: Level
  readonly #hidden: HiddenColumns

  constructor(normal: Normal, bound: Bound, level: Level, hidden: HiddenColumns) {
    this.#normal = normal
    this.#bound = bound
    this.#level = level
    this.#hidden = hidden
  }

  /** Null where some column has none. What the rules need is appended to the hidden columns. */
  all(orderBy: readonly Expr[], order: readonly OrderTerm[]): ColumnRule[] | null {
    const rules = new Map<number, ColumnRule | undefined>()
    const visible = this.#level.outputs.length
    this.#level.outputs.forEach((output, i) => {
      rules.set(i, output.type === 'expression' ? this.#ruleOf(output.expr, i) : this.#fixedColumn(output))
    })
    orderBy.forEach((expr, i) => {
      const column = order[i]?.column ?? 0
      if (column >= visible)
        rules.set(column, this.#ruleOf(expr.type === 'CollateExpr' ? expr.expr : expr, column))
    })
    if ([...rules.values()].includes(undefined)) return null
    // Group keys, and counts: the rest of what is hidden.
    const keys = this.#level.groupBy.length
    return Array.from({ length: this.#hidden.width }, (_, i) => {
      const rule = rules.get(i) ?? this.#parts.get(i)
      return rule ?? (i < visible + keys ? { type: 'fixed' } : { type: 'count' })
    })
  }

  readonly #parts = new Map<number, ColumnRule>()

  #ruleOf(expr: Expr, column: number): ColumnRule | undefined {
    if (expr.type === 'ParenthesizedExpr' && expr.exprs.length === 1)
      return this.#ruleOf(expr.exprs[0] as Expr, column)
    if (expr.type !== 'FunctionCallExpr' && expr.type !== 'FunctionCallStarExpr') return this.#fixed(expr)
    if (!isAggregateCall(expr)) return this.#fixed(expr)
    return this.#aggregate(expr, column)
  }

  #aggregate(call: FunctionCallExpr | FunctionCallStarExpr, column: number): ColumnRule | undefined {
    if (call.type === 'FunctionCallExpr' && (call.distinctness !== undefined || call.orderBy !== undefined))
      return undefined
    const name = call.name.name.toLowerCase()
    if (name === 'count') return { type: 'count' }
    const [arg] = call.type === 'FunctionCallExpr' ? (call.args ?? []) : []
    if (arg === undefined || (name !== 'sum' && name !== 'total' && name !== 'avg')) return undefined
    const filter = call.filterOver?.filterClause
    const where = filter === undefined ? '' : ` FILTER (WHERE ${textOf(this.#normal.sql, filter)})`
    const input = textOf(this.#normal.sql, arg)
    const inputs = this.#hidden.share(`count(${input})${where}`)
    const odd = this.#hidden.share(`count(${ODD_INPUT(input)})${where}`)
    if (name === 'sum') return { type: 'sum', sum: column, inputs, odd }
    const sum = this.#hidden.share(`${SUM_BEHIND(input)}${where}`)
    this.#parts.set(sum, { type: 'part', inputs, odd })
    return { type: name, sum, inputs, odd }
  }

  /** An expression over constants and what is grouped by. */
  #fixed(expr: Expr): ColumnRule | undefined {
    let fixed = true
    traverse(expr, {
      enter: (node) => {
        if (this.#isKey(node as Expr)) return 'skip'
        if (node.type === 'Select') fixed = false
        if (
          (node.type === 'FunctionCallExpr' || node.type === 'FunctionCallStarExpr') &&
          isAggregateCall(node)
        )
          fixed = false
        if (isName(node as Expr) && this.#bound.refs.has(startOf(node))) fixed = false
        return 'continue'
      },
    })
    return fixed ? { type: 'fixed' } : undefined
  }

  #fixedColumn(column: ColumnRef): ColumnRule | undefined {
    return this.#isKeyColumn(column) ? { type: 'fixed' } : undefined
  }

  #isKeyColumn({ item, column }: ColumnRef): boolean {
    return this.#level.groupBy.some((key) => {
      const ref = isName(key) ? this.#bound.refs.get(startOf(key)) : undefined
      return ref?.type === 'column' && ref.item === item && ref.column === column
    })
  }

  #isKey(expr: Expr): boolean {
    const ref = isName(expr) ? this.#bound.refs.get(startOf(expr)) : undefined
    if (ref?.type === 'column') return this.#isKeyColumn(ref)
    return this.#level.groupBy.some((key) => textOf(this.#normal.sql, key) === textOf(this.#normal.sql, expr))
  }
}
