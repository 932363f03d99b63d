import type { Affinity, Collation, ColumnInfo, Expr } from '@millrace/protocol'
import { type ColumnDefinition, parseStmt } from 'sqlite3-parser'
import { isKnown, resolve } from '../compile/expression.ts'
import type { Database } from '../database/database.ts'
import { affinityOfColumn } from './affinity.ts'
import { type Catalog, type Column, isInternal, type KeyColumn, type Table } from './catalog.ts'
import { constantValue } from './literal.ts'
import { readSideEffects } from './side-effects.ts'

/** Reads the schema as it is in the database. */
export function readCatalog(database: Database): Catalog {
  const catalog = new Map<string, Table>()
  const all = new Set(
    database.all(`SELECT name FROM sqlite_master WHERE type = 'table'`).map(([name]) => name),
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
        ddl: String(ddl ?? ''),
      }),
    )
  }
  const effects = readSideEffects(database, catalog)
  for (const [name, table] of catalog) {
    const sideEffects = effects.get(table.name) ?? []
    catalog.set(name, { ...table, info: { ...table.info, sideEffects } })
  }
  return catalog
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
    ...{ crr: false, ddl: '' },
  }
  return readTable(database, String(found[0]), facts)
}

interface TableFacts {
  readonly virtual: boolean
  readonly shadow: boolean
  readonly withoutRowid: boolean
  readonly crr: boolean
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
    const affinity = affinityOfColumn(type, strict)
    if (place > 0)
      primary.push({ name: column, place, nullable: notNull === 0 && !facts.withoutRowid && !isAlias })
    columns.push({
      name: column,
      type,
      defaultSql,
      affinity,
      collation: collationOf(definition),
      notNull: notNull === 1,
      generated: hidden === 2 || hidden === 3 ? NOT_KNOWN : null,
      ...defaultOf(definition, affinity),
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
  const table: Table = {
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
      replaces: /\bON\s+CONFLICT\s+(REPLACE|IGNORE)\b/i.test(facts.ddl),
      sideEffects: [],
    },
  }
  return withGenerated(table, definitions)
}

const NOT_KNOWN: Expr = { type: 'opaque', reads: [] }

/** With what its generated columns are made of, which are expressions over its own columns. */
function withGenerated(table: Table, definitions: ReadonlyMap<string, ColumnDefinition>): Table {
  const scope = {
    sources: [{ table, alias: table.name }],
    parameters: new Map(),
    aliases: new Set<string>(),
  }
  const resolved = <C extends ColumnInfo>(column: C): C => {
    const made = definitions
      .get(column.name.toLowerCase())
      ?.constraints.map(({ constraint }) => constraint)
      .find((constraint) => constraint?.type === 'GeneratedColumnConstraint')
    return column.generated === null || made === undefined
      ? column
      : { ...column, generated: resolve(made.expr, scope) }
  }
  const info = { ...table.info, columns: table.info.columns.map(resolved) }
  return { ...table, columns: table.columns.map(resolved), info }
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

/** The default as the constant that is stored, or as an expression where a client can evaluate that. NULL where none is declared. */
function defaultOf(
  definition: ColumnDefinition | undefined,
  affinity: Affinity,
): Pick<ColumnInfo, 'default' | 'defaultExpr'> {
  for (const { constraint } of definition?.constraints ?? []) {
    if (constraint?.type !== 'DefaultColumnConstraint') continue
    const value = constraint.expr === undefined ? undefined : constantValue(constraint.expr)
    // DEFAULT 1 in a TEXT column stores '1', which the column's affinity says.
    const converted =
      affinity === 'TEXT' ? typeof value === 'number' : affinity !== 'BLOB' && typeof value === 'string'
    if (value !== undefined && !converted) return { default: value }
    const expr = resolve(constraint.expr, { sources: [], parameters: new Map(), aliases: new Set(), now: 0 })
    return isKnown(expr) ? { defaultExpr: expr } : {}
  }
  return { default: null }
}
