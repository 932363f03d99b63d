import type { Collation, Expr, GroupOutput, GroupsPlan } from '@millrace/protocol'
import type { Select, SelectFrom, Expr as SqlExpr } from 'sqlite3-parser'
import { traverse } from 'sqlite3-parser'
import { columnExpr, isKnown, resolve, type Scope, type Source, sortCollation } from './expression.ts'
import { isAggregateCall } from './functions.ts'
import { same } from './names.ts'
import { aliasesOf } from './plan.ts'
import { ordinalOf } from './terms.ts'

/*
 * What a client is told so that it can predict aggregates of one table: what each row contributes to which group.
 */

/** One column of the select list: an expression with its alias, or a table's column that `*` stands for. */
type OutputNode = { readonly node: SqlExpr; readonly name: string | undefined } | { readonly column: number }

function outputNodes(core: SelectFrom, { table, alias }: Source): OutputNode[] {
  return core.columns.flatMap((output): OutputNode[] => {
    if (output.type === 'ExprResultColumn') return [{ node: output.expr, name: output.alias?.name.text }]
    if (output.type === 'TableStarResultColumn' && !same(output.table.text, alias)) return []
    return table.columns.map((_, column) => ({ column }))
  })
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
      collation = sortCollation(node, { sources: [single], parameters: new Map(), aliases: new Set() })
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
  `CASE WHEN typeof(${input}) NOT IN ('integer', 'null') OR (${input}) NOT BETWEEN -4398046511104 AND 4398046511104 THEN 1 END`

/** The sum behind AVG and TOTAL. Those never overflow, and so must it not: of odd inputs nothing is asked of it. */
export const SUM_BEHIND = (input: string) => `sum(CASE WHEN ${ODD_INPUT(input)} IS NULL THEN ${input} END)`

export function planGroups(
  sql: string,
  body: Select,
  core: SelectFrom,
  columns: readonly string[],
  source: Source,
  parameters: ReadonlyMap<number, number>,
  keyCount: number,
  /** What ORDER BY sorts by besides. */
  sorts: readonly { readonly expr: SqlExpr; readonly sql: string }[],
): { plan: GroupsPlan; hidden: readonly string[] } | undefined {
  if (core.having !== undefined || body.limit !== undefined || core.from?.joins !== undefined)
    return undefined
  const scope: Scope = { sources: [source], parameters, aliases: aliasesOf(core) }
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
      'column' in output
        ? keyOutput(columnExpr(scope, { source: 0, column: output.column }), groupBy)
        : plannedOutput(output.node)
    if (planned === undefined) return undefined
    outputs.push(planned)
  }

  for (const { expr, sql: sorted } of sorts) {
    const planned = plannedOutput(expr)
    // What sorts and cannot be told would move groups that look as if nothing had touched them.
    if (planned === undefined) return undefined
    hidden.push(sorted)
    hiddenOutputs.push(planned)
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
    if (!/^(sum|total|avg|min|max)$/.test(name) || argNode === undefined) return undefined
    const arg = resolve(argNode, scope)
    // A parameter must not be written twice.
    if (filterNode !== undefined && hasParameter(filterNode)) return undefined
    if (name === 'min' || name === 'max')
      return { type: name, arg, filter, collation: sortCollation(argNode, scope) }
    if (hasParameter(argNode)) return undefined
    const filterText = filterNode === undefined ? '' : ` FILTER (WHERE ${text(filterNode)})`
    const hide = (sql: string, output: GroupOutput) => {
      hidden.push(`${sql}${filterText}`)
      hiddenOutputs.push(output)
      return rowCount + hidden.length - 1
    }
    const inputs = hide(`count(${text(argNode)})`, { type: 'count', arg, filter })
    const reals = hide(`count(${ODD_INPUT(text(argNode))})`, { type: 'reals' })
    if (name === 'sum') return { type: 'sum', arg, filter, inputs, reals }
    const sum = hide(SUM_BEHIND(text(argNode)), { type: 'sum', arg, filter, inputs, reals })
    return { type: name as 'total' | 'avg', sum, inputs, reals }
  }

  const keyOutputs = groupBy.map((_, index): GroupOutput => ({ type: 'key', index }))
  return {
    plan: {
      type: 'groups',
      table: source.table.name,
      where: core.whereClause === undefined ? null : resolve(core.whereClause, scope),
      groupBy,
      outputs: [...outputs, ...keyOutputs, ...hiddenOutputs],
      rowCount,
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
