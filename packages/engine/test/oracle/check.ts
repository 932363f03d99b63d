import type { Engine, Sqlite } from '@millrace/engine'
import {
  type ClientId,
  compareValues,
  MillraceError,
  type Operation,
  type SqlValue,
  type WriteId,
} from '@millrace/protocol'
import type { Connection } from '../../src/database/sqlite.ts'
import { Broken } from './broken.ts'
import { ask, openBoth } from './connect.ts'
import type { Step } from './history.ts'
import type { RandomQuery } from './random-query.ts'
import { Replay, type Row, show, showLoosely, showSorted } from './replay.ts'
import { newTally, type Tally } from './tally.ts'
import { Watcher } from './watcher.ts'
import { Peer, type Work, workOf } from './work.ts'

/** A schema, queries that are live over it, and what happens to its rows. */
export interface Case {
  readonly schema: string
  readonly queries: readonly RandomQuery[]
  readonly history: readonly Step[]
  /** The queries become live after so many steps; before, nothing is compared. */
  readonly subscribeAfter?: number
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
      live = queries.flatMap((query) => subscribeTo(engine, watcher, query) ?? [])
      tally.refusedQueries += queries.length - live.length
      for (const one of live) count(engine, one, tally)
      compareAll('after subscribing')
    }
    const subscribeAfter = more.subscribeAfter ?? 0
    for (const [i, step] of history.entries()) {
      if (i === subscribeAfter) subscribe()
      const work = workOf(step, peer)
      if ((work.type === 'merge' ? work.changes : work.writes.flat()).length === 0) continue
      const when = `after step ${i + 1}`
      tally.transactions++
      if (step.type === 'merge') tally.merges++
      const heard = live.reduce((sum, { replay }) => sum + replay.heard, 0)
      const resting = step.type === 'rest' ? live.filter((_, i) => i % step.nth === 0) : []
      for (const one of resting) one.end()
      const refused = perform(engine, work, grouped)
      if (work.type === 'group') grouped += work.writes.length
      tally.refused += refused
      for (const one of resting)
        one.end = engine.subscribe(one.query.sql, one.query.parameters, one.replay.listen)
      tally.deltas += live.reduce((sum, { replay }) => sum + replay.heard, 0) - heard
      tally.changedRows += watcher.perform(work, refused, when)
      compareAll(when)
    }
    if (ask(connection, 'PRAGMA integrity_check')[0]?.[0] !== 'ok') throw new Error('integrity_check failed')
  } finally {
    engine.close()
    watcher.close()
    peer.close()
  }
}

/** How many were refused. `before`: how many writes came in groups so far. */
function perform(engine: Engine, work: Work, before: number): number {
  switch (work.type) {
    case 'merge':
      return engine.merge(work.changes).refused === null ? 0 : 1
    case 'group':
      return together(engine, work.writes, before)
    case 'write':
      return alone(engine, work.writes.flat())
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

function count(engine: Engine, { query }: Live, { incremental, others }: Tally): void {
  const { strategy } = engine.explain(query.sql, query.parameters)
  const counts = query.incremental === true ? incremental : others
  counts[strategy] = (counts[strategy] ?? 0) + 1
}

/** Undefined where SQLite refuses the text: a random one may name what its table has not. */
function subscribeTo(engine: Engine, watcher: Watcher, query: RandomQuery): Live | undefined {
  const replay = new Replay()
  try {
    const end = engine.subscribe(query.sql, query.parameters, replay.listen)
    return { query, replay, end, compiled: watcher.compiled(query.sql) }
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== 'INVALID_SQL') throw error
    return undefined
  }
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
  const differs = difference(asFarAsOpen(query, compiled), kept, fresh, compiled !== undefined, run)
  if (differs !== '') fail(differs, show(kept), show(fresh))
  for (const { column, collation } of query.order) {
    const differs = kept.findIndex(
      (row, i) => compareValues(row[column] as SqlValue, fresh[i]?.[column] as SqlValue, collation) !== 0,
    )
    if (differs !== -1) fail(`not in order from row ${differs}`, show(kept), show(fresh))
  }
}

/** What the asked text leaves open, and the engine's settles: how a group is spelt, of which row a bare column
 * is, and in which order a list is made. */
function asFarAsOpen(query: RandomQuery, compiled: string | undefined): RandomQuery {
  const orders = (sql: string) => sql.split('ORDER BY').length
  const spelling = query.spelling === true || compiled?.includes('min(quote(') === true
  // One ORDER BY is that of the rows.
  const unordered = query.unordered === true || orders(compiled ?? '') > orders(query.sql) + 1
  // Of which row a column is that is neither grouped by nor aggregated.
  const choice =
    query.choice ||
    (spelling && /GROUP BY/.test(query.sql) && compiled?.includes(`|| ',' || quote(`) === true)
  return { ...query, spelling, unordered, choice }
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
