import { fork } from 'node:child_process'
import { buildForNode } from '../build.ts'
import type { Extent } from './contender.ts'
import type { Result } from './contest.ts'

/** In a process of Node, ours on the engine in memory. */
export async function contestInNode({ quick, alone }: Extent): Promise<Result[]> {
  const flags = [...(quick ? ['--quick'] : []), ...(alone ? ['--alone'] : [])]
  const env = { ...process.env, NODE_ENV: 'production' }
  const child = fork(await buildForNode('client'), flags, { env })
  return new Promise((resolve, reject) => {
    child.on('message', (results) => resolve(results as Result[]))
    child.on('error', reject)
    child.on('exit', (code) => reject(new Error(`The benchmark in Node ended with ${code}.`)))
  })
}
