import { type Affinity, fromBigInt, type SqlValue } from '@millrace/protocol'

/*
 * The key of a row as cr-sqlite packs it in `crsql_changes.pk`:
 *
 *     number of columns, then per column    low 3 bits: 1 integer   2 real   3 text   4 blob   5 NULL
 *                                           high 5 bits: how many bytes of integer, or of length, follow
 *
 * all of it big-endian; an integer of fewer than 8 bytes is not negative, and a real has 8 bytes that are not counted.
 */

/** A value of a key with its storage class, for a JS number does not tell 1.0 from 1. */
export interface KeyValue {
  readonly type: 'integer' | 'real' | 'text' | 'blob' | 'null'
  readonly value: SqlValue
}

/**
 * Reads a packed key; undefined where it is malformed. cr-sqlite must not see such a key: at some (no bytes at all, an
 * integer of nine) its reader ends the whole WebAssembly instance, and the text of others it does not check.
 */
export function unpackKey(packed: Uint8Array): readonly KeyValue[] | undefined {
  const reader = new Reader(packed)
  const values: KeyValue[] = []
  for (let left = reader.byte(); left > 0; left--) values.push(reader.value())
  return reader.sound && reader.atEnd ? values : undefined
}

/** What is malformed it reads as NULL or as nothing, and is then no longer sound. */
class Reader {
  readonly #packed: Uint8Array

  #offset = 0
  sound = true

  constructor(packed: Uint8Array) {
    this.#packed = packed
  }

  get atEnd(): boolean {
    return this.#offset === this.#packed.length
  }

  byte(): number {
    return this.#take(1)[0] ?? 0
  }

  value(): KeyValue {
    const header = this.byte()
    const size = header >> 3
    switch (header & 7) {
      case 1:
        return { type: 'integer', value: fromBigInt(this.#integer(size)) }
      case 2:
        return { type: 'real', value: size === 0 ? this.#real() : this.#unsound() }
      case 3:
        return { type: 'text', value: this.#text(this.#length(size)) }
      case 4:
        return { type: 'blob', value: this.#take(this.#length(size)).slice() }
      case 5:
        return { type: 'null', value: size === 0 ? null : this.#unsound() }
      default:
        return { type: 'null', value: this.#unsound() }
    }
  }

  #integer(size: number): bigint {
    if (size > 8) this.#unsound()
    const bytes = new Uint8Array(8)
    const given = this.sound ? this.#take(size) : new Uint8Array()
    bytes.set(given, 8 - given.length)
    return new DataView(bytes.buffer).getBigInt64(0)
  }

  #length(size: number): number {
    if (size > 4) this.#unsound()
    return Number(this.#integer(size))
  }

  #real(): number | null {
    const bytes = new Uint8Array(8)
    bytes.set(this.#take(8))
    const value = new DataView(bytes.buffer).getFloat64(0)
    // SQLite has no NaN: it would take it for NULL.
    return Number.isNaN(value) ? this.#unsound() : value
  }

  #text(length: number): string | null {
    try {
      return decoder.decode(this.#take(length))
    } catch {
      return this.#unsound()
    }
  }

  /** The next bytes; none where there are not so many. */
  #take(length: number): Uint8Array {
    const end = this.#offset + length
    if (end > this.#packed.length) {
      this.#unsound()
      return new Uint8Array()
    }
    const bytes = this.#packed.subarray(this.#offset, end)
    this.#offset = end
    return bytes
  }

  #unsound(): null {
    this.sound = false
    return null
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** What SQLite converts to a number where a column has a numeric affinity: blanks around a decimal literal. */
const NUMERIC_TEXT = /^[ \t-\r]*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?[ \t-\r]*$/i

/**
 * Whether a column stores the value as it is. One that it would convert ('5' in an INTEGER column) is in no honest key,
 * for those are read from the table; cr-sqlite would keep clocks for it beside those of the row that it is in truth.
 */
export function isStoredAsIs({ type, value }: KeyValue, affinity: Affinity): boolean {
  const isNumericText = type === 'text' && NUMERIC_TEXT.test(value as string)
  switch (affinity) {
    case 'TEXT':
      return type !== 'integer' && type !== 'real'
    case 'REAL':
      return type !== 'integer' && !isNumericText
    case 'INTEGER':
    case 'NUMERIC':
      return !isNumericText && !(type === 'real' && isInt64(value as number))
    case 'BLOB':
      return true
  }
}

function isInt64(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) < 2 ** 63
}
