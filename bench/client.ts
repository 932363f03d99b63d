import { fileURLToPath } from 'node:url'
import { benchInChromium } from './chromium.ts'
import type { Extent } from './client/contender.ts'
import type { Result } from './client/contest.ts'
import { contestInNode } from './client/in-node.ts'
import { installPeers } from './client/peers.ts'
import { labelOf, notAhead, reachOf, timeOf, whyNotAhead } from './client/reach.ts'
import { printTable, ratio, us } from './measure.ts'
import { printReaches } from './reach.ts'

/** Predicted writes, from the call to the subscriber that has read them, against the least work and against peers. */
export async function benchClient(extent: Extent): Promise<void> {
  installPeers(fileURLToPath(new URL('./peers', import.meta.url)))
  const inNode = await contestInNode(extent)
  print('Node', inNode)
  const inChromium = await benchInChromium<Extent, Result[]>('client', extent)
  print('Chromium', inChromium)
  printReaches('Client', { Node: reachOf(inNode), Chromium: reachOf(inChromium) })
}

const note = `From the call of a write to the subscriber of the touched view, which has been told and has read: the first
50 rows of an array, or, where it says edits, the changed rows only. Engines and their answers run between samples, never
in one; only of the 1,000 pending inserts none is awaited (time of one). The floor is written by hand for each view: a Map,
a sorted array, binary search; where an array is read it is a copy with the change, as React wants it, for edits it is one
array changed in place; groups are a Map of counters. All take turns, one write each, with the caches as the others left
them: in a loop of its own each is faster, the floor most (a window: 1.2 µs instead of 7). Each of the 1 to 1,000 views is
a list of 10 of 10,000 rows. Medians; in Chromium, whose clock steps by 5 µs, below 100 µs means without the fastest and
slowest tenth.`

function print(where: string, results: readonly Result[]): void {
  process.stderr.write('\n')
  const cell = (time: number | string | undefined) => (typeof time === 'number' ? us(time) : (time ?? ''))
  printTable(
    `Client, a predicted write in ${where}`,
    ['case', 'rows', 'Millrace', 'floor', 'of the floor', 'TanStack DB', 'Zero'],
    results.map((result) => {
      const { times, rows } = result
      const ours = timeOf(result, 'Millrace') as number
      const floor = timeOf(result, 'floor') as number
      return [
        labelOf(result),
        rows.toLocaleString('en'),
        us(ours),
        us(floor),
        ratio(ours, floor),
        cell(times['TanStack DB']),
        cell(times.Zero),
      ]
    }),
  )
  console.log(`\n${note.replaceAll('\n', ' ')}`)
  const behind = notAhead(results)
  if (behind.length === 0) return
  printTable(
    `Client, where Millrace is not ahead in ${where}`,
    ['case', 'rows', 'faster', 'by', 'why'],
    behind,
  )
  console.log(`\n${whyNotAhead.replaceAll('\n', ' ')}`)
}
