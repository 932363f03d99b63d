import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { CASES } from './oracle/cases.ts'
import { type Case, check, newTally, sqlite } from './oracle/check.ts'
import { historyArbitrary } from './oracle/history.ts'
import { queryArbitrary } from './oracle/query.ts'
import { schemaArbitrary } from './oracle/schema.ts'

/*
 * SQLite is the oracle: a live result must be what its SQL gives when it is run afresh. Schema, queries and history are
 * random, from a seed that is printed and that shrinks.
 *
 *     MILLRACE_ORACLE_RUNS=5000 MILLRACE_ORACLE_SEED=7 npx vitest run packages/engine/test/oracle
 *
 * The seed is fixed by default, so that the normal test line says the same thing twice; `random` takes another each time.
 */
const RUNS = Number(process.env.MILLRACE_ORACLE_RUNS ?? 200)
const SEED =
  process.env.MILLRACE_ORACLE_SEED === 'random'
    ? Date.now() & 0xffffff
    : Number(process.env.MILLRACE_ORACLE_SEED ?? 2)

const caseArbitrary: fc.Arbitrary<Case> = schemaArbitrary.chain((schema) =>
  fc.record({
    schema: fc.constant(schema.text),
    queries: fc.array(queryArbitrary(schema), { minLength: 1, maxLength: 14, size: 'max' }),
    history: historyArbitrary(schema, 10),
  }),
)

const tally = newTally()
afterAll(() => {
  console.log(
    `oracle: seed ${SEED}, ${Object.entries(tally)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ')}`,
  )
})

describe('past failures stay mended', () => {
  test.for(CASES)('$name', async (past) => {
    check(await sqlite(), past, tally)
  })
})

test(`live results are those of SQLite, over ${RUNS} random schemas and histories`, {
  timeout: 60_000 + RUNS * 4000,
}, async () => {
  const loaded = await sqlite()
  fc.assert(
    fc.property(caseArbitrary, (random) => check(loaded, random, tally)),
    { numRuns: RUNS, seed: SEED, endOnFailure: process.env.MILLRACE_ORACLE_SHRINK === '0' },
  )
  expect(tally.comparisons).toBeGreaterThan(RUNS)
})
