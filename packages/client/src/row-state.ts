import type { WriteId } from '@millrace/protocol'
import { UNKNOWN, type Value } from './expression/cell.ts'
import type { RowImage } from './row-cache.ts'

/** A pending write's change of one row. Values are as the columns will store them, or UNKNOWN. */
export type RowOperation = RowChange & { readonly write: WriteId }

export type RowChange =
  | { readonly type: 'insert'; readonly values: readonly Value[] }
  | { readonly type: 'patch'; readonly values: ReadonlyMap<number, Value> }
  | { readonly type: 'delete' }

/** Some columns of a table, by their positions. */
export interface Columns {
  readonly size: number
  has(column: number): boolean
  keys(): Iterable<number>
}

/** One row with all pending operations applied. */
export type RowState =
  | { readonly exists: false; readonly isNew: boolean }
  | {
      readonly exists: true
      /** Without the pending writes it is not there. */
      readonly isNew: boolean
      readonly image: RowImage
      /** Columns that a pending write gave a value; null where the whole row is a pending insert. */
      readonly changed: Columns | null
    }

/** A row with some operations applied, to which others can be. */
export interface Fold {
  readonly exists: boolean
  /** False where it may not be there, for this client has not seen it. */
  readonly isSure: boolean
  readonly isNew: boolean
  readonly isInserted: boolean
  /** What it was, or was inserted as. */
  readonly under: RowImage
  /** What was given to columns after that. */
  readonly values: ReadonlyMap<number, Value>
  readonly image: RowImage
  readonly changed: Columns | null
}

const NONE: ReadonlyMap<number, Value> = new Map()
const UNSEEN: RowImage = () => UNKNOWN

/** A row that no pending write touches. */
export function untouched(image: RowImage): RowState {
  return { exists: true, isNew: false, image, changed: NONE }
}

/**
 * Applies pending operations to a row. `before`: what the engine knows of it; undefined where this client has not seen
 * the row, so that it may or may not be there.
 */
export function fold(before: RowImage | undefined, operations: readonly RowOperation[]): Fold {
  const image = before ?? UNSEEN
  let state: Fold = {
    exists: true,
    isSure: before !== undefined,
    isNew: false,
    isInserted: false,
    under: image,
    values: NONE,
    image,
    changed: NONE,
  }
  for (const operation of operations) state = folded(state, operation)
  return state
}

/** With one operation more. */
export function folded(row: Fold, operation: RowOperation): Fold {
  switch (operation.type) {
    case 'insert': {
      // The row is there already: the insert was applied before (a write sent again), or will be refused.
      if (row.exists && row.isSure) return row
      const { values } = operation
      const under: RowImage = (column) => values[column] ?? null
      // Not seen, and inserted: it was not there.
      const isNew = row.isNew || row.exists
      return {
        exists: true,
        isSure: true,
        isNew,
        isInserted: true,
        under,
        values: NONE,
        image: under,
        changed: null,
      }
    }
    case 'patch': {
      if (!row.exists) return row
      const { under } = row
      let values: ReadonlyMap<number, Value> = operation.values
      if (row.values.size > 0) {
        const both = new Map(row.values)
        for (const [column, value] of operation.values) both.set(column, value)
        values = both
      }
      const image: RowImage = (column) => {
        const value = values.get(column)
        return value === undefined ? under(column) : value
      }
      return { ...row, values, image, changed: row.isInserted ? null : values }
    }
    case 'delete':
      return { ...row, exists: false }
  }
}
