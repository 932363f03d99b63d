import type { Collation, ColumnInfo, TableInfo } from '@millrace/protocol'
import { quote } from '../database/database.ts'

/** A column of an index or key, by name, with the collation by which it is compared. */
export interface KeyColumn {
  readonly name: string
  readonly collation: Collation
}

export interface Column extends ColumnInfo {
  /** The declared type, e.g. `INTEGER`, or '' for none. */
  readonly type: string
  /** What DEFAULT says, as SQL. */
  readonly defaultSql: string | null
}

/** A table of the user's, as the engine must know it. */
export interface Table {
  readonly name: string
  readonly columns: readonly Column[]
  /**
   * What tells its rows apart. The primary key, except for rowid tables without one, or whose key may hold NULL (many
   * rows may then have the same): those are told apart by rowid, and `byRowid` is the name by which it can be read.
   */
  readonly key: readonly KeyColumn[]
  readonly byRowid: string | null
  /** The name of a rowid beside the key, by which too a write may replace a row. */
  readonly rowid: string | null
  /** Unique indexes besides the key; a write may replace rows by any of them. */
  readonly unique: readonly (readonly KeyColumn[])[]
  /** A unique index on an expression: which rows a REPLACE takes away cannot be told, so the table is watched as a whole. */
  readonly coarse: boolean
  /** A unique index with a WHERE: a row may come into it by a change of any column. */
  readonly partial: boolean
  readonly virtual: boolean
  /** A virtual table keeps it for itself. */
  readonly shadow: boolean
  readonly crr: boolean
  readonly info: TableInfo
}

/** All tables of the user's, by lower-case name. SQLite's names know no case. */
export type Catalog = ReadonlyMap<string, Table>

/** Tables of SQLite's, cr-sqlite's and the engine's own. */
export function isInternal(name: string): boolean {
  return /^(sqlite_|crsql_|millrace_)|__crsql_(clock|pks)$/i.test(name)
}

export function findTable(catalog: Catalog, name: string): Table | undefined {
  return catalog.get(name.toLowerCase())
}

/** The names of the columns that an insert can give: all but the generated ones. */
export function writableColumns(table: Table): string[] {
  return table.columns.filter(({ generated }) => generated === null).map(({ name }) => name)
}

/** The column's type and collation, as a column of a temp table takes them over. */
export function columnType(column: Column | undefined, collation: Collation | undefined): string {
  // Affinity by a name that no rule reads otherwise: `INTEGER PRIMARY KEY` must not become an alias of the rowid.
  const affinity = column?.affinity ?? 'INTEGER'
  const type = affinity === 'INTEGER' ? 'INT' : affinity === 'BLOB' ? '' : affinity
  return `${type} COLLATE ${collation ?? column?.collation ?? 'BINARY'}`
}

/** `"alias"."column"` for each key column. */
export function keyExpressions(table: Table, alias: string): string[] {
  return table.key.map(
    (column) => `${quote(alias)}.${column.name === table.byRowid ? column.name : quote(column.name)}`,
  )
}
