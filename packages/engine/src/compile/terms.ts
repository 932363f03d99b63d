import type { Expr } from 'sqlite3-parser'

export function isName(expr: Expr): boolean {
  return expr.type === 'Id' || expr.type === 'NameExpr' || expr.type === 'QualifiedExpr'
}

/** The parts of a conjunction. */
export function conjuncts(expr: Expr): Expr[] {
  if (expr.type === 'ParenthesizedExpr' && expr.exprs.length === 1) return conjuncts(expr.exprs[0] as Expr)
  if (expr.type === 'BinaryExpr' && expr.op === 'And')
    return [...conjuncts(expr.left), ...conjuncts(expr.right)]
  return [expr]
}

/** SQLite takes a bare integer for the number of an output, also in parentheses, with signs or with COLLATE: -(-2) is 2. */
export function ordinalOf(term: Expr): number | undefined {
  const integer = integerOf(term)
  return integer !== undefined && integer < 0 ? undefined : integer
}

function integerOf(term: Expr): number | undefined {
  switch (term.type) {
    case 'NumericLiteral':
      return /^(\d+|0x[0-9a-f]+)$/i.test(term.value) ? Number(term.value) : undefined
    case 'ParenthesizedExpr':
      return term.exprs.length === 1 ? integerOf(term.exprs[0] as Expr) : undefined
    case 'UnaryExpr': {
      if (term.op !== 'Positive' && term.op !== 'Negative') return undefined
      const integer = integerOf(term.expr)
      return integer === undefined || term.op === 'Positive' ? integer : -integer
    }
    case 'CollateExpr':
      return integerOf(term.expr)
    default:
      return undefined
  }
}
