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

/** SQLite's functions that take a time value and modifiers. */
export const TIME_FUNCTIONS: ReadonlySet<string> = new Set([
  'date',
  'time',
  'datetime',
  'julianday',
  'unixepoch',
  'strftime',
])

/**
 * SQLite's functions that depend on their arguments alone, and that the client has too: `isKnown` relies on that, and
 * the client's tests hold the two together. What is not here is opaque.
 */
export const SCALARS = new Set([
  ...[
    'abs',
    'char',
    'coalesce',
    'concat',
    'concat_ws',
    'format',
    'glob',
    'hex',
    'ifnull',
    'iif',
    'instr',
    'length',
  ],
  ...['like', 'lower', 'ltrim', 'max', 'min', 'nullif', 'octet_length', 'printf', 'quote'],
  ...['replace', 'round', 'rtrim', 'sign', 'substr', 'substring', 'trim', 'typeof', 'unhex', 'unicode'],
  ...['upper', 'ceil', 'floor'],
  ...TIME_FUNCTIONS,
  ...[
    'json',
    'json_array',
    'json_array_length',
    'json_extract',
    'json_object',
    'json_quote',
    'json_type',
    'json_valid',
  ],
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
