import type { FunctionCallExpr, FunctionCallStarExpr, SelectFrom, SortedColumn } from 'sqlite3-parser'
import { traverse } from 'sqlite3-parser'

const AGGREGATES = new Set([
  'avg',
  'count',
  'group_concat',
  'json_group_array',
  'json_group_object',
  'max',
  'min',
  'string_agg',
  'sum',
  'total',
])

/** Whether a SELECT without GROUP BY is one row of aggregates. */
export function isAggregate(core: SelectFrom, orderBy: readonly SortedColumn[] | undefined): boolean {
  let found = core.having !== undefined
  const visitor = {
    enter(node: { readonly type: string }) {
      // A subquery's aggregates are its own.
      if (node.type === 'Select') return 'skip' as const
      if (node.type === 'FunctionCallStarExpr' || node.type === 'FunctionCallExpr') {
        if (isAggregateCall(node as FunctionCallExpr | FunctionCallStarExpr)) found = true
      }
      return 'continue' as const
    },
  }
  for (const column of core.columns) traverse(column, visitor)
  for (const term of orderBy ?? []) traverse(term, visitor)
  return found
}

export function isAggregateCall(call: FunctionCallExpr | FunctionCallStarExpr): boolean {
  if (call.filterOver?.overClause !== undefined) return false
  const name = call.name.name.toLowerCase()
  if (!AGGREGATES.has(name)) return false
  // min(a, b) and max(a, b) are functions of one row.
  return (
    call.type === 'FunctionCallStarExpr' ||
    !(name === 'min' || name === 'max') ||
    (call.args?.length ?? 0) < 2
  )
}
