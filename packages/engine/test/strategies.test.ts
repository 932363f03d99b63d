import type { Engine } from '@millrace/engine'
import { compareValues, MillraceError, type SqlValue } from '@millrace/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Connection, Statement } from '../src/database/sqlite.ts'
import { random } from './chinook/edits.ts'
import { openBoth, sqlite } from './oracle/connect.ts'
import { Replay, type Row, show, showSorted } from './oracle/replay.ts'
import { History } from './strategies/history.ts'
import type { LiveText, TableEntry } from './strategies/query.ts'
import { RERUN } from './strategies/rerun.ts'
import { INDEXES, TABLES } from './strategies/schema.ts'
import { TODOS } from './strategies/todos.ts'
import { TRACKER } from './strategies/tracker.ts'
import { TRAPS, UNPROMISED } from './strategies/traps.ts'

/*
 * Queries as apps write them, each with the strategy that keeps it; and all of them live at once while rows come, change
 * and go: whatever the strategy, a result is what SQLite answers.
 *
 *     MILLRACE_SEED=7 npx vitest run packages/engine/test/strategies
 */
const ENTRIES: readonly TableEntry[] = [...TRACKER, ...TODOS, ...RERUN, ...TRAPS]
const TEXTS: readonly LiveText[] = [...ENTRIES, ...UNPROMISED]
const SEED = Number(process.env.MILLRACE_SEED ?? 1)
const TRANSACTIONS = 150

describe('each query gets its strategy', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = openBoth(await sqlite(), TABLES + INDEXES).engine
    new History(engine, random(SEED)).fill()
  })
  afterAll(() => engine.close())

  test('the table is as long as was promised, and no name is there twice', () => {
    expect(ENTRIES.length).toBeGreaterThanOrEqual(120)
    expect(new Set(TEXTS.map(({ name }) => name)).size).toBe(TEXTS.length)
    expect(new Set(TEXTS.map(({ sql }) => sql)).size).toBe(TEXTS.length)
  })

  test.for(ENTRIES)('$strategy: $name', ({ sql, parameters, strategy }) => {
    expect(engine.explain(sql, parameters).strategy).toBe(strategy)
  })
})

test.for([
  ['with all indexes', TABLES + INDEXES],
  ['with no index but those of keys', TABLES],
] as const)(
  `%s: all are true after each of ${TRANSACTIONS} random transactions`,
  { timeout: 120_000 },
  async ([, schema]) => {
    const { engine, connection } = openBoth(await sqlite(), schema)
    const history = new History(engine, random(SEED))
    history.fill()
    const live = TEXTS.map((text) => new Live(engine, connection, text))
    try {
      for (const one of live) one.compare(`seed ${SEED}, at first`)
      let refused = 0
      for (let i = 1; i <= TRANSACTIONS; i++) {
        const operations = history.transaction()
        try {
          engine.write(operations)
        } catch (error) {
          if (!(error instanceof MillraceError) || error.code !== 'WRITE_REJECTED') throw error
          refused++
        }
        for (const one of live) one.compare(`seed ${SEED}, transaction ${i}: ${showOperations(operations)}`)
      }
      expect(refused).toBeLessThan(TRANSACTIONS / 3)
      // What never changed, or never failed though it can, was not tested: that must be few, whatever the seed.
      const idle = live.filter((one) => one.idle).map(({ text }) => text.name)
      expect(idle.length, idle.join(', ')).toBeLessThan(TEXTS.length / 20)
    } finally {
      for (const one of live) one.dispose()
      engine.close()
    }
  },
)

/** One live query, and the same text prepared past the engine. */
class Live {
  readonly text: LiveText
  readonly #replay = new Replay()
  readonly #fresh: Statement

  #failed = false

  constructor(engine: Engine, connection: Connection, text: LiveText) {
    this.text = text
    engine.subscribe(text.sql, text.parameters ?? [], this.#replay.listen)
    this.#fresh = connection.prepare(text.sql)
  }

  get idle(): boolean {
    const { still = false, fails = false } = this.text
    return (this.#replay.heard === 1 && !still) || (!this.#failed && fails)
  }

  dispose(): void {
    this.#fresh.finalize()
  }

  /** The law: it is what its SQL gives when it is run afresh, in its order, and no delta says more than it must. */
  compare(when: string): void {
    const { order = [], upTo } = this.text
    const { error, excess, rows } = this.#replay
    const fresh = this.#run()
    if (fresh instanceof Error || error !== null) {
      this.#failed = true
      if (!(fresh instanceof Error) || error === null || !this.text.fails) this.#fail('an error', fresh, when)
      return
    }
    if (excess !== '') this.#fail(`the delta ${excess}`, fresh, when)
    if (identical(rows, fresh)) return
    const kept = rows.map((row) => leveled(row, upTo))
    const right = fresh.map((row) => leveled(row, upTo))
    const same = upTo === 'ties' ? kept.length === right.length : showSorted(kept) === showSorted(right)
    if (!same) this.#fail('not the rows', fresh, when)
    const ordered = order === 'total' ? show(kept) === show(right) : sameOrder(kept, right, order)
    if (!ordered) this.#fail('not the order', fresh, when)
  }

  #run(): Row[] | Error {
    try {
      this.#fresh.bind(this.text.parameters ?? [])
      const rows: Row[] = []
      while (this.#fresh.step()) rows.push(this.#fresh.row())
      return rows
    } catch (error) {
      return error as Error
    } finally {
      this.#fresh.reset()
    }
  }

  #fail(what: string, fresh: Row[] | Error, when: string): never {
    const { name, sql, parameters } = this.text
    const { error, rows } = this.#replay
    throw new Error(
      `${name}: ${what}, ${when}\n${sql}\n${JSON.stringify(parameters)}\nkept:\n${error ?? show(rows)}\nfresh:\n${fresh instanceof Error ? fresh : show(fresh)}\n`,
    )
  }
}

/** The same values in the same order: then nothing else need be asked. */
function identical(kept: readonly Row[], right: readonly Row[]): boolean {
  return (
    kept.length === right.length &&
    kept.every((row, i) => row.every((value, column) => Object.is(value, right[i]?.[column])))
  )
}

/** What ORDER BY sorts by must stand in the same order; NOCASE tells less than BINARY, so that it does for both. */
function sameOrder(kept: readonly Row[], right: readonly Row[], columns: readonly number[]): boolean {
  return columns.every((column) =>
    kept.every(
      (row, i) => compareValues(row[column] as SqlValue, right[i]?.[column] as SqlValue, 'NOCASE') === 0,
    ),
  )
}

/** A row without what SQLite may answer one way or another. */
function leveled(row: Row, upTo: LiveText['upTo']): Row {
  switch (upTo) {
    case 'case':
      return row.map((value) => (typeof value === 'string' ? value.toLowerCase() : value))
    case 'lists':
      return row.map((value) => (typeof value === 'string' ? sortList(value) : value))
    default:
      return row
  }
}

function sortList(text: string): string {
  if (!text.startsWith('[')) return text.split(/, ?/).sort().join()
  const list = JSON.parse(text) as unknown[]
  return list
    .map((element) => JSON.stringify(element))
    .sort()
    .join()
}

function showOperations(operations: readonly object[]): string {
  const text = (value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)
  return JSON.stringify(operations, (_, value) => text(value))
}
