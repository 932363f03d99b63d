import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { CASES } from './oracle/cases.ts'
import { check } from './oracle/check.ts'
import { openBoth, sqlite } from './oracle/connect.ts'
import { historyArbitrary, writesOf } from './oracle/history.ts'
import { hunt } from './oracle/hunt.ts'
import { Replay, showSorted } from './oracle/replay.ts'
import { schemaArbitrary } from './oracle/schema.ts'
import { newTally, rerunShare, showTally } from './oracle/tally.ts'
import { condition } from './oracle/templates.ts'

/*
 * SQLite is the oracle: a live result must be what its SQL gives when it is run afresh. Schema, queries and history are
 * random, from a seed that is printed; a case that fails is made small and printed as it is written in cases.ts.
 * `npm run test:oracle` makes many more comparisons.
 *
 * The seed is fixed, so that the normal test line says the same thing twice.
 */
const SEED = Number(process.env.MILLRACE_SEED ?? 1)
const COMPARISONS = Number(process.env.MILLRACE_ORACLE_COMPARISONS ?? 8000)

const tally = newTally()
afterAll(() => {
  console.log(`oracle: seed ${SEED}, ${showTally(tally)}`)
})

describe('past failures stay mended', () => {
  test.for(CASES)('$name', async (past) => {
    check(await sqlite(), past, tally)
  })
})

test(`live results are those of SQLite, over ${COMPARISONS} comparisons of random cases`, {
  timeout: 300_000,
}, async () => {
  hunt(await sqlite(), { seed: SEED * 1_000_000, comparisons: COMPARISONS, tally })
  expect(tally.comparisons).toBeGreaterThanOrEqual(COMPARISONS)
  // A run in which nothing changes proves nothing.
  expect(tally.deltas).toBeGreaterThan(COMPARISONS / 10)
  expect(tally.refusedQueries).toBeLessThan(tally.comparisons / 100)
})

test('of the queries that can be kept by what changed, at most one in twenty runs again whole', () => {
  expect(rerunShare(tally.incremental)).toBeLessThanOrEqual(0.05)
})

test('a true condition, ANDs in another order, a limit above the size, a detour: the live result stays', {
  timeout: 120_000,
}, async () => {
  const loaded = await sqlite()
  let compared = 0
  const scene = schemaArbitrary.chain((schema) =>
    fc.record({
      schema: fc.constant(schema.text),
      first: condition('x', 't1'),
      second: condition('x', 't2'),
      history: historyArbitrary(schema, 6),
    }),
  )
  const numRuns = 40
  fc.assert(
    fc.property(scene, ({ schema, first, second, history }) => {
      let engine: ReturnType<typeof openBoth>['engine']
      try {
        engine = openBoth(loaded, schema).engine
      } catch {
        return
      }
      const variants = [
        `SELECT * FROM t0 AS x WHERE (${first}) AND (${second})`,
        `SELECT * FROM t0 AS x WHERE (${second}) AND (${first})`,
        `SELECT * FROM t0 AS x WHERE (${first}) AND (${second}) AND (SELECT count(*) FROM t1) >= 0`,
        `SELECT * FROM t0 AS x WHERE (${first}) AND (${second}) LIMIT 100000`,
        `SELECT * FROM (SELECT * FROM t0) AS x WHERE (${first}) AND (${second})`,
        `SELECT * FROM t0 AS x WHERE (${first}) AND (${second}) UNION ALL SELECT * FROM t0 WHERE 0`,
      ].map((sql) => {
        const replay = new Replay()
        engine.subscribe(sql, [], replay.listen)
        return { sql, replay }
      })
      try {
        for (const operations of history.flatMap(writesOf)) {
          try {
            engine.write(operations)
          } catch {}
          const [plain, ...others] = variants
          for (const { sql, replay } of others) {
            expect(showSorted(replay.rows), sql).toBe(showSorted(plain?.replay.rows ?? []))
            compared++
          }
        }
      } finally {
        engine.close()
      }
    }),
    { numRuns },
  )
  expect(compared).toBeGreaterThan(numRuns)
})
