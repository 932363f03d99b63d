import { workerPort } from '@millrace/worker'
import type { BenchPage } from '../chromium.ts'
import { familiesOf } from './cases.ts'
import type { Extent } from './contender.ts'
import { contest, type Result } from './contest.ts'
import { floor } from './floor.ts'
import { millrace } from './millrace.ts'
import { tanstack } from './tanstack.ts'
import { zero } from './zero.ts'

const page: BenchPage<Extent, Result[]> = {
  bench(extent) {
    const { quick, alone } = extent
    // Answers are awaited but not measured: how durable they are only makes the run longer.
    const ours = millrace((name, schema) => workerPort({ name, schema, durability: 'relaxed' }))
    const families = familiesOf(extent).filter(({ rows }) => !quick || rows <= 10_000)
    const options = {
      budget: quick ? 400 : 1_500,
      isCoarse: true,
      say: (result: Result) => console.log(result),
    }
    return contest(alone ? [floor, ours] : [floor, ours, tanstack, zero], families, options)
  },
}
Object.assign(globalThis, page)
