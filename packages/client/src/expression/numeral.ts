import { fromBigInt } from '@millrace/protocol'
import { type Cell, real, UNKNOWN, type Unknown } from './cell.ts'

/*
 * How SQLite 3.44 reads and prints numbers. It scales REALs by powers of ten in numbers of 113 bits, where JS rounds the
 * exact value once: the two agree but where a text lies exactly between two numbers of 53 bits, and that is told apart.
 */

/** SQLite's idea of a space: tab to carriage return, and the space. */
const NUMERAL = /^[\t-\r ]*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d*))?[\t-\r ]*/
const INTEGER = /^[\t-\r ]*([+-]?\d*)/
export const MAX_INT64 = 0x7fff_ffff_ffff_ffffn
export const MIN_INT64 = -0x8000_0000_0000_0000n
/** From here on SQLite does not take another digit: it would not fit into 64 bits. */
const FULL = 1844674407370955160n

/** `whole`: nothing but a number. `isReal`: written with a point or an exponent, as far as it goes. */
function shapeOf(text: string): { whole: boolean; isReal: boolean; parts: RegExpExecArray } {
  const parts = NUMERAL.exec(text) as RegExpExecArray
  const [all, , integer, fraction, exponent] = parts
  const hasDigits = integer !== '' || (fraction ?? '') !== ''
  const valid = exponent === undefined || /\d/.test(exponent)
  const point = fraction !== undefined
  const isReal = hasDigits && (point || exponent !== undefined) && (valid || point)
  return { whole: hasDigits && valid && all.length === text.length, isReal, parts }
}

/** The integer at the head of a text, held within 64 bits; 0 where there is none. */
export function integerIn(text: string): number | bigint {
  const value = digitsIn(text)
  return fromBigInt(value > MAX_INT64 ? MAX_INT64 : value < MIN_INT64 ? MIN_INT64 : value)
}

function digitsIn(text: string): bigint {
  const digits = (INTEGER.exec(text) as RegExpExecArray)[1]?.replace('+', '') as string
  if (!/\d/.test(digits)) return 0n
  return digits.startsWith('-') ? -BigInt(digits.slice(1)) : BigInt(digits)
}

const fits = (value: bigint) => value <= MAX_INT64 && value >= MIN_INT64

/** The number at the head of a text, in double precision. */
export function realIn(text: string): number | Unknown {
  const [, sign, integer = '', fraction = '', exponent = ''] = shapeOf(text).parts
  if (integer.length + fraction.length + exponent.length <= 15) {
    return Number(`${sign}${integer}.${fraction}0e${/\d/.test(exponent) ? exponent : 0}`)
  }
  const all = integer + fraction
  const significant = all.replace(/^0+/, '')
  let kept = significant.slice(0, 19)
  if (significant.length > 19 && BigInt(kept) < FULL) kept = significant.slice(0, 20)
  const beforePoint = integer.length - (all.length - significant.length)
  const digits = kept.replace(/0+$/, '')
  const scale = /\d/.test(exponent) ? Math.max(-10_000, Math.min(10_000, Number(exponent))) : 0
  const power = scale + beforePoint - digits.length
  if (digits === '') return sign === '-' ? -0 : 0
  // A tie is a multiple of a power of two, and has more than 15 digits.
  if (digits.length > 15 && power < 0 && power >= -27 && BigInt(digits) % 5n ** BigInt(-power) === 0n)
    return UNKNOWN
  return Number(`${sign}${digits}e${power}`)
}

/** What arithmetic takes a text for: the number at its head, an INTEGER where it is written as one and fits. */
export function numberIn(text: string): Cell {
  if (!shapeOf(text).isReal) {
    const value = digitsIn(text)
    if (fits(value)) return fromBigInt(value)
  }
  const value = realIn(text)
  return value === UNKNOWN ? value : real(value)
}

/** The number that a text is from end to end, which numeric affinity makes of it; undefined where it stays text. */
export function numeralOf(text: string): Cell | undefined {
  return shapeOf(text).whole ? numberIn(text) : undefined
}

/** A REAL as text: printf's %!.15g. */
export function printReal(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? 'Inf' : '-Inf'
  if (value === 0) return '0.0'
  const [mantissa = '', power] = Math.abs(value).toExponential(14).split('e')
  const exponent = Number(power)
  const digits = mantissa.replace('.', '').replace(/0+$/, '')
  const sign = value < 0 ? '-' : ''
  if (exponent < -4 || exponent > 14) {
    const size = String(Math.abs(exponent)).padStart(2, '0')
    return `${sign}${digits[0]}.${digits.slice(1) || '0'}e${exponent < 0 ? '-' : '+'}${size}`
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  const before = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0')
  return `${sign}${before}.${digits.slice(exponent + 1) || '0'}`
}

/** printf's %.Nf. SQLite has 16 digits for it, and zeros behind. */
export function printFixed(value: number, places: number): string | Unknown {
  if (!Number.isFinite(value) || Math.abs(value) >= 1e16) return UNKNOWN
  const text = value.toFixed(places)
  return text.replace(/^-?[0.]*/, '').replace('.', '').length > 16 ? UNKNOWN : text
}
