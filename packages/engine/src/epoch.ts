import type { Database } from './database/database.ts'

/**
 * The number of this opening of the database: one more than that of the last that stored something, so that versions of
 * two owners compare. It is stored with the first commit, for opening writes nothing; one that never commits has
 * nothing to compare.
 */
export class Epoch {
  readonly number: number
  readonly #database: Database
  readonly #alsoStore: () => void
  #stored = false

  /** `alsoStore`: writes what else is stored with the first commit. */
  constructor(database: Database, alsoStore: () => void = () => {}) {
    this.#database = database
    this.#alsoStore = alsoStore
    database.connection.exec(
      'CREATE TABLE IF NOT EXISTS millrace_epoch (id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER NOT NULL)',
    )
    const [last = 0] = database.get('SELECT epoch FROM millrace_epoch') ?? []
    this.number = (last as number) + 1
  }

  /** Begins a transaction that is to be told by its version. */
  begin(): void {
    this.#database.run('BEGIN IMMEDIATE')
    if (this.#stored) return
    this.#database.run(
      'INSERT INTO millrace_epoch VALUES (1, ?1) ON CONFLICT DO UPDATE SET epoch = excluded.epoch',
      [this.number],
    )
    this.#alsoStore()
  }

  commit(): void {
    this.#database.run('COMMIT')
    this.#stored = true
  }
}
