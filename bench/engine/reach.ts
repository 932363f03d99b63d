import { ratio, us } from '../measure.ts'
import type { Reach } from '../reach.ts'
import type { ApiTimes } from './api-write.ts'
import { type CommitTimes, LIVE } from './commits.ts'
import type { ImportTimes } from './imports.ts'

const OF_BARE = 3
/** Microseconds for each live query that a commit hits. */
const EACH = 25
const OF_ALONE: Record<string, number> = { plain: 2, replicated: 1.3 }

const live = LIVE.toLocaleString('en')
const oneHit = `one row changed, 1 of ${live} live queries hit`

export function reachOfCommits(times: readonly CommitTimes[]): Reach[] {
  return times.flatMap(({ kind, bare, one, all }) => [
    {
      what: `${oneHit}, ${kind}`,
      is: `${ratio(one, bare)} the bare write (${us(one)}, ${us(bare)})`,
      reach: `${OF_BARE} ×`,
      met: one <= OF_BARE * bare,
    },
    {
      what: `one row changed, ${live} of ${live} live queries hit, ${kind}`,
      is: `${us(all / LIVE)} each (${us(all)}, the bare write ${us(bare)})`,
      reach: `${EACH} µs`,
      met: all / LIVE <= EACH,
    },
  ])
}

export function reachOfApi(times: readonly ApiTimes[]): Reach[] {
  return times.map(({ kind, bare, ours }) => ({
    what: `${oneHit}, ${kind}, against wa-sqlite's own JS API`,
    is: `${ratio(ours, bare)} its write (${us(ours)}, ${us(bare)})`,
    reach: `${OF_BARE} ×`,
    met: ours <= OF_BARE * bare,
  }))
}

export function reachOfImports(times: readonly ImportTimes[]): Reach[] {
  return times.map(({ kind, form, rows, bare, alone, watched }) => {
    const most = OF_ALONE[kind] as number
    return {
      what: `import of ${rows.toLocaleString('en')} rows ${form}, 20 live queries, ${kind}`,
      is: `${(watched / alone).toFixed(2)} × the import without any, ${(watched / bare).toFixed(2)} × the bare one`,
      reach: `${most} ×`,
      met: watched <= most * alone,
    }
  })
}
