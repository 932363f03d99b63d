import type { Collation, ColumnRef, Expr, PlanSource, RowsPlan } from '@millrace/protocol'
import { joined, type OrderTerm, partsOf } from '@millrace/protocol'
import type { Select } from 'sqlite3-parser'
import { quote } from '../database/database.ts'
import type { Catalog } from '../schema/catalog.ts'
import { columnExpr, compareColumns, resolve, type Scope } from './expression.ts'
import type { Bound, Item, Level, Output, Term } from './levels.ts'
import { numberParameters } from './parameters.ts'
import { aliasesOf, seesOtherRows } from './plan.ts'
import type { Searcher } from './search.ts'
import { exprsOf, SubqueryPlanner } from './subquery-plan.ts'

/*
 * What a client is told so that it can predict a query of rows: the tables of FROM and how they are joined, what each
 * wire column is made of, and WHERE. Where a query is beyond it there is no plan, and the client waits for the engine.
 */

/** A plan that has yet to hear what the rows are sorted by. */
export interface PlannedRows {
  /** Columns that the client needs besides, as SQL, in the order in which they follow the keys on the wire. */
  readonly needs: readonly string[]
  /** `order`: as it was found for the terms of ORDER BY, of which some have wire columns of their own. */
  readonly finish: (order: readonly OrderTerm[]) => RowsPlan
}

/** Undefined where there is none. `width`: the number of visible columns. */
export function planRows(
  body: Select,
  level: Level,
  catalog: Catalog,
  width: number,
  bound: Bound,
  searcher: Searcher,
  refused: ReadonlySet<string> = new Set(),
): PlannedRows | undefined {
  const items = level.items
  // A row that is known by rowid cannot be named by a writer.
  if (items.length === 0 || items.some(({ table }) => table === null || table.info.key.length === 0))
    return undefined
  // The left side of a RIGHT JOIN.
  if (items[0]?.nullable || level.outputs.length !== width) return undefined
  const sources = items.map(({ table, alias }) => ({ table: table as NonNullable<typeof table>, alias }))
  if (items.some((item) => seesOtherRows(catalog, body, item, bound.refs))) return undefined
  const parameters = numberParameters(body)
  const [outer] = items
  const subqueries =
    items.length === 1 && outer !== undefined
      ? new SubqueryPlanner(outer, bound, searcher, parameters, refused)
      : undefined
  const scope: Scope = {
    sources,
    parameters,
    aliases: aliasesOf(level.core),
    subquery: (node) => subqueries?.plan(node),
  }
  const joins = items.map((item, i) => joinOf(item, i, level, scope))
  const lookups = new Set(joins.flatMap(({ terms }) => terms))
  const where = joined(
    'and',
    level.conditions.filter((term) => !lookups.has(term)).map((term) => test(term, scope)),
  )

  let column = width
  const planned = items.map(({ table, nullable }, source): PlanSource => {
    const key = (table?.key ?? []).map(() => column++)
    const { lookup, on } = joins[source] as Join
    return { table: table?.name ?? '', key, optional: nullable, lookup, on }
  })
  const outputs: Expr[] = [
    ...level.outputs.map((output) => outputOf(output, items, scope)),
    ...sources.flatMap(({ table }, source) =>
      table.info.key.map((column) => columnExpr(scope, { source, column })),
    ),
  ]
  const terms = (body.orderBy ?? []).map(({ expr }) => resolve(expr, scope))
  // A column that rows are sorted by comes with them anyway.
  const sorted = terms.filter(({ type }) => type !== 'column')
  const read: Expr[] = [...outputs, ...sorted, ...(where === null ? [] : [where])]
  const half = subqueries?.half ?? new Set()
  if (half.size > 0)
    return planRows(body, level, catalog, width, bound, searcher, new Set([...refused, ...half]))
  for (const planned of subqueries?.plans ?? []) read.push(...exprsOf(planned))
  for (const { lookup, on } of joins) read.push(...(lookup ?? []), ...(on === null ? [] : [on]))
  const missing = missingColumns(read, outputs, sources.length)
  outputs.push(...missing.map((ref) => columnExpr(scope, ref)))
  const needs = missing.map(({ source, column }) => {
    const { table, alias } = sources[source] as (typeof sources)[number]
    return `${quote(alias)}.${quote(table.columns[column]?.name ?? '')}`
  })
  return {
    needs,
    finish: (order) => {
      // What is sorted by and not selected stands behind all that was planned.
      const behind = new Map(
        order.flatMap(({ column }, i) => (column < outputs.length ? [] : [[column, terms[i]]])),
      )
      const more = [...behind].sort(([a], [b]) => (a as number) - (b as number))
      return {
        type: 'rows',
        sources: planned,
        outputs: [...outputs, ...more.map(([, expr]) => expr as Expr)],
        where,
        window: null,
        subqueries: subqueries?.plans ?? [],
      }
    },
  }
}

/** How a table is joined, and which terms that says. */
interface Join {
  readonly lookup: readonly Expr[] | null
  readonly on: Expr | null
  readonly terms: readonly Term[]
}

function joinOf(item: Item, source: number, level: Level, scope: Scope): Join {
  const asked = item.nullable ? item.on : level.conditions
  const found = source === 0 ? null : lookupOf(item, source, asked, scope)
  // Where a row that is looked up must meet more than its key, whether it is there is a question of its own.
  if (found !== null && (!item.nullable || found.terms.length === asked.length))
    return { lookup: found.lookup, on: null, terms: found.terms }
  return {
    lookup: null,
    on: item.nullable
      ? joined(
          'and',
          item.on.map((term) => test(term, scope)),
        )
      : null,
    terms: [],
  }
}

/** The terms that say what each column of the key is equal to. */
function lookupOf(
  { table }: Item,
  source: number,
  asked: readonly Term[],
  scope: Scope,
): { lookup: Expr[]; terms: Term[] } | null {
  const lookup: Expr[] = []
  const terms: Term[] = []
  for (const [i, column] of (table?.info.key ?? []).entries()) {
    const key: ColumnRef = { source, column }
    const term = asked.find((one) => equalTo(one, key, table?.key[i]?.collation ?? 'BINARY', scope) !== null)
    if (term === undefined) return null
    terms.push(term)
    lookup.push(equalTo(term, key, table?.key[i]?.collation ?? 'BINARY', scope) as Expr)
  }
  return { lookup, terms }
}

/**
 * The column of an earlier table that a term holds equal to a column of a key, as the key itself is compared; null for
 * any other term. Of the same affinity, so that a value is the same in both.
 */
function equalTo(term: Term, key: ColumnRef, collation: Collation, scope: Scope): Expr | null {
  const expr = test(term, scope)
  if (expr.type !== 'compare' || expr.op !== '=' || expr.collation !== collation) return null
  for (const [one, other] of [
    [expr.left, expr.right],
    [expr.right, expr.left],
  ] as const) {
    if (one.type !== 'column' || one.source !== key.source || one.column !== key.column) continue
    if (other.type === 'column' && other.source < key.source && other.affinity === one.affinity) return other
  }
  return null
}

function test(term: Term, scope: Scope): Expr {
  if (term.type === 'expression') return resolve(term.expr, scope)
  return compareColumns(sourceRef(term.left, scope), sourceRef(term.right, scope), scope)
}

function sourceRef({ item, column }: { item: Item; column: number }, scope: Scope): ColumnRef {
  return { source: scope.sources.findIndex(({ alias }) => alias === item.alias), column }
}

function outputOf(output: Output, items: readonly Item[], scope: Scope): Expr {
  return output.type === 'expression'
    ? resolve(output.expr, scope)
    : columnExpr(scope, { source: items.indexOf(output.item), column: output.column })
}

/**
 * The columns of a source that the client evaluates by. What is opaque it does not, and what that may read is more than the
 * query reads: nobody would tell the client when it changes.
 */
function columnsOf(expr: Expr, source: number, into: Set<number>): void {
  if (expr.type === 'column' && expr.source === source) into.add(expr.column)
  for (const part of partsOf(expr)) columnsOf(part, source, into)
}

/** Columns that are read by what the client evaluates, and not on the wire yet. */
function missingColumns(read: readonly Expr[], wire: readonly Expr[], sources: number): ColumnRef[] {
  const missing: ColumnRef[] = []
  for (let source = 0; source < sources; source++) {
    const needed = new Set<number>()
    for (const expr of read) columnsOf(expr, source, needed)
    for (const expr of wire) if (expr.type === 'column' && expr.source === source) needed.delete(expr.column)
    missing.push(...[...needed].map((column) => ({ source, column })))
  }
  return missing
}
