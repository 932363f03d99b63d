import { type Affinity, compareValues, type Expr, type SqlValue, unreachable } from '@millrace/protocol'

/*
 * SQLite's expressions over one row, as far as they can be told exactly. Where affinity, a function or a missing column
 * leaves doubt the answer is UNKNOWN, and the view waits for the engine.
 */

export const UNKNOWN: unique symbol = Symbol('unknown')
export type Unknown = typeof UNKNOWN
export type Value = SqlValue | Unknown

/** What is known of the rows that an expression looks at: the value of each column by its source and position. */
export type Image = (source: number, column: number) => Value

export function evaluate(expr: Expr, image: Image, parameters: readonly SqlValue[]): Value {
  switch (expr.type) {
    case 'value':
      return expr.value
    case 'parameter':
      return parameters[expr.index] ?? null
    case 'column':
      return image(expr.source, expr.column)
    case 'compare':
      return compare(expr, evaluate(expr.left, image, parameters), evaluate(expr.right, image, parameters))
    case 'and':
    case 'or': {
      // Three-valued, and a fourth: UNKNOWN matters only where the other side does not decide.
      const decides = expr.type === 'or'
      const left = truth(evaluate(expr.left, image, parameters))
      if (left === decides) return Number(decides)
      const right = truth(evaluate(expr.right, image, parameters))
      if (right === decides) return Number(decides)
      if (left === UNKNOWN || right === UNKNOWN) return UNKNOWN
      return left === null || right === null ? null : Number(!decides)
    }
    case 'not': {
      const value = truth(evaluate(expr.expr, image, parameters))
      return typeof value === 'boolean' ? Number(!value) : value
    }
    case 'opaque':
      return UNKNOWN
    default:
      return unreachable(expr)
  }
}

/** What WHERE makes of a value. Text and blobs are converted by rules that are SQLite's alone. */
export function truth(value: Value): boolean | null | Unknown {
  if (value === UNKNOWN || value === null) return value
  switch (typeof value) {
    case 'number':
      return value !== 0
    case 'bigint':
      return value !== 0n
    default:
      return UNKNOWN
  }
}

function compare(expr: Extract<Expr, { type: 'compare' }>, left: Value, right: Value): Value {
  const a = applyComparisonAffinity(left, expr.affinity)
  const b = applyComparisonAffinity(right, expr.affinity)
  if (a === UNKNOWN || b === UNKNOWN) return UNKNOWN
  const isOperator = expr.op === 'IS' || expr.op === 'IS NOT'
  if (!isOperator && (a === null || b === null)) return null
  const order = compareValues(a, b, expr.collation)
  switch (expr.op) {
    case '=':
    case 'IS':
      return Number(order === 0)
    case '<>':
    case 'IS NOT':
      return Number(order !== 0)
    case '<':
      return Number(order < 0)
    case '<=':
      return Number(order <= 0)
    case '>':
      return Number(order > 0)
    case '>=':
      return Number(order >= 0)
  }
}

function applyComparisonAffinity(value: Value, affinity: 'NUMERIC' | 'TEXT' | 'BLOB'): Value {
  if (affinity === 'NUMERIC' && typeof value === 'string') return textToNumber(value)
  if (affinity === 'TEXT') return numberToText(value)
  return value
}

/** The value as a column of this affinity stores it. */
export function stored(value: SqlValue, affinity: Affinity): Value {
  switch (affinity) {
    case 'BLOB':
      return value
    case 'TEXT':
      return numberToText(value)
    case 'REAL':
      if (typeof value === 'bigint') return UNKNOWN
      return typeof value === 'string' ? textToNumber(value) : value
    case 'INTEGER':
    case 'NUMERIC':
      if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) return UNKNOWN
      return typeof value === 'string' ? textToNumber(value) : value
  }
}

/** Plain integers become numbers, text without any sign of a number stays; all between is for SQLite to say. */
function textToNumber(text: string): Value {
  if (/^-?[1-9]\d{0,14}$|^0$/.test(text)) return Number(text)
  return /^[\s+\-.]*\d/.test(text) || /^\s*[+-]?(inf|nan|\.)/i.test(text) ? UNKNOWN : text
}

/** Integers become their digits; how a REAL is printed is for SQLite to say. */
function numberToText(value: Value): Value {
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : UNKNOWN
  return value
}
