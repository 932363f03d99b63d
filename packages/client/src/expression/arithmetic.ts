import { fromBigInt } from '@millrace/protocol'
import { type Cell, plain, Real, real, UNKNOWN, type Unknown } from './cell.ts'
import { BROKEN, isInteger, toInteger, toNumber, toText } from './convert.ts'
import { MAX_INT64, MIN_INT64 } from './numeral.ts'

export type Arithmetic = '+' | '-' | '*' | '/' | '%'

/** INTEGER with INTEGER gives an INTEGER, or where that overflows a REAL; with anything else a REAL. */
export function arithmetic(op: Arithmetic, left: Cell, right: Cell): Cell {
  const a = toNumber(left)
  const b = toNumber(right)
  if (a === null || b === null) return null
  if (a === UNKNOWN || b === UNKNOWN) return UNKNOWN
  if (isInteger(a) && isInteger(b)) return ofIntegers(op, a, b)
  const unsure =
    (a instanceof Real && !a.sure && !isSureReal(b)) || (b instanceof Real && !b.sure && !isSureReal(a))
  if (op === '%') return remainder(toInteger(left), toInteger(right), unsure)
  if (unsure && op === '/') return UNKNOWN
  const result = ofReals(op, Number(plain(a)), Number(plain(b)))
  if (!unsure) return result === null ? null : real(result)
  // INTEGERs would give the same as long as none needs more than 53 bits.
  return [plain(a), plain(b), result].every(Number.isSafeInteger)
    ? new Real(result as number, false)
    : UNKNOWN
}

const isSureReal = (cell: Cell) => (cell instanceof Real ? cell.sure : !isInteger(cell))

function ofIntegers(op: Arithmetic, a: number | bigint, b: number | bigint): Cell {
  if (typeof a === 'number' && typeof b === 'number') {
    if ((op === '/' || op === '%') && b === 0) return null
    const result = op === '/' ? (a - (a % b)) / b : (ofReals(op, a, b) as number)
    if (Number.isSafeInteger(result)) return result + 0
  }
  const x = BigInt(a)
  const y = BigInt(b)
  const exact = ofBigInts(op, x, y)
  if (exact === null) return null
  return exact > MAX_INT64 || exact < MIN_INT64
    ? real(ofReals(op, Number(x), Number(y)) as number)
    : fromBigInt(exact)
}

function ofBigInts(op: Arithmetic, a: bigint, b: bigint): bigint | null {
  switch (op) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
      return b === 0n ? null : a / b
    case '%':
      return b === 0n ? null : a % b
  }
}

function ofReals(op: Arithmetic, a: number, b: number): number | null {
  switch (op) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
      return b === 0 ? null : a / b
    case '%':
      return a % b
  }
}

/** Of REALs, the remainder of what CAST AS INTEGER makes of them, as a REAL. */
function remainder(
  a: number | bigint | null | Unknown,
  b: number | bigint | null | Unknown,
  unsure: boolean,
): Cell {
  const result = ofIntegers('%', a as number | bigint, b as number | bigint)
  if (result === null) return null
  const value = Number(result)
  if (!unsure) return real(value)
  return Number.isSafeInteger(result) ? new Real(value, false) : UNKNOWN
}

export type Bitwise = '&' | '|' | '<<' | '>>'

export function bitwise(op: Bitwise, left: Cell, right: Cell): Cell {
  const a = toInteger(left)
  const b = toInteger(right)
  if (a === null || b === null) return null
  if (a === UNKNOWN || b === UNKNOWN) return UNKNOWN
  const x = BigInt(a)
  const y = BigInt(b)
  switch (op) {
    case '&':
      return fromBigInt(x & y)
    case '|':
      return fromBigInt(x | y)
    case '<<':
      return shift(x, y)
    case '>>':
      return shift(x, -y)
  }
}

/** To the left; by a negative number to the right, which keeps the sign. */
function shift(value: bigint, by: bigint): Cell {
  if (by >= 64n) return 0
  if (by >= 0n) return fromBigInt(BigInt.asIntN(64, value << by))
  return fromBigInt(value >> (by < -64n ? 64n : -by))
}

export function bitwiseNot(cell: Cell): Cell {
  const value = toInteger(cell)
  return value === null || value === UNKNOWN ? value : fromBigInt(~BigInt(value))
}

export function concatenate(left: Cell, right: Cell): Cell {
  if (left === null || right === null) return null
  const a = toText(left)
  const b = toText(right)
  if (a === UNKNOWN || b === UNKNOWN) return UNKNOWN
  const text = `${a}${b}`
  // What was half a character on either side may be a whole one now.
  return text.includes(BROKEN) ? UNKNOWN : text
}
