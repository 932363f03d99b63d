import type { Collation, OrderTerm, SqlValue } from '@millrace/protocol'
import type { Expr } from 'sqlite3-parser'
import type { Condition as RowCondition } from '../impact/impact-index.ts'
import type { Bound as RangeBound } from '../impact/interval-index.ts'
import type { Table } from '../schema/catalog.ts'
import { constantValue } from '../schema/literal.ts'
import type { Item } from './levels.ts'
import type { Condition, Searcher } from './search.ts'

/** What a change of one table, at one place in the query, asks of its maintenance. */
export interface Reaction<Action> {
  readonly table: Table
  /** Columns that the query reads there, by position. */
  readonly columns: ReadonlySet<number>
  /** Those of them that decide which rows there are, or where; the others are only shown. */
  readonly decides: ReadonlySet<number>
  /** Rows that do not meet it do not matter. */
  readonly discriminator: Discriminator | null
  /** The column by which the result is sorted first, where it is this place's; null: by none that rows can be told apart by. */
  readonly sorted: Sorted | null
  readonly action: Action
}

/** The column of a table that is the first key of ORDER BY: of a window, a row behind its last row does not matter. */
export interface Sorted {
  readonly column: number
  /** NULL comes before all that a bound can say. */
  readonly startsWithNull: boolean
  readonly term: OrderTerm
}

/** `column = ?`, `column IN (?, 'a')`, `column > ? AND column <= ?`: with parameters, a condition that rows are looked up by. */
export interface Discriminator {
  readonly column: number
  readonly collation: Collation
  readonly equal: readonly Operand[] | null
  readonly low: { readonly operand: Operand; readonly inclusive: boolean } | null
  readonly high: { readonly operand: Operand; readonly inclusive: boolean } | null
  /** Of `IS`: NULL is a value like others. */
  readonly nulls: boolean
}

type Operand = { readonly value: SqlValue } | { readonly parameter: number }

/** The condition by which changed rows of this item are told apart: an equality if there is one, else a range. */
export function discriminatorOf(item: Item, searcher: Searcher): Discriminator | null {
  const found = searcher
    .conditionsOf(item)
    .flatMap((condition) => discriminatorsIn(condition, item, searcher))
  const equal = found.find((one) => one.equal !== null)
  if (equal !== undefined) return equal
  const [first] = found
  if (first === undefined) return null
  const low = found.find((one) => one.column === first.column && one.low !== null)?.low ?? null
  const high = found.find((one) => one.column === first.column && one.high !== null)?.high ?? null
  return { ...first, low, high }
}

function discriminatorsIn({ term, items }: Condition, item: Item, searcher: Searcher): Discriminator[] {
  if (term.type !== 'expression' || items.size !== 1 || !items.has(item)) return []
  const { expr } = term
  const on = (
    side: Expr,
  ): Pick<Discriminator, 'column' | 'collation' | 'low' | 'high' | 'equal' | 'nulls'>[] => {
    const column = searcher.columnOf(side)
    if (column === undefined || column.item !== item) return []
    const collation = searcher.collationOf(column)
    return [{ column: column.column, collation, equal: null, low: null, high: null, nulls: false }]
  }
  switch (expr.type) {
    case 'BinaryExpr': {
      const flipped = on(expr.left).length === 0
      const [base] = flipped ? on(expr.right) : on(expr.left)
      const operand = operandOf(flipped ? expr.left : expr.right)
      if (base === undefined || operand === undefined) return []
      switch (expr.op) {
        case 'Equals':
          return [{ ...base, equal: [operand] }]
        case 'Is':
          return [{ ...base, equal: [operand], nulls: true }]
        case 'Less':
        case 'LessEquals':
        case 'Greater':
        case 'GreaterEquals': {
          const bound = { operand, inclusive: expr.op.endsWith('Equals') }
          return [expr.op.startsWith('Less') === flipped ? { ...base, low: bound } : { ...base, high: bound }]
        }
        default:
          return []
      }
    }
    case 'BetweenExpr': {
      const [base] = on(expr.lhs)
      const low = operandOf(expr.start)
      const high = operandOf(expr.end)
      if (base === undefined || expr.not || low === undefined || high === undefined) return []
      return [{ ...base, low: { operand: low, inclusive: true }, high: { operand: high, inclusive: true } }]
    }
    case 'InListExpr': {
      const [base] = on(expr.lhs)
      const operands = (expr.rhs ?? []).map(operandOf)
      if (base === undefined || expr.not || operands.includes(undefined)) return []
      return [{ ...base, equal: operands as Operand[] }]
    }
    case 'IsNullExpr': {
      const [base] = on(expr.expr)
      return base === undefined ? [] : [{ ...base, equal: [{ value: null }], nulls: true }]
    }
    default:
      return []
  }
}

/** A parameter or a literal. TRUE and FALSE are names, and behind IS they are tests of truth. */
function operandOf(expr: Expr): Operand | undefined {
  if (expr.type === 'VariableExpr') return { parameter: Number(expr.name.slice(1)) - 1 }
  if (!['NumericLiteral', 'StringLiteral', 'NullLiteral', 'BlobLiteral', 'UnaryExpr'].includes(expr.type))
    return undefined
  const value = constantValue(expr)
  return value === undefined ? undefined : { value }
}

/**
 * Of a window whose last row has this value in the column it is sorted by: what a row must meet, one of them, not to lie
 * behind it. Null: any row may matter.
 */
export function windowConditions(
  sorted: Sorted | null,
  last: SqlValue | undefined,
): readonly RowCondition[] | null {
  if (sorted === null || last === undefined) return null
  // Read from text that is no UTF-8, it may be sorted elsewhere.
  if (typeof last === 'string' && last.includes('\ufffd')) return null
  const { column, startsWithNull, term } = sorted
  const on = { column, collation: term.collation }
  const isNull: RowCondition = { type: 'equal', ...on, values: [null] }
  if (last === null) return startsWithNull ? [isNull] : null
  const end: RangeBound = { value: last, inclusive: true }
  const within: RowCondition = term.descending
    ? { type: 'range', ...on, low: end, high: null }
    : { type: 'range', ...on, low: null, high: end }
  return startsWithNull ? [within, isNull] : [within]
}

/** With the parameters' values; null where SQLite would convert one of them, so that every row must be looked at. */
export function rowCondition(
  { columns }: Table,
  discriminator: Discriminator | null,
  parameters: readonly SqlValue[],
): RowCondition | null {
  if (discriminator === null) return null
  const { column, collation, equal, low, high, nulls } = discriminator
  const affinity = columns[column]?.affinity
  const operandValue = (operand: Operand) =>
    'value' in operand ? operand.value : (parameters[operand.parameter] ?? null)
  const isConverted = (value: SqlValue) =>
    affinity === 'TEXT'
      ? typeof value === 'number' || typeof value === 'bigint'
      : affinity !== 'BLOB' && typeof value === 'string'
  if (equal !== null) {
    const values = equal.map(operandValue)
    if (values.some(isConverted)) return null
    return {
      type: 'equal',
      column,
      collation,
      values: nulls ? values : values.filter((value) => value !== null),
    }
  }
  const bounds = [low, high].map((bound): RangeBound | null =>
    bound === null ? null : { value: operandValue(bound.operand), inclusive: bound.inclusive },
  )
  if (bounds.some((bound) => bound !== null && isConverted(bound.value))) return null
  // Nothing is more or less than NULL.
  if (bounds.some((bound) => bound !== null && bound.value === null))
    return { type: 'equal', column, collation, values: [] }
  return { type: 'range', column, collation, low: bounds[0] ?? null, high: bounds[1] ?? null }
}
