import { conjunctsOf, type Expr, encodeKey, type SqlValue } from '@millrace/protocol'
import type { Interest } from './predictor.ts'

/**
 * The value that a column of a source must have for WHERE to hold: `list = ?` under AND. Null where there is none, or where
 * SQLite would convert what is compared.
 */
export function conditionOf(
  where: Expr | null,
  source: number,
  parameters: readonly SqlValue[],
): Interest['condition'] {
  for (const term of conjunctsOf(where)) {
    const condition = conditionOfTerm(term, source, parameters)
    if (condition !== null) return condition
  }
  return null
}

function conditionOfTerm(term: Expr, source: number, parameters: readonly SqlValue[]): Interest['condition'] {
  if (term.type !== 'compare' || term.op !== '=') return null
  const { left, right, affinity, collation } = term
  const [column, operand] = left.type === 'column' ? [left, right] : [right, left]
  if (column.type !== 'column' || column.source !== source) return null
  const value =
    operand.type === 'value'
      ? operand.value
      : operand.type === 'parameter'
        ? (parameters[operand.index] ?? null)
        : null
  if (value === null) return null
  const isText = typeof value === 'string'
  const isNumber = typeof value === 'number' || typeof value === 'bigint'
  // What a column of this kind stores is compared as it is.
  const isPlain =
    affinity === 'TEXT'
      ? isText && column.affinity === 'TEXT'
      : affinity === 'NUMERIC'
        ? isNumber && column.affinity !== 'TEXT' && column.affinity !== 'BLOB'
        : true
  return isPlain ? { column: column.column, collation, value: encodeKey([value], [collation]) } : null
}
