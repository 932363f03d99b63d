import { fromBigInt } from '@millrace/protocol'
import { type Cell, Real, real, UNKNOWN } from './cell.ts'
import { isInteger, toInteger, toReal } from './convert.ts'
import type { Functions } from './functions.ts'
import { MIN_INT64, printFixed, realIn } from './numeral.ts'

function abs(cell: Cell): Cell {
  if (cell === null) return null
  if (typeof cell === 'bigint') return cell === MIN_INT64 ? UNKNOWN : fromBigInt(cell < 0n ? -cell : cell)
  if (isInteger(cell)) return Math.abs(cell)
  const value = toReal(cell)
  if (value === UNKNOWN || value === null) return value
  return cell instanceof Real ? new Real(Math.abs(value), cell.sure) : real(Math.abs(value))
}

/** Always a REAL. Half is rounded away from zero: of the number that is there, which is rarely the one that was written. */
function round(cell: Cell, places: Cell = 0): Cell {
  if (cell === null || places === null) return null
  const value = toReal(cell)
  if (value === UNKNOWN || value === null) return value
  const digits = Math.min(
    30,
    Math.max(0, Number(BigInt.asIntN(32, BigInt(toInteger(places) as number | bigint)))),
  )
  if (Math.abs(value) > 4503599627370496) return real(value)
  if (digits === 0) return real(Math.trunc(value + (value < 0 ? -0.5 : 0.5)))
  const text = printFixed(value, digits)
  if (text === UNKNOWN) return UNKNOWN
  const rounded = realIn(text)
  return rounded === UNKNOWN ? UNKNOWN : real(rounded)
}

/** These three are not SQLite's own, but of an extension that the build has: they differ from the ones in later builds. */
function sign(cell: Cell): Cell {
  const value = toReal(cell)
  if (value === null || value === UNKNOWN) return value
  const sign = Math.sign(value) + 0
  return isInteger(cell) ? sign : new Real(sign, !(cell instanceof Real) || cell.sure)
}

/** Always an INTEGER. */
const whole = (to: (value: number) => number) => (cell: Cell) => {
  if (isInteger(cell)) return cell
  const value = toReal(cell)
  if (value === null || value === UNKNOWN) return value
  return Number.isSafeInteger(to(value)) ? to(value) + 0 : UNKNOWN
}

export const NUMBER_FUNCTIONS: Functions = {
  abs: [1, 1, abs],
  round: [1, 2, round],
  sign: [1, 1, sign],
  ceil: [1, 1, whole(Math.ceil)],
  floor: [1, 1, whole(Math.floor)],
}
