import {
  type ClientId,
  MillraceError,
  type Operation,
  type SqlValue,
  toSqlValue,
  type WriteRequest,
} from '@millrace/protocol'
import { checkParameterCount } from '../compile/compile.ts'
import type { AccessRecorder } from '../database/authorizer.ts'
import { type Database, quote } from '../database/database.ts'
import { excerpt, invalidSql, rejection } from '../database/errors.ts'
import { type Catalog, findTable, isInternal, type Table } from '../schema/catalog.ts'

/** Runs the operations of writes inside the open transaction. */
export class Writer {
  readonly #database: Database
  readonly #recorder: AccessRecorder
  readonly #catalog: Catalog
  /** Texts of `exec` that were found fit, with their number of parameters. Bounded. */
  readonly #checked = new Map<string, number>()

  constructor(database: Database, recorder: AccessRecorder, catalog: Catalog) {
    this.#database = database
    this.#recorder = recorder
    this.#catalog = catalog
  }

  /** The rows that it changed. @throws MillraceError */
  apply(operations: readonly Operation[]): number {
    let changes = 0
    for (const operation of operations) changes += this.#applyOne(operation)
    return changes
  }

  #applyOne(operation: Operation): number {
    switch (operation.type) {
      case 'insert': {
        const table = this.#table(operation.table)
        const columns = Object.keys(operation.row)
        checkColumns(table, columns)
        const values =
          columns.length === 0
            ? 'DEFAULT VALUES'
            : `(${columns.map(quote).join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`
        return this.#run(
          `insert into ${table.name}`,
          `INSERT INTO ${quote(table.name)} ${values}`,
          valuesOf(table, operation.row),
        )
      }
      case 'update': {
        const table = this.#table(operation.table)
        const columns = Object.keys(operation.patch)
        checkColumns(table, columns)
        if (columns.length === 0) return 0
        const moved = table.crr ? columns.find((column) => isKeyColumn(table, column)) : undefined
        if (moved !== undefined) throw keyOfReplicated(table, moved)
        const set = columns.map((column) => `${quote(column)} = ?`).join(', ')
        const { where, values } = this.#whereKey(table, operation.key)
        const changes = this.#run(
          `update ${table.name}`,
          `UPDATE ${quote(table.name)} SET ${set} WHERE ${where}`,
          [...valuesOf(table, operation.patch), ...values],
        )
        return this.#found(changes, 'update', table, operation.key)
      }
      case 'delete': {
        const table = this.#table(operation.table)
        const { where, values } = this.#whereKey(table, operation.key)
        const changes = this.#run(
          `delete from ${table.name}`,
          `DELETE FROM ${quote(table.name)} WHERE ${where}`,
          values,
        )
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

  #run(what: string, sql: string, parameters: readonly SqlValue[]): number {
    try {
      return this.#database.run(sql, parameters)
    } catch (error) {
      throw rejection(error, what)
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

  #whereKey(table: Table, key: readonly SqlValue[]): { where: string; values: readonly SqlValue[] } {
    const columns = table.info.key.map((column) => table.columns[column])
    if (columns.length === 0) {
      throw new MillraceError(
        'SCHEMA_MISMATCH',
        `Rows of ${table.name} cannot be named by a key, for it has no primary key that is never NULL: declare one, or use exec with a WHERE of your own.`,
      )
    }
    if (columns.length !== key.length) {
      throw new MillraceError(
        'SCHEMA_MISMATCH',
        `The key of ${table.name} has ${columns.length} columns (${columns.map((column) => column?.name).join(', ')}), but ${key.length} values were given.`,
      )
    }
    const where = columns
      .map((column, i) => `${quote(column?.name ?? '')} = ? COLLATE ${table.key[i]?.collation ?? 'BINARY'}`)
      .join(' AND ')
    return {
      where,
      values: key.map((value, i) => toSqlValue(value, `the key ${table.key[i]?.name} of ${table.name}`)),
    }
  }

  #found(changes: number, what: string, table: Table, key: readonly SqlValue[]): number {
    if (changes > 0) return changes
    throw new MillraceError(
      'WRITE_REJECTED',
      `Could not ${what} the row of ${table.name} with the key ${key.map(String).join(', ')}: there is none. It may have been deleted elsewhere.`,
    )
  }

  /** `exec` takes what changes rows of the user's tables, and nothing else. */
  #check(sql: string, parameters: readonly SqlValue[]): void {
    let parameterCount = this.#checked.get(sql)
    if (parameterCount === undefined) {
      parameterCount = this.#checkAccess(sql)
      if (this.#checked.size > 1000) this.#checked.clear()
      this.#checked.set(sql, parameterCount)
    }
    checkParameterCount(parameterCount, parameters, sql)
  }

  #checkAccess(sql: string): number {
    let parameterCount = 0
    const access = this.#recorder.record(() => {
      try {
        const statement = this.#database.connection.prepare(sql)
        parameterCount = statement.parameterCount
        statement.finalize()
      } catch (error) {
        throw invalidSql(error, sql)
      }
    })
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
    for (const [name, columns] of access.writes) {
      if (isInternal(name) && !/^crsql_changes$/i.test(name)) {
        throw new MillraceError(
          'INVALID_SQL',
          `The table ${name} is not the app's to change. The statement reads: ${excerpt(sql)}`,
        )
      }
      const table = findTable(this.#catalog, name)
      const moved =
        table?.crr === true ? [...columns].find((column) => isKeyColumn(table, column)) : undefined
      if (table !== undefined && moved !== undefined) throw keyOfReplicated(table, moved)
    }
    return parameterCount
  }
}

/** Values come from outside; what TypeScript says of them may not be so. */
function valuesOf(table: Table, row: Readonly<Record<string, SqlValue>>): SqlValue[] {
  return Object.entries(row).map(([column, value]) => toSqlValue(value, `${table.name}.${column}`))
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

/**
 * The record of writes that were applied, in the database itself and in their own transaction: a client that had no
 * answer sends a write again, and it is applied once.
 */
export class AppliedWrites {
  readonly #database: Database

  constructor(database: Database, now: number) {
    this.#database = database
    database.connection.exec(`
      CREATE TABLE IF NOT EXISTS millrace_write (
        client TEXT NOT NULL, id INTEGER NOT NULL, changes INTEGER NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY (client, id)
      ) WITHOUT ROWID`)
    // Pages that never came back: a day is longer than any page waits for an answer.
    database.run('DELETE FROM millrace_write WHERE at < ?', [now - 86_400_000])
  }

  /**
   * What became of a write that is sent again: the rows that it changed, `refused`, or undefined when it never arrived. A
   * client's writes run in order, so one that left no record, though a later one did, was refused; run now, behind
   * the later one, it might do something else.
   */
  find(client: ClientId, { id }: WriteRequest): { readonly changes: number } | 'refused' | undefined {
    const row = this.#database.get(
      'SELECT id, changes FROM millrace_write WHERE client = ? AND id >= ? ORDER BY id LIMIT 1',
      [client, id],
    ) as [number, number] | undefined
    if (row === undefined) return undefined
    return row[0] === id ? { changes: row[1] } : 'refused'
  }

  record(client: ClientId, { id }: WriteRequest, changes: number, now: number): void {
    this.#database.run('INSERT INTO millrace_write (client, id, changes, at) VALUES (?, ?, ?, ?)', [
      client,
      id,
      changes,
      now,
    ])
  }

  /** The client knows the end of all writes up to `id`. */
  forget(client: ClientId, id: number): void {
    this.#database.run('DELETE FROM millrace_write WHERE client = ? AND id <= ?', [client, id])
  }
}
