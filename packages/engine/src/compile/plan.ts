import {
  type Collation,
  type Expr,
  type GroupOutput,
  type GroupsPlan,
  type OrderTerm,
  type RowsPlan,
  readsOf,
} from '@millrace/protocol'
import type {
  FunctionCallExpr,
  FunctionTail,
  InTableExpr,
  Select,
  SelectFrom,
  SortedColumn,
  Expr as SqlExpr,
  TableSelectTable,
} from 'sqlite3-parser'
import { traverse } from 'sqlite3-parser'
import { type Catalog, findTable } from '../schema/catalog.ts'
import {
  columnExpr,
  columnIndex,
  isKnown,
  resolve,
  type Scope,
  type Source,
  sortCollation,
} from './expression.ts'
import { isAggregateCall } from './functions.ts'
import { same } from './names.ts'
import { ordinalOf } from './terms.ts'

/*
 * What a client is told so that it can predict a query of one table: RowsPlan for its rows, GroupsPlan for aggregates.
 * Where a query is beyond it there is no plan, and the client waits for the engine.
 */

/**
 * Whether a row of the result depends on other rows of its own table than the one it is of: by a window function, by a
 * subquery over the same table, or because an aggregate in a subquery is of the outer table, which makes the whole one
 * row. A prediction looks at one row, and would leave the others as they were.
 */
export function seesOtherRows(catalog: Catalog, body: Select, source: Source): boolean {
  let found = false
  let depth = 0
  const visitor = {
    enter(node: { readonly type: string }) {
      if (node.type === 'Select') depth++
      else if (node.type === 'FunctionTail' && (node as FunctionTail).overClause !== undefined) found = true
      else if (node.type === 'InTableExpr')
        found ||= isOwn((node as InTableExpr).rhs.objName.text, catalog, source)
      else if (depth > 1) found ||= isOfTable(node, catalog, source)
    },
    leave(node: { readonly type: string }) {
      if (node.type === 'Select') depth--
    },
  }
  traverse(body, visitor)
  return found
}

/** In a subquery: reads the table of the outer query, or aggregates its columns. */
function isOfTable(node: { readonly type: string }, catalog: Catalog, source: Source): boolean {
  if (node.type === 'TableSelectTable')
    return isOwn((node as TableSelectTable).tblName.objName.text, catalog, source)
  if (node.type !== 'FunctionCallExpr' || !isAggregateCall(node as FunctionCallExpr)) return false
  let outer = false
  const scope: Scope = { ...source, parameters: new Map(), aliases: new Set() }
  traverse(node as FunctionCallExpr, {
    enter(inner) {
      if (columnIndex(inner as SqlExpr, scope) !== -1) outer = true
    },
  })
  return outer
}

/** A view or a CTE may read any table. */
function isOwn(name: string, catalog: Catalog, source: Source): boolean {
  return same(name, source.table.name) || findTable(catalog, name) === undefined
}

const aliasesOf = (core: SelectFrom) =>
  new Set(
    core.columns.flatMap((output) =>
      output.type === 'ExprResultColumn' && output.alias !== undefined
        ? [output.alias.name.text.toLowerCase()]
        : [],
    ),
  )

/** The index, from 0, of each parameter by its place in the text: SQLite's rule (sqlite.org/lang_expr.html, Parameters). */
export function numberParameters(body: Select): ReadonlyMap<number, number> {
  const found: { name: string; offset: number }[] = []
  traverse(body, {
    nodes: {
      VariableExpr(node) {
        found.push({ name: node.name, offset: node.span.offset })
      },
    },
  })
  found.sort((a, b) => a.offset - b.offset)
  const numbers = new Map<number, number>()
  const named = new Map<string, number>()
  let highest = 0
  for (const { name, offset } of found) {
    let number: number
    if (name === '?') number = highest + 1
    else if (/^\?\d+$/.test(name)) number = Number(name.slice(1))
    else number = named.get(name) ?? highest + 1
    named.set(name, number)
    highest = Math.max(highest, number)
    numbers.set(offset, number - 1)
  }
  return numbers
}

/** One column of the select list: an expression with its alias, or a table's column that `*` stands for. */
type OutputNode = { readonly node: SqlExpr; readonly name: string | undefined } | { readonly column: number }

function outputNodes(core: SelectFrom, { table, alias }: Source): OutputNode[] {
  return core.columns.flatMap((output): OutputNode[] => {
    if (output.type === 'ExprResultColumn') return [{ node: output.expr, name: output.alias?.name.text }]
    if (output.type === 'TableStarResultColumn' && !same(output.table.text, alias)) return []
    return table.columns.map((_, column) => ({ column }))
  })
}

export function planRows(
  body: Select,
  core: SelectFrom,
  columns: readonly string[],
  source: Source,
  parameters: ReadonlyMap<number, number>,
): { plan: RowsPlan; needs: readonly string[] } | undefined {
  const { table } = source
  // Rows known by rowid cannot be named by a writer.
  if (table.info.key.length === 0) return undefined
  const scope: Scope = { ...source, parameters, aliases: aliasesOf(core) }
  const nodes = outputNodes(core, source)
  if (nodes.length !== columns.length) return undefined
  const outputs = nodes.map(
    (output): Expr => ('column' in output ? columnExpr(scope, output.column) : resolve(output.node, scope)),
  )
  const where = core.whereClause === undefined ? null : resolve(core.whereClause, scope)

  const order: OrderTerm[] = []
  for (const term of body.orderBy ?? []) {
    const target = orderTarget(term.expr, nodes)
    const output: OutputNode | undefined =
      target === undefined ? { node: term.expr, name: undefined } : nodes[target]
    if (output === undefined) return undefined
    const expr = target === undefined ? resolve(term.expr, scope) : (outputs[target] as Expr)
    const collation =
      'column' in output ? table.columns[output.column]?.collation : sortCollation(output.node, scope)
    order.push({ expr, collation: explicit(term.expr, scope) ?? collation ?? 'BINARY', ...direction(term) })
  }
  table.info.key.forEach((column, i) => {
    order.push({
      expr: columnExpr(scope, column),
      collation: table.key[i]?.collation ?? 'BINARY',
      descending: false,
      nullsFirst: true,
    })
  })

  // The wire row: visible columns, the key, then what filter and order need besides.
  const wire: Expr[] = [...outputs, ...table.info.key.map((column) => columnExpr(scope, column))]
  const present = new Set(wire.flatMap((expr) => (expr.type === 'column' ? [expr.column] : [])))
  const needed = new Set<number>()
  for (const expr of [...outputs, ...(where === null ? [] : [where]), ...order.map((term) => term.expr)])
    readsOf(expr, 0, needed)
  const missing = [...needed].filter((column) => !present.has(column))
  wire.push(...missing.map((column) => columnExpr(scope, column)))

  return {
    plan: { type: 'rows', table: table.name, outputs: wire, where, order, window: null },
    needs: missing.map((column) => table.columns[column]?.name ?? ''),
  }
}

function explicit(node: SqlExpr, scope: Scope): Collation | undefined {
  return node.type === 'CollateExpr' ? sortCollation(node, scope) : undefined
}

function direction(term: SortedColumn): { descending: boolean; nullsFirst: boolean } {
  const descending = term.order === 'Desc'
  return { descending, nullsFirst: term.nulls === undefined ? !descending : term.nulls === 'First' }
}

/** The output that an ORDER BY term names: by number, or by alias, which goes before a column of that name. */
function orderTarget(term: SqlExpr, outputs: readonly OutputNode[]): number | undefined {
  const ordinal = ordinalOf(term)
  if (ordinal !== undefined) return ordinal - 1
  let node = term
  while (node.type === 'CollateExpr' || (node.type === 'ParenthesizedExpr' && node.exprs.length === 1)) {
    node = node.type === 'CollateExpr' ? node.expr : (node.exprs[0] as SqlExpr)
  }
  if (node.type !== 'Id') return undefined
  const { name } = node
  const index = outputs.findIndex(
    (output) => 'node' in output && output.name !== undefined && same(output.name, name),
  )
  return index === -1 ? undefined : index
}

/** The expressions of GROUP BY as text that can stand in the select list; undefined where one cannot be named so. */
export function groupKeys(
  sql: string,
  core: SelectFrom,
  sources: readonly Source[] | undefined,
): { sql: string; collation: Collation }[] | undefined {
  const single = sources?.length === 1 ? sources[0] : undefined
  const keys: { sql: string; collation: Collation }[] = []
  for (const term of core.groupBy ?? []) {
    const node = groupTarget(term, core, sources)
    if (node === undefined || hasParameter(node)) return undefined
    const text = sql.slice(node.span.offset, node.span.offset + node.span.length)
    let collation: Collation | undefined
    if (single !== undefined)
      collation = sortCollation(node, { ...single, parameters: new Map(), aliases: new Set() })
    else {
      // Which table a bare name is of is SQLite's to say: any collation but BINARY makes the key unsure.
      const mayDiffer =
        sources === undefined ||
        sources.some(({ table }) => table.columns.some((column) => column.collation !== 'BINARY'))
      collation = mayDiffer
        ? undefined
        : node.type === 'CollateExpr'
          ? (node.collation.toUpperCase() as Collation)
          : 'BINARY'
    }
    if (collation === undefined) return undefined
    keys.push({ sql: text, collation })
  }
  return keys
}

/** The expression behind a GROUP BY term: an output by number or alias, where no column has that name. */
function groupTarget(
  term: SqlExpr,
  core: SelectFrom,
  sources: readonly Source[] | undefined,
): SqlExpr | undefined {
  const outputs = core.columns
  const ordinal = ordinalOf(term)
  if (ordinal !== undefined) {
    const output = outputs[ordinal - 1]
    const starsBefore = outputs.slice(0, ordinal).some((column) => column.type !== 'ExprResultColumn')
    return output?.type === 'ExprResultColumn' && !starsBefore ? output.expr : undefined
  }
  if (term.type !== 'Id') return term
  const output = outputs.find(
    (column) =>
      column.type === 'ExprResultColumn' &&
      column.alias !== undefined &&
      same(column.alias.name.text, term.name),
  )
  if (output?.type !== 'ExprResultColumn') return term
  if (sources === undefined) return undefined
  const isColumn = sources.some(({ table }) => table.columns.some((column) => same(column.name, term.name)))
  return isColumn ? term : output.expr
}

/** A parameter in a second place would be counted twice. */
function hasParameter(node: SqlExpr): boolean {
  let found = false
  traverse(node, {
    nodes: {
      VariableExpr() {
        found = true
      },
    },
  })
  return found
}

/**
 * Not NULL where an input keeps a sum from being moved by plus and minus: no integer, for sums of reals are compensated;
 * or so large that a sum of two million of them may overflow on the way.
 */
export const ODD_INPUT = (input: string) =>
  `CASE WHEN typeof(${input}) NOT IN ('integer', 'null') OR abs(${input}) > 4398046511104 THEN 1 END`

export function planGroups(
  sql: string,
  body: Select,
  core: SelectFrom,
  columns: readonly string[],
  source: Source,
  parameters: ReadonlyMap<number, number>,
  keyCount: number,
): { plan: GroupsPlan; hidden: readonly string[] } | undefined {
  if (core.having !== undefined || body.limit !== undefined || core.from?.joins !== undefined)
    return undefined
  const scope: Scope = { ...source, parameters, aliases: aliasesOf(core) }
  const text = (node: SqlExpr) => sql.slice(node.span.offset, node.span.offset + node.span.length)
  const nodes = outputNodes(core, source)
  if (nodes.length !== columns.length) return undefined

  const groupBy: { expr: Expr; collation: Collation }[] = []
  for (const term of core.groupBy ?? []) {
    const node = groupTarget(term, core, [source])
    if (node === undefined) return undefined
    groupBy.push({ expr: resolve(node, scope), collation: sortCollation(node, scope) })
  }

  // Behind the visible columns: the group key, the number of rows, and for each sum what its inputs are.
  const hidden: string[] = ['count(*)']
  const rowCount = columns.length + keyCount
  const hiddenOutputs: GroupOutput[] = [{ type: 'count', arg: null, filter: null }]
  const outputs: GroupOutput[] = []
  for (const output of nodes) {
    const planned =
      'column' in output ? keyOutput(columnExpr(scope, output.column), groupBy) : plannedOutput(output.node)
    if (planned === undefined) return undefined
    outputs.push(planned)
  }

  function plannedOutput(node: SqlExpr): GroupOutput | undefined {
    if (node.type !== 'FunctionCallExpr' && node.type !== 'FunctionCallStarExpr') {
      return keyOutput(resolve(node, scope), groupBy)
    }
    const name = node.name.name.toLowerCase()
    if (!isAggregateCall(node)) return keyOutput(resolve(node, scope), groupBy)
    if (node.type === 'FunctionCallExpr' && node.distinctness !== undefined) return undefined
    const filterNode = node.filterOver?.filterClause
    const filter = filterNode === undefined ? null : resolve(filterNode, scope)
    const argNode = node.type === 'FunctionCallExpr' ? node.args?.[0] : undefined
    if (name === 'count')
      return { type: 'count', arg: argNode === undefined ? null : resolve(argNode, scope), filter }
    if (name !== 'sum' || argNode === undefined) return undefined
    const arg = resolve(argNode, scope)
    // Only a column's values are known to be integers; and a parameter must not be written twice.
    if (arg.type !== 'column' || (filterNode !== undefined && hasParameter(filterNode))) return undefined
    const filterText = filterNode === undefined ? '' : ` FILTER (WHERE ${text(filterNode)})`
    hidden.push(`count(${text(argNode)})${filterText}`)
    const inputs = rowCount + hidden.length - 1
    hiddenOutputs.push({ type: 'count', arg, filter })
    hidden.push(`count(${ODD_INPUT(text(argNode))})${filterText}`)
    hiddenOutputs.push({ type: 'reals' })
    return { type: 'sum', arg, filter, inputs, reals: rowCount + hidden.length - 1 }
  }

  const keyOutputs = groupBy.map((_, index): GroupOutput => ({ type: 'key', index }))
  const order: { column: number; descending: boolean; nullsFirst: boolean; collation: Collation }[] = []
  let ordered = true
  for (const term of body.orderBy ?? []) {
    const inner = term.expr.type === 'CollateExpr' ? term.expr.expr : term.expr
    const named = orderTarget(term.expr, nodes)
    const group = indexOfGroup(resolve(inner, scope), groupBy)
    const column = named ?? (group === -1 ? sameText(inner) : columns.length + group)
    if (column === undefined || column >= columns.length + keyCount) {
      ordered = false
      break
    }
    const behind = nodes[column]
    const collation =
      explicit(term.expr, scope) ??
      (behind !== undefined && 'node' in behind
        ? sortCollation(behind.node, scope)
        : sortCollation(inner, scope))
    order.push({ column, collation, ...direction(term) })
  }
  groupBy.forEach(({ collation }, i) => {
    order.push({ column: columns.length + i, collation, descending: false, nullsFirst: true })
  })

  /** The output that is written the same way: ORDER BY count(*) DESC. */
  function sameText(node: SqlExpr): number | undefined {
    const index = nodes.findIndex((output) => 'node' in output && text(output.node) === text(node))
    return index === -1 ? undefined : index
  }

  return {
    plan: {
      type: 'groups',
      table: source.table.name,
      where: core.whereClause === undefined ? null : resolve(core.whereClause, scope),
      groupBy,
      outputs: [...outputs, ...keyOutputs, ...hiddenOutputs],
      rowCount,
      order: ordered ? order : null,
    },
    hidden,
  }
}

function keyOutput(expr: Expr, groupBy: readonly { expr: Expr }[]): GroupOutput | undefined {
  const index = indexOfGroup(expr, groupBy)
  return index === -1 ? undefined : { type: 'key', index }
}

/** Two opaque expressions look the same and need not be. */
function indexOfGroup(expr: Expr, groupBy: readonly { expr: Expr }[]): number {
  if (!isKnown(expr)) return -1
  const sought = written(expr)
  return groupBy.findIndex((group) => written(group.expr) === sought)
}

/** JSON has no bigint, and no infinity. */
const written = (expr: Expr) =>
  JSON.stringify(expr, (_, part) =>
    typeof part === 'bigint' || (typeof part === 'number' && !Number.isFinite(part))
      ? { number: String(part) }
      : part,
  )
