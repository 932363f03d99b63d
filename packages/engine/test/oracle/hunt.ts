import type { Sqlite } from '@millrace/engine'
import fc from 'fast-check'
import { Broken } from './broken.ts'
import { type Case, check } from './check.ts'
import { fillArbitrary, historyArbitrary } from './history.ts'
import { queriesArbitrary } from './query.ts'
import { schemaArbitrary } from './schema.ts'
import { showCase, shrink } from './shrink.ts'
import { newTally, type Tally } from './tally.ts'

/** Steps after the rows to begin with; few, so that a failure is soon made small. */
const STEPS = 9

const caseArbitrary: fc.Arbitrary<Case> = schemaArbitrary.chain((schema) =>
  fc
    .record({
      queries: fc.array(queriesArbitrary(schema), { minLength: 4, maxLength: 16, size: 'max' }),
      fill: fillArbitrary(schema),
      steps: historyArbitrary(schema, STEPS),
      // Mostly queries find rows; sometimes they see every row come.
      filled: fc.oneof({ arbitrary: fc.constant(true), weight: 5 }, fc.constant(false)),
    })
    .map(({ queries, fill, steps, filled }) => ({
      schema: schema.text,
      queries: queries.flat(),
      history: [...fill, ...steps],
      subscribeAfter: filled ? fill.length : 0,
    })),
)

/** The case of a seed: always the same one. */
export const caseOf = (seed: number): Case =>
  // Seldom the extreme values that fast-check likes for its first cases: each seed is a first case.
  fc.sample(caseArbitrary, { seed, numRuns: 1, unbiased: true })[0] as Case

/**
 * Checks random cases, of the seed and those that follow it, until so many comparisons are made. A case that fails is
 * made small, and thrown as it is written in cases.ts.
 */
export function hunt(
  sqlite: Sqlite,
  { seed, comparisons, tally = newTally() }: { seed: number; comparisons: number; tally?: Tally },
): Tally {
  const enough = tally.comparisons + comparisons
  for (let each = seed; tally.comparisons < enough; each++) {
    const found = caseOf(each)
    try {
      check(sqlite, found, tally)
    } catch (error) {
      throw smallest(sqlite, found, each, error)
    }
  }
  return tally
}

/** What a failure is about: the same for the cases that fail alike. */
const kindOf = (error: unknown): string =>
  error instanceof Broken ? error.law : (String(error).split('\n', 1)[0]?.replaceAll(/\d+/g, 'n') ?? '')

function smallest(sqlite: Sqlite, found: Case, seed: number, error: unknown): Error {
  const kind = kindOf(error)
  const failure = (smaller: Case): unknown => {
    try {
      check(sqlite, smaller)
      return undefined
    } catch (error) {
      return kindOf(error) === kind ? error : undefined
    }
  }
  const small = shrink(found, (smaller) => failure(smaller) !== undefined)
  const shown = failure(small) ?? error
  const message = shown instanceof Error ? (shown.stack ?? shown.message) : String(shown)
  return new Error(`case ${seed}: ${message}\n\nFor cases.ts:\n${showCase(small, kind)}\n`)
}
