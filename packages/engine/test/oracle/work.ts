import type { MergeChange, Sqlite } from '@millrace/engine'
import type { Operation } from '@millrace/protocol'
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
  const changes = peer.changes(step.statements)
  return step.through === 'merge'
    ? { type: 'merge', changes }
    : { type: 'write', writes: [changes.map(insertion)] }
}

/** A change of another site as a write that an application may make itself. */
const insertion = (change: MergeChange): Operation => ({
  type: 'exec',
  sql: 'INSERT INTO crsql_changes ("table", pk, cid, val, col_version, db_version, site_id, cl, seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
  parameters: [
    change.table,
    change.pk,
    change.cid,
    change.val,
    change.colVersion,
    change.dbVersion,
    change.siteId,
    change.cl,
    change.seq,
  ],
})

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
