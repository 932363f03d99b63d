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
    left = comparable(left, affinity)
    right = comparable(right, affinity)
  } else if (affinity === 'TEXT') {
    if (typeof left === 'string') right = comparable(right, affinity)
    else if (typeof right === 'string') left = comparable(left, affinity)
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

/** `value IN (list)`: three-valued, and false for an empty list, also of NULL. */
export function among(
  { affinity, collation }: Pick<Comparison, 'affinity' | 'collation'>,
  value: Cell,
  list: readonly Cell[],
): Cell {
  let found: Cell = 0
  for (const item of list) {
    const equal = compare({ op: '=', affinity, collation }, value, item)
    if (equal === 1) return 1
    if (equal === UNKNOWN) found = UNKNOWN
    else if (equal === null && found !== UNKNOWN) found = null
  }
  return found
}

/** What is compared with text in a column of text, or with a number in one of numbers. */
export function comparable(cell: Cell, affinity: Comparison['affinity']): Cell {
  if (affinity === 'NUMERIC' && typeof cell === 'string') return numeralOf(cell) ?? cell
  return affinity === 'TEXT' && isNumber(cell) ? toText(cell) : cell
}

/** Negative, zero or positive, as SQLite sorts them. */
export function orderOf(left: Cell, right: Cell, collation: Collation): number | Unknown {
  if (left === UNKNOWN || right === UNKNOWN) return UNKNOWN
  if (typeof left === 'string' && typeof right === 'string' && (left + right).includes(BROKEN)) return UNKNOWN
  return compareValues(plain(left) as SqlValue, plain(right) as SqlValue, collation)
}
