import {
  type ClientId,
  decodeError,
  encodeError,
  type MillraceError,
  type WriteRequest,
} from '@millrace/protocol'
import type { Database } from '../database/database.ts'

/** Clients whose records are kept: those that wrote last. One that writes and gets its answers leaves one row. */
const CLIENTS_KEPT = 1000

/**
 * The record of what became of writes, in the database itself and in the transaction of each: a client that had no answer
 * sends a write again, or another page does it from the client's journal, and it is applied once. The newest write of a
 * client always has a record: a write before it that has none had been answered.
 */
export class WriteRecords {
  readonly #database: Database
  /** Grows with each record. Clocks go back, and a frozen page may be away for weeks. */
  #order: number

  constructor(database: Database) {
    this.#database = database
    database.connection.exec(`
      CREATE TABLE IF NOT EXISTS millrace_write (
        client TEXT NOT NULL, id INTEGER NOT NULL, changes INTEGER NOT NULL, at INTEGER NOT NULL, error TEXT,
        PRIMARY KEY (client, id)
      ) WITHOUT ROWID`)
    const [hasErrors] = database.get(
      "SELECT count(*) FROM pragma_table_info('millrace_write') WHERE name = 'error'",
    ) as [number]
    if (hasErrors === 0) database.connection.exec('ALTER TABLE millrace_write ADD COLUMN error TEXT')
    this.#order = (database.get('SELECT coalesce(max(at), 0) FROM millrace_write') as [number])[0]
    database.run(
      `DELETE FROM millrace_write WHERE client NOT IN (
        SELECT client FROM millrace_write GROUP BY client ORDER BY max(at) DESC LIMIT ?)`,
      [CLIENTS_KEPT],
    )
  }

  /**
   * What became of a write that is sent again: the rows that it changed, why it was rejected, `answered` where its client
   * was told and a later write had no need of the record any more, or undefined when it never arrived. What was answered
   * must not run: behind a later one it might do something else.
   */
  find(
    client: ClientId,
    { id }: WriteRequest,
  ): { readonly changes: number } | { readonly error: MillraceError } | 'answered' | undefined {
    const row = this.#database.get(
      'SELECT id, changes, error FROM millrace_write WHERE client = ? AND id >= ? ORDER BY id LIMIT 1',
      [client, id],
    ) as [number, number, string | null] | undefined
    if (row === undefined) return undefined
    const [found, changes, error] = row
    if (found !== id) return 'answered'
    return error === null ? { changes } : { error: decodeError(JSON.parse(error)) }
  }

  /** Inside the transaction of the write. */
  applied(client: ClientId, { id }: WriteRequest, changes: number): void {
    this.#record(client, id, changes, null)
  }

  /** Inside a transaction of its own, or that of its group. Where it was is told without the key, which may be no JSON. */
  rejected(client: ClientId, { id }: WriteRequest, error: MillraceError): void {
    const { at, ...data } = encodeError(error)
    this.#record(
      client,
      id,
      0,
      JSON.stringify(at === undefined ? data : { ...data, at: { ...at, key: null } }),
    )
  }

  #record(client: ClientId, id: number, changes: number, error: string | null): void {
    this.#database.run('INSERT INTO millrace_write (client, id, changes, at, error) VALUES (?, ?, ?, ?, ?)', [
      client,
      id,
      changes,
      ++this.#order,
      error,
    ])
  }

  /** The client knows the end of all writes up to `id`. */
  forget(client: ClientId, id: number): void {
    this.#database.run('DELETE FROM millrace_write WHERE client = ? AND id <= ?', [client, id])
  }
}
