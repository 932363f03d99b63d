import { encodeKey, type Operation, type SqlValue } from '@millrace/protocol'
import { same } from '../compile/names.ts'
import { type Database, quote } from '../database/database.ts'
import { type Catalog, findTable, type KeyColumn, type Table } from '../schema/catalog.ts'

/*
 * What a write takes away besides the row that it names: by actions of foreign keys, and where a row replaces others. Read
 * before it runs, as the operations that put it back. What triggers do is not undone: what undoes a write runs them again.
 */

export type StoredRow = Readonly<Record<string, SqlValue>>

/** Rows that one operation may take away for it still to be undone. */
const MAX_RESTORED = 10_000

interface ForeignKey {
  readonly child: Table
  readonly from: readonly string[]
  readonly to: readonly KeyColumn[]
  readonly onUpdate: string
  readonly onDelete: string
}

/** A row with the name by which it is told from others. */
interface Found {
  readonly name: string
  readonly row: StoredRow
}

/** Rows that go, by table, and columns that are emptied. */
interface Losses {
  readonly rows: Map<Table, StoredRow[]>
  readonly patches: Operation[]
  readonly seen: Set<string>
  count: number
}

/** That it cannot be told, or is too much. */
class Untold extends Error {}

export class Restorer {
  readonly #database: Database
  readonly #catalog: Catalog
  /** By the table that they refer to. Read when they are first needed. */
  #foreignKeys: ReadonlyMap<Table, readonly ForeignKey[]> | undefined

  constructor(database: Database, catalog: Catalog) {
    this.#database = database
    this.#catalog = catalog
  }

  /** What the deletion of a row takes away besides; undefined where that cannot be told. */
  beside(table: Table, row: StoredRow): readonly Operation[] | undefined {
    return this.#collect((losses) => {
      losses.seen.add(nameOf(table, row))
      this.#follow(table, row, losses)
    })
  }

  /** What an update of a row takes away: rows that it replaces, and columns that refer to what it changes. */
  byUpdate(table: Table, row: StoredRow, patch: StoredRow): readonly Operation[] | undefined {
    return this.#collect((losses) => {
      losses.seen.add(nameOf(table, row))
      for (const foreignKey of this.#referringTo(table)) {
        const isTouched = foreignKey.to.some(({ name }) => Object.keys(patch).some((one) => same(one, name)))
        if (isTouched && isEmptying(foreignKey.onUpdate)) this.#empty(foreignKey, row, losses)
      }
      this.#replaced(table, { ...row, ...patch }, losses)
    })
  }

  /** The rows that an inserted one replaces, and what goes with them. */
  byInsert(table: Table, row: StoredRow): readonly Operation[] | undefined {
    return this.#collect((losses) => this.#replaced(table, row, losses))
  }

  #collect(find: (losses: Losses) => void): readonly Operation[] | undefined {
    const losses: Losses = { rows: new Map(), patches: [], seen: new Set(), count: 0 }
    try {
      find(losses)
    } catch (error) {
      if (error instanceof Untold) return undefined
      throw error
    }
    // A row stands on those that it refers to.
    const tables = [...losses.rows.keys()].sort((a, b) => this.#depth(a) - this.#depth(b))
    const inserts = tables.flatMap((table) =>
      (losses.rows.get(table) ?? []).map((row): Operation => ({ type: 'insert', table: table.name, row })),
    )
    return [...inserts, ...losses.patches]
  }

  #follow(table: Table, row: StoredRow, losses: Losses): void {
    for (const foreignKey of this.#referringTo(table)) {
      if (isEmptying(foreignKey.onDelete)) this.#empty(foreignKey, row, losses)
      if (foreignKey.onDelete !== 'CASCADE') continue
      for (const child of this.#children(foreignKey, row)) this.#lose(foreignKey.child, child, losses)
    }
  }

  #lose(table: Table, { name, row }: Found, losses: Losses): void {
    if (losses.seen.has(name)) return
    losses.seen.add(name)
    if (++losses.count > MAX_RESTORED) throw new Untold()
    losses.rows.set(table, [...(losses.rows.get(table) ?? []), row])
    this.#follow(table, row, losses)
  }

  #empty(foreignKey: ForeignKey, row: StoredRow, losses: Losses): void {
    const { child, from } = foreignKey
    for (const { row: each } of this.#children(foreignKey, row)) {
      if (child.info.key.length === 0 || ++losses.count > MAX_RESTORED) throw new Untold()
      const key = child.key.map(({ name }) => each[name] as SqlValue)
      const patch = Object.fromEntries(from.map((name) => [name, each[name] as SqlValue]))
      losses.patches.push({ type: 'update', table: child.name, key, patch })
    }
  }

  #children({ child, from, to }: ForeignKey, row: StoredRow): readonly Found[] {
    const values = to.map(({ name }) => row[name] ?? null)
    if (values.includes(null)) return []
    const where = from.map((name, i) => `${quote(name)} = ? COLLATE ${to[i]?.collation ?? 'BINARY'}`)
    return this.#rows(child, where.join(' AND '), values)
  }

  #replaced(table: Table, row: StoredRow, losses: Losses): void {
    if (!table.info.replaces) return
    // Which rows an index on an expression, or on some of the rows, takes for equal is SQLite's to say.
    if (table.coarse || table.partial) throw new Untold()
    for (const unique of [table.key, ...table.unique]) {
      const values = unique.map(({ name }) => row[name])
      if (values.some((value) => value === undefined || value === null)) continue
      const where = unique.map(({ name, collation }) => `${quote(name)} = ? COLLATE ${collation}`)
      for (const other of this.#rows(table, where.join(' AND '), values as SqlValue[]))
        this.#lose(table, other, losses)
    }
  }

  #rows(table: Table, where: string, values: readonly SqlValue[]): readonly Found[] {
    const columns = table.columns.filter(({ generated }) => generated === null).map(({ name }) => name)
    const rowid = table.byRowid === null ? '' : `, ${table.byRowid}`
    const rows = this.#database.all(
      `SELECT ${columns.map(quote).join(', ')}${rowid} FROM ${quote(table.name)} WHERE ${where} LIMIT ${MAX_RESTORED + 1}`,
      values,
    )
    return rows.map((row) => {
      // Text that is no UTF-8 is read as another, which would be put back.
      if (row.some((value) => typeof value === 'string' && value.includes('\ufffd'))) throw new Untold()
      const stored = Object.fromEntries(columns.map((name, i) => [name, row[i] as SqlValue]))
      return { name: nameOf(table, stored, row[columns.length]), row: stored }
    })
  }

  #referringTo(table: Table): readonly ForeignKey[] {
    this.#foreignKeys ??= readForeignKeys(this.#database, this.#catalog)
    return this.#foreignKeys.get(table) ?? []
  }

  /** How many tables in a row one may refer to. */
  #depth(table: Table, above: ReadonlySet<Table> = new Set()): number {
    let depth = 0
    for (const [parent, keys] of this.#foreignKeys ?? []) {
      if (parent === table || above.has(parent) || !keys.some(({ child }) => child === table)) continue
      depth = Math.max(depth, 1 + this.#depth(parent, new Set([...above, table])))
    }
    return depth
  }
}

const isEmptying = (action: string): boolean => action === 'SET NULL' || action === 'SET DEFAULT'

/** `rowid`: of a table whose rows have no other key. */
function nameOf(table: Table, row: StoredRow, rowid?: SqlValue): string {
  const key = rowid === undefined ? table.key.map(({ name }) => row[name] ?? null) : [rowid]
  return `${table.name}\0${encodeKey(key)}`
}

function readForeignKeys(database: Database, catalog: Catalog): ReadonlyMap<Table, readonly ForeignKey[]> {
  const keys = new Map<Table, ForeignKey[]>()
  for (const child of catalog.values()) {
    const parts = new Map<SqlValue, (readonly SqlValue[])[]>()
    for (const part of database.all(
      'SELECT id, "table", "from", "to", on_update, on_delete FROM pragma_foreign_key_list(?) ORDER BY id, seq',
      [child.name],
    ))
      parts.set(part[0] as SqlValue, [...(parts.get(part[0] as SqlValue) ?? []), part])
    for (const all of parts.values()) {
      const [, of, , , onUpdate, onDelete] = all[0] as readonly SqlValue[]
      const parent = findTable(catalog, String(of))
      if (parent === undefined) continue
      const columnOf = (name: string, table: Table) => table.columns.find((column) => same(column.name, name))
      const to = all.flatMap(([, , , name], i): KeyColumn[] => {
        // Without a name it is of the key.
        const column = name === null ? parent.key[i] : columnOf(String(name), parent)
        return column === undefined ? [] : [{ name: column.name, collation: column.collation }]
      })
      const from = all.map(([, , name]) => columnOf(String(name), child)?.name ?? String(name))
      const foreignKey = { child, from, to, onUpdate: String(onUpdate), onDelete: String(onDelete) }
      keys.set(parent, [...(keys.get(parent) ?? []), foreignKey])
    }
  }
  return keys
}
