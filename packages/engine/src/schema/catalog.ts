import type { Affinity, Collation, ColumnInfo, SqlValue, TableInfo } from '@millrace/protocol'
import type { ColumnDefinition, Expr } from 'sqlite3-parser'
import { parseStmt } from 'sqlite3-parser'
import { type Database, quote } from '../database/database.ts'

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

/** Reads the schema as it is in the database. */
export function readCatalog(database: Database): Catalog {
  const catalog = new Map<string, Table>()
  const all = new Set(
    database.all(`SELECT name FROM sqlite_master WHERE type = 'table'`).map(([name]) => name),
  )
  const triggered = new Set(
    database
      .all(
        `SELECT tbl_name FROM sqlite_master WHERE type = 'trigger' AND name NOT LIKE '%\\_\\_crsql\\_%' ESCAPE '\\'`,
      )
      .map(([name]) => name),
  )
  for (const [name, kind, withoutRowid] of database.all(
    `SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main'`,
  )) {
    if (typeof name !== 'string' || isInternal(name) || kind === 'view' || kind === 'shadow') continue
    const ddl = database.get(`SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?`, [name])?.[0]
    catalog.set(
      name.toLowerCase(),
      readTable(database, name, {
        virtual: kind === 'virtual',
        shadow: false,
        withoutRowid: withoutRowid === 1,
        crr: all.has(`${name}__crsql_clock`),
        triggered: triggered.has(name),
        ddl: String(ddl ?? ''),
      }),
    )
  }
  const cascades = readCascades(database, catalog)
  for (const [name, table] of catalog) {
    const byAny = triggered.has(table.name) ? [...catalog.values()].map((other) => other.name) : []
    const changes = { byDelete: reachedBy(table.name, cascades), byAny }
    catalog.set(name, { ...table, info: { ...table.info, changes } })
  }
  return catalog
}

/** By table, those whose rows change when its rows are deleted. */
function readCascades(database: Database, catalog: Catalog): ReadonlyMap<string, ReadonlySet<string>> {
  const cascades = new Map<string, Set<string>>()
  for (const child of catalog.values()) {
    for (const [of, onDelete] of database.all('SELECT "table", on_delete FROM pragma_foreign_key_list(?)', [
      child.name,
    ])) {
      const parent = findTable(catalog, String(of))
      if (parent === undefined || /^(NO ACTION|RESTRICT)$/.test(String(onDelete))) continue
      cascades.set(parent.name, (cascades.get(parent.name) ?? new Set()).add(child.name))
    }
  }
  return cascades
}

function reachedBy(table: string, cascades: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const reached = new Set<string>()
  const walk = (name: string) => {
    for (const child of cascades.get(name) ?? []) {
      if (reached.has(child)) continue
      reached.add(child)
      walk(child)
    }
  }
  walk(table)
  return [...reached]
}

/** A table that a virtual table keeps for itself. It is in no catalog; undefined where there is none of this name. */
export function readShadow(database: Database, name: string): Table | undefined {
  const found = database.get(
    `SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow' AND name = ? COLLATE NOCASE`,
    [name],
  )
  if (found === undefined) return undefined
  const facts = {
    ...{ virtual: false, shadow: true, withoutRowid: found[1] === 1 },
    ...{ crr: false, triggered: false, ddl: '' },
  }
  return readTable(database, String(found[0]), facts)
}

interface TableFacts {
  readonly virtual: boolean
  readonly shadow: boolean
  readonly withoutRowid: boolean
  readonly crr: boolean
  readonly triggered: boolean
  readonly ddl: string
}

function readTable(database: Database, name: string, facts: TableFacts): Table {
  const definitions = facts.virtual ? new Map<string, ColumnDefinition>() : parseDefinitions(facts.ddl)
  const strict =
    database.get(`SELECT strict FROM pragma_table_list WHERE schema = 'main' AND name = ?`, [name])?.[0] === 1

  const columns: Column[] = []
  const primary: { name: string; place: number; nullable: boolean }[] = []
  for (const row of database.all(
    `SELECT name, type, "notnull", pk, hidden, dflt_value FROM pragma_table_xinfo(?)`,
    [name],
  )) {
    const [column, type, notNull, place, hidden, defaultSql] = row as [
      string,
      string,
      number,
      number,
      number,
      string | null,
    ]
    if (hidden === 1) continue
    const definition = definitions.get(column.toLowerCase())
    const isAlias = /^INTEGER$/i.test(type)
    const affinity = affinityOf(type, strict)
    if (place > 0)
      primary.push({ name: column, place, nullable: notNull === 0 && !facts.withoutRowid && !isAlias })
    columns.push({
      name: column,
      type,
      defaultSql,
      affinity,
      collation: collationOf(definition),
      notNull: notNull === 1,
      generated: hidden === 2 || hidden === 3,
      ...constantDefault(definition, affinity),
    })
  }

  const indexes = database.all(`SELECT name, "unique", origin, partial FROM pragma_index_list(?)`, [
    name,
  ]) as [string, number, string, number][]
  let key: KeyColumn[] = primary
    .sort((a, b) => a.place - b.place)
    .map(({ name }) => ({
      name,
      collation: columns.find((column) => column.name === name)?.collation ?? 'BINARY',
    }))
  const unique: KeyColumn[][] = []
  let coarse = false
  let partial = false
  for (const [index, isUnique, origin, isPartial] of indexes) {
    if (isUnique === 0) continue
    if (isPartial === 1) partial = true
    const indexed = (
      database.all(`SELECT name, coll FROM pragma_index_xinfo(?) WHERE key = 1`, [index]) as [
        string | null,
        string,
      ][]
    ).map(([column, collation]) => ({ name: column, collation: collation as Collation }))
    if (indexed.some((column) => column.name === null)) coarse = true
    else if (origin === 'pk') key = indexed as KeyColumn[]
    else unique.push(indexed as KeyColumn[])
  }

  // A key of one INTEGER column has no index only where it is an alias of the rowid, which is never NULL.
  const rowidAlias =
    !facts.withoutRowid &&
    primary.length === 1 &&
    /^INTEGER$/i.test(columns.find((column) => column.name === primary[0]?.name)?.type ?? '') &&
    !indexes.some(([, , origin]) => origin === 'pk')
  const keyed =
    facts.withoutRowid ||
    rowidAlias ||
    (primary.length > 0 && primary.every((column) => isNeverNull(columns, column.name)))
  const byRowid = keyed || facts.virtual ? null : freeRowidName(columns)
  if (byRowid !== null) {
    if (key.length > 0) unique.push(key)
    key = [{ name: byRowid, collation: 'BINARY' }]
  }

  const position = (column: KeyColumn) => columns.findIndex(({ name }) => name === column.name)
  return {
    name,
    columns,
    key: facts.virtual ? [] : key,
    byRowid,
    rowid:
      facts.withoutRowid || facts.virtual || rowidAlias || byRowid !== null ? null : freeRowidName(columns),
    unique,
    coarse,
    partial,
    virtual: facts.virtual,
    shadow: facts.shadow,
    crr: facts.crr,
    info: {
      name,
      columns: columns.map(({ type: _, defaultSql: __, ...info }) => info),
      key: byRowid === null && !facts.virtual ? key.map(position) : [],
      keyCollations: key.map(({ collation }) => collation),
      autoKey: rowidAlias,
      changes: { byDelete: [], byAny: [] },
      unpredictable:
        facts.virtual ||
        facts.triggered ||
        columns.some((column) => column.generated) ||
        /\bON\s+CONFLICT\s+(REPLACE|IGNORE)\b/i.test(facts.ddl),
    },
  }
}

function isNeverNull(columns: readonly Column[], name: string): boolean {
  return columns.find((column) => column.name === name)?.notNull === true
}

/** The first of SQLite's names for the rowid that no column hides. */
function freeRowidName(columns: readonly Column[]): string {
  const taken = new Set(columns.map((column) => column.name.toLowerCase()))
  return ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name)) ?? 'rowid'
}

function parseDefinitions(ddl: string): Map<string, ColumnDefinition> {
  const parsed = parseStmt(ddl)
  if (parsed.status !== 'ok' || parsed.root.type !== 'CreateTableStmt') return new Map()
  const { body } = parsed.root
  if (body.type !== 'ColumnsAndConstraintsCreateTableBody') return new Map()
  return new Map(body.columns.map((column) => [column.colName.text.toLowerCase(), column]))
}

function collationOf(definition: ColumnDefinition | undefined): Collation {
  for (const { constraint } of definition?.constraints ?? []) {
    if (constraint?.type === 'CollateColumnConstraint')
      return constraint.collationName.text.toUpperCase() as Collation
  }
  return 'BINARY'
}

/** The default as the constant that is stored; nothing where it is an expression or is converted. NULL where none is declared. */
function constantDefault(
  definition: ColumnDefinition | undefined,
  affinity: Affinity,
): { default?: SqlValue } {
  for (const { constraint } of definition?.constraints ?? []) {
    if (constraint?.type !== 'DefaultColumnConstraint') continue
    const value = constraint.expr === undefined ? undefined : constantValue(constraint.expr)
    // DEFAULT 1 in a TEXT column stores '1': what the column's affinity converts is SQLite's to say.
    const converted =
      affinity === 'TEXT' ? typeof value === 'number' : affinity !== 'BLOB' && typeof value === 'string'
    return value === undefined || converted ? {} : { default: value }
  }
  return { default: null }
}

/** The value of a literal; undefined for anything else. */
export function constantValue(expr: Expr): SqlValue | undefined {
  switch (expr.type) {
    case 'NullLiteral':
      return null
    case 'StringLiteral':
      return expr.value
    case 'BlobLiteral':
      return expr.bytes
    case 'NumericLiteral':
      return numericValue(expr.value)
    case 'UnaryExpr': {
      const value = constantValue(expr.expr)
      if (expr.op === 'Positive') return value
      if (expr.op === 'Negative' && typeof value === 'number') return value === 0 ? 0 : -value
      return undefined
    }
    case 'ParenthesizedExpr':
      return expr.exprs.length === 1 ? constantValue(expr.exprs[0] as Expr) : undefined
    case 'Id':
      if (/^true$/i.test(expr.name)) return 1
      if (/^false$/i.test(expr.name)) return 0
      return undefined
    default:
      return undefined
  }
}

function numericValue(text: string): SqlValue | undefined {
  const value = Number(text)
  // 1.0 is a REAL, which a JS number cannot tell from 1.
  if (Number.isInteger(value) && !/^(\d+|0x[0-9a-f]+)$/i.test(text)) return undefined
  // Beyond 2^53 the digits matter, and whether SQLite takes it for an integer or a real.
  return Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER ? value : undefined
}

function affinityOf(type: string, strict: boolean): Affinity {
  return strict && type.toUpperCase() === 'ANY' ? 'BLOB' : affinityOfType(type)
}

/** SQLite's rule (sqlite.org/datatype3.html, 3.1), of a column's type and of a CAST's. */
export function affinityOfType(type: string): Affinity {
  const upper = type.toUpperCase()
  if (upper.includes('INT')) return 'INTEGER'
  if (/CHAR|CLOB|TEXT/.test(upper)) return 'TEXT'
  if (upper === '' || upper.includes('BLOB')) return 'BLOB'
  if (/REAL|FLOA|DOUB/.test(upper)) return 'REAL'
  return 'NUMERIC'
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
