import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createEngine, type Engine, loadSqlite, type Sqlite } from '@millrace/engine'
import {
  type ClientId,
  compareValues,
  MillraceError,
  type Operation,
  type SqlValue,
  type WriteId,
} from '@millrace/protocol'
import { Capture } from '../../src/capture/capture.ts'
import { compile } from '../../src/compile/compile.ts'
import { AccessRecorder } from '../../src/database/authorizer.ts'
import { Database, quote } from '../../src/database/database.ts'
import type { Connection } from '../../src/database/sqlite.ts'
import { type Catalog, keyExpressions, type Table } from '../../src/schema/catalog.ts'
import { applySchema } from '../../src/schema/schema.ts'
import { AppliedWrites, Writer } from '../../src/write/apply.ts'
import { commitGroup } from '../../src/write/group.ts'
import { type Step, writesOf } from './history.ts'
import type { RandomQuery } from './random-query.ts'
import { Replay, type Row, show, showLoosely, showSorted } from './replay.ts'

/** A schema, queries that are live over it, and what happens to its rows. */
export interface Case {
  readonly schema: string
  readonly queries: readonly RandomQuery[]
  readonly history: readonly Step[]
  /** The queries become live after so many steps; before, nothing is compared. */
  readonly subscribeAfter?: number
}

/** What was compared, so that a run can say that it compared something. */
export interface Tally {
  cases: number
  transactions: number
  refused: number
  merges: number
  /** One live result, after one transaction. */
  comparisons: number
  deltas: number
  refusedQueries: number
  /** Queries in the error state, at any comparison. */
  errors: number
  changedRows: number
  /** Live queries by strategy: of the class that must not be `rerun`, and of the others. Empty before `explain`. */
  incremental: Record<string, number>
  others: Record<string, number>
}

export const newTally = (): Tally => ({
  cases: 0,
  transactions: 0,
  refused: 0,
  merges: 0,
  comparisons: 0,
  deltas: 0,
  refusedQueries: 0,
  errors: 0,
  changedRows: 0,
  incremental: {},
  others: {},
})

/** One line of what was compared. */
export function showTally({ incremental, others, ...counts }: Tally): string {
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ')
  const share = rerunShare(incremental)
  if (share === undefined) return list(counts)
  return `${list(counts)}\nstrategies: ${list(incremental)}, so ${(share * 100).toFixed(1)} % rerun; beyond the class: ${list(others)}`
}

/** Of the queries that should be kept by what changed, those that run again whole; undefined where nothing is known. */
export function rerunShare(incremental: Tally['incremental']): number | undefined {
  const all = Object.values(incremental).reduce((sum, count) => sum + count, 0)
  return all === 0 ? undefined : (incremental.rerun ?? 0) / all
}

let loaded: Promise<Sqlite> | undefined

/** SQLite, loaded once for a test file: a case opens and closes connections of its own. */
export function sqlite(): Promise<Sqlite> {
  loaded ??= (async () => {
    const path = createRequire(import.meta.url).resolve('@vlcn.io/wa-sqlite/dist/crsqlite-sync.wasm')
    return await loadSqlite({ wasmBinary: await readFile(path), locateFile: (file) => file })
  })()
  return loaded
}

/** An engine, and the connection below it, to ask SQLite past the engine. */
export function openBoth(sqlite: Sqlite, schema: string): { engine: Engine; connection: Connection } {
  let connection: Connection | undefined
  const engine = createEngine({
    sqlite: {
      registerVfs: (vfs) => sqlite.registerVfs(vfs),
      open: (...values) => {
        connection = sqlite.open(...values)
        return connection
      },
    },
    filename: ':memory:',
    schema,
    storage: { type: 'memory', reason: 'a test' },
  })
  return { engine, connection: connection as Connection }
}

/** Runs a SELECT past everything of the engine's: prepared, run and thrown away. */
export function ask(connection: Connection, sql: string, parameters: readonly SqlValue[] = []): Row[] {
  const statement = connection.prepare(sql)
  try {
    statement.bind(parameters)
    const rows: Row[] = []
    while (statement.step()) rows.push(statement.row())
    return rows
  } finally {
    statement.finalize()
  }
}

/** The law does not hold. `law` says which, in the same words for every case. */
export class Broken extends Error {
  readonly law: string

  constructor(law: string, detail: string) {
    super(`${law}, ${detail}`)
    this.law = law
  }
}

/**
 * The law: after every transaction each live result is what its SQL gives when it is run afresh, each delta is as small
 * as can be, and capture has seen just the rows that differ. Throws where it does not hold.
 */
export function check(sqlite: Sqlite, { schema, queries, history, ...more }: Case, tally = newTally()): void {
  let both: { engine: Engine; connection: Connection }
  try {
    both = openBoth(sqlite, schema)
  } catch (error) {
    // A random schema may be one that is refused, e.g. a reference to what is not unique.
    if (error instanceof MillraceError && error.code === 'INVALID_SCHEMA') return
    throw error
  }
  const { engine, connection } = both
  const watcher = new Watcher(sqlite, schema)
  const peer = new Peer(sqlite, schema)
  tally.cases++
  let live: Live[] = []
  let grouped = 0
  try {
    const compareAll = (when: string) => {
      for (const one of live) {
        compare(connection, one, when)
        if (one.replay.error !== null) tally.errors++
        tally.comparisons++
      }
    }
    const subscribe = () => {
      live = queries.flatMap((query) => watcher.live(engine, query) ?? [])
      tally.refusedQueries += queries.length - live.length
      for (const one of live) count(engine, one, tally)
      compareAll('after subscribing')
    }
    const subscribeAfter = more.subscribeAfter ?? 0
    for (const [i, step] of history.entries()) {
      if (i === subscribeAfter) subscribe()
      const writes = step.type === 'merge' ? [peer.changes(step.statements)] : writesOf(step)
      if (writes.flat().length === 0) continue
      const when = `after step ${i + 1}`
      tally.transactions++
      if (step.type === 'merge') tally.merges++
      const heard = live.reduce((sum, { replay }) => sum + replay.heard, 0)
      const resting = step.type === 'rest' ? live.filter((_, i) => i % step.nth === 0) : []
      for (const one of resting) one.end()
      const refused = step.type === 'group' ? together(engine, writes, grouped) : alone(engine, writes.flat())
      if (step.type === 'group') grouped += writes.length
      tally.refused += refused
      for (const one of resting)
        one.end = engine.subscribe(one.query.sql, one.query.parameters, one.replay.listen)
      tally.deltas += live.reduce((sum, { replay }) => sum + replay.heard, 0) - heard
      tally.changedRows += watcher.write(writes, refused, when)
      compareAll(when)
    }
    if (ask(connection, 'PRAGMA integrity_check')[0]?.[0] !== 'ok') throw new Error('integrity_check failed')
  } finally {
    engine.close()
    watcher.close()
    peer.close()
  }
}

/** A write, now. How many were refused. */
function alone(engine: Engine, operations: readonly Operation[]): number {
  try {
    engine.write(operations)
    return 0
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code === 'INTERNAL') throw error
    return 1
  }
}

/** Writes of one group, `before` of which there were others. How many were refused. */
function together(engine: Engine, writes: readonly (readonly Operation[])[], before: number): number {
  let refused = 0
  writes.forEach((operations, i) => {
    engine.enqueue(
      { client: 'oracle' as ClientId, request: { id: (before + i + 1) as WriteId, operations }, answered: 0 },
      (outcome) => {
        if (!('error' in outcome)) return
        const { error } = outcome
        if (!(error instanceof MillraceError) || error.code === 'INTERNAL') throw error
        refused++
      },
    )
  })
  engine.flush()
  return refused
}

/** An engine that can tell how it keeps a query. */
interface Explaining {
  explain?(sql: string, parameters?: readonly SqlValue[]): { readonly strategy: string }
}

function count(engine: Engine, { query }: Live, { incremental, others }: Tally): void {
  const explained = (engine as object as Explaining).explain?.(query.sql, query.parameters)
  if (explained === undefined) return
  const counts = query.incremental === true ? incremental : others
  counts[explained.strategy] = (counts[explained.strategy] ?? 0) + 1
}

interface Live {
  readonly query: RandomQuery
  /** What the engine runs for it; undefined where that is the text itself. */
  readonly compiled: string | undefined
  readonly replay: Replay
  /** Ends the subscription; another takes its place after a rest. */
  end: () => void
}

function compare(connection: Connection, { query, compiled, replay }: Live, when: string): void {
  const fail = (what: string, kept: string, fresh: string) => {
    throw new Broken(
      what.replaceAll(/\d+/g, 'n'),
      `${when}: ${what}\n  ${query.sql}\n  ${JSON.stringify(query.parameters)}\n  runs as ${compiled ?? 'it is'}\nkept:\n${kept}\nfresh:\n${fresh}\n`,
    )
  }
  const run = (sql: string, parameters = query.parameters) => {
    try {
      return ask(connection, sql, parameters)
    } catch (error) {
      return error as Error
    }
  }
  const fresh = run(query.sql)
  if (fresh instanceof Error || replay.error !== null) {
    if (!(fresh instanceof Error) || replay.error === null) {
      fail('error or rows?', String(replay.error), fresh instanceof Error ? String(fresh) : show(fresh))
    }
    return
  }
  const kept = replay.rows
  if (replay.excess !== '') fail(`the delta ${replay.excess}`, show(kept), show(fresh))
  if (new Set(replay.entries.map(({ key }) => key)).size !== kept.length) {
    fail('two rows have one key', replay.entries.map(({ key }) => key).join('\n'), '')
  }
  // Where keys are appended the order is total: in the very order that SQLite gives to the text that the engine runs.
  if (compiled !== undefined) {
    const engines = run(compiled)
    const exact =
      engines instanceof Error
        ? String(engines)
        : show(engines.map((row) => row.slice(0, replay.columns.length)))
    if (show(kept) !== exact) fail('not the rows of the text that the engine runs', show(kept), exact)
  }
  // And the rows of the text that was asked.
  const differs = difference(query, kept, fresh, compiled !== undefined, run)
  if (differs !== '') fail(differs, show(kept), show(fresh))
  for (const { column, collation } of query.order) {
    const differs = kept.findIndex(
      (row, i) => compareValues(row[column] as SqlValue, fresh[i]?.[column] as SqlValue, collation) !== 0,
    )
    if (differs !== -1) fail(`not in order from row ${differs}`, show(kept), show(fresh))
  }
}

/** How rows are not those of the query that was asked, as far as SQL says what they are; empty: they are. */
export function difference(
  query: RandomQuery,
  kept: readonly Row[],
  fresh: readonly Row[],
  mayChoose: boolean,
  run: (sql: string, parameters: readonly SqlValue[]) => readonly Row[] | Error,
): string {
  const text = (rows: readonly Row[]) =>
    query.spelling || query.unordered ? showLoosely(rows, query) : showSorted(rows)
  if (!query.choice || !mayChoose) return text(kept) === text(fresh) ? '' : 'not the rows of the query'
  if (kept.length !== fresh.length) return 'not as many rows as the query has'
  if (query.whole === undefined) return ''
  const whole = run(query.whole.sql, query.whole.parameters)
  if (whole instanceof Error) return ''
  const left = new Map<string, number>()
  for (const row of whole) left.set(text([row]), (left.get(text([row])) ?? 0) + 1)
  for (const row of kept) {
    const rest = left.get(text([row])) ?? 0
    if (rest === 0) return 'not among the rows of the query without its LIMIT'
    left.set(text([row]), rest - 1)
  }
  return ''
}

/** The same transactions with nothing but schema, writer and capture, so that notes can be looked at before the commit. */
class Watcher {
  readonly #database: Database
  readonly #recorder: AccessRecorder
  readonly #catalog: Catalog
  readonly #capture: Capture
  readonly #writer: Writer
  readonly #applied: AppliedWrites

  constructor(sqlite: Sqlite, schema: string) {
    this.#database = new Database(sqlite.open(':memory:'))
    this.#database.connection.exec('PRAGMA foreign_keys = on')
    this.#recorder = new AccessRecorder(this.#database.connection)
    this.#applied = new AppliedWrites(this.#database, 0)
    this.#catalog = applySchema(this.#database, schema)
    this.#capture = new Capture(this.#database)
    this.#writer = new Writer(this.#database, this.#recorder, this.#catalog)
    for (const table of this.#catalog.values()) this.#capture.watch(table)
  }

  live(engine: Engine, query: RandomQuery): Live | undefined {
    const replay = new Replay()
    let end: () => void
    try {
      end = engine.subscribe(query.sql, query.parameters, replay.listen)
    } catch (error) {
      // Random text may name what its table has not. Then SQLite refuses it too.
      if (!(error instanceof MillraceError) || error.code !== 'INVALID_SQL') throw error
      return undefined
    }
    const compiled = compile(this.#database, this.#recorder, this.#catalog, query.sql)
    return { query, replay, end, compiled: compiled.bag ? undefined : compiled.sql }
  }

  /**
   * Runs writes, and compares what capture says before the commit with what the tables say, and how many are refused
   * with how many the engine refused. The rows that changed.
   */
  write(writes: readonly (readonly Operation[])[], refused: number, when: string): number {
    const before = this.#snapshots()
    let noted: Map<Table, string> | undefined
    let summaries = ''
    let broken: unknown
    const real = this.#capture
    const capture = {
      changes: () => {
        noted = new Map([...before.keys()].map((table) => [table, showSorted(this.#noted(table))]))
        const changes = real.changes()
        summaries = changes
          .map(({ table, rows, columns }) => `${table.name}:${rows ? ' rows' : ''} ${[...columns].join(' ')}`)
          .join('; ')
        // Thrown here it would count as a refused write.
        try {
          if (writes.length === 1) for (const change of changes) this.#checkSummary(change, before, when)
        } catch (error) {
          broken ??= error
        }
        return changes
      },
      clear: () => real.clear(),
    }
    const results = commitGroup(
      {
        database: this.#database,
        capture: capture as Capture,
        writer: this.#writer,
        applied: this.#applied,
        now: () => 0,
      },
      writes.map((operations) => ({ client: null, request: { id: 0 as WriteId, operations }, answered: 0 })),
    )
    if (broken !== undefined) throw broken
    const fell = results.flatMap(({ outcomes }) => outcomes).filter((outcome) => 'error' in outcome).length
    if (fell !== refused) {
      throw new Broken('not the writes refused that a bare writer refuses', `${when}: ${refused}, ${fell}`)
    }
    // A group that fell apart is several transactions, each with notes of its own.
    const asOne = results.length === 1
    const after = this.#snapshots()
    let changed = 0
    for (const [table, old] of before) {
      const differing: Row[] = []
      const now = after.get(table) as Snapshot
      for (const [key, image] of old) if (now.get(key)?.text !== image.text) differing.push(image.row)
      for (const [key, image] of now) if (!old.has(key)) differing.push(image.row)
      changed += differing.length
      if (table.coarse || !asOne) continue
      const keys = showSorted(differing.map((row) => row.slice(0, table.key.length)))
      // A commit that fails (a deferred foreign key) comes after the notes were read.
      const saw = results.some(({ committed }) => committed) ? (noted?.get(table) ?? '') : ''
      if (saw !== keys) {
        throw new Broken(
          'capture saw other rows than changed',
          `${when}, of ${table.name}\nsaw:\n${saw}\nchanged:\n${keys}\n${summaries}`,
        )
      }
    }
    return changed
  }

  #checkSummary(
    change: ReturnType<Capture['changes']>[number],
    before: Map<Table, Snapshot>,
    when: string,
  ): void {
    const now = this.#snapshot(change.table)
    const old = before.get(change.table) as Snapshot
    const rows = [...old.keys()].some((key) => !now.has(key)) || [...now.keys()].some((key) => !old.has(key))
    if (rows !== change.rows && !change.table.coarse) {
      throw new Broken(
        'capture is wrong about rows that came or went',
        `${when}, of ${change.table.name}: ${change.rows}`,
      )
    }
  }

  /** The keys of the rows that capture says have changed. */
  #noted(table: Table): Row[] {
    return this.#capture.rows(table).map(({ key, before, after }) => {
      // A key that was spelled otherwise before is the same row: it goes by its image before, as in a snapshot.
      if (table.byRowid !== null) return key
      const image = before ?? after ?? []
      return table.info.key.map((column) => image[column] as SqlValue)
    })
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

type Snapshot = Map<string, { readonly text: string; readonly row: Row }>

/** A second site: what it writes comes to the first as rows of crsql_changes. */
class Peer {
  readonly #connection: Connection
  #sent = 0

  constructor(sqlite: Sqlite, schema: string) {
    const database = new Database(sqlite.open(':memory:'))
    applySchema(database, schema)
    this.#connection = database.connection
    this.#database = database
  }
  readonly #database: Database

  changes(statements: readonly string[]): Operation[] {
    for (const statement of statements) {
      try {
        ask(this.#connection, statement)
      } catch {}
    }
    const rows = ask(
      this.#connection,
      'SELECT "table", pk, cid, val, col_version, db_version, site_id, cl, seq FROM crsql_changes WHERE db_version > ?',
      [this.#sent],
    )
    this.#sent = Number(ask(this.#connection, 'SELECT crsql_db_version()')[0]?.[0])
    return rows.map((parameters) => ({
      type: 'exec',
      sql: 'INSERT INTO crsql_changes ("table", pk, cid, val, col_version, db_version, site_id, cl, seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      parameters,
    }))
  }

  close(): void {
    this.#database.get('SELECT crsql_finalize()')
    this.#database.close()
  }
}
