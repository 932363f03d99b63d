import type { Sqlite } from '@millrace/engine'
import type { SqlValue, WriteId } from '@millrace/protocol'
import { Capture, type TableChange } from '../../src/capture/capture.ts'
import { compile } from '../../src/compile/compile.ts'
import { AccessRecorder } from '../../src/database/authorizer.ts'
import { Database, quote } from '../../src/database/database.ts'
import { Epoch } from '../../src/epoch.ts'
import { type Catalog, keyExpressions, type Table } from '../../src/schema/catalog.ts'
import { applySchema } from '../../src/schema/schema.ts'
import { Writer } from '../../src/write/apply.ts'
import { commitGroup } from '../../src/write/group.ts'
import { planMerge } from '../../src/write/merge.ts'
import { WriteRecords } from '../../src/write/records.ts'
import { Broken } from './broken.ts'
import { type Row, showSorted } from './replay.ts'
import type { Work } from './work.ts'

/** The same transactions with nothing but schema, writer and capture, so that notes can be looked at before the commit. */
export class Watcher {
  readonly #database: Database
  readonly #recorder: AccessRecorder
  readonly #catalog: Catalog
  readonly #capture: Capture
  readonly #writer: Writer
  readonly #epoch: Epoch
  readonly #records: WriteRecords

  constructor(sqlite: Sqlite, schema: string) {
    this.#database = new Database(sqlite.open(':memory:'))
    this.#database.connection.exec('PRAGMA foreign_keys = on')
    this.#recorder = new AccessRecorder(this.#database.connection)
    this.#epoch = new Epoch(this.#database)
    this.#records = new WriteRecords(this.#database)
    this.#catalog = applySchema(this.#database, schema)
    this.#capture = new Capture(this.#database)
    this.#writer = new Writer(this.#database, this.#recorder, this.#catalog)
    for (const table of this.#catalog.values()) this.#capture.watch(table)
  }

  /** What the engine runs for a query; undefined where its rows have no keys, and it runs as it is. */
  compiled(sql: string): string | undefined {
    const compiled = compile(this.#database, this.#recorder, this.#catalog, sql)
    return compiled.bag ? undefined : compiled.sql
  }

  /**
   * Does the same, and compares what capture says with what the tables say, and how much is refused with how much the
   * engine refused. The rows that changed.
   */
  perform(work: Work, refused: number, when: string): number {
    const before = this.#snapshots()
    const fell = this.#commit(work)
    if (fell !== refused) {
      throw new Broken('not as much refused as a bare writer refuses', `${when}: ${refused}, ${fell}`)
    }
    if (fell > 0 || work.type === 'merge') this.#capture.doubt()
    const changes = new Map(this.#capture.changes().map((change) => [change.table, change]))
    this.#capture.clear()
    const after = this.#snapshots()
    let changed = 0
    for (const [table, old] of before) {
      const differing: Row[] = []
      const now = after.get(table) as Snapshot
      for (const [key, image] of old) if (now.get(key)?.text !== image.text) differing.push(image.row)
      for (const [key, image] of now) if (!old.has(key)) differing.push(image.row)
      changed += differing.length
      const change = changes.get(table)
      // Which rows is not known of every table: then it says so.
      if (change?.type === 'bulk') continue
      const keys = showSorted(differing.map((row) => row.slice(0, table.key.length)))
      const saw = showSorted(noted(change, table))
      if (saw !== keys) {
        throw new Broken(
          'capture saw other rows than changed',
          `${when}, of ${table.name}\nsaw:\n${saw}\nchanged:\n${keys}`,
        )
      }
    }
    return changed
  }

  /** How many were refused. */
  #commit(work: Work): number {
    const queued =
      work.type === 'merge'
        ? [{ merge: planMerge(this.#database, this.#catalog, work.changes) }]
        : work.writes.map((operations) => ({
            client: null,
            request: { id: 0 as WriteId, operations },
            answered: 0,
          }))
    const context = {
      database: this.#database,
      writer: this.#writer,
      epoch: this.#epoch,
      limit: Number.POSITIVE_INFINITY,
      records: this.#records,
      disk: null,
      durability: 'strict' as const,
    }
    return commitGroup(context, queued)
      .flatMap(({ outcomes }) => outcomes)
      .filter((outcome) => 'error' in outcome || ('refused' in outcome && outcome.refused !== null)).length
  }

  #snapshots(): Map<Table, Snapshot> {
    return new Map(
      [...this.#catalog.values()]
        .filter((table) => !table.virtual)
        .map((table) => [table, this.#snapshot(table)]),
    )
  }

  #snapshot(table: Table): Snapshot {
    const columns = table.columns.map(({ name }) => `t.${quote(name)}`)
    // Storage class and bytes of each column, which tell 1 from 1.0 and 'a' from 'A'.
    const exact = columns.map((column) => `typeof(${column}) || ':' || quote(${column})`)
    const keys = keyExpressions(table, 't')
    const folded = keys.map((key, i) =>
      table.key[i]?.collation === 'NOCASE'
        ? `CASE WHEN typeof(${key}) = 'text' THEN lower(${key}) ELSE ${key} END`
        : key,
    )
    // One text for keys that are one to SQLite: 1 and 1.0.
    const identity = folded.map(
      (key) =>
        `quote(CASE WHEN typeof(${key}) = 'real' AND ${key} = CAST(${key} AS INTEGER) THEN CAST(${key} AS INTEGER) ELSE ${key} END)`,
    )
    const rows = this.#database.all(
      `SELECT concat_ws(',', ${exact.join(', ')}), concat_ws(',', ${identity.join(', ')}), ${keys.join(', ')} FROM ${quote(table.name)} AS t`,
    )
    return new Map(rows.map(([text, identity, ...row]) => [String(identity), { text: String(text), row }]))
  }

  close(): void {
    this.#database.get('SELECT crsql_finalize()')
    this.#database.close()
  }
}

/** The keys of the rows that capture says have changed. */
const noted = (change: Extract<TableChange, { type: 'rows' }> | undefined, table: Table): Row[] =>
  (change?.rows ?? []).map(({ key, before, after }) => {
    // A key that was spelled otherwise before is the same row: it goes by its image before, as in a snapshot.
    if (table.byRowid !== null) return [...key]
    const image = before ?? after ?? []
    return table.info.key.map((column) => image[column] as SqlValue)
  })

type Snapshot = Map<string, { readonly text: string; readonly row: Row }>
