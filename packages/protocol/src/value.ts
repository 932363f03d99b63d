import { MillraceError } from './error.ts'

/**
 * A value as SQLite stores it. Integers within ±(2^53 − 1) are `number`, integers beyond are `bigint`,
 * REAL is `number`, TEXT is `string`, BLOB is `Uint8Array`.
 */
export type SqlValue = null | number | bigint | string | Uint8Array

/** What may be given as a parameter or a column's value: a SQL value, or a boolean, which is stored as 1 or 0. */
export type Bindable = SqlValue | boolean

/** The collating sequences that SQLite has built in. */
export type Collation = 'BINARY' | 'NOCASE' | 'RTRIM'

/** The affinity of a column: what SQLite converts a value to when it is stored (sqlite.org/datatype3.html). */
export type Affinity = 'INTEGER' | 'REAL' | 'NUMERIC' | 'TEXT' | 'BLOB'

const LONE_SURROGATE = /\p{Surrogate}/u
const LONE_SURROGATES = /\p{Surrogate}/gu
const MAX_INT64 = 0x7fff_ffff_ffff_ffffn
const MIN_INT64 = -0x8000_0000_0000_0000n

/**
 * The value as SQLite will hold it: booleans become 1 or 0, bigints within the safe range become numbers, half a
 * surrogate pair becomes U+FFFD.
 * `where` names the parameter or column in the error.
 * @throws MillraceError `INVALID_VALUE` for anything SQLite cannot hold: NaN, undefined, Date, object, function, a bigint beyond 64 bits.
 */
export function toSqlValue(value: unknown, where: string): SqlValue {
  switch (typeof value) {
    case 'string':
      // Half a surrogate pair has no UTF-8: it is stored as U+FFFD, as every encoder of the web does.
      return LONE_SURROGATE.test(value) ? value.replace(LONE_SURROGATES, '\ufffd') : value
    case 'number':
      if (Number.isNaN(value)) throw invalid('NaN', where, 'SQLite has no NaN; give null or a number')
      return Object.is(value, -0) ? 0 : value
    case 'boolean':
      return value ? 1 : 0
    case 'bigint':
      if (value > MAX_INT64 || value < MIN_INT64) {
        throw invalid(
          `the bigint ${value}`,
          where,
          'SQLite integers have 64 bits; store it as text if it must be exact',
        )
      }
      return fromBigInt(value)
    case 'object':
      if (value === null) return null
      if (value instanceof Uint8Array) return value
      if (value instanceof Date) {
        throw invalid(
          `the Date ${String(value)}`,
          where,
          'give date.toISOString() for text, or date.getTime() for milliseconds',
        )
      }
      if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
        throw invalid(nameOf(value), where, 'give bytes as a Uint8Array')
      }
      if (Array.isArray(value) && where.startsWith('parameter'))
        throw invalid(
          nameOf(value),
          where,
          'a list is written with sql.in(ids) behind IN; to store it as JSON text give JSON.stringify(value)',
        )
      throw invalid(nameOf(value), where, 'give JSON.stringify(value) to store it as JSON text')
    case 'undefined':
      throw invalid('undefined', where, 'give null for SQL NULL')
    default:
      throw invalid(
        `a ${typeof value}`,
        where,
        'give null, a number, a bigint, a string, a boolean or a Uint8Array',
      )
  }
}

/** An integer as it is shown: a number where that is exact, else a bigint. */
export function fromBigInt(value: bigint): number | bigint {
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value
}

function nameOf(value: object): string {
  const name = (value.constructor as { name?: string } | undefined)?.name ?? 'object'
  return Array.isArray(value) ? 'an array' : `an object (${name})`
}

function invalid(what: string, where: string, todo: string): MillraceError {
  return new MillraceError('INVALID_VALUE', `SQLite cannot hold ${what}, given for ${where}: ${todo}.`)
}

/** SQLite's storage classes in their sort order: NULL, numbers, text, blobs. */
function rank(value: SqlValue): number {
  if (value === null) return 0
  switch (typeof value) {
    case 'number':
    case 'bigint':
      return 1
    case 'string':
      return 2
    default:
      return 3
  }
}

/**
 * SQLite's order of two values: NULL < numbers < text < blobs; text by its UTF-8 bytes after the collation,
 * blobs by bytes. Negative, zero or positive. Equal by this order is `IS` in SQL.
 */
export function compareValues(a: SqlValue, b: SqlValue, collation: Collation = 'BINARY'): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b || (a === b ? 0 : a < b ? -1 : 1)
  const byRank = rank(a) - rank(b)
  if (byRank !== 0) return byRank
  if (a === null) return 0
  if (typeof a === 'string') return compareText(collate(a, collation), collate(b as string, collation))
  if (a instanceof Uint8Array) return compareBytes(a, b as Uint8Array)
  // Mixed number and bigint: JS compares them by mathematical value, as SQLite does.
  const right = b as number | bigint
  return a < right ? -1 : a > right ? 1 : 0
}

/** The text that stands for `text` under a collation: texts are equal by the collation iff these are the same. */
export function collate(text: string, collation: Collation): string {
  switch (collation) {
    case 'BINARY':
      return text
    case 'NOCASE': {
      const nul = text.indexOf('\0')
      // SQLite's NOCASE looks no further than a NUL, and then at the length in bytes only.
      if (nul !== -1) return foldCase(text.slice(0, nul)) + '\0'.repeat(utf8Length(text.slice(nul)))
      return foldCase(text)
    }
    case 'RTRIM':
      return text.endsWith(' ') ? text.replace(/ +$/, '') : text
  }
}

/** ASCII only, as SQLite does; toLowerCase() would also fold É. */
function foldCase(text: string): string {
  return /[A-Z]/.test(text) ? text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text
}

function utf8Length(text: string): number {
  let bytes = 0
  for (const character of text) {
    const point = character.codePointAt(0) as number
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x1_0000 ? 3 : 4
  }
  return bytes
}

/** Order by UTF-8 bytes, which is the order of code points; UTF-16 units differ from it at surrogates. */
function compareText(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    const xHigh = x >= 0xd800 && x <= 0xdfff
    const yHigh = y >= 0xd800 && y <= 0xdfff
    if (xHigh !== yHigh) return xHigh ? 1 : -1
    return x - y
  }
  return a.length - b.length
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** The same value to the bit, so that showing one for the other changes nothing: storage class, number, text, bytes. */
export function identical(a: SqlValue, b: SqlValue): boolean {
  if (a === b) return true
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b) === 0
  return false
}

/** `identical` over two rows of the same width. */
export function identicalRows(a: readonly SqlValue[], b: readonly SqlValue[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) {
    if (!identical(a[i] as SqlValue, b[i] as SqlValue)) return false
  }
  return true
}

/** The identity of a row or group in one result: its key values in one string. Made only by {@link encodeKey}. */
export type RowKey = string & { readonly RowKey: unique symbol }

/**
 * One string for the values of a key, the same for values that SQLite holds equal: 1 and 1.0, and texts that are
 * equal by the collation. Different values never meet, whatever characters they contain.
 */
export function encodeKey(values: readonly SqlValue[], collations?: readonly Collation[]): RowKey {
  if (values.length === 1) return encodeOne(values[0] as SqlValue, collations?.[0]) as RowKey
  let key = ''
  for (let i = 0; i < values.length; i++) key += `${encodeOne(values[i] as SqlValue, collations?.[i])};`
  return key as RowKey
}

function encodeOne(value: SqlValue, collation: Collation = 'BINARY'): string {
  if (value === null) return '0'
  switch (typeof value) {
    case 'number':
      // Above 2^53 a double prints in its shortest form, a bigint in full: bring both to the bigint's digits.
      return Number.isInteger(value) && !Number.isSafeInteger(value) && value >= -(2 ** 63) && value < 2 ** 63
        ? `n${BigInt(value)}`
        : `n${value}`
    case 'bigint':
      return `n${value}`
    case 'string': {
      const text = collate(value, collation)
      return `t${text.length}:${text}`
    }
    default: {
      let hex = 'x'
      for (const byte of value) hex += byte.toString(16).padStart(2, '0')
      return hex
    }
  }
}

/** WHATWG's latin1 has another character for each byte, and is native: megabytes take a millisecond. */
const characters = new TextDecoder('latin1')

/**
 * One string for the parameters of a query: the same for the same values, another where a value differs in storage class
 * or bytes. Unlike {@link encodeKey}, which takes 1 and 1.0 for one.
 */
export function identifyParameters(parameters: readonly SqlValue[]): string {
  let identity = ''
  for (const value of parameters) {
    if (value instanceof Uint8Array) identity += `blob${value.byteLength}:${characters.decode(value)};`
    else if (typeof value === 'string') identity += `text${value.length}:${value};`
    else identity += `${typeof value}${value};`
  }
  return identity
}
