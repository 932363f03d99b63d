import { fork } from 'node:child_process'
import { buildForNode } from './build.ts'
import type { Result } from './contest.ts'

/** In a process of Node, ours on the engine in memory. */
export async function contestInNode(quick: boolean): Promise<Result[]> {
  const child = fork(await buildForNode(), quick ? ['--quick'] : [], {
    env: { ...process.env, NODE_ENV: 'production' },
  })
  return new Promise((resolve, reject) => {
    child.on('message', (results) => resolve(results as Result[]))
    child.on('error', reject)
    child.on('exit', (code) => reject(new Error(`The benchmark in Node ended with ${code}.`)))
  })
}
