import type { Engine } from '@millrace/engine'
import { openEngine } from '@millrace/engine/node'
import type { ClientId, Operation, SqlValue, WriteId } from '@millrace/protocol'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { difference } from './oracle/check.ts'
import { openBoth, sqlite } from './oracle/connect.ts'
import { fillArbitrary, historyArbitrary, writesOf } from './oracle/history.ts'
import { queryArbitrary } from './oracle/query.ts'
import { show, showSorted } from './oracle/replay.ts'
import { schemaArbitrary } from './oracle/schema.ts'
import { asQuery, Mirror } from './session/mirror.ts'

const exec = (sql: string, ...parameters: SqlValue[]): Operation => ({ type: 'exec', sql, parameters })
const write = (id: number, ...operations: Operation[]) => ({ id: id as WriteId, operations })
const none = 0 as WriteId

const SCHEMA = `
  CREATE TABLE item (id TEXT PRIMARY KEY NOT NULL, list INTEGER NOT NULL DEFAULT 0, n REAL, title TEXT);
  CREATE TABLE list (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE UNIQUE ON CONFLICT ROLLBACK);
  CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES list DEFERRABLE INITIALLY DEFERRED);
  CREATE TRIGGER no_end BEFORE INSERT ON item WHEN NEW.id = 'end' BEGIN SELECT RAISE(ROLLBACK, 'no end'); END;`

let engine: Engine
let mirror: Mirror
beforeEach(async () => {
  engine = await openEngine({ schema: SCHEMA })
  mirror = await Mirror.connect(engine, 'one')
})
afterEach(() => engine.close())

const fresh = (sql: string, parameters: SqlValue[] = []) => show(engine.query(sql, parameters).rows)

describe('a subscription', () => {
  test('starts with a reset, and goes on with deltas', async () => {
    const sql = 'SELECT title FROM item WHERE list = ? ORDER BY n'
    await mirror.calls.subscribe(asQuery(1), sql, [1])
    expect(mirror.shown(asQuery(1))).toEqual([])
    engine.write([exec("INSERT INTO item VALUES ('a', 1, 2, 'A'), ('b', 1, 1, 'B'), ('c', 2, 1, 'C')")])
    expect(mirror.shown(asQuery(1))).toEqual([['B'], ['A']])
    engine.write([exec("UPDATE item SET n = 0 WHERE id = 'a'")])
    expect(mirror.shown(asQuery(1))).toEqual([['A'], ['B']])
    expect(mirror.commits.flatMap(({ changes }) => changes.map(({ type }) => type))).toEqual([
      'reset',
      'delta',
      'delta',
    ])
  })

  test('gets its rows in parts of a thousand at most, before the commit that speaks of them', async () => {
    engine.write([
      exec(`WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
        INSERT INTO item (id, n) SELECT 'i' || i, i FROM n`),
    ])
    await mirror.calls.subscribe(asQuery(1), 'SELECT id FROM item ORDER BY n', [])
    engine.write([exec('UPDATE item SET n = -n')])
    const parts = mirror.messages.map((message) =>
      message.type === 'rows' ? message.rows.length : message.type,
    )
    expect(parts.filter((part) => typeof part === 'number' && part > 1000)).toEqual([])
    expect(parts.slice(0, 4)).toEqual([1000, 1000, 500, 'commit'])
    expect(show(mirror.shown(asQuery(1)))).toBe(fresh('SELECT id FROM item ORDER BY n'))
  })

  test('hears nothing of commits that do not change it, nor after its end', async () => {
    await mirror.calls.subscribe(asQuery(1), 'SELECT count(*) FROM item', [])
    const before = mirror.messages.length
    engine.write([exec('INSERT INTO list (id) VALUES (1)')])
    engine.write([exec("INSERT INTO item (id) VALUES ('a')"), exec("DELETE FROM item WHERE id = 'a'")])
    expect(mirror.messages.length).toBe(before)
    await mirror.calls.unsubscribe(asQuery(1))
    engine.write([exec("INSERT INTO item (id) VALUES ('a')")])
    expect(mirror.messages.length).toBe(before)
    expect(engine.counters.liveQueries).toBe(0)
  })

  test('shares its result with others of the same text and parameters', async () => {
    const other = await Mirror.connect(engine, 'two')
    await mirror.calls.subscribe(asQuery(1), 'SELECT id FROM item WHERE list = ?', [1])
    await other.calls.subscribe(asQuery(9), 'SELECT id FROM item WHERE list = ?', [1])
    await other.calls.subscribe(asQuery(10), 'SELECT id FROM item WHERE list = ?', [2])
    expect(engine.counters.liveQueries).toBe(2)
    const { woken } = engine.write([exec("INSERT INTO item (id, list) VALUES ('a', 1)")])
    expect(woken).toBe(1)
    expect(other.shown(asQuery(9))).toEqual([['a']])
    expect(other.shown(asQuery(10))).toEqual([])
    await other.calls.close()
    expect(engine.counters.liveQueries).toBe(1)
  })

  test('tells an error at run time, and the rows when it can run again', async () => {
    engine.write([exec("INSERT INTO item VALUES ('a', 1, 1, '[1]')")])
    await mirror.calls.subscribe(asQuery(1), 'SELECT j.value FROM item, json_each(title) AS j', [])
    expect(mirror.shown(asQuery(1))).toEqual([[1]])
    engine.write([exec("UPDATE item SET title = 'no json'")])
    expect(mirror.queries.get(asQuery(1))?.error).toMatchObject({ code: 'INVALID_SQL' })
    engine.write([exec("UPDATE item SET title = '[2]'")])
    expect(mirror.queries.get(asQuery(1))?.error).toBeNull()
    expect(mirror.shown(asQuery(1))).toEqual([[2]])
  })

  test('is refused with what SQLite says, and the session goes on', async () => {
    await expect(mirror.calls.subscribe(asQuery(1), 'SELECT missing FROM item', [])).rejects.toMatchObject({
      code: 'INVALID_SQL',
      message: expect.stringContaining('no such column: missing'),
    })
    await mirror.calls.subscribe(asQuery(2), 'SELECT count(*) FROM item', [])
    expect(mirror.shown(asQuery(2))).toEqual([[0]])
  })

  test('runs as asked, without margin or plan, when two rows have one key', async () => {
    // Both keys are no UTF-8, and read as U+FFFD.
    engine.write([exec("INSERT INTO item (id, n) VALUES (CAST(x'fe' AS TEXT), 1), ('b', 2), ('c', 3)")])
    await mirror.calls.subscribe(asQuery(1), 'SELECT n FROM item ORDER BY n LIMIT 2', [])
    expect(mirror.queries.get(asQuery(1))?.shape.plan).not.toBeNull()
    engine.write([exec("INSERT INTO item (id, n) VALUES (CAST(x'ff' AS TEXT), 0)")])
    expect(mirror.queries.get(asQuery(1))?.shape.plan).toBeNull()
    expect(mirror.queries.get(asQuery(1))?.entries.length).toBe(2)
    expect(mirror.shown(asQuery(1))).toEqual([[0], [1]])
  })
})

describe('the margin of a LIMIT', () => {
  beforeEach(() => {
    engine.write([
      exec(`WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 40)
        INSERT INTO item (id, n) SELECT 'i' || i, i FROM n`),
    ])
  })
  const cases: [string, SqlValue[], { limit: number; offset: number } | null, number][] = [
    ['SELECT id FROM item ORDER BY n LIMIT 5', [], { limit: 5, offset: 0 }, 13],
    ['SELECT id FROM item ORDER BY n LIMIT 5 OFFSET 3', [], { limit: 5, offset: 3 }, 13],
    ['SELECT id FROM item ORDER BY n LIMIT 3, 5 -- offset first', [], { limit: 5, offset: 3 }, 13],
    ['SELECT id FROM item ORDER BY n LIMIT ? OFFSET ?', [5, 3], { limit: 5, offset: 3 }, 13],
    ['SELECT id FROM item ORDER BY n LIMIT ?, ?', [3, 5], { limit: 5, offset: 3 }, 13],
    ['SELECT id FROM item WHERE n > ? ORDER BY n LIMIT ?', [2, 5], { limit: 5, offset: 0 }, 13],
    ['SELECT id FROM item ORDER BY n LIMIT 5 OFFSET -2', [], { limit: 5, offset: 0 }, 13],
    ['SELECT id FROM item ORDER BY n LIMIT ? OFFSET ?', [5, -2], { limit: 5, offset: 0 }, 13],
    ['SELECT id FROM item LIMIT -1', [], null, 40],
    ['SELECT id FROM item LIMIT ?', [-1], null, 40],
    // Not moved, and so not predicted either.
    ['SELECT id FROM item ORDER BY n LIMIT 2 + 3', [], null, 5],
    ['SELECT id FROM item WHERE n > ?1 ORDER BY n LIMIT ?1', [5], { limit: 5, offset: 0 }, 13],
    ['SELECT DISTINCT id FROM item LIMIT 5', [], null, 5],
    ['SELECT list, count(*) FROM item GROUP BY list LIMIT 5', [], null, 1],
  ]
  test.for(cases)('%s %j', async ([sql, parameters, window, sent]) => {
    await mirror.calls.subscribe(asQuery(1), sql, parameters)
    const { shape, entries } = mirror.queries.get(asQuery(1)) ?? expect.fail()
    const plan = shape.plan
    expect(entries.length).toBe(sent)
    if (window !== null) expect(plan).toMatchObject({ type: 'rows', window: { ...window, margin: 8 } })
    // A window of none: either all rows, or no plan.
    else if (plan !== null)
      expect(plan).toMatchObject({ window: null, ...(sent === 40 ? {} : { never: true }) })
    expect(show(mirror.shown(asQuery(1)))).toBe(fresh(sql, parameters))
    engine.write([
      exec("DELETE FROM item WHERE id IN ('i2', 'i5', 'i7')"),
      exec("INSERT INTO item (id, n) VALUES ('x', 4.5)"),
    ])
    expect(showSorted(mirror.shown(asQuery(1)))).toBe(showSorted(engine.query(sql, parameters).rows))
  })
})

describe('writes', () => {
  test('are told in the message that tells what they changed', async () => {
    await mirror.calls.subscribe(asQuery(1), 'SELECT count(*) FROM item', [])
    await mirror.calls.subscribe(asQuery(2), 'SELECT id FROM item', [])
    const before = mirror.commits.length
    await mirror.calls.write(
      [
        write(1, exec("INSERT INTO item (id) VALUES ('a')")),
        write(2, exec("INSERT INTO item (id) VALUES ('a')")),
        write(3, exec("INSERT INTO item (id) VALUES ('b'), ('c')")),
      ],
      none,
    )
    engine.flush()
    const told = mirror.commits.slice(before)
    expect(told).toHaveLength(1)
    expect(told[0]).toMatchObject({
      settled: [
        { id: 1, changes: 1 },
        { id: 3, changes: 2 },
      ],
      rejected: [{ id: 2, error: { code: 'WRITE_REJECTED' } }],
    })
    expect(told[0]?.changes.map(({ query }) => query)).toEqual([1, 2])
    expect(mirror.shown(asQuery(1))).toEqual([[3]])
    expect(engine.version.commit).toBe(1)
  })

  test('that were all refused make no commit, and are told', async () => {
    const { commit } = engine.version
    await mirror.calls.write([write(1, exec("INSERT INTO item VALUES ('a', NULL, 1, '')"))], none)
    engine.flush()
    expect(engine.version.commit).toBe(commit)
    expect(mirror.rejected.get(1)).toMatchObject({
      code: 'WRITE_REJECTED',
      message: expect.stringContaining('NOT NULL constraint failed: item.list'),
    })
  })

  test('with an id that was applied are not applied again', async () => {
    const insert = write(1, exec('INSERT INTO item (id, n) VALUES (hex(randomblob(8)), 1)'))
    await mirror.calls.write([insert], none)
    engine.flush()
    const again = await Mirror.connect(engine, 'one')
    await again.calls.write([insert, write(2, exec("INSERT INTO item (id) VALUES ('b')"))], none)
    engine.flush()
    expect(again.settled).toEqual(
      new Map([
        [1, 1],
        [2, 1],
      ]),
    )
    expect(fresh('SELECT count(*) FROM item')).toBe('2')
    // Another client's write of that number is another write.
    const other = await Mirror.connect(engine, 'two')
    await other.calls.write([insert], none)
    engine.flush()
    expect(fresh('SELECT count(*) FROM item')).toBe('3')
  })

  test('that were refused stay refused when they are sent again after a later one', async () => {
    await mirror.calls.write(
      [
        write(1, exec("UPDATE item SET n = 1 / 0 WHERE id = 'a'"), {
          type: 'delete',
          table: 'item',
          key: ['a'],
        }),
        write(2, exec("INSERT INTO item (id) VALUES ('a')")),
      ],
      none,
    )
    engine.flush()
    expect([...mirror.rejected.keys()]).toEqual([1])
    await mirror.calls.write([write(1, { type: 'delete', table: 'item', key: ['a'] })], none)
    engine.flush()
    expect(fresh('SELECT id FROM item')).toBe('"a"')
  })

  test('are forgotten when the client has their answer', async () => {
    const remembered = () => engine.query('SELECT client, id FROM millrace_write ORDER BY id').rows
    for (const id of [1, 2, 3]) {
      await mirror.calls.write([write(id, exec('INSERT INTO item (id) VALUES (?)', `${id}`))], none)
      engine.flush()
    }
    expect(remembered()).toEqual([
      ['one', 1],
      ['one', 2],
      ['one', 3],
    ])
    await mirror.calls.write([write(4, exec("INSERT INTO item (id) VALUES ('4')"))], 3 as WriteId)
    engine.flush()
    expect(remembered()).toEqual([['one', 4]])
  })

  test('before hello are refused', async () => {
    const calls = engine.connect(() => {})
    await expect(calls.write([write(1, exec('DELETE FROM item'))], none)).rejects.toMatchObject({
      code: 'INTERNAL',
    })
    await expect(calls.hello({ protocol: 99, client: 'x' as never })).rejects.toMatchObject({
      code: 'PROTOCOL_MISMATCH',
      message: expect.stringContaining('reload'),
    })
  })
})

describe('writes that another client left behind', () => {
  const one = 'one' as ClientId
  const stored = () => fresh('SELECT id, n FROM item ORDER BY id')
  const add = exec("UPDATE item SET n = n + 1 WHERE id = 'a'")

  beforeEach(() => void engine.write([exec("INSERT INTO item (id, n) VALUES ('a', 0)")]))

  test('are applied once and in order, whoever sends them how often', async () => {
    const other = await Mirror.connect(engine, 'two')
    const times2 = exec("UPDATE item SET n = n * 2 WHERE id = 'a'")
    await mirror.calls.write([write(1, add)], none)
    const left = [write(1, add), write(2, times2), write(3, add)]
    expect(await Promise.all([other.calls.replay(one, left), other.calls.replay(one, left)])).toEqual([
      [],
      [],
    ])
    await mirror.calls.write(left.slice(1), none)
    engine.flush()
    expect(stored()).toBe('"a" | 3')
    expect(mirror.settled).toEqual(new Map(left.map(({ id }) => [id, 1])))
    // They are not the other's own.
    expect([...other.settled]).toEqual([])
  })

  test('are on disk when the answer is there, before a query that comes behind them', async () => {
    const other = await Mirror.connect(engine, 'two')
    const replayed = other.calls.replay(one, [write(1, add)])
    await other.calls.subscribe(asQuery(1), 'SELECT n FROM item', [])
    expect(other.shown(asQuery(1))).toEqual([[1]])
    expect(await replayed).toEqual([])
  })

  test('that were answered do not run again, and nothing is said of them', async () => {
    await mirror.calls.write([write(1, add), write(2, exec('INSERT INTO'))], none)
    engine.flush()
    await mirror.calls.write([write(3, add)], 2 as WriteId)
    engine.flush()
    const other = await Mirror.connect(engine, 'two')
    expect(await other.calls.replay(one, [write(1, add), write(2, exec('INSERT INTO'))])).toEqual([])
    expect(stored()).toBe('"a" | 2')
  })

  test('stay rejected, and the client that comes back is told why', async () => {
    const other = await Mirror.connect(engine, 'two')
    const twice: Operation = { type: 'insert', table: 'item', row: { id: 'a' } }
    const rejected = await other.calls.replay(one, [write(1, twice), write(2, add)])
    expect(rejected).toMatchObject([
      { id: 1, error: { code: 'WRITE_REJECTED', at: { table: 'item', key: ['a'] } } },
    ])
    // What was in its way is gone; but the user of the other page was told already.
    engine.write([exec('DELETE FROM item')])
    await mirror.calls.write([write(1, twice)], none)
    engine.flush()
    const error = { ...rejected[0]?.error, at: { ...rejected[0]?.error.at, key: null } }
    expect(mirror.rejected.get(1)).toEqual(error)
    expect(stored()).toBe('')
  })

  test('a rejection alone changes nothing, and tells no live query', async () => {
    await mirror.calls.subscribe(asQuery(1), 'SELECT n FROM item', [])
    const { version } = engine
    const { woken } = engine.counters
    await mirror.calls.write([write(1, exec('INSERT INTO')), write(2, add, exec('INSERT INTO'))], none)
    engine.flush()
    expect([...mirror.rejected.keys()]).toEqual([1, 2])
    expect(engine.version).toEqual(version)
    expect(engine.counters.woken).toBe(woken)
    expect(stored()).toBe('"a" | 0')
  })
})

describe('a group: a write that is refused undoes only itself', () => {
  /** Each ends the transaction or its commit in a way of its own. */
  const poisons: [string, string][] = [
    ['a constraint', "INSERT INTO item (id) VALUES ('a')"],
    ['RAISE(ROLLBACK)', "INSERT INTO item (id) VALUES ('end')"],
    ['INSERT OR ROLLBACK', "INSERT OR ROLLBACK INTO item (id) VALUES ('a')"],
    ['UNIQUE ON CONFLICT ROLLBACK', "INSERT INTO list (name) VALUES ('TAKEN')"],
    ['a deferred foreign key', 'INSERT INTO child (parent) VALUES (99)'],
    ['no SQL', 'INSERT INTO'],
    ['a missing table', 'DELETE FROM nowhere'],
  ]
  test.for(poisons)('%s', async ([, poison]) => {
    await mirror.calls.subscribe(asQuery(1), 'SELECT count(*) FROM item', [])
    await mirror.calls.subscribe(asQuery(2), 'SELECT id FROM item ORDER BY n', [])
    engine.write([exec("INSERT INTO list (name) VALUES ('taken')")])
    const before = mirror.commits.length
    await mirror.calls.write(
      [
        write(1, exec("INSERT INTO item (id, n) VALUES ('a', 1)")),
        write(2, exec("INSERT INTO item (id, n) VALUES ('gone', 5)"), exec(poison)),
        write(3, exec("INSERT INTO item (id, n) VALUES ('b', 2)")),
      ],
      none,
    )
    engine.flush()
    expect(mirror.shown(asQuery(1))).toEqual([[2]])
    expect(mirror.shown(asQuery(2))).toEqual([['a'], ['b']])
    expect([...mirror.settled.keys()]).toEqual([1, 3])
    expect([...mirror.rejected.keys()]).toEqual([2])
    // All in one message: an effect that came before the end of its write would show twice.
    expect(mirror.commits.length).toBe(before + 1)
    expect(fresh('SELECT id FROM millrace_write ORDER BY id')).toBe('1\n2\n3')
    // And the engine is as good as new.
    engine.write([exec("INSERT INTO item (id, n) VALUES ('c', 3)")])
    expect(mirror.shown(asQuery(1))).toEqual([[3]])
  })
})

test('on random histories, what a client has equals the query run afresh', { timeout: 240_000 }, async () => {
  engine.close()
  const loaded = await sqlite()
  let compared = 0
  await fc.assert(
    fc.asyncProperty(
      schemaArbitrary.chain((schema) =>
        fc.record({
          schema: fc.constant(schema.text),
          queries: fc.array(queryArbitrary(schema), { minLength: 1, maxLength: 8, size: 'max' }),
          history: fc.tuple(fillArbitrary(schema), historyArbitrary(schema, 6)).map((steps) => steps.flat()),
        }),
      ),
      async ({ schema, queries, history }) => {
        let both: ReturnType<typeof openBoth>
        try {
          both = openBoth(loaded, schema)
        } catch {
          return
        }
        const { engine } = both
        try {
          const mirror = await Mirror.connect(engine, 'one')
          for (const [i, { sql, parameters }] of queries.entries()) {
            await mirror.calls.subscribe(asQuery(i), sql, parameters).catch(() => {})
          }
          let id = 0
          const told = () => mirror.settled.size + mirror.rejected.size
          for (const step of history) {
            if (step.type === 'merge') continue
            // Each operation is a write of its own, all of one group.
            const writes = writesOf(step)
              .flat()
              .map((operation) => write(++id, operation))
            await mirror.calls.write(writes, none)
            engine.flush()
            expect(told()).toBe(id)
            for (const [i, query] of queries.entries()) {
              const { sql, parameters } = query
              const mirrored = mirror.queries.get(asQuery(i))
              if (mirrored === undefined || mirrored.error !== null) continue
              const kept = mirror.shown(asQuery(i))
              const run = (sql: string, parameters: readonly SqlValue[]) => engine.query(sql, parameters).rows
              expect(difference(query, kept, run(sql, parameters), true, run), sql).toBe('')
              compared++
            }
          }
        } finally {
          engine.close()
        }
      },
    ),
    { numRuns: 60 },
  )
  console.log(`session oracle: ${compared} comparisons`)
  engine = await openEngine({ schema: SCHEMA })
})
