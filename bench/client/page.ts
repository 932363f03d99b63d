import { workerPort } from '@millrace/worker'
import { familiesOf } from './cases.ts'
import { contest, type Result } from './contest.ts'
import { floor } from './floor.ts'
import { millrace } from './millrace.ts'
import { tanstack } from './tanstack.ts'
import { zero } from './zero.ts'

/** The step of the clock of an isolated page, in ms. */
const TICK = 0.005

export interface BenchPage {
  contestInPage(quick: boolean): Promise<Result[]>
}

const page: BenchPage = {
  contestInPage(quick) {
    if (!crossOriginIsolated) throw new Error('The page is not isolated: its clock would be too coarse.')
    // Answers are awaited but not measured: how durable they are only makes the run longer.
    const ours = millrace((name, schema) => workerPort({ name, schema, durability: 'relaxed' }))
    const families = familiesOf({ quick }).filter(({ rows }) => !quick || rows <= 10_000)
    const options = { budget: quick ? 400 : 1_500, tick: TICK, say: (result: Result) => console.log(result) }
    return contest([floor, ours, tanstack, zero], families, options)
  },
}
Object.assign(globalThis, page)
