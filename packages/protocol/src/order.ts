import { type Collation, compareValues, type SqlValue } from './value.ts'

/** One term by which the rows of a result, or the elements of a list, are in order. */
export interface OrderTerm {
  /** The wire column, or the member, that holds the value. */
  readonly column: number
  readonly descending: boolean
  readonly nullsFirst: boolean
  readonly collation: Collation
}

/** SQLite's order of two wire rows. */
export function compareRows(
  terms: readonly OrderTerm[],
  a: readonly SqlValue[],
  b: readonly SqlValue[],
): number {
  for (let i = 0; i < terms.length; i++) {
    const { column, collation, descending, nullsFirst } = terms[i] as OrderTerm
    const x = a[column] as SqlValue
    const y = b[column] as SqlValue
    if (x === y) continue
    if (x === null || y === null) return (x === null) === nullsFirst ? -1 : 1
    const order = compareValues(x, y, collation)
    if (order !== 0) return descending ? -order : order
  }
  return 0
}
