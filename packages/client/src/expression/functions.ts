import type { Collation } from '@millrace/protocol'
import { arithmetic, bitwise, bitwiseNot, concatenate } from './arithmetic.ts'
import { type Cell, Real, UNKNOWN } from './cell.ts'
import { orderOf } from './compare.ts'
import { isInteger } from './convert.ts'
import { DATE_FUNCTIONS } from './date.ts'
import { format } from './format.ts'
import { JSON_FUNCTIONS } from './json.ts'
import { glob, like } from './like.ts'
import { NUMBER_FUNCTIONS } from './number.ts'
import { TEXT_FUNCTIONS } from './text.ts'

/** By name: the least and the most number of arguments, and the function. It sees no UNKNOWN. */
export type Functions = Readonly<
  Record<string, readonly [least: number, most: number, run: (...cells: readonly Cell[]) => Cell]>
>

function typeOf(cell: Cell): Cell {
  if (cell === null) return 'null'
  if (typeof cell === 'string') return 'text'
  if (cell instanceof Uint8Array) return 'blob'
  if (cell instanceof Real && !cell.sure) return UNKNOWN
  return isInteger(cell) ? 'integer' : 'real'
}

export const FUNCTIONS: Functions = {
  '+': [2, 2, (a, b) => arithmetic('+', a, b)],
  '-': [2, 2, (a, b) => arithmetic('-', a, b)],
  '*': [2, 2, (a, b) => arithmetic('*', a, b)],
  '/': [2, 2, (a, b) => arithmetic('/', a, b)],
  '%': [2, 2, (a, b) => arithmetic('%', a, b)],
  '&': [2, 2, (a, b) => bitwise('&', a, b)],
  '|': [2, 2, (a, b) => bitwise('|', a, b)],
  '<<': [2, 2, (a, b) => bitwise('<<', a, b)],
  '>>': [2, 2, (a, b) => bitwise('>>', a, b)],
  '~': [1, 1, bitwiseNot],
  '||': [2, 2, concatenate],
  like: [2, 3, like],
  glob: [2, 2, glob],
  typeof: [1, 1, typeOf],
  format: [1, 127, format],
  printf: [1, 127, format],
  ...TEXT_FUNCTIONS,
  ...DATE_FUNCTIONS,
  ...JSON_FUNCTIONS,
  ...NUMBER_FUNCTIONS,
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
