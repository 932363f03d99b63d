import type { Expr, JsonList, OrderTerm, PlanSubquery } from '@millrace/protocol'
import { joined, readsOf } from '@millrace/protocol'
import type { ExistsExpr, FunctionCallExpr, Expr as SqlExpr, SubqueryExpr } from 'sqlite3-parser'
import type { Table } from '../schema/catalog.ts'
import { startOf } from './edits.ts'
import { isKnown, resolve, type Scope, sortCollation } from './expression.ts'
import type { Bound, Item, Level, Term } from './levels.ts'
import type { Searcher } from './search.ts'

/*
 * What a client is told of subqueries: those over the rows of one other table that belong to the outer row by its key, as
 * todos do to their list. EXISTS, counts, and lists in the form of Kysely's jsonArrayFrom and Drizzle's relational queries.
 */

/** The rows that a subquery is over. */
interface Rows {
  readonly item: Item
  readonly table: Table
  readonly conditions: readonly Term[]
  /** The SELECT with their ORDER BY. */
  readonly level: Level
}

/** The expressions that a subquery is told by. */
export function exprsOf({ where, makes }: PlanSubquery): Expr[] {
  const of = makes.type === 'list' ? makes.members.map(({ expr }) => expr) : []
  const arg = makes.type === 'count' ? makes.arg : null
  return [where, arg, ...of].filter((expr) => expr !== null)
}

export class SubqueryPlanner {
  readonly plans: PlanSubquery[] = []
  readonly #outer: Item
  readonly #bound: Bound
  readonly #searcher: Searcher
  readonly #parameters: Scope['parameters']
  /** Tables that are not predicted by. */
  readonly #refused: ReadonlySet<string>
  /** What was planned, by the place of its SELECT; and over which tables of FROM. */
  readonly #planned = new Map<number, Expr>()
  readonly #items = new Set<Item>()

  constructor(
    outer: Item,
    bound: Bound,
    searcher: Searcher,
    parameters: Scope['parameters'],
    refused: ReadonlySet<string>,
  ) {
    this.#outer = outer
    this.#bound = bound
    this.#searcher = searcher
    this.#parameters = parameters
    this.#refused = refused
  }

  /** Undefined where it cannot be predicted. */
  plan({ type, select }: ExistsExpr | SubqueryExpr): Expr | undefined {
    const known = this.#planned.get(startOf(select))
    if (known !== undefined) return known
    const [level, ...arms] = this.#bound.subqueries.get(startOf(select)) ?? []
    if (level === undefined || arms.length > 0) return undefined
    const planned = type === 'ExistsExpr' ? this.#exists(level) : this.#scalar(level)
    if (planned === undefined) return undefined
    const index = this.plans.push(planned) - 1
    const reads = this.#outerReads(planned).map((column) => ({ source: 0, column }))
    const expr: Expr = { type: 'subquery', index, reads }
    this.#planned.set(startOf(select), expr)
    return expr
  }

  /** Tables that were planned in one subquery and not in another, which a client would predict by half. */
  get half(): ReadonlySet<string> {
    const planned = new Set(this.plans.map(({ table }) => table))
    const others = this.#bound.tables.filter((item) => !this.#items.has(item))
    return new Set(others.flatMap(({ table }) => (planned.has(table?.name ?? '') ? [table?.name ?? ''] : [])))
  }

  #outerReads(planned: PlanSubquery): number[] {
    const reads = new Set<number>()
    for (const expr of exprsOf(planned)) readsOf(expr, 0, reads)
    return [...reads]
  }

  #exists(level: Level): PlanSubquery | undefined {
    const rows = level.plain ? this.#rowsOf(level) : undefined
    return rows === undefined ? undefined : this.#finish(rows, () => ({ type: 'exists' }))
  }

  #scalar(level: Level): PlanSubquery | undefined {
    const [output, ...others] = level.outputs
    if (output?.type !== 'expression' || others.length > 0) return undefined
    if (!level.aggregate || level.limited || level.core.having !== undefined) return undefined
    const rows = this.#rowsOf(level)
    const call = listOf(output.expr) ?? unwrapped(output.expr)
    if (rows === undefined) return undefined
    if (call.type === 'FunctionCallStarExpr')
      return call.filterOver === undefined
        ? this.#finish(rows, () => ({ type: 'count', arg: null }))
        : undefined
    if (call.type !== 'FunctionCallExpr' || call.filterOver !== undefined) return undefined
    if (call.distinctness !== undefined) return undefined
    const [arg, ...more] = call.args ?? []
    if (arg === undefined || more.length > 0) return undefined
    switch (call.name.name.toLowerCase()) {
      case 'count':
        return this.#finish(rows, (inner) => ({ type: 'count', arg: resolve(arg, inner) }))
      case 'json_group_array':
        return this.#finish(rows, (inner) => this.#list(rows, call, arg, inner))
      default:
        return undefined
    }
  }

  /** The rows of a SELECT over one table, itself or by a derived table. */
  #rowsOf(level: Level): Rows | undefined {
    const [item, ...others] = level.items
    if (item === undefined || others.length > 0 || level.compound || level.core.groupBy !== undefined)
      return undefined
    if (item.table !== null) {
      const { table } = item
      return table.info.key.length === 0 ? undefined : { item, table, conditions: level.conditions, level }
    }
    const [inner, ...arms] = item.derived ?? []
    if (inner === undefined || arms.length > 0 || !inner.plain) return undefined
    const rows = this.#rowsOf(inner)
    return rows && { ...rows, conditions: [...level.conditions, ...rows.conditions] }
  }

  #finish(
    { item, table, conditions }: Rows,
    make: (inner: Scope) => PlanSubquery['makes'] | undefined,
  ): PlanSubquery | undefined {
    const outer = this.#outer
    const outerTable = outer.table as Table
    const inner: Scope = {
      sources: [
        { table: outerTable, alias: '' },
        { table, alias: '' },
      ],
      parameters: this.#parameters,
      aliases: new Set(),
      find: (name) => {
        const ref = this.#searcher.columnOf(name)
        const source = ref === undefined ? -1 : [outer, item].indexOf(ref.item)
        return ref === undefined || source === -1 ? undefined : { source, column: ref.column }
      },
    }
    const terms = conditions.map((term) =>
      term.type === 'expression' ? resolve(term.expr, inner) : undefined,
    )
    const where: Expr[] = []
    for (const term of terms) {
      if (term === undefined || !isKnown(term)) return undefined
      where.push(term)
    }
    const parent = outerTable.info.key.map((column, i) =>
      where.map((term) => childOf(term, column, outerTable, i)).find((child) => child !== undefined),
    )
    if (parent.length === 0 || parent.includes(undefined)) return undefined
    if (this.#refused.has(table.name)) return undefined
    const makes = make(inner)
    if (makes === undefined || (makes.type === 'count' && makes.arg !== null && !isKnown(makes.arg)))
      return undefined
    this.#items.add(item)
    const both = joined('and', where) as Expr
    return { table: table.name, where: both, parent: parent as number[], makes }
  }

  #list(
    { table, level }: Rows,
    call: FunctionCallExpr,
    element: SqlExpr,
    inner: Scope,
  ): JsonList | undefined {
    const members = membersOf(element, inner)
    if (members === undefined || !members.every(({ expr }) => isKnown(expr))) return undefined
    const memberOf = (column: number) =>
      members.findIndex(({ expr }) => expr.type === 'column' && expr.source === 1 && expr.column === column)
    const key = table.info.key.map((column, i) => ({
      column: memberOf(column),
      collation: table.key[i]?.collation ?? 'BINARY',
    }))
    if (key.some(({ column }) => column === -1)) return undefined
    const sorted =
      call.orderBy?.type === 'SortListFunctionCallOrder' ? call.orderBy.columns : level.body.orderBy
    const sortedBy = new Set<number>()
    const order = (sorted ?? []).map(({ expr, order, nulls }): OrderTerm => {
      const found = resolve(expr, inner)
      readsOf(found, 1, sortedBy)
      const descending = order === 'Desc'
      return {
        column: found.type === 'column' && found.source === 1 ? memberOf(found.column) : -1,
        collation: sortCollation(expr, inner),
        descending,
        nullsFirst: nulls === undefined ? !descending : nulls === 'First',
      }
    })
    const isTotal = key.every((member) => order.some(({ column }) => column === member.column))
    const isTold = isTotal && order.every(({ column }) => column !== -1)
    return { type: 'list', members, key, order: isTold ? order : null, sortedBy: [...sortedBy] }
  }
}

/** The column of the subquery's table that a term holds equal to the i-th column of the outer key, as the key is compared. */
function childOf(term: Expr, column: number, { key, columns }: Table, i: number): number | undefined {
  if (term.type !== 'compare' || term.op !== '=') return undefined
  // Other spellings of one key would be its children too.
  if (term.collation !== 'BINARY' || (key[i]?.collation ?? 'BINARY') !== 'BINARY') return undefined
  for (const [one, other] of [
    [term.left, term.right],
    [term.right, term.left],
  ] as const) {
    if (one.type !== 'column' || one.source !== 0 || one.column !== column) continue
    if (other.type !== 'column' || other.source !== 1) continue
    if (other.affinity === columns[column]?.affinity) return other.column
  }
  return undefined
}

/** `coalesce(json_group_array(…), '[]')`, which the array of no rows is anyway. */
function listOf(expr: SqlExpr): SqlExpr | undefined {
  const node = unwrapped(expr)
  if (node.type !== 'FunctionCallExpr' || !/^(coalesce|ifnull)$/i.test(node.name.name)) return undefined
  const [list, empty, ...more] = node.args ?? []
  const isList = list?.type === 'FunctionCallExpr' && /^json_group_array$/i.test(list.name.name)
  return isList && empty !== undefined && more.length === 0 ? list : undefined
}

function unwrapped(expr: SqlExpr): SqlExpr {
  const [inner] = expr.type === 'ParenthesizedExpr' && expr.exprs.length === 1 ? expr.exprs : []
  return inner === undefined ? expr : unwrapped(inner)
}

function membersOf(element: SqlExpr, scope: Scope): JsonList['members'] | undefined {
  if (element.type !== 'FunctionCallExpr' || element.orderBy !== undefined) return undefined
  if (element.filterOver !== undefined || element.distinctness !== undefined) return undefined
  const args = element.args ?? []
  const name = element.name.name.toLowerCase()
  if (name === 'json_array') return args.map((arg) => ({ name: null, expr: resolve(arg, scope) }))
  if (name !== 'json_object' || args.length % 2 !== 0) return undefined
  const members: { name: string; expr: Expr }[] = []
  for (let i = 0; i < args.length; i += 2) {
    const label = args[i]
    if (label?.type !== 'StringLiteral' || members.some((member) => member.name === label.value))
      return undefined
    members.push({ name: label.value, expr: resolve(args[i + 1] as SqlExpr, scope) })
  }
  return members
}
