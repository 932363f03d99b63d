import type { Sqlite } from '@millrace/engine'
import type { MergeChange, Operation } from '@millrace/protocol'
import { Database } from '../../src/database/database.ts'
import { applySchema } from '../../src/schema/schema.ts'
import { readChanges } from '../../src/write/merge.ts'
import { ask } from './connect.ts'
import { type Step, writesOf } from './history.ts'

/** What a step comes to on this site. */
export type Work =
  | { readonly type: 'write' | 'group'; readonly writes: readonly (readonly Operation[])[] }
  | { readonly type: 'merge'; readonly changes: readonly MergeChange[] }

export function workOf(step: Step, peer: Peer): Work {
  if (step.type !== 'merge')
    return { type: step.type === 'group' ? 'group' : 'write', writes: writesOf(step) }
  return { type: 'merge', changes: peer.changes(step.statements) }
}

/** A second site, whose changes come to the first. */
export class Peer {
  readonly #database: Database
  #sent = 0

  constructor(sqlite: Sqlite, schema: string) {
    this.#database = new Database(sqlite.open(':memory:'))
    applySchema(this.#database, schema)
  }

  changes(statements: readonly string[]): readonly MergeChange[] {
    for (const statement of statements) {
      try {
        ask(this.#database.connection, statement)
      } catch {}
    }
    const changes = readChanges(this.#database, this.#sent)
    this.#sent = Number(ask(this.#database.connection, 'SELECT crsql_db_version()')[0]?.[0])
    return changes
  }

  close(): void {
    this.#database.get('SELECT crsql_finalize()')
    this.#database.close()
  }
}
