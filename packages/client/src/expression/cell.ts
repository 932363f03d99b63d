import type { Affinity, SqlValue } from '@millrace/protocol'

/*
 * What an expression is evaluated to. SQLite tells 1 from 1.0 where it divides, prints or casts; JS, and so the wire,
 * does not. Inside an expression the storage class is therefore kept:
 *
 *   INTEGER   a number that is a safe integer, or a bigint beyond
 *   REAL      any other number, or a `Real` where it holds a safe integer
 *   TEXT      string        BLOB  Uint8Array        NULL  null
 */

export const UNKNOWN: unique symbol = Symbol('unknown')
export type Unknown = typeof UNKNOWN
export type Value = SqlValue | Unknown

/** What is known of the rows that an expression looks at: the value of each column by its source and position. */
export type Image = (source: number, column: number) => Value

/** An expression, made ready: called for each row. */
export type Evaluate<Result> = (image: Image, parameters: readonly SqlValue[]) => Result

/** A whole number that is a REAL; or where not `sure`, from a column without a type, an INTEGER or a REAL. */
export class Real {
  readonly value: number
  readonly sure: boolean

  constructor(value: number, sure = true) {
    this.value = value
    this.sure = sure
  }
}

export type Cell = Value | Real

/** A REAL. NaN is NULL to SQLite, and −0.0 is 0.0 wherever it can be seen. */
export function real(value: number): Cell {
  if (Number.isSafeInteger(value)) return new Real(value + 0)
  return Number.isNaN(value) ? null : value
}

/** The value of a column: which class a whole number has, its affinity tells. */
export function cellOf(value: Value, affinity: Affinity): Cell {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) return value
  return affinity === 'REAL' || affinity === 'BLOB' ? new Real(value, affinity === 'REAL') : value
}

export function plain(cell: Cell): Value {
  return cell instanceof Real ? cell.value : cell
}
