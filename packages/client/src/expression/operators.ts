import type { Collation } from '@millrace/protocol'
import { arithmetic, bitwise, bitwiseNot, concatenate } from './arithmetic.ts'
import { type Cell, UNKNOWN } from './cell.ts'
import { orderOf } from './compare.ts'

/** By name. They see no UNKNOWN. */
export const OPERATORS: Readonly<Record<string, (a: Cell, b: Cell) => Cell>> = {
  '+': (a, b) => arithmetic('+', a, b),
  '-': (a, b) => arithmetic('-', a, b),
  '*': (a, b) => arithmetic('*', a, b),
  '/': (a, b) => arithmetic('/', a, b),
  '%': (a, b) => arithmetic('%', a, b),
  '&': (a, b) => bitwise('&', a, b),
  '|': (a, b) => bitwise('|', a, b),
  '<<': (a, b) => bitwise('<<', a, b),
  '>>': (a, b) => bitwise('>>', a, b),
  '~': bitwiseNot,
  '||': concatenate,
}

/** Of equal ones min takes the last, max the first. NULL where any is. */
export function extreme(name: 'min' | 'max', cells: readonly Cell[], collation: Collation): Cell {
  if (cells.includes(null)) return null
  let best = cells[0] as Cell
  for (const cell of cells.slice(1)) {
    const order = orderOf(best, cell, collation)
    if (order === UNKNOWN) return UNKNOWN
    if (name === 'min' ? order >= 0 : order < 0) best = cell
  }
  return best
}

export function nullIf(left: Cell, right: Cell, collation: Collation): Cell {
  const order = orderOf(left, right, collation)
  return order === UNKNOWN ? UNKNOWN : order === 0 ? null : left
}
