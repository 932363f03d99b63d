import { openEngine } from '@millrace/engine/node'
import type { Operation, SqlValue } from '@millrace/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Replay, showSorted } from './oracle/replay.ts'

/** Live queries of one text, which one commit touches all, are answered by one statement over their parameters. */

const SCHEMA = `CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, n INTEGER, name TEXT COLLATE NOCASE, x);
  CREATE TABLE u (id INTEGER PRIMARY KEY, t TEXT, n INTEGER); CREATE INDEX u_t ON u (t);`

const exec = (sql: string, parameters: readonly SqlValue[] = []): Operation => ({
  type: 'exec',
  sql,
  parameters,
})

test('the number of statements does not grow with that of the queries', async () => {
  const statements = async (queries: number) => {
    const engine = await openEngine({ schema: SCHEMA })
    for (let i = 0; i < queries; i++)
      engine.subscribe('SELECT id, n FROM t WHERE n >= ? ORDER BY n', [-i], () => {})
    const write = (n: number) => engine.write([exec(`INSERT INTO t (id, n) VALUES ('${n}', ${n})`)])
    write(1)
    const before = engine.counters
    expect(write(2).woken).toBe(queries)
    const run = engine.counters.statementsRun - before.statementsRun
    engine.close()
    return run
  }
  expect(await statements(200)).toBe(await statements(20))
})

test('nothing is left of the parameters when the last query of a text has ended', async () => {
  const engine = await openEngine({ schema: SCHEMA })
  const undo = Array.from({ length: 10 }, (_, i) =>
    engine.subscribe('SELECT id FROM t WHERE n <> ?1 AND n >= ?2', [i, 0], () => {}),
  )
  undo.push(
    ...Array.from({ length: 10 }, (_, i) => engine.subscribe('SELECT id FROM t WHERE n > ?', [i], () => {})),
  )
  engine.write([exec("INSERT INTO t (id, n) VALUES ('a', 50)")])
  const tables = () =>
    engine.query(
      "SELECT count(*) FROM sqlite_temp_master WHERE name LIKE 'millrace_parameters%' AND type = 'table'",
    ).rows[0]?.[0]
  expect(tables()).toBe(1)
  for (const each of undo) each()
  expect(tables()).toBe(0)
  engine.close()
})

const value = fc.constantFrom<SqlValue>(1, 2, 3, '2', 'a', 'A', 'b', null, 1.5, new Uint8Array([0x61]), '02')
const text = fc.constantFrom(
  'SELECT id, name FROM t WHERE n >= ? ORDER BY name, n',
  'SELECT * FROM t WHERE ? < x',
  'SELECT id FROM t WHERE name = ?2 AND n IS ?1',
  'SELECT id, x FROM t WHERE x <= ? ORDER BY x DESC LIMIT 2',
  'SELECT t.id, u.id AS other, u.n FROM t JOIN u ON u.t = t.id WHERE u.n >= ?',
  'SELECT t.id, u.n FROM t LEFT JOIN u ON u.t = t.id AND u.n > 1 WHERE t.name >= ?',
  // A parameter that is shown, or twice: each by itself.
  'SELECT id, ? AS p FROM t WHERE n >= ?',
  'SELECT id FROM t WHERE n >= ?1 OR x = ?1',
)

test('and each is what it would be by itself', { timeout: 60_000 }, async () => {
  const change = fc.oneof(
    fc
      .tuple(fc.constantFrom('a', 'b', 'c', 'd'), value, value, value)
      .map((values) => exec('INSERT OR REPLACE INTO t VALUES (?, ?, ?, ?)', values)),
    fc
      .tuple(fc.integer({ min: 1, max: 5 }), fc.constantFrom('a', 'b', 'c', 'd'), value)
      .map((values) => exec('INSERT OR REPLACE INTO u VALUES (?, ?, ?)', values)),
    fc.constantFrom('a', 'b', 'c').map((id) => exec('DELETE FROM t WHERE id = ?', [id])),
    value.map((n) => exec('UPDATE t SET n = ?', [n])),
  )
  await fc.assert(
    fc.asyncProperty(
      text,
      fc.array(fc.array(change, { minLength: 1, maxLength: 3 }), { maxLength: 6 }),
      async (sql, history) => {
        const engine = await openEngine({ schema: SCHEMA })
        const values: SqlValue[] = [1, 2, 3, '2', 'a', 'A', 'b', null, 1.5, '02', new Uint8Array([0x61])]
        const count = Math.max(
          ...(sql.match(/\?(\d)/g) ?? ['?1']).map((name) => Number(name[1])),
          sql.split('?').length - 1 > 1 && !/\?\d/.test(sql) ? 2 : 1,
        )
        const live = values.flatMap((first) =>
          (count === 1
            ? [[first]]
            : [
                [first, 'a'],
                [first, 2],
              ]
          ).map((parameters) => {
            const replay = new Replay()
            engine.subscribe(sql, parameters, replay.listen)
            return { parameters, replay }
          }),
        )
        for (const operations of history) {
          engine.write(operations)
          for (const { parameters, replay } of live) {
            const fresh = engine.query(sql, parameters).rows
            if (/LIMIT/.test(sql)) expect(replay.rows.length).toBe(fresh.length)
            else expect(showSorted(replay.rows)).toBe(showSorted(fresh))
          }
        }
        engine.close()
      },
    ),
    { numRuns: 60 },
  )
})

test('one that SQLite refuses does not disturb the others of its text, nor is it lost', async () => {
  const engine = await openEngine({ schema: SCHEMA })
  const live = Array.from({ length: 9 }, (_, n) => {
    const replay = new Replay()
    engine.subscribe("SELECT id, json_extract(x, '$.a') AS a FROM t WHERE n = ?", [n], replay.listen)
    return replay
  })
  const rows = (bad: number) =>
    live.map((_, n) =>
      exec('INSERT OR REPLACE INTO t (id, n, x) VALUES (?, ?, ?)', [`r${n}`, n, n === bad ? '{' : '{"a":1}']),
    )
  engine.write(rows(-1))
  engine.write(
    rows(3).map((operation, n) =>
      n === 3 ? operation : exec('UPDATE t SET x = ? WHERE n = ?', ['{"a":2}', n]),
    ),
  )
  expect(live.map(({ error, rows }) => (error === null ? rows[0]?.[1] : 'error'))).toEqual([
    2,
    2,
    2,
    'error',
    2,
    2,
    2,
    2,
    2,
  ])
  // By a row that is in no query now, but that the statement for all of them meets.
  engine.write([
    exec("UPDATE t SET n = 99, x = '{' WHERE n = 4"),
    exec('UPDATE t SET x = ? WHERE n < 9 AND n <> 3', ['{"a":3}']),
  ])
  engine.write([exec('UPDATE t SET x = ?', ['{"a":4}'])])
  expect(live.map(({ error, rows }) => (error === null ? (rows[0]?.[1] ?? 'none') : 'error'))).toEqual([
    4,
    4,
    4,
    4,
    'none',
    4,
    4,
    4,
    4,
  ])
  engine.close()
})

describe('a query that lost its last subscriber', () => {
  const open = async () => {
    const { createEngine, loadSqlite } = await import('@millrace/engine')
    const { readFile } = await import('node:fs/promises')
    const { createRequire } = await import('node:module')
    const path = createRequire(import.meta.url).resolve('@vlcn.io/wa-sqlite/dist/crsqlite-sync.wasm')
    const ends: (() => void)[] = []
    const engine = createEngine({
      sqlite: await loadSqlite({ wasmBinary: await readFile(path), locateFile: (file) => file }),
      filename: ':memory:',
      schema: SCHEMA,
      storage: { type: 'memory', reason: 'a test' },
      delay: (end) => ends.push(end),
    })
    return { engine, ends }
  }
  const sql = 'SELECT id FROM t WHERE n = ?'

  test('is there for who comes back soon', async () => {
    const { engine, ends } = await open()
    engine.subscribe(sql, [1], () => {})()
    expect(engine.counters.liveQueries).toBe(1)
    const before = engine.counters.statementsRun
    const undo = engine.subscribe(sql, [1], () => {})
    expect(engine.counters.statementsRun).toBe(before)
    // Its time was up while it was in use again.
    ends[0]?.()
    expect(engine.counters.liveQueries).toBe(1)
    undo()
    ends[1]?.()
    expect(engine.counters.liveQueries).toBe(0)
    engine.close()
  })

  test('is not kept true for nobody', async () => {
    const { engine } = await open()
    engine.subscribe(sql, [1], () => {})()
    engine.subscribe(sql, [2], () => {})()
    expect(engine.write([exec("INSERT INTO t (id, n) VALUES ('a', 1)")]).woken).toBe(0)
    expect(engine.counters.liveQueries).toBe(1)
    engine.close()
  })
})
