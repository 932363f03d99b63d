import { type Collation, compareValues, type Expr, type SqlValue } from '@millrace/protocol'
import { type Cell, plain, Real, UNKNOWN, type Unknown } from './cell.ts'
import { BROKEN, toText } from './convert.ts'
import { numeralOf } from './numeral.ts'

export type Comparison = Extract<Expr, { type: 'compare' }>

export function compare(
  { op, affinity, collation }: Pick<Comparison, 'op' | 'affinity' | 'collation'>,
  left: Cell,
  right: Cell,
): Cell {
  const isOperator = op === 'IS' || op === 'IS NOT'
  if (!isOperator && (left === null || right === null)) return null
  if (affinity === 'NUMERIC') {
    if (typeof left === 'string') left = numeralOf(left) ?? left
    if (typeof right === 'string') right = numeralOf(right) ?? right
  } else if (affinity === 'TEXT') {
    if (typeof left === 'string' && isNumber(right)) right = toText(right)
    if (typeof right === 'string' && isNumber(left)) left = toText(left)
  }
  const order = orderOf(left, right, collation)
  if (order === UNKNOWN) return UNKNOWN
  switch (op) {
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

const isNumber = (cell: Cell) => typeof cell === 'number' || typeof cell === 'bigint' || cell instanceof Real

/** Negative, zero or positive, as SQLite sorts them. */
export function orderOf(left: Cell, right: Cell, collation: Collation): number | Unknown {
  if (left === UNKNOWN || right === UNKNOWN) return UNKNOWN
  if (typeof left === 'string' && typeof right === 'string' && (left + right).includes(BROKEN)) return UNKNOWN
  return compareValues(plain(left) as SqlValue, plain(right) as SqlValue, collation)
}
