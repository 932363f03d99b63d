import type { SqlValue } from '@millrace/protocol'
import type { Connection, Statement } from './sqlite.ts'

/** Prepared statements kept at a time. An app has some dozens of texts; more are prepared again when they come. */
const MAX_STATEMENTS = 200

interface Prepared {
  readonly statement: Statement
  running: boolean
  /** The number that its last run had among all runs. */
  used: number
}

/** A connection with its prepared statements: the form in which the rest of the engine uses SQLite. */
export class Database {
  readonly connection: Connection
  readonly #prepared = new Map<string, Prepared>()

  /** Statements run since the start; for tests and devtools. */
  statementsRun = 0
  /** Rows that statements gave. */
  rowsRead = 0

  constructor(connection: Connection) {
    this.connection = connection
  }

  /** The number of prepared statements held. */
  get prepared(): number {
    return this.#prepared.size
  }

  /** Runs a statement to its end and gives its rows. */
  all(sql: string, parameters: readonly SqlValue[] = []): SqlValue[][] {
    const { statement } = this.#start(sql, parameters)
    try {
      return this.#rows(statement)
    } finally {
      this.#stop(sql, statement)
    }
  }

  /** Its first row. Values that `like` has at the same place are taken from there. */
  get(sql: string, parameters: readonly SqlValue[] = [], like?: readonly SqlValue[]): SqlValue[] | undefined {
    const { statement } = this.#start(sql, parameters)
    try {
      if (!statement.step()) return undefined
      this.rowsRead++
      return statement.row(like)
    } finally {
      this.#stop(sql, statement)
    }
  }

  /** Runs a statement, and gives the number of rows that it changed itself. */
  run(sql: string, parameters: readonly SqlValue[] = []): number {
    const { statement } = this.#start(sql, parameters)
    try {
      while (statement.step());
      return this.connection.changes
    } finally {
      this.#stop(sql, statement)
    }
  }

  /** Column names and rows. */
  query(sql: string, parameters: readonly SqlValue[]): { columns: readonly string[]; rows: SqlValue[][] } {
    const { statement } = this.#start(sql, parameters)
    try {
      return { columns: statement.columns, rows: this.#rows(statement) }
    } finally {
      this.#stop(sql, statement)
    }
  }

  #rows(statement: Statement): SqlValue[][] {
    const rows: SqlValue[][] = []
    while (statement.step()) rows.push(statement.row())
    this.rowsRead += rows.length
    return rows
  }

  #start(sql: string, parameters: readonly SqlValue[]): Prepared {
    this.statementsRun++
    let prepared = this.#prepared.get(sql)
    if (prepared === undefined) {
      prepared = { statement: this.connection.prepare(sql), running: false, used: 0 }
      this.#prepared.set(sql, prepared)
      if (this.#prepared.size > MAX_STATEMENTS) this.#dropOldest(sql)
    } else if (prepared.running) {
      // A text that is run from within its own rows gets a statement of its own, for once.
      prepared = { statement: this.connection.prepare(sql), running: false, used: 0 }
    }
    prepared.used = this.statementsRun
    prepared.running = true
    try {
      prepared.statement.bind(parameters)
    } catch (error) {
      this.#stop(sql, prepared.statement)
      throw error
    }
    return prepared
  }

  #stop(sql: string, statement: Statement): void {
    const prepared = this.#prepared.get(sql)
    if (prepared?.statement !== statement) {
      statement.finalize()
      return
    }
    statement.reset()
    prepared.running = false
  }

  /** Of the statements that do not run, the one that was used longest ago. A scan, but only when a new text comes. */
  #dropOldest(except: string): void {
    let oldest: string | undefined
    let used = Number.POSITIVE_INFINITY
    for (const [sql, prepared] of this.#prepared) {
      if (prepared.running || prepared.used >= used || sql === except) continue
      oldest = sql
      used = prepared.used
    }
    if (oldest === undefined) return
    this.#prepared.get(oldest)?.statement.finalize()
    this.#prepared.delete(oldest)
  }

  /** Lets go of the file. cr-sqlite has statements of its own, which it must finalize first. */
  close(): void {
    try {
      this.get('SELECT crsql_finalize()')
    } finally {
      this.#closeConnection()
    }
  }

  #closeConnection(): void {
    for (const { statement } of this.#prepared.values()) statement.finalize()
    this.#prepared.clear()
    this.connection.close()
  }
}

/** A name as SQL writes it. */
export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
