import { sqlite } from './connect.ts'
import { hunt } from './hunt.ts'

/** What `scripts/oracle.mjs` asks of each of its processes: the tally, or a failure made small. */
export default async function main(seed: number, comparisons: number) {
  return hunt(await sqlite(), { seed, comparisons })
}
