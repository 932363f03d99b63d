import {
  type Collation,
  type ColumnRef,
  type Expr,
  fromBigInt,
  hasOpaque,
  joined,
  type SqlValue,
} from '@millrace/protocol'
import type {
  BinaryExpr,
  ExistsExpr,
  FunctionCallExpr,
  InListExpr,
  InSelectExpr,
  LikeExpr,
  Select,
  Expr as SqlExpr,
  SubqueryExpr,
  UnaryExpr,
} from 'sqlite3-parser'
import { traverse } from 'sqlite3-parser'
import { affinityOfType } from '../schema/affinity.ts'
import type { Table } from '../schema/catalog.ts'
import { isAggregateCall, SCALARS, TIME_FUNCTIONS } from './functions.ts'
import { same } from './names.ts'

/** One table of FROM under the name by which the query knows it. */
export interface Source {
  readonly table: Table
  readonly alias: string
}

/** The tables of FROM, and the numbering of the text's parameters. */
export interface Scope {
  readonly sources: readonly Source[]
  /** Index from 0, by the offset at which the parameter stands in the text. */
  readonly parameters: ReadonlyMap<number, number>
  /** Names that the select list gives to its expressions, in lower case: WHERE and ORDER BY may use them. */
  readonly aliases: ReadonlySet<string>
  /** What a name stands for, where it is not found by the names of the sources alone. */
  readonly find?: (name: SqlExpr) => ColumnRef | undefined
  /** The parameter that holds the current time, where the expression may depend on the time and on random numbers. */
  readonly now?: number
  /** `EXISTS (…)` and `(SELECT …)`, where it can be told. */
  readonly subquery?: (node: ExistsExpr | SubqueryExpr) => Expr | undefined
}

type ComparedAs = 'NUMERIC' | 'TEXT' | 'BLOB'

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

/** The operators that are functions of their operands, by the parser's name and by SQLite's. */
const OPERATORS: Readonly<Record<string, string>> = {
  Add: '+',
  Subtract: '-',
  Multiply: '*',
  Divide: '/',
  Modulus: '%',
  BitwiseAnd: '&',
  BitwiseOr: '|',
  LeftShift: '<<',
  RightShift: '>>',
  Concat: '||',
  ArrowRight: '->',
  ArrowRightShift: '->>',
}

/** The node resolved. What is not spoken of here becomes `opaque`: the client then knows which columns it reads, no more. */
export function resolve(node: SqlExpr, scope: Scope): Expr {
  switch (node.type) {
    case 'NullLiteral':
      return value(null)
    case 'StringLiteral':
      return value(node.value)
    case 'BlobLiteral':
      return value(node.bytes)
    case 'NumericLiteral':
      return number(node.value) ?? opaque(node, scope)
    case 'Id':
    case 'NameExpr':
    case 'QualifiedExpr': {
      const ref = columnOf(node, scope)
      if (ref !== undefined) return columnExpr(scope, ref)
      const constant = truthConstant(node, scope)
      return constant === undefined ? opaque(node, scope) : value(Number(constant))
    }
    case 'VariableExpr': {
      const index = scope.parameters.get(node.span.offset)
      return index === undefined ? opaque(node, scope) : { type: 'parameter', index }
    }
    case 'ParenthesizedExpr':
      return node.exprs.length === 1 ? resolve(node.exprs[0] as SqlExpr, scope) : opaque(node, scope)
    case 'CollateExpr':
      return resolve(node.expr, scope)
    case 'CastExpr':
      return node.typeName === undefined
        ? opaque(node, scope)
        : { type: 'cast', expr: resolve(node.expr, scope), affinity: affinityOfType(node.typeName.name) }
    case 'UnaryExpr':
      return unary(node, scope)
    case 'BinaryExpr':
      return binary(node, scope)
    case 'IsNullExpr':
      return isNull(node.expr, 'IS', scope)
    case 'NotNullExpr':
      return isNull(node.expr, 'IS NOT', scope)
    case 'BetweenExpr': {
      if (isRow(node.lhs) || isRow(node.start) || isRow(node.end)) return opaque(node, scope)
      const terms = [compare('>=', node.lhs, node.start, scope), compare('<=', node.lhs, node.end, scope)]
      const between: Expr = { type: 'and', terms }
      return node.not ? { type: 'not', expr: between } : between
    }
    case 'InListExpr':
      return inList(node, scope)
    case 'InSelectExpr':
      return inJson(node, scope) ?? opaque(node, scope)
    case 'LikeExpr': {
      const name = node.op === 'Like' ? 'like' : node.op === 'Glob' ? 'glob' : undefined
      if (name === undefined) return opaque(node, scope)
      const like = call(name, likeOperands(node), scope)
      return node.not ? { type: 'not', expr: like } : like
    }
    case 'CaseExpr': {
      const { base } = node
      return {
        type: 'case',
        branches: node.whenThenPairs.map(({ when, then }) => ({
          when: base === undefined ? resolve(when, scope) : compare('=', base, when, scope),
          value: resolve(then, scope),
        })),
        otherwise: node.elseExpr === undefined ? value(null) : resolve(node.elseExpr, scope),
      }
    }
    case 'FunctionCallExpr':
      return functionCall(node, scope)
    case 'CurrentTimestampLiteral':
      return scope.now === undefined ? opaque(node, scope) : timeCall('datetime', [], scope.now, scope)
    case 'CurrentDateLiteral':
      return scope.now === undefined ? opaque(node, scope) : timeCall('date', [], scope.now, scope)
    case 'CurrentTimeLiteral':
      return scope.now === undefined ? opaque(node, scope) : timeCall('time', [], scope.now, scope)
    case 'ExistsExpr':
    case 'SubqueryExpr':
      return scope.subquery?.(node) ?? opaque(node, scope)
    default:
      return opaque(node, scope)
  }
}

function unary(node: UnaryExpr, scope: Scope): Expr {
  if (node.op === 'Not') return { type: 'not', expr: resolve(node.expr, scope) }
  if (node.op === 'Positive') return resolve(node.expr, scope)
  if (node.op === 'BitwiseNot') return call('~', [node.expr], scope)
  // A sign before a number is part of it: −9223372036854775808 is an integer, and the same without the sign is none.
  let inner = node.expr
  while (inner.type === 'ParenthesizedExpr' && inner.exprs.length === 1) inner = inner.exprs[0] as SqlExpr
  if (inner.type === 'NumericLiteral') return number(inner.value, '-') ?? opaque(node, scope)
  return { type: 'call', name: '-', args: [value(0), resolve(node.expr, scope)], collation: 'BINARY' }
}

function binary(node: BinaryExpr, scope: Scope): Expr {
  const { op, left, right } = node
  if (op === 'And' || op === 'Or') {
    const type = op === 'And' ? 'and' : 'or'
    return joined(
      type,
      termsOf(node).map((term) => resolve(term, scope)),
    ) as Expr
  }
  if (op === 'Is' || op === 'IsNot') {
    const constant = truthConstant(right, scope)
    if (constant !== undefined) return truthTest(op, left, constant, scope)
  }
  if (op in COMPARISONS) return compare(COMPARISONS[op as keyof typeof COMPARISONS], left, right, scope)
  const name = OPERATORS[op]
  return name === undefined ? opaque(node, scope) : call(name, [left, right], scope)
}

/** The terms of a chain of AND or of OR. A loop, because a chain may be longer than the stack is deep. */
function termsOf(node: BinaryExpr): readonly SqlExpr[] {
  const terms: SqlExpr[] = []
  let rest: SqlExpr = node
  while (rest.type === 'BinaryExpr' && rest.op === node.op) {
    terms.push(rest.right)
    rest = rest.left
  }
  return [...terms, rest].reverse()
}

/**
 * The affinity and collation of IN are those of its left side, whatever is in the list. But of one constant alone SQLite
 * makes `x = +constant`, where a COLLATE counts.
 */
function inList(node: InListExpr, scope: Scope): Expr {
  const list = node.rhs ?? []
  if (isRow(node.lhs) || list.some(isRow)) return opaque(node, scope)
  const left = resolve(node.lhs, scope)
  const affinity = comparisonAffinity(affinityOf(node.lhs, scope), null)
  const [only] = list
  let collation = sortCollation(node.lhs, scope)
  if (only !== undefined && list.length === 1 && hasCollate(only) && !hasCollate(node.lhs)) {
    const inner = withoutCollate(only)
    if (inner.type.endsWith('Literal') || inner.type === 'VariableExpr')
      collation = sortCollation(only, scope)
    else if (columnOf(inner, scope) === undefined) return opaque(node, scope)
  }
  const found: Expr = {
    type: 'in',
    left,
    list: list.map((item) => resolve(item, scope)),
    affinity,
    collation,
  }
  return node.not ? { type: 'not', expr: found } : found
}

/** `x IN (SELECT value FROM json_each(…))`: a list of any length in one text. */
function inJson({ lhs, rhs, not }: InSelectExpr, scope: Scope): Expr | undefined {
  const array = elementsOf(rhs)
  if (array === undefined || isRow(lhs)) return undefined
  const found: Expr = {
    type: 'in',
    left: resolve(lhs, scope),
    list: [resolve(array, scope)],
    json: true,
    // The column of json_each has a type: none.
    affinity: comparisonAffinity(affinityOf(lhs, scope), 'BLOB'),
    collation: sortCollation(lhs, scope),
  }
  return not ? { type: 'not', expr: found } : found
}

/** What `SELECT value FROM json_each(…)` is about, where that is a literal or a parameter. */
function elementsOf(select: Select): SqlExpr | undefined {
  const { with: ctes, compounds, orderBy, limit, select: core } = select
  if (ctes !== undefined || (compounds ?? []).length > 0 || orderBy !== undefined || limit !== undefined)
    return undefined
  if (core.type !== 'SelectFrom' || core.from === undefined || core.columns.length !== 1) return undefined
  const [column] = core.columns
  if (column?.type !== 'ExprResultColumn' || column.expr.type !== 'Id' || !same(column.expr.name, 'value'))
    return undefined
  const { whereClause, groupBy, having, distinctness, from } = core
  const isPlain = [whereClause, groupBy, having, distinctness, from.joins].every((part) => part === undefined)
  const source = from.select
  if (!isPlain || source?.type !== 'TableCallSelectTable' || !same(source.tblName.objName.text, 'json_each'))
    return undefined
  const [array, ...others] = source.args ?? []
  const isConstant = array?.type === 'VariableExpr' || array?.type === 'StringLiteral'
  return isConstant && others.length === 0 ? array : undefined
}

function functionCall(node: FunctionCallExpr, scope: Scope): Expr {
  const name = node.name.name.toLowerCase()
  const args = node.args ?? []
  const plain = node.distinctness === undefined && node.filterOver === undefined && node.orderBy === undefined
  if (plain && scope.now !== undefined) {
    if (TIME_FUNCTIONS.has(name)) return timeCall(name, args, scope.now, scope)
    if (name === 'random' || name === 'randomblob') return call(name, args, scope)
  }
  if (!plain || !SCALARS.has(name) || isAggregateCall(node) || args.some(isRow)) return opaque(node, scope)
  const [condition, then, otherwise] = args
  if (name === 'iif' && condition !== undefined && then !== undefined && otherwise !== undefined) {
    const branch = { when: resolve(condition, scope), value: resolve(then, scope) }
    return { type: 'case', branches: [branch], otherwise: resolve(otherwise, scope) }
  }
  return call(name, args, scope)
}

/** A call of a date function. The time value 'now', and one that is left out, is the parameter that holds the time. */
function timeCall(name: string, args: readonly SqlExpr[], now: number, scope: Scope): Expr {
  const resolved = call(name, args, scope)
  if (resolved.type !== 'call') return resolved
  const at = name === 'strftime' ? 1 : 0
  const value = args[at]
  const isNow = value === undefined || (value.type === 'StringLiteral' && /^now$/i.test(value.value))
  if (args.length < at || !isNow) return resolved
  const time: Expr = { type: 'parameter', index: now }
  return { ...resolved, args: [...resolved.args.slice(0, at), time, ...resolved.args.slice(at + 1)] }
}

function call(name: string, args: readonly SqlExpr[], scope: Scope): Expr {
  if (args.some(isRow)) return { type: 'opaque', reads: args.flatMap((arg) => readsOfNode(arg, scope)) }
  const collation = args.map((arg) => collationOf(arg, scope)).find((found) => found !== undefined)
  return {
    type: 'call',
    name,
    args: args.map((arg) => resolve(arg, scope)),
    collation: collation ?? 'BINARY',
  }
}

const isRow = (node: SqlExpr): boolean =>
  node.type === 'ParenthesizedExpr' && (node.exprs.length !== 1 || isRow(node.exprs[0] as SqlExpr))

/** In the order in which SQLite hands them to the function. */
const likeOperands = (node: LikeExpr) =>
  node.escape === undefined ? [node.rhs, node.lhs] : [node.rhs, node.lhs, node.escape]

/** A number as SQLite reads it from SQL text; undefined where JS may read another. */
function number(text: string, sign: '' | '-' = ''): Expr | undefined {
  if (/^(\d+|0x[\da-f]+)$/i.test(text)) {
    const digits = BigInt(text)
    const integer = /x/i.test(text) ? BigInt.asIntN(64, digits) : digits
    const signed = sign === '-' ? -integer : integer
    if (signed === BigInt.asIntN(64, signed)) return value(fromBigInt(signed))
  }
  // With 15 digits no number lies between two that SQLite and JS could choose from.
  const [mantissa = ''] = text.split(/e/i)
  if (mantissa.replace('.', '').replace(/^0+|0+$/g, '').length > 15) return undefined
  const real = Number(sign + text)
  return Number.isNaN(real) ? undefined : { type: 'value', value: real === 0 ? 0 : real, real: true }
}

/** A column of one of the tables. */
export function columnExpr({ sources }: Scope, { source, column }: ColumnRef): Expr {
  const affinity = sources[source]?.table.columns[column]?.affinity ?? 'BLOB'
  return { type: 'column', source, column, affinity }
}

/** Two columns held equal, as USING does. */
export function compareColumns(left: ColumnRef, right: ColumnRef, scope: Scope): Expr {
  const of = (ref: ColumnRef) => infoOf(ref, scope)
  const comparedAs = (ref: ColumnRef) => {
    const affinity = of(ref)?.affinity ?? 'BLOB'
    return affinity === 'TEXT' || affinity === 'BLOB' ? affinity : 'NUMERIC'
  }
  return {
    type: 'compare',
    op: '=',
    left: columnExpr(scope, left),
    right: columnExpr(scope, right),
    affinity: comparisonAffinity(comparedAs(left), comparedAs(right)),
    collation: of(left)?.collation ?? 'BINARY',
  }
}

function value(value: SqlValue): Expr {
  return { type: 'value', value }
}

function isNull(operand: SqlExpr, op: 'IS' | 'IS NOT', scope: Scope): Expr {
  return isRow(operand)
    ? opaque(operand, scope)
    : {
        type: 'compare',
        op,
        left: resolve(operand, scope),
        right: value(null),
        affinity: 'BLOB',
        collation: 'BINARY',
      }
}

/** TRUE and FALSE where no column has that name, and what SQLite takes for them behind IS: in parentheses, `x IN ()`. */
function truthConstant(node: SqlExpr, scope: Scope): boolean | undefined {
  if (node.type === 'CollateExpr') return truthConstant(node.expr, scope)
  if (node.type === 'ParenthesizedExpr' && node.exprs.length === 1)
    return truthConstant(node.exprs[0] as SqlExpr, scope)
  if (node.type === 'InListExpr' && (node.rhs ?? []).length === 0) return node.not
  if (node.type !== 'Id' || columnOf(node, scope) !== undefined) return undefined
  if (scope.aliases.has(node.name.toLowerCase())) return undefined
  return /^true$/i.test(node.name) ? true : /^false$/i.test(node.name) ? false : undefined
}

/** `x IS TRUE` asks whether x is true, not whether it is 1: as NOT NOT x IS 1. */
function truthTest(op: 'Is' | 'IsNot', left: SqlExpr, constant: boolean, scope: Scope): Expr {
  const isNot: Expr = { type: 'not', expr: resolve(left, scope) }
  return {
    type: 'compare',
    op: COMPARISONS[op],
    left: constant ? { type: 'not', expr: isNot } : isNot,
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
  if (isRow(left) || isRow(right))
    return { type: 'opaque', reads: [...readsOfNode(left, scope), ...readsOfNode(right, scope)] }
  const explicit = hasCollate(left) ? left : hasCollate(right) ? right : undefined
  const collation =
    explicit === undefined
      ? (collationOf(left, scope) ?? collationOf(right, scope))
      : collationOf(explicit, scope)
  return {
    type: 'compare',
    op,
    left: resolve(left, scope),
    right: resolve(right, scope),
    affinity: comparisonAffinity(affinityOf(left, scope), affinityOf(right, scope)),
    collation: collation ?? 'BINARY',
  }
}

/** Which affinity SQLite applies to both sides (sqlite.org/datatype3.html, 4.2). Null: an expression without one. */
function comparisonAffinity(left: ComparedAs | null, right: ComparedAs | null): ComparedAs {
  if (left !== null && right !== null) return left === 'NUMERIC' || right === 'NUMERIC' ? 'NUMERIC' : 'BLOB'
  return left ?? right ?? 'BLOB'
}

/** Of columns and casts; any other expression has none. */
function affinityOf(node: SqlExpr, scope: Scope): ComparedAs | null {
  if (node.type === 'ParenthesizedExpr' && node.exprs.length === 1)
    return affinityOf(node.exprs[0] as SqlExpr, scope)
  if (node.type === 'CollateExpr') return affinityOf(node.expr, scope)
  const affinity =
    node.type === 'CastExpr'
      ? node.typeName && affinityOfType(node.typeName.name)
      : infoOf(columnOf(node, scope), scope)?.affinity
  if (affinity === undefined) return null
  return affinity === 'TEXT' || affinity === 'BLOB' ? affinity : 'NUMERIC'
}

/** Somewhere in it stands a COLLATE: it then goes before the collations of columns. */
function hasCollate(node: SqlExpr): boolean {
  return node.type === 'CollateExpr' || operandsOf(node).some(hasCollate)
}

function withoutCollate(node: SqlExpr): SqlExpr {
  if (node.type === 'CollateExpr') return withoutCollate(node.expr)
  const [inner] = node.type === 'ParenthesizedExpr' && node.exprs.length === 1 ? node.exprs : []
  return inner === undefined ? node : withoutCollate(inner)
}

/** A column's, or that of the first COLLATE within; undefined for an expression without one. */
function collationOf(node: SqlExpr, scope: Scope): Collation | undefined {
  if (node.type === 'CollateExpr') return node.collation.toUpperCase() as Collation
  if (node.type === 'ParenthesizedExpr' && node.exprs.length === 1)
    return collationOf(node.exprs[0] as SqlExpr, scope)
  if (node.type === 'CastExpr' || (node.type === 'UnaryExpr' && node.op === 'Positive'))
    return collationOf(node.expr, scope)
  const column = infoOf(columnOf(node, scope), scope)
  if (column !== undefined) return column.collation
  const explicit = operandsOf(node).find(hasCollate)
  return explicit === undefined ? undefined : collationOf(explicit, scope)
}

/** The collation by which SQLite sorts and groups by this expression. */
export function sortCollation(node: SqlExpr, scope: Scope): Collation {
  return collationOf(node, scope) ?? 'BINARY'
}

/** The expressions within, in the order in which SQLite looks for a COLLATE in them; not into subqueries. */
function operandsOf(node: SqlExpr): readonly SqlExpr[] {
  switch (node.type) {
    case 'ParenthesizedExpr':
      return node.exprs
    case 'BinaryExpr':
      return [node.left, node.right]
    case 'UnaryExpr':
    case 'CastExpr':
    case 'CollateExpr':
    case 'IsNullExpr':
    case 'NotNullExpr':
      return [node.expr]
    case 'BetweenExpr':
      return [node.lhs, node.start, node.end]
    case 'InListExpr':
      return [node.lhs, ...(node.rhs ?? [])]
    case 'LikeExpr':
      return likeOperands(node)
    case 'CaseExpr':
      return [
        ...(node.base === undefined ? [] : [node.base]),
        ...node.whenThenPairs.flatMap(({ when, then }) => [when, then]),
        ...(node.elseExpr === undefined ? [] : [node.elseExpr]),
      ]
    case 'FunctionCallExpr':
      return node.args ?? []
    default:
      return []
  }
}

/** The column that a name stands for: of the first table that has one of this name, for others would be ambiguous. */
export function columnOf(node: SqlExpr, scope: Scope): ColumnRef | undefined {
  return columnsNamed(node, scope)[0]
}

function infoOf(ref: ColumnRef | undefined, { sources }: Scope) {
  return ref === undefined ? undefined : sources[ref.source]?.table.columns[ref.column]
}

/** The columns that a name may stand for. `rowid` is the key where it is its alias. */
function columnsNamed(node: SqlExpr, { sources, find }: Scope): ColumnRef[] {
  if (find !== undefined) return [find(node) ?? []].flat()
  let name: string
  let of: string | undefined
  if (node.type === 'Id') name = node.name
  else if (node.type === 'NameExpr') name = node.name.text
  else if (node.type === 'QualifiedExpr') {
    name = node.column.text
    of = node.table.text
  } else return []
  return sources.flatMap(({ table, alias }, source) => {
    if (of !== undefined && !same(of, alias)) return []
    const column = table.columns.findIndex((known) => same(known.name, name))
    if (column !== -1) return [{ source, column }]
    const isRowid = table.info.autoKey && /^(rowid|_rowid_|oid)$/i.test(name)
    return isRowid ? [{ source, column: table.info.key[0] ?? -1 }] : []
  })
}

/** An expression that is not predicted, with the columns it reads. Names in subqueries may be another table's: too many do no harm. */
export function opaque(node: SqlExpr, scope: Scope): Extract<Expr, { type: 'opaque' }> {
  return { type: 'opaque', reads: readsOfNode(node, scope) }
}

function readsOfNode(node: SqlExpr, scope: Scope): ColumnRef[] {
  const reads: ColumnRef[] = []
  let named = false
  traverse(node, {
    enter(inner) {
      const refs = columnsNamed(inner as SqlExpr, scope)
      reads.push(...refs)
      if (refs.length === 0 && inner.type === 'Id' && scope.aliases.has(inner.name.toLowerCase()))
        named = true
    },
  })
  // Behind an alias may be any of them.
  const all = ({ table }: Source, source: number) => table.columns.map((_, column) => ({ source, column }))
  const found = named ? scope.sources.flatMap(all) : reads
  return found.filter(
    ({ source, column }, i) =>
      found.findIndex((other) => other.source === source && other.column === column) === i,
  )
}

/** Whether a client can know its value from the row alone. */
export function isKnown(expr: Expr): boolean {
  return !hasOpaque(expr)
}
