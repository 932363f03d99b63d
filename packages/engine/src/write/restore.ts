import { encodeKey, type Operation, type SqlValue } from '@millrace/protocol'
import { same } from '../compile/names.ts'
import { type Database, quote } from '../database/database.ts'
import { type Catalog, type Table, writableColumns } from '../schema/catalog.ts'
import { type ForeignKey, readForeignKeys } from '../schema/foreign-keys.ts'

/*
 * What a write takes away besides the row that it names: rows and values by actions of foreign keys, and rows that the
 * row replaces. It is read before the write runs, as the operations that put it back. Changes by triggers are not put
 * back: the operations that undo a write fire the triggers again.
 */

export type StoredRow = Readonly<Record<string, SqlValue>>

/** Rows that one operation may take away. A write that takes more away cannot be undone. */
const MAX_RESTORED = 10_000

interface FoundRow {
  readonly row: StoredRow
  /** Names the row among all rows of all tables. */
  readonly id: string
}

interface Losses {
  /** Deleted rows. */
  readonly rows: Map<Table, StoredRow[]>
  /** Updates that set the old values of columns again. */
  readonly updates: Operation[]
  /** Rows that were followed, by id. */
  readonly visited: Set<string>
  count: number
}

/** The losses cannot be read, or are too many. */
class NotRestorable extends Error {}

const NOTHING: readonly Operation[] = []

/** Each method returns what restores the losses, in the order in which it is to run; undefined: the write cannot be undone. */
export class Restorer {
  readonly #database: Database
  readonly #catalog: Catalog
  /** By parent. Read when it is first needed. */
  #foreignKeys: ReadonlyMap<Table, readonly ForeignKey[]> | undefined

  constructor(database: Database, catalog: Catalog) {
    this.#database = database
    this.#catalog = catalog
  }

  /** Of the deletion of a row. */
  lostByDelete(table: Table, row: StoredRow): readonly Operation[] | undefined {
    if (this.#referringTo(table).length === 0) return NOTHING
    return this.#collect((losses) => {
      losses.visited.add(idOf(table, row))
      this.#followDelete(table, row, losses)
    })
  }

  /** Of an update. `readRow` reads the whole row, where that is needed. */
  lostByUpdate(
    table: Table,
    patch: StoredRow,
    readRow: () => StoredRow | undefined,
  ): readonly Operation[] | undefined {
    const emptied = this.#referringTo(table).filter(
      ({ to, onUpdate }) =>
        isEmptying(onUpdate) &&
        to.some(({ name }) => Object.keys(patch).some((column) => same(column, name))),
    )
    if (emptied.length === 0 && !table.info.replaces) return NOTHING
    const row = readRow()
    return (
      row &&
      this.#collect((losses) => {
        losses.visited.add(idOf(table, row))
        for (const foreignKey of emptied) this.#empty(foreignKey, row, losses)
        this.#replace(table, { ...row, ...patch }, losses)
      })
    )
  }

  /** Of an insert: the rows that the new row replaces. */
  lostByInsert(table: Table, row: StoredRow): readonly Operation[] | undefined {
    return table.info.replaces ? this.#collect((losses) => this.#replace(table, row, losses)) : NOTHING
  }

  #collect(find: (losses: Losses) => void): readonly Operation[] | undefined {
    const losses: Losses = { rows: new Map(), updates: [], visited: new Set(), count: 0 }
    try {
      find(losses)
    } catch (error) {
      if (error instanceof NotRestorable) return undefined
      throw error
    }
    // Parents first: a child cannot be inserted before its parent.
    const tables = [...losses.rows].sort(([a], [b]) => this.#depth(a) - this.#depth(b))
    const inserts = tables.flatMap(([table, rows]) =>
      rows.map((row): Operation => ({ type: 'insert', table: table.name, row })),
    )
    return [...inserts, ...losses.updates]
  }

  #followDelete(table: Table, row: StoredRow, losses: Losses): void {
    for (const foreignKey of this.#referringTo(table)) {
      if (isEmptying(foreignKey.onDelete)) this.#empty(foreignKey, row, losses)
      if (foreignKey.onDelete !== 'CASCADE') continue
      for (const child of this.#children(foreignKey, row)) this.#lose(foreignKey.child, child, losses)
    }
  }

  #lose(table: Table, { id, row }: FoundRow, losses: Losses): void {
    if (losses.visited.has(id)) return
    losses.visited.add(id)
    count(losses)
    const rows = losses.rows.get(table) ?? []
    losses.rows.set(table, rows)
    rows.push(row)
    this.#followDelete(table, row, losses)
  }

  #empty(foreignKey: ForeignKey, parent: StoredRow, losses: Losses): void {
    const { child, from } = foreignKey
    for (const { row } of this.#children(foreignKey, parent)) {
      // An update must name the row.
      if (child.info.key.length === 0) throw new NotRestorable()
      count(losses)
      const key = child.key.map(({ name }) => row[name] as SqlValue)
      const patch = Object.fromEntries(from.map((name) => [name, row[name] as SqlValue]))
      losses.updates.push({ type: 'update', table: child.name, key, patch })
    }
  }

  #children({ child, from, to }: ForeignKey, parent: StoredRow): readonly FoundRow[] {
    const columns = from.map((name, i) => ({ name, collation: to[i]?.collation ?? 'BINARY' }))
    return this.#rowsWhere(
      child,
      columns,
      to.map(({ name }) => parent[name] ?? null),
    )
  }

  #replace(table: Table, row: StoredRow, losses: Losses): void {
    if (!table.info.replaces) return
    // Only SQLite knows which rows conflict by an index on an expression or on a part of the rows.
    if (table.coarse || table.partial) throw new NotRestorable()
    for (const unique of [table.key, ...table.unique]) {
      const values = unique.map(({ name }) => row[name] ?? null)
      for (const other of this.#rowsWhere(table, unique, values)) this.#lose(table, other, losses)
    }
  }

  /** The rows that have these values. None has NULL, in the sense of `=`. */
  #rowsWhere(table: Table, columns: Table['key'], values: readonly SqlValue[]): readonly FoundRow[] {
    if (values.includes(null)) return []
    const names = writableColumns(table)
    const rowid = table.byRowid === null ? '' : `, ${table.byRowid}`
    const where = columns.map(({ name, collation }) => `${quote(name)} = ? COLLATE ${collation}`)
    const rows = this.#database.all(
      `SELECT ${names.map(quote).join(', ')}${rowid} FROM ${quote(table.name)} WHERE ${where.join(' AND ')} LIMIT ${MAX_RESTORED + 1}`,
      values,
    )
    return rows.map((values) => {
      const row = storedRow(names, values)
      if (row === undefined) throw new NotRestorable()
      return { row, id: idOf(table, row, values[names.length]) }
    })
  }

  #referringTo(table: Table): readonly ForeignKey[] {
    this.#foreignKeys ??= byParent(readForeignKeys(this.#database, this.#catalog))
    return this.#foreignKeys.get(table) ?? []
  }

  /** The length of the longest chain of foreign keys that starts at the table. A cycle is cut. */
  #depth(table: Table, below: ReadonlySet<Table> = new Set()): number {
    let depth = 0
    for (const [parent, foreignKeys] of this.#foreignKeys ?? []) {
      if (parent === table || below.has(parent) || !foreignKeys.some(({ child }) => child === table)) continue
      depth = Math.max(depth, 1 + this.#depth(parent, new Set([...below, table])))
    }
    return depth
  }
}

/** Undefined: text that is not UTF-8 is read as another text, which would be written back. */
export function storedRow(
  columns: readonly string[],
  values: readonly SqlValue[] | undefined,
): Record<string, SqlValue> | undefined {
  if (values?.every((value) => typeof value !== 'string' || !value.includes('\ufffd')) !== true)
    return undefined
  return Object.fromEntries(columns.map((name, i) => [name, values[i] as SqlValue]))
}

function count(losses: Losses): void {
  if (++losses.count > MAX_RESTORED) throw new NotRestorable()
}

const isEmptying = (action: ForeignKey['onDelete']): boolean =>
  action === 'SET NULL' || action === 'SET DEFAULT'

/** `rowid`: of a table without another key. */
function idOf(table: Table, row: StoredRow, rowid?: SqlValue): string {
  const key = rowid === undefined ? table.key.map(({ name }) => row[name] ?? null) : [rowid]
  return `${table.name}\0${encodeKey(key)}`
}

function byParent(foreignKeys: readonly ForeignKey[]): ReadonlyMap<Table, readonly ForeignKey[]> {
  const grouped = new Map<Table, ForeignKey[]>()
  for (const foreignKey of foreignKeys) {
    const ofParent = grouped.get(foreignKey.parent) ?? []
    grouped.set(foreignKey.parent, ofParent)
    ofParent.push(foreignKey)
  }
  return grouped
}
