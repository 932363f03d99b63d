import type { Collation } from '@millrace/protocol'
import type { Expr } from 'sqlite3-parser'
import { traverse } from 'sqlite3-parser'
import { startOf } from './edits.ts'
import type { ColumnRef, Ref } from './levels.ts'
import { unquote } from './names.ts'

/** The collation by which SQLite sorts, groups and compares an expression; undefined where it has none of its own. */
export function collationOf(expr: Expr, refs: ReadonlyMap<number, Ref>): Collation | undefined {
  switch (expr.type) {
    case 'CollateExpr':
      return unquote(expr.collation).toUpperCase() as Collation
    case 'ParenthesizedExpr':
      return expr.exprs.length === 1 ? collationOf(expr.exprs[0] as Expr, refs) : collationWithin(expr)
    case 'CastExpr':
      return collationOf(expr.expr, refs)
    case 'UnaryExpr':
      return expr.op === 'Positive' ? collationOf(expr.expr, refs) : collationWithin(expr)
    case 'Id':
    case 'NameExpr':
    case 'QualifiedExpr': {
      const ref = refs.get(startOf(expr))
      if (ref === undefined) return undefined
      return ref.type === 'output' ? collationOf(ref.expr, refs) : columnCollation(ref, refs)
    }
    default:
      return collationWithin(expr)
  }
}

/** A COLLATE inside an expression is the whole expression's, the first of several. */
export function collationWithin(expr: Expr): Collation | undefined {
  let found: Collation | undefined
  traverse(expr, {
    enter(node) {
      if (node.type === 'CollateExpr') found ??= unquote(node.collation).toUpperCase() as Collation
      return node.type === 'Select' || node.type === 'CollateExpr' ? 'skip' : 'continue'
    },
  })
  return found
}

export function columnCollation(
  { item, column }: ColumnRef,
  refs: ReadonlyMap<number, Ref>,
): Collation | undefined {
  if (item.table !== null) return item.table.columns[column]?.collation ?? 'BINARY'
  const output = item.derived?.[0]?.outputs[column]
  if (output === undefined) return undefined
  return output.type === 'column' ? columnCollation(output, refs) : collationOf(output.expr, refs)
}
