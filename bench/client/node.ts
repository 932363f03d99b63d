import { enginePort } from '@millrace/engine/node'
import { familiesOf } from './cases.ts'
import { contest, type Result } from './contest.ts'
import { floor } from './floor.ts'
import { millrace } from './millrace.ts'
import { tanstack } from './tanstack.ts'
import { zero } from './zero.ts'

/** In this process, ours on the real engine in memory, whose answers come in later tasks. */
export function contestInNode(quick: boolean, say: (result: Result) => void): Promise<Result[]> {
  const ours = millrace((_, schema) => enginePort({ schema }))
  const options = { budget: quick ? 250 : 1_000, tick: 0, say }
  return contest([floor, ours, tanstack, zero], familiesOf({ quick }), options)
}
