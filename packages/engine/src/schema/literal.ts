import type { SqlValue } from '@millrace/protocol'
import type { Expr } from 'sqlite3-parser'

/** The value of a literal; undefined for anything else. */
export function constantValue(expr: Expr): SqlValue | undefined {
  switch (expr.type) {
    case 'NullLiteral':
      return null
    case 'StringLiteral':
      return expr.value
    case 'BlobLiteral':
      return expr.bytes
    case 'NumericLiteral':
      return numericValue(expr.value)
    case 'UnaryExpr': {
      const value = constantValue(expr.expr)
      if (expr.op === 'Positive') return value
      if (expr.op === 'Negative' && typeof value === 'number') return value === 0 ? 0 : -value
      return undefined
    }
    case 'ParenthesizedExpr':
      return expr.exprs.length === 1 ? constantValue(expr.exprs[0] as Expr) : undefined
    case 'Id':
      if (/^true$/i.test(expr.name)) return 1
      if (/^false$/i.test(expr.name)) return 0
      return undefined
    default:
      return undefined
  }
}

function numericValue(text: string): SqlValue | undefined {
  const value = Number(text)
  // 1.0 is a REAL, which a JS number cannot tell from 1.
  if (Number.isInteger(value) && !/^(\d+|0x[0-9a-f]+)$/i.test(text)) return undefined
  // Beyond 2^53 the digits matter, and whether SQLite takes it for an integer or a real.
  return Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER ? value : undefined
}
