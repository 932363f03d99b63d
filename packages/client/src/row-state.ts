import type { WriteId } from '@millrace/protocol'
import { UNKNOWN, type Value } from './expression/cell.ts'
import type { RowImage } from './row-cache.ts'

/** As the column will store it, or UNKNOWN; of a generated column, what it is made of. */
export type GivenValue = Value | ((row: RowImage) => Value)

/** A pending write's change of one row. */
export type RowOperation = RowChange & { readonly write: WriteId }

export type RowChange =
  | { readonly type: 'insert'; readonly values: readonly GivenValue[] }
  | ({ readonly type: 'patch' } & Given)
  | { readonly type: 'delete' }

/** Columns of a table by their positions, each once. */
export type Columns = readonly number[]

/** Values for some columns: few, mostly one. */
interface Given {
  readonly columns: Columns
  /** In the same order. */
  readonly values: readonly GivenValue[]
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
  /** What it was, or was inserted as. */
  readonly under: RowImage
  /** What was given to columns after that. */
  readonly given: Given
  readonly image: RowImage
  readonly changed: Columns | null
}

const NONE: Given = { columns: [], values: [] }
/** A row of which nothing is known. */
export const UNSEEN: RowImage = () => UNKNOWN

/** A row that no pending write touches. */
export function untouched(image: RowImage): RowState {
  return { exists: true, isNew: false, image, changed: NONE.columns }
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
    under: image,
    given: NONE,
    image,
    changed: NONE.columns,
  }
  for (const operation of operations) state = folded(state, operation)
  return state
}

/** With one operation more. */
export function folded(row: Fold, operation: RowOperation): Fold {
  const { exists, isSure, isNew, under } = row
  switch (operation.type) {
    case 'insert': {
      // The row is there already: the insert was applied before (a write sent again), or will be refused.
      if (exists && isSure) return row
      const { values } = operation
      const image: RowImage = (column) => resolved(values[column] ?? null, image)
      // Not seen, and inserted: it was not there.
      const wasNew = isNew || exists
      return { exists: true, isSure: true, isNew: wasNew, under: image, given: NONE, image, changed: null }
    }
    case 'patch': {
      if (!exists) return row
      const given = row.given.columns.length === 0 ? operation : together(row.given, operation)
      const { columns, values } = given
      const image: RowImage = (column) => {
        const at = columns.indexOf(column)
        return at === -1 ? under(column) : resolved(values[at] as GivenValue, image)
      }
      return { exists, isSure, isNew, under, given, image, changed: row.changed === null ? null : columns }
    }
    case 'delete':
      return { ...row, exists: false }
  }
}

/** A generated column is worked out when it is looked at. */
function resolved(value: GivenValue, row: RowImage): Value {
  return typeof value === 'function' ? value(row) : value
}

function together(given: Given, more: Given): Given {
  const columns = given.columns.slice()
  const values = given.values.slice()
  more.columns.forEach((column, i) => {
    const at = columns.indexOf(column)
    if (at === -1) columns.push(column)
    values[at === -1 ? values.length : at] = more.values[i] as GivenValue
  })
  return { columns, values }
}
