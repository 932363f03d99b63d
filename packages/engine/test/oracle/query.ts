import fc from 'fast-check'
import { Dice } from './dice.ts'
import { rebind } from './fragment.ts'
import { Writer } from './grammar/scope.ts'
import { draft } from './grammar/select.ts'
import { assemble, type RandomQuery } from './random-query.ts'
import type { RandomSchema } from './schema.ts'
import { templateArbitrary } from './templates.ts'

/**
 * Queries that are live together: one, or the same text with several sets of parameters, whose work is shared. Most
 * come from the grammar, some from templates of what it does not speak of.
 */
export function queriesArbitrary(schema: RandomSchema): fc.Arbitrary<readonly RandomQuery[]> {
  return fc.oneof(
    {
      arbitrary: fc.noBias(fc.integer()).map((seed) => grammatical(new Dice(seed), schema)),
      weight: 12,
    },
    {
      arbitrary: templateArbitrary(schema).map((query) => [
        { ...query, spelling: schema.values !== 'plain' },
      ]),
      weight: 1,
    },
  )
}

/** One query. */
export const queryArbitrary = (schema: RandomSchema): fc.Arbitrary<RandomQuery> =>
  queriesArbitrary(schema).map(([query]) => query as RandomQuery)

function grammatical(dice: Dice, schema: RandomSchema): readonly RandomQuery[] {
  const first = draft(new Writer(dice, schema))
  const alone = assemble(first)
  if (alone.parameters.length === 0 || dice.chance(30)) return [alone]
  const others = Array.from({ length: dice.between(2, 5) }, () =>
    assemble({ ...first, body: rebind(first.body, dice), limit: rebind(first.limit, dice) }),
  )
  return [alone, ...others]
}
