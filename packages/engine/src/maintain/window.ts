import type { Plan, SqlValue } from '@millrace/protocol'
import type { Compiled } from '../compile/compile.ts'

/** Rows beyond a LIMIT that a client may hold, so that a row which leaves is followed by the next at once. */
export const WINDOW_MARGIN = 8

/** A window further down is run again rather than held from the first row on. */
const MAX_HELD = 10_000

/** Which of a query's rows are told, by LIMIT and OFFSET, and how the client predicts it. */
export type Window = { readonly plan: Plan | null } & (
  | { readonly type: 'all' }
  /** Positions, the end exclusive. */
  | { readonly type: 'part'; readonly start: number; readonly end: number }
  /** Too far down, or no numbers: SQLite says what it makes of them. */
  | { readonly type: 'unknown' }
)

/** The window of a query with these parameters. A client's reaches beyond LIMIT by a margin, which its plan tells. */
export function windowOf(
  { limit: clause, plan, strategy }: Compiled,
  parameters: readonly SqlValue[],
  forClient: boolean,
): Window {
  if (clause === null) return { type: 'all', plan }
  const numberOf = (operand: typeof clause.limit) =>
    'literal' in operand ? operand.literal : parameters[operand.parameter]
  const limit = numberOf(clause.limit)
  const offset = clause.offset === null ? 0 : numberOf(clause.offset)
  if (
    typeof limit !== 'number' ||
    typeof offset !== 'number' ||
    !Number.isSafeInteger(limit) ||
    !Number.isSafeInteger(offset) ||
    !Number.isSafeInteger(limit + offset)
  )
    return { type: 'unknown', plan: null }
  const start = Math.max(0, offset)
  const rows = plan?.type === 'rows' ? plan : null
  // A negative LIMIT is none.
  if (limit < 0) {
    if (start === 0) return { type: 'all', plan: rows }
    return strategy?.type === 'groups'
      ? { type: 'part', start, end: Number.MAX_SAFE_INTEGER, plan: null }
      : { type: 'unknown', plan: null }
  }
  const predicted = forClient && rows !== null
  const end = start + limit + (predicted ? WINDOW_MARGIN : 0)
  if (end > MAX_HELD && strategy?.type === 'rows') return { type: 'unknown', plan: null }
  return {
    type: 'part',
    start,
    end,
    plan: rows === null ? null : { ...rows, window: { limit, margin: WINDOW_MARGIN, offset: start } },
  }
}
