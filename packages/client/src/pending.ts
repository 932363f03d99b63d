import {
  encodeKey,
  type Operation,
  type RowKey,
  type SqlValue,
  type TableInfo,
  type WriteId,
} from '@millrace/protocol'
import { type Image, UNKNOWN, type Value } from './expression/cell.ts'
import { stored } from './expression/convert.ts'

/** A pending write's change of one row. Values are as the columns will store them, or UNKNOWN. */
export type RowOperation =
  | { readonly write: WriteId; readonly type: 'insert'; readonly values: readonly Value[] }
  | { readonly write: WriteId; readonly type: 'patch'; readonly values: ReadonlyMap<number, Value> }
  | { readonly write: WriteId; readonly type: 'delete' }

/** The rows of one table that pending writes touch, each with its operations in the order of the writes. */
export interface TableOverlay {
  readonly table: TableInfo
  readonly rows: ReadonlyMap<RowKey, readonly RowOperation[]>
  /** Writes whose effect on this table cannot be told row by row. */
  readonly unpredicted: ReadonlySet<WriteId>
}

interface MutableOverlay extends TableOverlay {
  readonly rows: Map<RowKey, readonly RowOperation[]>
  readonly unpredicted: Set<WriteId>
}

/** Which rows of which tables something concerned. */
export type Touched = Map<string, Set<RowKey>>

/** The writes that are not settled, as operations on rows. Any of them can be withdrawn from the middle. */
export class PendingWrites {
  readonly #tables: (name: string) => TableInfo | undefined
  readonly #overlays = new Map<string, MutableOverlay>()
  /** By write, the rows that it touches. */
  readonly #touched = new Map<WriteId, Touched>()

  constructor(tables: (name: string) => TableInfo | undefined) {
    this.#tables = tables
  }

  /** The tables that some pending write touches. */
  get tables(): Iterable<string> {
    return this.#overlays.keys()
  }

  overlay(table: string): TableOverlay | undefined {
    return this.#overlays.get(table)
  }

  /** Adds a write and tells which rows it touches. */
  add(write: WriteId, operations: readonly Operation[]): Touched {
    const touched: Touched = new Map()
    for (const operation of operations) {
      // What SQL text does is the engine's to say.
      if (operation.type === 'exec') continue
      const table = this.#tables(operation.table)
      if (table === undefined) continue
      const overlay = this.#overlayOf(table)
      const keys = touched.get(table.name) ?? new Set()
      touched.set(table.name, keys)
      const change = rowOperation(write, table, operation)
      if (change === undefined) {
        overlay.unpredicted.add(write)
        continue
      }
      const { key, row } = change
      overlay.rows.set(key, [...(overlay.rows.get(key) ?? []), row])
      keys.add(key)
    }
    this.#touched.set(write, touched)
    return touched
  }

  /** Withdraws a write, settled or rejected, and tells which rows it touched. */
  remove(write: WriteId): Touched {
    const touched: Touched = this.#touched.get(write) ?? new Map()
    this.#touched.delete(write)
    for (const [table, keys] of touched) {
      const overlay = this.#overlays.get(table)
      if (overlay === undefined) continue
      overlay.unpredicted.delete(write)
      for (const key of keys) {
        const left = (overlay.rows.get(key) ?? []).filter((operation) => operation.write !== write)
        if (left.length === 0) overlay.rows.delete(key)
        else overlay.rows.set(key, left)
      }
      if (overlay.rows.size === 0 && overlay.unpredicted.size === 0) this.#overlays.delete(table)
    }
    return touched
  }

  #overlayOf(table: TableInfo): MutableOverlay {
    let overlay = this.#overlays.get(table.name)
    if (overlay === undefined) {
      overlay = { table, rows: new Map(), unpredicted: new Set() }
      this.#overlays.set(table.name, overlay)
    }
    return overlay
  }
}

/** An operation by row; undefined where triggers, made-up keys or a moved key leave its effect to the engine. */
function rowOperation(
  write: WriteId,
  table: TableInfo,
  operation: Exclude<Operation, { type: 'exec' }>,
): { key: RowKey; row: RowOperation } | undefined {
  if (table.key.length === 0 || table.unpredictable) return undefined
  switch (operation.type) {
    case 'insert': {
      const values = table.columns.map((column): Value => {
        const given = operation.row[column.name]
        if (given !== undefined) return stored(given, column.affinity)
        return column.default === undefined ? UNKNOWN : stored(column.default, column.affinity)
      })
      const key = keyOf(
        table,
        table.key.map((column) => values[column] as Value),
      )
      return key === undefined ? undefined : { key, row: { write, type: 'insert', values } }
    }
    case 'update': {
      const values = new Map<number, Value>()
      for (const [name, value] of Object.entries(operation.patch)) {
        const index = table.columns.findIndex((column) => column.name === name)
        const column = table.columns[index]
        if (column === undefined || table.key.includes(index)) return undefined
        values.set(index, stored(value, column.affinity))
      }
      const key = keyOf(table, storedKey(table, operation.key))
      return key === undefined ? undefined : { key, row: { write, type: 'patch', values } }
    }
    case 'delete': {
      const key = keyOf(table, storedKey(table, operation.key))
      return key === undefined ? undefined : { key, row: { write, type: 'delete' } }
    }
  }
}

function storedKey(table: TableInfo, key: readonly SqlValue[]): Value[] {
  return table.key.map((column, i) => stored(key[i] as SqlValue, table.columns[column]?.affinity ?? 'BLOB'))
}

/** Undefined where a part is unknown, or NULL: a key that is made up. */
function keyOf(table: TableInfo, values: readonly Value[]): RowKey | undefined {
  if (values.some((value) => value === UNKNOWN || value === null)) return undefined
  return encodeKey(values as SqlValue[], table.keyCollations)
}

/** One row with all pending operations applied. */
export type RowState =
  | { readonly exists: false }
  | {
      readonly exists: true
      readonly image: Image
      /** Columns that a pending write gave a value; null where the whole row is a pending insert. */
      readonly changed: ReadonlySet<number> | null
    }

/**
 * Applies pending operations to a row. `before`: what the engine knows of it; undefined where this client has not seen
 * the row, so that it may or may not be there.
 */
export function fold(before: Image | undefined, operations: readonly RowOperation[]): RowState {
  let exists: boolean | undefined = before === undefined ? undefined : true
  let image: Image = before ?? (() => UNKNOWN)
  let changed: Set<number> | null = new Set()
  for (const operation of operations) {
    switch (operation.type) {
      case 'insert':
        // The row is there already: the insert was applied before (a write sent again), or will be refused.
        if (exists === true) break
        exists = true
        image = (_, column) => operation.values[column] ?? null
        changed = null
        break
      case 'patch': {
        if (exists === false) break
        const under = image
        image = (source, column) => {
          const value = operation.values.get(column)
          return value === undefined ? under(source, column) : value
        }
        if (changed !== null) for (const column of operation.values.keys()) changed.add(column)
        break
      }
      case 'delete':
        exists = false
        break
    }
  }
  return exists === false ? { exists } : { exists: true, image, changed }
}
