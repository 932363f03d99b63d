import { type Affinity, fromBigInt, type SqlValue } from '@millrace/protocol'
import { type Cell, plain, Real, real, UNKNOWN, type Unknown, type Value } from './cell.ts'
import { integerIn, MAX_INT64, MIN_INT64, numberIn, numeralOf, printReal, realIn } from './numeral.ts'

/** From one storage class to another: affinity, CAST, and what operators make of their operands. */

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Bytes that are no UTF-8 reach JS as this, and which they were is lost. */
export const BROKEN = '\ufffd'
/** What SQLite's own functions do not take as it is: NUL ends a text, and of the last two points of the plane they make the first. */
const ODD = /[\0\ufffd-\uffff]/

export const isInteger = (cell: Cell): cell is number | bigint =>
  typeof cell === 'bigint' || Number.isSafeInteger(cell)

export type Truth = boolean | null | Unknown

/** What WHERE makes of a value. */
export function truth(cell: Cell): Truth {
  if (cell === null || cell === UNKNOWN) return cell
  if (typeof cell === 'string' || cell instanceof Uint8Array) {
    const value = realIn(asText(cell))
    // Only what has more than 15 digits is not told exactly.
    return value === UNKNOWN || value !== 0
  }
  const value = plain(cell)
  return value !== 0 && value !== 0n
}

/** A number is looked for at the head of a blob as in a text. */
function asText(value: string | Uint8Array): string {
  return typeof value === 'string' ? value : latin1(value)
}

function latin1(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

/** As an operand of arithmetic: a number, NULL or UNKNOWN. */
export function toNumber(cell: Cell): number | bigint | Real | null | Unknown {
  return typeof cell === 'string' || cell instanceof Uint8Array
    ? (numberIn(asText(cell)) as number | bigint | Real | Unknown)
    : cell
}

/** As a REAL; only the number counts, not its class. */
export function toReal(cell: Cell): number | null | Unknown {
  if (typeof cell === 'string' || cell instanceof Uint8Array) return realIn(asText(cell))
  const value = plain(cell)
  return typeof value === 'bigint' ? Number(value) : (value as number | null | Unknown)
}

/** As an INTEGER: cut, and held within 64 bits. */
export function toInteger(cell: Cell): number | bigint | null | Unknown {
  if (typeof cell === 'string' || cell instanceof Uint8Array) return integerIn(asText(cell))
  const value = plain(cell)
  if (typeof value !== 'number' || Number.isSafeInteger(value))
    return value as number | bigint | null | Unknown
  if (value >= 2 ** 63) return MAX_INT64
  return value <= -(2 ** 63) ? MIN_INT64 : fromBigInt(BigInt(Math.trunc(value)))
}

/** As TEXT. Of a blob the bytes, where they are UTF-8. */
export function toText(cell: Cell): string | null | Unknown {
  if (typeof cell === 'string' || cell === null || cell === UNKNOWN) return cell
  if (cell instanceof Real) return cell.sure ? printReal(cell.value) : UNKNOWN
  if (cell instanceof Uint8Array) {
    try {
      return decoder.decode(cell)
    } catch {
      return UNKNOWN
    }
  }
  return isInteger(cell) ? String(cell) : printReal(cell)
}

/** As the argument of a function that reads text. */
export function toPlainText(cell: Cell): string | null | Unknown {
  const text = toText(cell)
  return typeof text === 'string' && ODD.test(text) ? UNKNOWN : text
}

/** As a BLOB. */
export function toBytes(cell: Cell): Uint8Array | null | Unknown {
  if (cell instanceof Uint8Array) return cell
  const text = toText(cell)
  if (typeof text !== 'string') return text
  return text.includes(BROKEN) ? UNKNOWN : encoder.encode(text)
}

export function cast(cell: Cell, affinity: Affinity): Cell {
  if (cell === null || cell === UNKNOWN) return cell
  switch (affinity) {
    case 'TEXT':
      return toText(cell)
    case 'BLOB':
      return toBytes(cell)
    case 'INTEGER':
      return toInteger(cell)
    case 'REAL': {
      const value = toReal(cell)
      return value === UNKNOWN || value === null ? value : real(value)
    }
    case 'NUMERIC': {
      if (typeof cell !== 'string' && !(cell instanceof Uint8Array)) return cell
      const number = toNumber(cell)
      // A text that is written as a REAL becomes an INTEGER where it is one of 52 bits; a number stays what it is.
      return number instanceof Real && number.value >= -(2 ** 51) && number.value < 2 ** 51
        ? number.value
        : number
    }
  }
}

/** The value as a column of this affinity stores it. */
export function stored(value: SqlValue, affinity: Affinity): Value {
  switch (affinity) {
    case 'BLOB':
      return value
    case 'TEXT':
      return typeof value === 'number' || typeof value === 'bigint' ? toText(value) : value
    case 'REAL': {
      const number = typeof value === 'string' ? numeralOf(value) : value
      if (number === undefined) return value
      const held = plain(number)
      return typeof held === 'bigint' ? Number(held) : held === 0 ? 0 : held
    }
    case 'INTEGER':
    case 'NUMERIC': {
      const number = typeof value === 'string' ? numeralOf(value) : value
      if (number === undefined) return value
      const held = plain(number)
      if (held === 0) return 0
      return typeof held === 'number' && Number.isInteger(held) && Math.abs(held) < 2 ** 63
        ? fromBigInt(BigInt(held))
        : held
    }
  }
}
