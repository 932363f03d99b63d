import { MillraceError, type Operation, type SqlValue, toSqlValue } from '@millrace/protocol'
import { checkHarmless, checkParameterCount } from '../compile/compile.ts'
import type { AccessRecorder } from '../database/authorizer.ts'
import { type Database, quote } from '../database/database.ts'
import { type Aimed, excerpt, invalidSql, rejection } from '../database/errors.ts'
import { type Catalog, findTable, isInternal, type Table, writableColumns } from '../schema/catalog.ts'
import { Restorer, storedRow } from './restore.ts'

/** What is known of a text of `exec`. */
interface Checked {
  readonly parameterCount: number
  /** Virtual tables that it writes to. */
  readonly virtual: readonly Table[]
}

/** What is found out of a write while it runs. */
export class WriteReport {
  /** Of the rows that were inserted without a key, in their order: what SQLite made. */
  readonly keys: (readonly SqlValue[])[] = []
  /** What undoes each operation, in the order in which it is to run. */
  #undo: (readonly Operation[])[] | null = []

  addUndo(operations: readonly Operation[] | undefined): void {
    if (operations === undefined) this.#undo = null
    else this.#undo?.push(operations)
  }

  /** What was done last is undone first. Null where it cannot be told. */
  takeUndo(): readonly Operation[] | null {
    const operations = this.#undo
    this.#undo = null
    return operations?.reverse().flat() ?? null
  }
}

/** Runs the operations of writes inside the open transaction. */
export class Writer {
  readonly #database: Database
  readonly #recorder: AccessRecorder
  readonly #catalog: Catalog
  readonly #restorer: Restorer
  /** Texts of the other operations, by what they are made of. Bounded. */
  readonly #statements = new Map<string, { readonly table: Table; readonly sql: string }>()
  /** Texts of `exec` that were found fit. Bounded. */
  readonly #checked = new Map<string, Checked>()
  /** Virtual tables that were written to. */
  #written = new Set<Table>()

  constructor(database: Database, recorder: AccessRecorder, catalog: Catalog) {
    this.#database = database
    this.#recorder = recorder
    this.#catalog = catalog
    this.#restorer = new Restorer(database, catalog)
  }

  /**
   * The rows that it changed. What else is found out is put into `report`.
   * @throws MillraceError
   */
  apply(operations: readonly Operation[], report: WriteReport | null = null): number {
    let changes = 0
    for (const operation of operations) {
      const inverse = report === null ? undefined : this.#inverse(operation)
      const changed = this.#applyOne(operation)
      changes += changed
      if (report !== null) report.addUndo(this.#undo(operation, changed, inverse, report))
    }
    return changes
  }

  /** The virtual tables that were written to since it was last asked: no trigger tells of them. */
  takeWritten(): ReadonlySet<Table> {
    const written = this.#written
    this.#written = new Set()
    return written
  }

  #applyOne(operation: Operation): number {
    switch (operation.type) {
      case 'insert': {
        const { table, sql } = this.#statement('insert', operation.table, Object.keys(operation.row))
        const aimed = { table: table.name, key: keyIn(table, operation.row) }
        return this.#run(`insert into ${table.name}`, sql, valuesOf(table, operation.row), aimed)
      }
      case 'update': {
        const columns = Object.keys(operation.patch)
        const { table, sql } = this.#statement('update', operation.table, columns)
        const key = keyValues(table, operation.key)
        if (columns.length === 0) return 0
        const values = [...valuesOf(table, operation.patch), ...key]
        const changes = this.#run(`update ${table.name}`, sql, values, { table: table.name, key })
        return this.#found(changes, 'update', table, operation.key)
      }
      case 'delete': {
        const { table, sql } = this.#statement('delete', operation.table, [])
        const key = keyValues(table, operation.key)
        const changes = this.#run(`delete from ${table.name}`, sql, key, { table: table.name, key })
        return this.#found(changes, 'delete', table, operation.key)
      }
      case 'exec':
        this.#check(operation.sql, operation.parameters)
        return this.#run(
          `run ${excerpt(operation.sql)}`,
          operation.sql,
          operation.parameters.map((value, i) => toSqlValue(value, `parameter ${i + 1}`)),
        )
    }
  }

  /** What undoes an operation that ran. `inverse`: what `#inverse` read before. A key that SQLite made is reported. */
  #undo(
    operation: Operation,
    changed: number,
    inverse: readonly Operation[] | undefined,
    report: WriteReport,
  ): readonly Operation[] | undefined {
    // SQL text may have changed rows that SQLite does not count, by a trigger of a view.
    if (operation.type === 'exec') return undefined
    // A trigger with RAISE(IGNORE), or ON CONFLICT IGNORE, left everything as it was.
    if (changed === 0) return []
    if (operation.type !== 'insert') return inverse
    const table = this.#table(operation.table)
    const given = keyIn(table, operation.row)
    const made =
      given === null && table.info.autoKey ? this.#database.get('SELECT last_insert_rowid()') : undefined
    if (made !== undefined) report.keys.push(made)
    const key = given ?? made
    return inverse && key && [{ type: 'delete', table: table.name, key }, ...inverse]
  }

  /** What undoes an operation, but for the deletion of a row that it inserts. It must be read before the operation runs. */
  #inverse(operation: Operation): readonly Operation[] | undefined {
    if (operation.type === 'exec') return undefined
    const table = this.#table(operation.table)
    switch (operation.type) {
      case 'insert':
        return this.#restorer.lostByInsert(table, operation.row)
      case 'update': {
        const { key, patch } = operation
        const columns = Object.keys(patch)
        checkColumns(table, columns)
        // After a change of the key another row may have the old key.
        if (columns.length === 0 || columns.some((column) => isKeyColumn(table, column))) return undefined
        const old = this.#row(table, columns, key)
        const lost = this.#restorer.lostByUpdate(table, patch, () =>
          this.#row(table, writableColumns(table), key),
        )
        return old && lost && [{ ...operation, patch: old }, ...lost]
      }
      case 'delete': {
        const row = this.#row(table, writableColumns(table), operation.key)
        const lost = row && this.#restorer.lostByDelete(table, row)
        return row && lost && [{ type: 'insert', table: table.name, row }, ...lost]
      }
    }
  }

  #row(
    table: Table,
    columns: readonly string[],
    key: readonly SqlValue[],
  ): Record<string, SqlValue> | undefined {
    const row = this.#database.get(
      `SELECT ${columns.map(quote).join(', ')} FROM ${quote(table.name)} WHERE ${whereKey(table)}`,
      keyValues(table, key),
    )
    return storedRow(columns, row)
  }

  #run(what: string, sql: string, parameters: readonly SqlValue[], aimed?: Aimed): number {
    try {
      return this.#database.run(sql, parameters)
    } catch (error) {
      throw rejection(error, what, aimed)
    }
  }

  #table(name: string): Table {
    const table = isInternal(name) ? undefined : findTable(this.#catalog, name)
    if (table !== undefined) return table
    throw new MillraceError(
      'SCHEMA_MISMATCH',
      `There is no table ${name}. The schema has: ${[...this.#catalog.values()].map((known) => known.name).join(', ') || 'no tables'}.`,
    )
  }

  /** The text of an operation. Which table and columns it names is checked when it is first made. */
  #statement(
    type: 'insert' | 'update' | 'delete',
    name: string,
    columns: readonly string[],
  ): { readonly table: Table; readonly sql: string } {
    const id = `${type} ${name}\0${columns.join('\0')}`
    let statement = this.#statements.get(id)
    if (statement === undefined) {
      const table = this.#table(name)
      checkColumns(table, columns)
      const moved =
        type === 'update' && table.crr ? columns.find((column) => isKeyColumn(table, column)) : undefined
      if (moved !== undefined) throw keyOfReplicated(table, moved)
      statement = { table, sql: textOf(type, table, columns) }
      if (this.#statements.size > 1000) this.#statements.clear()
      this.#statements.set(id, statement)
    }
    if (statement.table.virtual) this.#written.add(statement.table)
    return statement
  }

  #found(changes: number, what: string, table: Table, key: readonly SqlValue[]): number {
    if (changes > 0) return changes
    // RAISE(IGNORE) in a trigger, or ON CONFLICT IGNORE: it is there, and was left as it is.
    if (
      this.#database.get(`SELECT 1 FROM ${quote(table.name)} WHERE ${whereKey(table)}`, keyValues(table, key))
    )
      return 0
    throw new MillraceError(
      'WRITE_REJECTED',
      `Could not ${what} the row of ${table.name} with the key ${key.map(String).join(', ')}: there is none. It may have been deleted elsewhere.`,
      { at: { table: table.name, key, columns: [], constraint: 'row' } },
    )
  }

  /** `exec` takes what changes rows of the user's tables, and nothing else. */
  #check(sql: string, parameters: readonly SqlValue[]): void {
    let checked = this.#checked.get(sql)
    if (checked === undefined) {
      checked = this.#checkAccess(sql)
      if (this.#checked.size > 1000) this.#checked.clear()
      this.#checked.set(sql, checked)
    }
    for (const table of checked.virtual) this.#written.add(table)
    checkParameterCount(checked.parameterCount, parameters, sql)
  }

  #checkAccess(sql: string): Checked {
    let parameterCount = 0
    const access = this.#recorder.record(sql, () => {
      try {
        const statement = this.#database.connection.prepare(sql)
        parameterCount = statement.parameterCount
        statement.finalize()
      } catch (error) {
        throw invalidSql(error, sql)
      }
    })
    checkHarmless(access, sql)
    const [other] = access.other
    if (other !== undefined) {
      throw new MillraceError(
        'INVALID_SQL',
        `exec takes INSERT, UPDATE and DELETE, but this is ${other}: tables, indexes and triggers belong in the schema text, and writes are transactions by themselves. It reads: ${excerpt(sql)}`,
      )
    }
    if (access.writes.size === 0) {
      throw new MillraceError(
        'INVALID_SQL',
        `exec takes INSERT, UPDATE and DELETE, but this changes nothing: read with query or subscribe. It reads: ${excerpt(sql)}`,
      )
    }
    const virtual: Table[] = []
    for (const [name, columns] of access.writes) {
      if (isInternal(name)) throw notTheApps(name, sql)
      const table = findTable(this.#catalog, name)
      if (table?.virtual === true) virtual.push(table)
      const moved =
        table?.crr === true ? [...columns].find((column) => isKeyColumn(table, column)) : undefined
      if (table !== undefined && moved !== undefined) throw keyOfReplicated(table, moved)
    }
    return { parameterCount, virtual }
  }
}

/** `crsql_changes` believes what it is told, and at some keys it ends the WebAssembly: merge checks first. */
function notTheApps(name: string, sql: string): MillraceError {
  const todo = /^crsql_changes$/i.test(name)
    ? ': give the changes of other sites to merge, which checks them'
    : ''
  return new MillraceError(
    'INVALID_SQL',
    `The table ${name} is not the app's to change${todo}. The statement reads: ${excerpt(sql)}`,
  )
}

function textOf(type: 'insert' | 'update' | 'delete', table: Table, columns: readonly string[]): string {
  const name = quote(table.name)
  switch (type) {
    case 'insert':
      return columns.length === 0
        ? `INSERT INTO ${name} DEFAULT VALUES`
        : `INSERT INTO ${name} (${columns.map(quote).join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`
    case 'update':
      return `UPDATE ${name} SET ${columns.map((column) => `${quote(column)} = ?`).join(', ')} WHERE ${whereKey(table)}`
    case 'delete':
      return `DELETE FROM ${name} WHERE ${whereKey(table)}`
  }
}

function whereKey(table: Table): string {
  if (table.info.key.length === 0) {
    throw new MillraceError(
      'SCHEMA_MISMATCH',
      `Rows of ${table.name} cannot be named by a key, for it has no primary key that is never NULL: declare one, or use exec with a WHERE of your own.`,
    )
  }
  return table.key.map(({ name, collation }) => `${quote(name)} = ? COLLATE ${collation}`).join(' AND ')
}

function keyValues(table: Table, key: readonly SqlValue[]): SqlValue[] {
  if (table.key.length !== key.length) {
    throw new MillraceError(
      'SCHEMA_MISMATCH',
      `The key of ${table.name} has ${table.key.length} columns (${table.key.map(({ name }) => name).join(', ')}), but ${key.length} values were given.`,
    )
  }
  return key.map((value, i) => toSqlValue(value, `the key ${table.key[i]?.name} of ${table.name}`))
}

/** Values come from outside; what TypeScript says of them may not be so. */
function valuesOf(table: Table, row: Readonly<Record<string, SqlValue>>): SqlValue[] {
  return Object.entries(row).map(([column, value]) => toSqlValue(value, `${table.name}.${column}`))
}

/** The key that a row is inserted with; null where it does not say. */
function keyIn(table: Table, row: Readonly<Record<string, SqlValue>>): SqlValue[] | null {
  if (table.info.key.length === 0) return null
  const key = table.info.key.map((column) => {
    const name = table.columns[column]?.name.toLowerCase()
    const given = Object.entries(row).find(([column]) => column.toLowerCase() === name)
    return given?.[1] ?? null
  })
  return key.includes(null) ? null : key
}

function isKeyColumn(table: Table, column: string): boolean {
  return table.key.some((key) => key.name.toLowerCase() === column.toLowerCase())
}

/** cr-sqlite keeps the old versions of the moved columns, so peers that are up to date receive the new row with NULLs. */
function keyOfReplicated(table: Table, column: string): MillraceError {
  return new MillraceError(
    'WRITE_REJECTED',
    `The key ${column} of the replicated table ${table.name} cannot be changed, for other sites would lose the row's columns: delete the row and insert it anew.`,
  )
}

function checkColumns(table: Table, columns: readonly string[]): void {
  for (const name of columns) {
    const column = table.columns.find((known) => known.name.toLowerCase() === name.toLowerCase())
    if (column === undefined) {
      throw new MillraceError(
        'SCHEMA_MISMATCH',
        `The table ${table.name} has no column ${name}. It has: ${table.columns.map((known) => known.name).join(', ')}.`,
      )
    }
    if (column.generated) {
      throw new MillraceError(
        'SCHEMA_MISMATCH',
        `The column ${name} of ${table.name} is generated, and cannot be written.`,
      )
    }
  }
}
