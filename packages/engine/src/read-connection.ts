import type { QueryResult, SqlValue } from '@millrace/protocol'
import { Database } from './database/database.ts'
import { invalidSql, storageError } from './database/errors.ts'
import type { RunLimit, Sqlite } from './database/sqlite.ts'
import { LIMITS } from './limits.ts'

/** Runs queries that are long beside an engine, on the database as it is when their turn comes. */
export interface Reader {
  /**
   * Null where there can be no reader.
   * @throws MillraceError `INVALID_SQL`, `TIMEOUT`, `ENGINE_LOST`; `ABORTED`, `CLOSED` when it was ended from outside
   */
  query(
    sql: string,
    parameters: readonly SqlValue[],
    options: { readonly signal: AbortSignal; readonly timeout: number },
  ): Promise<QueryResult | null>
}

/** A second connection to a database that an engine has open. It reads, and what it reads was checked by that engine. */
export class ReadConnection {
  readonly #database: Database

  /** @throws MillraceError `STORAGE_FAILED`, or SqliteError */
  constructor(sqlite: Sqlite, filename: string, vfs: string) {
    try {
      this.#database = new Database(sqlite.open(filename, { vfs }))
      // A scan that is repeated finds its pages in memory: 64 MB at most.
      this.#database.connection.exec(
        'PRAGMA query_only = 1; PRAGMA temp_store = memory; PRAGMA cache_size = -65536',
      )
    } catch (error) {
      throw storageError(error) ?? error
    }
  }

  /** @throws MillraceError `INVALID_SQL`, `TIMEOUT`, `STORAGE_FAILED` */
  query(sql: string, parameters: readonly SqlValue[], timeout: number): QueryResult {
    return runQuery(this.#database, sql, parameters, { steps: LIMITS.reader, timeout })
  }
}

/**
 * Runs a query within a limit.
 * @throws MillraceError `INVALID_SQL`, `TIMEOUT`, `STORAGE_FAILED`
 */
export function runQuery(
  database: Database,
  sql: string,
  parameters: readonly SqlValue[],
  limit: RunLimit,
): QueryResult {
  try {
    return database.connection.limit(limit, () => database.query(sql, parameters))
  } catch (error) {
    throw invalidSql(error, sql)
  }
}
