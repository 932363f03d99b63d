import type { SqlValue } from '@millrace/protocol'
import { same } from '../compile/names.ts'
import type { Database } from '../database/database.ts'
import { type Catalog, findTable, type KeyColumn, type Table } from './catalog.ts'

type ForeignKeyAction = 'NO ACTION' | 'RESTRICT' | 'CASCADE' | 'SET NULL' | 'SET DEFAULT'

export interface ForeignKey {
  readonly child: Table
  readonly parent: Table
  /** Columns of the child, in the order of `to`. */
  readonly from: readonly string[]
  /** Columns of the parent, with the collation by which SQLite compares them. */
  readonly to: readonly KeyColumn[]
  readonly onUpdate: ForeignKeyAction
  readonly onDelete: ForeignKeyAction
}

/** All foreign keys of the schema (sqlite.org/pragma.html#pragma_foreign_key_list). */
export function readForeignKeys(database: Database, catalog: Catalog): readonly ForeignKey[] {
  return [...catalog.values()].flatMap((child) => {
    const byId = new Map<SqlValue, (readonly SqlValue[])[]>()
    for (const [id, ...part] of database.all(
      'SELECT id, "table", "from", "to", on_update, on_delete FROM pragma_foreign_key_list(?) ORDER BY id, seq',
      [child.name],
    )) {
      const parts = byId.get(id as SqlValue) ?? []
      byId.set(id as SqlValue, parts)
      parts.push(part)
    }
    return [...byId.values()].flatMap((parts) => foreignKeyOf(child, parts, catalog) ?? [])
  })
}

/** `parts`: one for each column. */
function foreignKeyOf(
  child: Table,
  parts: readonly (readonly SqlValue[])[],
  catalog: Catalog,
): ForeignKey | undefined {
  const [parentName, , , onUpdate, onDelete] = parts[0] as readonly SqlValue[]
  const parent = findTable(catalog, String(parentName))
  if (parent === undefined) return undefined
  const columnOf = (table: Table, name: SqlValue | undefined) =>
    table.columns.find((column) => same(column.name, String(name)))
  return {
    child,
    parent,
    from: parts.map(([, from]) => columnOf(child, from)?.name ?? String(from)),
    // A foreign key that names no columns refers to the primary key.
    to: parts.flatMap(([, , to], i) => (to === null ? parent.key[i] : columnOf(parent, to)) ?? []),
    onUpdate: onUpdate as ForeignKeyAction,
    onDelete: onDelete as ForeignKeyAction,
  }
}
