import { type Collation, type Expr, hasOpaque, type SqlValue } from '@millrace/protocol'
import type { Expr as SqlExpr } from 'sqlite3-parser'
import { traverse } from 'sqlite3-parser'
import { constantValue, type Table } from '../schema/catalog.ts'
import { same } from './names.ts'

/** One table of FROM under the name by which the query knows it. */
export interface Source {
  readonly table: Table
  readonly alias: string
}

/** One table under one name, and the numbering of the text's parameters. */
export interface Scope extends Source {
  /** Index from 0, by the offset at which the parameter stands in the text. */
  readonly parameters: ReadonlyMap<number, number>
  /** Names that the select list gives to its expressions, in lower case: WHERE and ORDER BY may use them. */
  readonly aliases: ReadonlySet<string>
}

type Affinity = 'NUMERIC' | 'TEXT' | 'BLOB'

const COMPARISONS = {
  Equals: '=',
  NotEquals: '<>',
  Less: '<',
  LessEquals: '<=',
  Greater: '>',
  GreaterEquals: '>=',
  Is: 'IS',
  IsNot: 'IS NOT',
} as const

/** The node resolved. What is not spoken of here becomes `opaque`: the client then knows which columns it reads, no more. */
export function resolve(node: SqlExpr, scope: Scope): Expr {
  const constant = constantValue(node)
  if (constant !== undefined && !(node.type === 'Id' && columnIndex(node, scope) !== -1))
    return value(constant)
  switch (node.type) {
    case 'Id':
    case 'NameExpr':
    case 'QualifiedExpr': {
      const column = columnIndex(node, scope)
      return column === -1 ? opaque(node, scope) : columnExpr(scope, column)
    }
    case 'VariableExpr': {
      const index = scope.parameters.get(node.span.offset)
      return index === undefined ? opaque(node, scope) : { type: 'parameter', index }
    }
    case 'ParenthesizedExpr':
      return node.exprs.length === 1 ? resolve(node.exprs[0] as SqlExpr, scope) : opaque(node, scope)
    case 'CollateExpr':
      return resolve(node.expr, scope)
    case 'UnaryExpr':
      if (node.op === 'Not') return { type: 'not', expr: resolve(node.expr, scope) }
      return opaque(node, scope)
    case 'BinaryExpr':
      if (node.op === 'And' || node.op === 'Or') {
        return {
          type: node.op === 'And' ? 'and' : 'or',
          left: resolve(node.left, scope),
          right: resolve(node.right, scope),
        }
      }
      if (node.op === 'Is' || node.op === 'IsNot') {
        const truth = truthTest(node.op, node.left, node.right, scope)
        if (truth !== undefined) return truth
        // `x IS (TRUE)`, `x IS TRUE COLLATE …`, `x IS (y IN ())` are truth tests to SQLite as well.
        if (node.right.type === 'ParenthesizedExpr' || node.right.type === 'CollateExpr')
          return opaque(node, scope)
        if (node.right.type === 'InListExpr') return opaque(node, scope)
      }
      if (node.op in COMPARISONS) {
        return compare(COMPARISONS[node.op as keyof typeof COMPARISONS], node.left, node.right, scope)
      }
      return opaque(node, scope)
    case 'IsNullExpr':
      return isNull(node.expr, 'IS', scope)
    case 'NotNullExpr':
      return isNull(node.expr, 'IS NOT', scope)
    case 'BetweenExpr': {
      const between: Expr = {
        type: 'and',
        left: compare('>=', node.lhs, node.start, scope),
        right: compare('<=', node.lhs, node.end, scope),
      }
      return node.not ? { type: 'not', expr: between } : between
    }
    case 'InListExpr': {
      const list = node.rhs ?? []
      // The columns of an IN list are compared by another rule of affinity than those of `=`.
      if (list.some((item) => item.type !== 'VariableExpr' && constantValue(item) === undefined))
        return opaque(node, scope)
      const found = list
        .map((item) => compare('=', node.lhs, item, scope))
        .reduce<Expr>(
          (left, right) => (left.type === 'value' ? right : { type: 'or', left, right }),
          value(0),
        )
      return node.not ? { type: 'not', expr: found } : found
    }
    default:
      return opaque(node, scope)
  }
}

/** A column of the scope's table. */
export function columnExpr({ table }: Source, column: number): Expr {
  return { type: 'column', source: 0, column, affinity: table.columns[column]?.affinity ?? 'BLOB' }
}

function value(value: SqlValue): Expr {
  return { type: 'value', value }
}

function isNull(operand: SqlExpr, op: 'IS' | 'IS NOT', scope: Scope): Expr {
  return {
    type: 'compare',
    op,
    left: resolve(operand, scope),
    right: value(null),
    affinity: 'BLOB',
    collation: 'BINARY',
  }
}

/** `x IS TRUE` asks whether x is true, not whether it is 1: as NOT NOT x IS 1. */
function truthTest(op: 'Is' | 'IsNot', left: SqlExpr, right: SqlExpr, scope: Scope): Expr | undefined {
  if (right.type !== 'Id' || !/^(true|false)$/i.test(right.name) || columnIndex(right, scope) !== -1)
    return undefined
  const isNot: Expr = { type: 'not', expr: resolve(left, scope) }
  return {
    type: 'compare',
    op: COMPARISONS[op],
    left: /^true$/i.test(right.name) ? { type: 'not', expr: isNot } : isNot,
    right: value(1),
    affinity: 'BLOB',
    collation: 'BINARY',
  }
}

function compare(
  op: (typeof COMPARISONS)[keyof typeof COMPARISONS],
  left: SqlExpr,
  right: SqlExpr,
  scope: Scope,
): Expr {
  return {
    type: 'compare',
    op,
    left: resolve(left, scope),
    right: resolve(right, scope),
    affinity: comparisonAffinity(affinityOf(left, scope), affinityOf(right, scope)),
    collation:
      explicitCollation(left) ??
      explicitCollation(right) ??
      columnCollation(left, scope) ??
      columnCollation(right, scope) ??
      'BINARY',
  }
}

/** Which affinity SQLite applies to both sides (sqlite.org/datatype3.html, 4.2). Null: an expression without one. */
function comparisonAffinity(left: Affinity | null, right: Affinity | null): Affinity {
  if (left !== null && right !== null) return left === 'NUMERIC' || right === 'NUMERIC' ? 'NUMERIC' : 'BLOB'
  return left ?? right ?? 'BLOB'
}

function affinityOf(node: SqlExpr, scope: Scope): Affinity | null {
  const column = bareColumn(node, scope)
  if (column === undefined) return null
  return column.affinity === 'TEXT' || column.affinity === 'BLOB' ? column.affinity : 'NUMERIC'
}

function explicitCollation(node: SqlExpr): Collation | undefined {
  if (node.type === 'CollateExpr') return node.collation.toUpperCase() as Collation
  return node.type === 'ParenthesizedExpr' && node.exprs.length === 1
    ? explicitCollation(node.exprs[0] as SqlExpr)
    : undefined
}

function columnCollation(node: SqlExpr, scope: Scope): Collation | undefined {
  if (node.type === 'CastExpr') return columnCollation(node.expr, scope)
  if (node.type === 'UnaryExpr' && node.op === 'Positive') return columnCollation(node.expr, scope)
  return bareColumn(node, scope)?.collation
}

/** The collation by which SQLite sorts and groups by this expression. */
export function sortCollation(node: SqlExpr, scope: Scope): Collation {
  return explicitCollation(node) ?? columnCollation(node, scope) ?? 'BINARY'
}

function bareColumn(node: SqlExpr, scope: Scope) {
  if (node.type === 'ParenthesizedExpr' && node.exprs.length === 1)
    return bareColumn(node.exprs[0] as SqlExpr, scope)
  if (node.type === 'CollateExpr') return bareColumn(node.expr, scope)
  const index = columnIndex(node, scope)
  return index === -1 ? undefined : scope.table.columns[index]
}

/** The column that a name stands for, or −1. `rowid` is the key where it is its alias. */
export function columnIndex(node: SqlExpr, { table, alias }: Scope): number {
  let name: string
  if (node.type === 'Id') name = node.name
  else if (node.type === 'NameExpr') name = node.name.text
  else if (node.type === 'QualifiedExpr' && same(node.table.text, alias)) name = node.column.text
  else return -1
  const index = table.columns.findIndex((column) => same(column.name, name))
  if (index !== -1 || !table.info.autoKey || !/^(rowid|_rowid_|oid)$/i.test(name)) return index
  return table.info.key[0] ?? -1
}

/** An expression that is not predicted, with the columns it reads. Names in subqueries may be another table's: too many do no harm. */
function opaque(node: SqlExpr, scope: Scope): Expr {
  const reads = new Set<number>()
  let named = false
  traverse(node, {
    enter(inner) {
      const index = columnIndex(inner as SqlExpr, scope)
      if (index !== -1) reads.add(index)
      else if (inner.type === 'Id' && scope.aliases.has(inner.name.toLowerCase())) named = true
    },
  })
  // Behind an alias may be any of them.
  const columns = named ? scope.table.columns.map((_, i) => i) : [...reads]
  return { type: 'opaque', reads: columns.map((column) => ({ source: 0, column })) }
}

/** Whether a client can know its value from the row alone. */
export function isKnown(expr: Expr): boolean {
  return !hasOpaque(expr)
}
