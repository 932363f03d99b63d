import {
  type Expr,
  encodeKey,
  type Operation,
  type RowKey,
  type SideEffect,
  type SqlValue,
  type TableInfo,
  type WriteId,
} from '@millrace/protocol'
import { cached } from './cached.ts'
import { UNKNOWN, type Value } from './expression/cell.ts'
import { compileCondition } from './expression/compile.ts'
import { stored } from './expression/convert.ts'
import { generatedOf, withGenerated } from './generated.ts'
import { type Fold, fold, folded, type GivenValue, type RowChange, type RowOperation } from './row-state.ts'
import { columnAt } from './table.ts'

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
  state: Fold | undefined
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

/** Rows that something touched, each with those who took it into account so far. */
export interface Touched<S> {
  readonly rows: TouchedRow<S>[]
  /** Tables of which it touched, or no longer touches, rows of which it cannot be told which. */
  readonly untold: Set<string>
}

export interface TouchedRow<S> {
  readonly table: string
  readonly key: RowKey
  readonly concerned: ReadonlySet<S>
}

/**
 * The writes that are not settled, as operations on rows. Adding one looks at no other, and any can be withdrawn from the
 * middle: what others did to the row stays, and so do changes of its other columns from elsewhere.
 */
export class PendingWrites<S> {
  readonly #tables: (name: string) => TableInfo | undefined
  /** By table; none is kept empty. */
  readonly #overlays = new Map<string, MutableOverlay<S>>()
  readonly #touched = new Map<WriteId, Touched<S>>()

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
    const touched: Touched<S> = { rows: [], untold: new Set() }
    this.#touched.set(write, touched)
    for (const operation of operations) {
      if (operation.type === 'exec') {
        this.#addExec(write, execute(operation), touched)
        continue
      }
      const table = this.#tables(operation.table)
      if (table === undefined) continue
      const change = rowOperation(table, operation)
      // Rows that it takes away, or leaves as they are, are SQLite's to name.
      if (change === undefined || table.replaces) this.#addUntold(write, table, touched)
      if (change !== undefined) this.#append(touched, table, change.key, { ...change.row, write })
      if (table.sideEffects.length > 0)
        this.#addSideEffects(write, table, eventOf(table, operation, change?.row), touched)
    }
    return touched
  }

  #addExec(write: WriteId, done: ReturnType<Execute>, touched: Touched<S>): void {
    // Rows that nobody here has seen may be among those that it changes.
    for (const name of done.type === 'unknown' ? done.tables : [done.table]) {
      const table = this.#tables(name)
      if (table === undefined) continue
      this.#addUntold(write, table, touched)
      if (done.type !== 'unknown')
        for (const [key, change] of done.rows) this.#append(touched, table, key, { ...change, write })
      const type = done.type === 'unknown' ? 'any' : done.type
      this.#addSideEffects(write, table, { type, columns: null, row: undefined }, touched)
    }
  }

  #addUntold(write: WriteId, table: TableInfo, touched: Touched<S>): void {
    touched.untold.add(table.name)
    this.#overlayOf(table).unpredicted.add(write)
  }

  #append(touched: Touched<S>, table: TableInfo, key: RowKey, operation: RowOperation): void {
    const { rows } = this.#overlayOf(table)
    let pending = rows.get(key)
    if (pending === undefined) {
      pending = { operations: [], concerned: new Set(), state: undefined }
      rows.set(key, pending)
    }
    const { operations, concerned } = pending
    // A write may change one row several times.
    if (operations.at(-1)?.write !== operation.write) touched.rows.push({ table: table.name, key, concerned })
    operations.push(operation)
    if (pending.state !== undefined) pending.state = folded(pending.state, operation)
  }

  /** Only the engine knows what triggers and foreign keys do to a table. */
  #addSideEffects(write: WriteId, { sideEffects }: TableInfo, event: RowEvent, touched: Touched<S>): void {
    for (const effect of sideEffects) {
      if (!mayFire(effect, event)) continue
      for (const name of effect.tables) {
        const table = this.#tables(name)
        if (table !== undefined) this.#addUntold(write, table, touched)
      }
    }
  }

  /** Withdraws a write, settled or rejected, and tells which rows it touched. */
  remove(write: WriteId): Touched<S> {
    const touched = this.#touched.get(write) ?? { rows: [], untold: new Set() }
    this.#touched.delete(write)
    for (const { table, key } of touched.rows) {
      const overlay = this.#overlays.get(table)
      if (overlay === undefined) continue
      withdraw(overlay.rows, key, write)
      this.#drop(overlay)
    }
    for (const table of touched.untold) {
      const overlay = this.#overlays.get(table)
      overlay?.unpredicted.delete(write)
      if (overlay !== undefined) this.#drop(overlay)
    }
    return touched
  }

  #drop({ table, rows, unpredicted }: TableOverlay<S>): void {
    if (rows.size === 0 && unpredicted.size === 0) this.#overlays.delete(table.name)
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

function withdraw<S>(rows: Map<RowKey, PendingRow<S>>, key: RowKey, write: WriteId): void {
  const pending = rows.get(key)
  if (pending === undefined) return
  const operations = pending.operations.filter((operation) => operation.write !== write)
  if (operations.length === 0) rows.delete(key)
  else rows.set(key, { operations, concerned: pending.concerned, state: undefined })
}

/** A change of rows of a table, as triggers see it. */
interface RowEvent {
  readonly type: SideEffect['on'] | 'any'
  /** The columns that an update sets. Null: not known, or no update. */
  readonly columns: readonly number[] | null
  readonly row: RowChange | undefined
}

function eventOf(
  table: TableInfo,
  operation: Exclude<Operation, { type: 'exec' }>,
  row: RowChange | undefined,
): RowEvent {
  const columns =
    operation.type === 'update'
      ? Object.keys(operation.patch).map((name) => columnAt(table, name) ?? -1)
      : null
  return { type: table.replaces ? 'any' : operation.type, columns, row }
}

function mayFire({ on, of, when }: SideEffect, { type, columns, row }: RowEvent): boolean {
  if (type === 'any') return true
  if (type !== on) return false
  if (of !== null && columns !== null && !of.some((column) => columns.includes(column))) return false
  if (when === null || row === undefined || row.type === 'delete') return true
  // The row before the write is not known here.
  const { image } = fold(undefined, [{ ...row, write: NO_WRITE }])
  const holds = conditionOf(when)((source, column) => (source === 0 ? image(column) : UNKNOWN), [])
  return holds === true || holds === UNKNOWN
}

const NO_WRITE = 0 as WriteId

const conditionOf = cached((when: Expr) => compileCondition(when))

/** An operation by row; undefined where a made-up or moved key leaves its effect to the engine. */
function rowOperation(
  table: TableInfo,
  operation: Exclude<Operation, { type: 'exec' }>,
): { key: RowKey; row: RowChange } | undefined {
  if (table.key.length === 0) return undefined
  switch (operation.type) {
    case 'insert': {
      const values = table.columns.map((column): GivenValue => {
        const given = Object.hasOwn(operation.row, column.name) ? operation.row[column.name] : undefined
        if (given !== undefined) return stored(given, column.affinity)
        return column.default === undefined ? UNKNOWN : stored(column.default, column.affinity)
      })
      for (const { column, value } of generatedOf(table)) values[column] = value
      const key = keyOf(
        table,
        table.key.map((column) => values[column] as Value),
      )
      return key === undefined ? undefined : { key, row: { type: 'insert', values } }
    }
    case 'update': {
      const columns: number[] = []
      const values: Value[] = []
      for (const name of Object.keys(operation.patch)) {
        const index = columnAt(table, name)
        const column = index === undefined ? undefined : table.columns[index]
        if (index === undefined || column === undefined || table.key.includes(index)) return undefined
        columns.push(index)
        values.push(stored(operation.patch[name] as SqlValue, column.affinity))
      }
      const key = keyOf(table, storedKey(table, operation.key))
      return key && { key, row: { type: 'patch', ...withGenerated(table, columns, values) } }
    }
    case 'delete': {
      const key = keyOf(table, storedKey(table, operation.key))
      return key && { key, row: { type: 'delete' } }
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
