import {
  encodeKey,
  type Operation,
  type RowKey,
  type SqlValue,
  type TableInfo,
  type WriteId,
} from '@millrace/protocol'
import { UNKNOWN, type Value } from './expression/cell.ts'
import { stored } from './expression/convert.ts'
import type { RowImage } from './row-cache.ts'

/** A pending write's change of one row. Values are as the columns will store them, or UNKNOWN. */
export type RowOperation = RowChange & { readonly write: WriteId }

export type RowChange =
  | { readonly type: 'insert'; readonly values: readonly Value[] }
  | { readonly type: 'patch'; readonly values: ReadonlyMap<number, Value> }
  | { readonly type: 'delete' }

/** What SQL text does: to which of the rows that are known here; or at least, which tables it may write to. */
export type Execute = (operation: Extract<Operation, { type: 'exec' }>) =>
  | {
      readonly type: 'update' | 'delete'
      readonly table: string
      readonly rows: Iterable<readonly [RowKey, RowChange]>
    }
  | { readonly type: 'unknown'; readonly tables: readonly string[] }

/** A row that pending writes touch. */
export interface PendingRow<S> {
  /** In the order of the writes. */
  readonly operations: RowOperation[]
  /** Who took it into account. */
  readonly concerned: Set<S>
  /** What they make of it; undefined until it is asked for. */
  state: RowState | undefined
}

/** What pending writes do to one table. */
export interface TableOverlay<S = unknown> {
  readonly table: TableInfo
  readonly rows: ReadonlyMap<RowKey, PendingRow<S>>
  /** Writes whose effect on this table cannot be told row by row. */
  readonly unpredicted: ReadonlySet<WriteId>
}

interface MutableOverlay<S> extends TableOverlay<S> {
  readonly rows: Map<RowKey, PendingRow<S>>
  readonly unpredicted: Set<WriteId>
}

/** Which rows of a table something touched, each with those who took it into account so far. */
export interface TouchedTable<S> {
  readonly rows: Map<RowKey, ReadonlySet<S>>
  /** It touched, or no longer touches, rows of which it cannot be told which. */
  untold: boolean
}

export type Touched<S> = Map<string, TouchedTable<S>>

/** The part of it that is of one table. */
export function touchedIn<S>(touched: Touched<S>, table: string): TouchedTable<S> {
  let of = touched.get(table)
  if (of === undefined) {
    of = { rows: new Map(), untold: false }
    touched.set(table, of)
  }
  return of
}

/**
 * The writes that are not settled, as operations on rows. Adding one looks at no other, and any can be withdrawn from the
 * middle: what others did to the row stays, and so do changes of its other columns from elsewhere.
 */
export class PendingWrites<S> {
  readonly #tables: (name: string) => TableInfo | undefined
  /** By table; none is kept empty. */
  readonly #overlays = new Map<string, MutableOverlay<S>>()
  /** By write, the rows that it touches. */
  readonly #touched = new Map<
    WriteId,
    readonly { readonly table: string; readonly keys: readonly RowKey[] }[]
  >()

  constructor(tables: (name: string) => TableInfo | undefined) {
    this.#tables = tables
  }

  overlay(table: string): TableOverlay<S> | undefined {
    return this.#overlays.get(table)
  }

  row(table: string, key: RowKey): PendingRow<S> | undefined {
    return this.#overlays.get(table)?.rows.get(key)
  }

  /** Adds a write and tells which rows it touches. `execute`: what SQL text does to rows that are known. */
  add(write: WriteId, operations: readonly Operation[], execute: Execute): Touched<S> {
    const touched: Touched<S> = new Map()
    const cannotTell = (table: TableInfo) => {
      touchedIn(touched, table.name).untold = true
      this.#overlayOf(table).unpredicted.add(write)
    }
    for (const operation of operations) {
      if (operation.type === 'exec') {
        this.#addExec(write, execute(operation), touched, cannotTell)
        continue
      }
      const table = this.#tables(operation.table)
      if (table === undefined) continue
      const change = rowOperation(write, table, operation)
      if (change === undefined) cannotTell(table)
      else this.#append(touched, table, change.key, change.row)
      this.#spread(table, operation.type, cannotTell)
    }
    const all: { readonly table: string; readonly keys: readonly RowKey[] }[] = []
    for (const [table, { rows }] of touched) all.push({ table, keys: [...rows.keys()] })
    this.#touched.set(write, all)
    return touched
  }

  #addExec(
    write: WriteId,
    done: ReturnType<Execute>,
    touched: Touched<S>,
    cannotTell: (table: TableInfo) => void,
  ): void {
    // Rows that nobody here has seen may be among those that it changes.
    for (const name of done.type === 'unknown' ? done.tables : [done.table]) {
      const table = this.#tables(name)
      if (table === undefined) continue
      cannotTell(table)
      if (done.type !== 'unknown')
        for (const [key, change] of done.rows) this.#append(touched, table, key, { ...change, write })
      this.#spread(table, done.type === 'update' ? 'update' : 'delete', cannotTell)
    }
  }

  #append(touched: Touched<S>, table: TableInfo, key: RowKey, operation: RowOperation): void {
    const concerned = append(this.#overlayOf(table).rows, key, operation)
    touchedIn(touched, table.name).rows.set(key, concerned)
  }

  /** What cascades and triggers do to other tables is the engine's to say. */
  #spread({ changes }: TableInfo, type: Operation['type'], cannotTell: (table: TableInfo) => void): void {
    const spread = (names: readonly string[]) => {
      for (const name of names) {
        const table = this.#tables(name)
        if (table !== undefined) cannotTell(table)
      }
    }
    if (type === 'delete') spread(changes.byDelete)
    spread(changes.byAny)
  }

  /** Withdraws a write, settled or rejected, and tells which rows it touched. */
  remove(write: WriteId): Touched<S> {
    const touched: Touched<S> = new Map()
    for (const { table, keys } of this.#touched.get(write) ?? []) {
      const overlay = this.#overlays.get(table)
      if (overlay === undefined) continue
      const of = touchedIn(touched, table)
      of.untold = overlay.unpredicted.delete(write)
      for (const key of keys) of.rows.set(key, withdraw(overlay.rows, key, write))
      if (overlay.rows.size === 0 && overlay.unpredicted.size === 0) this.#overlays.delete(table)
    }
    this.#touched.delete(write)
    return touched
  }

  #overlayOf(table: TableInfo): MutableOverlay<S> {
    let overlay = this.#overlays.get(table.name)
    if (overlay === undefined) {
      overlay = { table, rows: new Map(), unpredicted: new Set() }
      this.#overlays.set(table.name, overlay)
    }
    return overlay
  }
}

function append<S>(rows: Map<RowKey, PendingRow<S>>, key: RowKey, operation: RowOperation): Set<S> {
  let pending = rows.get(key)
  if (pending === undefined) {
    pending = { operations: [], concerned: new Set(), state: undefined }
    rows.set(key, pending)
  }
  pending.operations.push(operation)
  pending.state = undefined
  return pending.concerned
}

function withdraw<S>(rows: Map<RowKey, PendingRow<S>>, key: RowKey, write: WriteId): ReadonlySet<S> {
  const pending = rows.get(key)
  if (pending === undefined) return new Set()
  const { concerned } = pending
  const operations = pending.operations.filter((operation) => operation.write !== write)
  if (operations.length === 0) rows.delete(key)
  else rows.set(key, { operations, concerned, state: undefined })
  return concerned
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
  | { readonly exists: false; readonly isNew: boolean }
  | {
      readonly exists: true
      /** Without the pending writes it is not there. */
      readonly isNew: boolean
      readonly image: RowImage
      /** Columns that a pending write gave a value; null where the whole row is a pending insert. */
      readonly changed: ReadonlySet<number> | null
    }

const NONE: ReadonlySet<number> = new Set()

/** A row that no pending write touches. */
export function untouched(image: RowImage): RowState {
  return { exists: true, isNew: false, image, changed: NONE }
}

/**
 * Applies pending operations to a row. `before`: what the engine knows of it; undefined where this client has not seen
 * the row, so that it may or may not be there.
 */
export function fold(before: RowImage | undefined, operations: readonly RowOperation[]): RowState {
  let exists: boolean | undefined = before === undefined ? undefined : true
  /** What pending writes gave columns; over it the last insert, else what the row was. */
  let values = new Map<number, Value>()
  let under: RowImage = before ?? (() => UNKNOWN)
  let inserted = false
  let isNew = false
  for (const operation of operations) {
    switch (operation.type) {
      case 'insert':
        // The row is there already: the insert was applied before (a write sent again), or will be refused.
        if (exists === true) break
        isNew ||= exists === undefined
        exists = true
        inserted = true
        values = new Map()
        under = (column) => operation.values[column] ?? null
        break
      case 'patch':
        if (exists === false) break
        for (const [column, value] of operation.values) values.set(column, value)
        break
      case 'delete':
        exists = false
        break
    }
  }
  if (exists === false) return { exists, isNew }
  const image: RowImage =
    values.size === 0
      ? under
      : (column) => {
          const value = values.get(column)
          return value === undefined ? under(column) : value
        }
  return { exists: true, isNew, image, changed: inserted ? null : new Set(values.keys()) }
}
