import type { SqlValue } from '@millrace/protocol'
import type { Connection, Statement } from './sqlite.ts'

/** Prepared statements kept at a time. An app has some dozens of texts; more are prepared again when they come. */
const MAX_STATEMENTS = 200

/** A connection with its prepared statements: the form in which the rest of the engine uses SQLite. */
export class Database {
  readonly connection: Connection
  /** In order of use, the oldest first. A statement is taken out while it runs. */
  readonly #idle = new Map<string, Statement>()

  /** Statements run since the start; for tests and devtools. */
  statementsRun = 0
  /** Rows that statements gave. */
  rowsRead = 0

  constructor(connection: Connection) {
    this.connection = connection
  }

  /** The number of prepared statements held. */
  get prepared(): number {
    return this.#idle.size
  }

  /** Runs a statement to its end and gives its rows. */
  all(sql: string, parameters: readonly SqlValue[] = []): SqlValue[][] {
    const rows: SqlValue[][] = []
    this.#use(sql, parameters, (statement) => {
      while (statement.step()) rows.push(statement.row())
    })
    this.rowsRead += rows.length
    return rows
  }

  /** Its first row. */
  get(sql: string, parameters: readonly SqlValue[] = []): SqlValue[] | undefined {
    return this.#use(sql, parameters, (statement) => {
      if (!statement.step()) return undefined
      this.rowsRead++
      return statement.row()
    })
  }

  /** Runs a statement, and gives the number of rows that it changed itself. */
  run(sql: string, parameters: readonly SqlValue[] = []): number {
    return this.#use(sql, parameters, (statement) => {
      while (statement.step());
      return this.connection.changes
    })
  }

  /** Column names and rows. */
  query(sql: string, parameters: readonly SqlValue[]): { columns: readonly string[]; rows: SqlValue[][] } {
    return this.#use(sql, parameters, (statement) => {
      const rows: SqlValue[][] = []
      while (statement.step()) rows.push(statement.row())
      this.rowsRead += rows.length
      return { columns: statement.columns, rows }
    })
  }

  #use<T>(sql: string, parameters: readonly SqlValue[], work: (statement: Statement) => T): T {
    let statement = this.#idle.get(sql)
    if (statement === undefined) statement = this.connection.prepare(sql)
    else this.#idle.delete(sql)
    this.statementsRun++
    try {
      statement.bind(parameters)
      return work(statement)
    } finally {
      statement.reset()
      this.#idle.set(sql, statement)
      if (this.#idle.size > MAX_STATEMENTS) this.#dropOldest()
    }
  }

  #dropOldest(): void {
    const [sql, statement] = this.#idle.entries().next().value as [string, Statement]
    this.#idle.delete(sql)
    statement.finalize()
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
    for (const statement of this.#idle.values()) statement.finalize()
    this.#idle.clear()
    this.connection.close()
  }
}

/** A name as SQL writes it. */
export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
