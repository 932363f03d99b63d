import { enginePort } from '@millrace/engine/node'
import { familiesOf } from './cases.ts'
import { contest } from './contest.ts'
import { floor } from './floor.ts'
import { millrace } from './millrace.ts'
import { tanstack } from './tanstack.ts'
import { zero } from './zero.ts'

// A program of its own, with a heap of its own: ours on the real engine in memory, whose answers come in later tasks.
const extent = { quick: process.argv.includes('--quick'), alone: process.argv.includes('--alone') }
const ours = millrace((_, schema) => enginePort({ schema }))
const contenders = extent.alone ? [floor, ours] : [floor, ours, tanstack, zero]
const options = { budget: extent.quick ? 250 : 1_000, isCoarse: false, say: () => process.stderr.write('.') }
const results = await contest(contenders, familiesOf(extent), options)
process.send?.(results)
process.disconnect?.()
