import { MillraceError } from '@millrace/protocol'
import type { Stmt } from 'sqlite3-parser'
import { parse, tokenize } from 'sqlite3-parser'
import { forbiddenCall } from '../database/authorizer.ts'
import { type Database, quote } from '../database/database.ts'
import { excerpt } from '../database/errors.ts'
import { SqliteError } from '../database/sqlite.ts'
import { type Catalog, findTable, isInternal, type Table } from './catalog.ts'
import { readCatalog } from './read-catalog.ts'

/*
 * The schema is SQL text: CREATE TABLE, VIRTUAL TABLE, INDEX, VIEW, TRIGGER, and `SELECT crsql_as_crr('table')`.
 * Opening a database brings it to the text without loss: what is missing is made, what is the same is left alone, views,
 * indexes and triggers that differ are made anew and those that are not in it go (they hold no data), and a table that
 * differs is an error.
 * What cr-sqlite would accept but loses data later is refused here, before it is there.
 */

/** cr-sqlite's update trigger passes 1 + 2 × columns arguments, and SQLite's limit is 127. */
const MAX_CRR_COLUMNS = 63

/** The end of what is said of a table that differs. */
const RESET = `While you develop, workerPort's option onSchemaMismatch: 'reset' deletes the database and makes it anew.`

type ObjectType = 'table' | 'index' | 'view' | 'trigger'

interface Declaration {
  readonly type: ObjectType
  readonly name: string
  readonly sql: string
  /** The table that it is on; for tables their own name. */
  readonly table: string
  readonly uniqueIndex: boolean
}

interface Schema {
  readonly declarations: readonly Declaration[]
  /** Tables to be replicated, as the text names them. */
  readonly replicated: readonly { readonly name: string; readonly sql: string }[]
}

/**
 * Brings the database to the schema and gives its tables.
 * @throws MillraceError `INVALID_SCHEMA` or `SCHEMA_MISMATCH`; the database is then as it was.
 */
export function applySchema(database: Database, text: string): Catalog {
  const schema = parseSchema(text)
  database.connection.exec('BEGIN IMMEDIATE')
  try {
    dropUndeclared(database, schema)
    for (const declaration of schema.declarations) declare(database, declaration)
    const catalog = readCatalog(database)
    checkNamed(catalog)
    checkReplicated(database, schema, catalog)
    database.connection.exec('COMMIT')
  } catch (error) {
    if (!database.connection.autocommit) database.connection.exec('ROLLBACK')
    throw error
  }
  // Alone, each in its own transaction: a failing crsql_as_crr rolls back the whole transaction that it is in.
  const before = readCatalog(database)
  for (const { name, sql } of schema.replicated) {
    if (findTable(before, name)?.crr === true) continue
    try {
      database.all('SELECT crsql_as_crr(?)', [name])
    } catch (error) {
      if (!(error instanceof SqliteError)) throw error
      throw refuse(
        sql,
        `cr-sqlite cannot replicate the table ${name}: ${error.message}`,
        'change its definition',
        error,
      )
    }
  }
  return readCatalog(database)
}

function refuse(sql: string, what: string, todo: string, cause?: unknown): MillraceError {
  return new MillraceError('INVALID_SCHEMA', `${what}: ${todo}. The statement reads: ${excerpt(sql)}`, {
    cause,
  })
}

function parseSchema(text: string): Schema {
  const parsed = parse(text)
  if (parsed.status !== 'ok') {
    throw new MillraceError('INVALID_SCHEMA', `The schema is no valid SQL: ${parsed.errors.join('\n')}`)
  }
  const declarations: Declaration[] = []
  const replicated: { name: string; sql: string }[] = []
  for (const statement of parsed.root.cmds) {
    const { offset, length } = statement.span
    const sql = text.slice(offset, offset + length)
    const crr = replicatedTable(statement)
    if (crr !== undefined) {
      replicated.push({ name: crr, sql })
      continue
    }
    const declaration = declarationOf(statement, sql)
    const forbidden = forbiddenCall(wordsOf(sql))
    if (forbidden !== undefined) {
      throw refuse(
        sql,
        `${declaration.name} calls ${forbidden}, which can forge replicated changes or end the engine`,
        'leave it out',
      )
    }
    if (declarations.some(({ name }) => name.toLowerCase() === declaration.name.toLowerCase())) {
      throw refuse(sql, `${declaration.name} is declared twice`, 'leave one out')
    }
    declarations.push(declaration)
  }
  return { declarations, replicated }
}

/** The t of `SELECT crsql_as_crr('t')`, in that form and no other: what else stands there would be passed over. */
function replicatedTable(statement: Stmt): string | undefined {
  if (statement.type !== 'SelectStmt' || statement.body.select.type !== 'SelectFrom') return undefined
  const { columns, from, whereClause } = statement.body.select
  const [column] = columns
  if (columns.length !== 1 || from !== undefined || whereClause !== undefined) return undefined
  if (statement.body.compounds !== undefined || statement.body.limit !== undefined) return undefined
  if (column?.type !== 'ExprResultColumn' || column.expr.type !== 'FunctionCallExpr') return undefined
  const { name, args } = column.expr
  const [argument] = args ?? []
  if (!/^crsql_as_crr$/i.test(name.name) || args?.length !== 1) return undefined
  return argument?.type === 'StringLiteral' ? argument.value : undefined
}

function declarationOf(statement: Stmt, sql: string): Declaration {
  switch (statement.type) {
    case 'CreateTableStmt':
      if (statement.temporary)
        throw refuse(sql, 'A temporary table cannot be part of the schema', 'leave out TEMP')
      if (statement.body.type !== 'ColumnsAndConstraintsCreateTableBody') {
        throw refuse(sql, 'CREATE TABLE … AS SELECT has no declared columns', 'declare the columns')
      }
      return declaration('table', statement.tblName.objName.text, statement.tblName.objName.text)
    case 'CreateVirtualTableStmt':
      return declaration('table', statement.tblName.objName.text, statement.tblName.objName.text)
    case 'CreateIndexStmt':
      return declaration('index', statement.idxName.objName.text, statement.tblName.text, statement.unique)
    case 'CreateViewStmt':
      return declaration('view', statement.viewName.objName.text, statement.viewName.objName.text)
    case 'CreateTriggerStmt':
      return declaration('trigger', statement.triggerName.objName.text, statement.tblName.objName.text)
    default:
      throw refuse(
        sql,
        'Only CREATE TABLE, INDEX, VIEW, TRIGGER and SELECT crsql_as_crr(…) may stand in a schema',
        'set pragmas by the options of open, and write rows with db.write',
      )
  }

  function declaration(type: ObjectType, name: string, table: string, uniqueIndex = false): Declaration {
    if (isInternal(name)) {
      throw refuse(
        sql,
        `Names that begin with sqlite_, crsql_ or millrace_ are taken (${name})`,
        'choose another name',
      )
    }
    return { type, name, sql, table, uniqueIndex }
  }
}

/** Indexes, views and triggers that the text does not have any more. They hold no data; tables stay, whatever it says. */
function dropUndeclared(database: Database, { declarations }: Schema): void {
  const declared = new Set(declarations.map(({ name }) => name.toLowerCase()))
  const stored = database.all(
    `SELECT type, name FROM sqlite_master WHERE type IN ('index', 'view', 'trigger') AND sql IS NOT NULL`,
  ) as [string, string][]
  for (const [type, name] of stored) {
    const isCrSqlites = /__crsql_/i.test(name) || isInternal(name)
    if (!isCrSqlites && !declared.has(name.toLowerCase()))
      database.connection.exec(`DROP ${type} IF EXISTS ${quote(name)}`)
  }
}

function declare(database: Database, { type, name, sql }: Declaration): void {
  const [stored, storedType] = database.get(
    'SELECT sql, type FROM sqlite_master WHERE name = ? COLLATE NOCASE AND sql IS NOT NULL',
    [name],
  ) ?? [undefined, undefined]
  if (stored !== undefined) {
    if (storedType === type && sameDefinition(String(stored), sql)) return
    if (type === 'table' || storedType === 'table') {
      throw new MillraceError(
        'SCHEMA_MISMATCH',
        `The table ${name} in the database is not the one that the schema declares. Stored: ${excerpt(String(stored))} — declared: ${excerpt(sql)} — put the old definition back, or open a database of another name and copy the rows. ${RESET}`,
      )
    }
    database.connection.exec(`DROP ${String(storedType)} ${quote(name)}`)
  }
  try {
    database.connection.exec(sql.replace(/;\s*$/, ''))
  } catch (error) {
    if (error instanceof SqliteError)
      throw refuse(sql, `SQLite refused the schema: ${error.message}`, 'correct it', error)
    throw error
  }
}

/** Equal but for white space, comments, letter case of keywords and IF NOT EXISTS. */
function sameDefinition(stored: string, declared: string): boolean {
  return normalize(stored) === normalize(declared)
}

/** Without spaces and comments. */
function wordsOf(sql: string): string[] {
  const words: string[] = []
  for (const { text } of tokenize(sql)) {
    if (text.trim() !== '' && !text.startsWith('--') && !text.startsWith('/*')) words.push(text)
  }
  return words
}

function normalize(sql: string): string {
  const text = wordsOf(sql)
    .filter((word) => word !== ';')
    .map((word) => (/^['"`[]/.test(word) ? word : word.toLowerCase()))
    .join(' ')
  return text
    .replace(/^(create (?:unique |virtual )?\w+) if not exists /, '$1 ')
    .replace(/^(create (?:unique |virtual )?\w+) main \. /, '$1 ')
}

/** A table without a key of its own is known by rowid, which must then have a name. */
function checkNamed(catalog: Catalog): void {
  for (const { name, byRowid, columns } of catalog.values()) {
    if (byRowid === null || !columns.some((column) => column.name.toLowerCase() === byRowid)) continue
    throw refuse(
      `CREATE TABLE ${name} …`,
      `The table ${name} has no key that is never NULL, and columns named rowid, _rowid_ and oid, so that its rows cannot be told apart`,
      'declare a primary key with NOT NULL, or rename one of the columns',
    )
  }
}

/** The traps of crsql_as_crr, met before it runs. */
function checkReplicated(database: Database, schema: Schema, catalog: Catalog): void {
  const replicated = new Map(schema.replicated.map((crr) => [crr.name.toLowerCase(), crr]))
  for (const { name, sql } of schema.replicated) {
    const table = findTable(catalog, name)
    if (table === undefined || table.virtual) {
      throw refuse(
        sql,
        `crsql_as_crr names the table ${name}, which the schema does not create`,
        'create it in the schema',
      )
    }
    if (table.name !== name) {
      throw refuse(
        sql,
        `crsql_as_crr('${name}') differs in letter case from the table ${table.name}, and every write would fail`,
        `write SELECT crsql_as_crr('${table.name}')`,
      )
    }
    checkCrr(database, table, sql)
  }
  for (const table of catalog.values()) {
    const isReplicated = replicated.has(table.name.toLowerCase())
    if (
      table.crr &&
      !isReplicated &&
      schema.declarations.some(({ name }) => name.toLowerCase() === table.name.toLowerCase())
    ) {
      throw new MillraceError(
        'SCHEMA_MISMATCH',
        `The table ${table.name} is replicated in the database, but the schema has no SELECT crsql_as_crr('${table.name}'): put that back, or open a database of another name and copy the rows. ${RESET}`,
      )
    }
    if (isReplicated) continue
    for (const [target] of database.all('SELECT "table" FROM pragma_foreign_key_list(?)', [table.name])) {
      if (!replicated.has(String(target).toLowerCase())) continue
      throw refuse(
        `CREATE TABLE ${table.name} …`,
        `The table ${table.name} has a foreign key to the replicated table ${String(target)}, and deletes that come from elsewhere would fail`,
        'leave the REFERENCES out, or do not replicate that table',
      )
    }
  }
}

function checkCrr(database: Database, table: Table, sql: string): void {
  const columns = database.all('SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)', [
    table.name,
  ]) as [string, string, number, string | null, number][]
  const keyColumns = columns.filter(([, , , , place]) => place > 0)
  const problem = (what: string, todo: string) =>
    refuse(sql, `The table ${table.name} cannot be replicated: ${what}`, todo)

  if (keyColumns.length === 0)
    throw problem('it has no primary key', 'declare one, e.g. id TEXT PRIMARY KEY NOT NULL')
  for (const [name, , notNull, fallback, place] of columns) {
    if (place > 0 && notNull === 0) {
      throw problem(`its key column ${name} may be NULL`, `declare ${name} NOT NULL as well as PRIMARY KEY`)
    }
    if (place === 0 && notNull === 1 && fallback === null) {
      throw problem(
        `${name} is NOT NULL without a default, and merged rows arrive column by column`,
        'give it a DEFAULT',
      )
    }
  }
  if (table.columns.length > MAX_CRR_COLUMNS) {
    throw problem(
      `it has ${table.columns.length} columns, and cr-sqlite's limit is ${MAX_CRR_COLUMNS}`,
      'split the table',
    )
  }
  if (table.unique.length > 0 || table.coarse) {
    throw problem(
      'it has a unique index besides its key, by which two sites would diverge',
      'leave UNIQUE out',
    )
  }
  if (table.key.some((column) => column.collation !== 'BINARY')) {
    throw problem(
      'its key has a collation, so that two keys would stand for one row',
      'leave COLLATE out of the key',
    )
  }
  if (database.all('SELECT 1 FROM pragma_foreign_key_list(?)', [table.name]).length > 0) {
    throw problem('it has foreign keys, which merged rows may break for a while', 'leave REFERENCES out')
  }
  const ddl = String(
    database.get(`SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?`, [table.name])?.[0],
  )
  if (/\bAUTOINCREMENT\b/i.test(ddl)) {
    throw problem(
      'AUTOINCREMENT gives two sites the same key',
      'leave it out and make keys in the app, e.g. crypto.randomUUID()',
    )
  }
}
