import { enginePort } from '@millrace/engine/node'
import { familiesOf } from './cases.ts'
import { contest } from './contest.ts'
import { floor } from './floor.ts'
import { millrace } from './millrace.ts'
import { tanstack } from './tanstack.ts'
import { zero } from './zero.ts'

// A program of its own, with a heap of its own: ours on the real engine in memory, whose answers come in later tasks.
const quick = process.argv.includes('--quick')
const ours = millrace((_, schema) => enginePort({ schema }))
const options = { budget: quick ? 250 : 1_000, tick: 0, say: () => process.stderr.write('.') }
const results = await contest([floor, ours, tanstack, zero], familiesOf({ quick }), options)
process.send?.(results)
process.disconnect()
