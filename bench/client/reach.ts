import { ratio, us } from '../measure.ts'
import type { Reach } from '../reach.ts'
import { groupsName, listsName, wholeName, windowName } from './cases.ts'
import type { Result } from './contest.ts'

const OURS = 'Millrace'
const FLOOR = 'floor'
const TANSTACK = 'TanStack DB'
const ZERO = 'Zero'

const OF_FLOOR = 3
/** Two runs of one thing differ by less on a quiet machine, on a busy one by as much. */
const FLAT = 1.5
const OF_TANSTACK = 100
const LARGEST = 100_000

export function timeOf(result: Result, name: string): number | undefined {
  const time = result.times[name]
  return typeof time === 'number' ? time : undefined
}

export function labelOf(result: Result): string {
  return `${result.family}: ${result.case}`
}

/** What is to be reached, and what was, of one run. */
export function reachOf(results: readonly Result[]): Reach[] {
  return [...withinTheFloor(results), ...flat(results), ...noSlowerThanZero(results), ...groups(results)]
}

interface Compared {
  readonly result: Result
  readonly time: number
  readonly base: number
}

function withinTheFloor(results: readonly Result[]): Reach[] {
  const pending = results.filter((result) => result.case.includes('pending'))
  const others = results.filter((result) => !pending.includes(result))
  const kinds: [string, Result[]][] = [
    [windowName, others.filter(({ family }) => family === windowName)],
    [wholeName.edits, others.filter(({ family }) => family === wholeName.edits)],
    [wholeName.array, others.filter(({ family }) => family === wholeName.array)],
    ['1 to 1,000 views', others.filter(({ family }) => isLists(family))],
    [groupsName, others.filter(({ family }) => family === groupsName)],
    ['1,000 pending inserts', pending],
  ]
  return kinds.flatMap(([what, among]) => {
    const compared = among.flatMap((result) => compare(result, timeOf(result, OURS), timeOf(result, FLOOR)))
    return reach(what, compared, 'the floor', OF_FLOOR)
  })
}

/**
 * The floor does the same work whatever the number of rows and of views: what it takes longer there is what other
 * contenders have done to the caches, and is allowed to all.
 */
function flat(results: readonly Result[]): Reach[] {
  const windows = results.filter(({ family }) => family === windowName)
  const smallest = Math.min(...windows.map(({ rows }) => rows))
  const largest = Math.max(...windows.map(({ rows }) => rows))
  const grown = (large: readonly Result[], small: readonly Result[]) =>
    large.flatMap((result) => {
      const other = small.find((one) => one.case === result.case)
      const before = other && timeOf(other, OURS)
      const floorBefore = other && timeOf(other, FLOOR)
      const floor = timeOf(result, FLOOR)
      if (before === undefined || floor === undefined || floorBefore === undefined) return []
      return compare(result, timeOf(result, OURS), (before * floor) / floorBefore)
    })
  const withRows = (rows: number) => windows.filter((result) => result.rows === rows)
  const withViews = (views: number) => results.filter(({ family }) => family === listsName(views))
  const byRows = largest > smallest ? grown(withRows(largest), withRows(smallest)) : []
  const byViews = grown(withViews(1_000), withViews(1))
  const small = `that of ${smallest.toLocaleString('en')} rows, as the floor grew`
  return [
    ...reach('flat in rows of the database', byRows, small, FLAT),
    ...reach('flat in views not touched', byViews, 'that of 1 view, as the floor grew', FLAT),
  ]
}

function noSlowerThanZero(results: readonly Result[]): Reach[] {
  return Object.values(wholeName).flatMap((name) => {
    const among = results.filter(({ family, rows }) => family === name && rows === LARGEST)
    const compared = among.flatMap((result) => compare(result, timeOf(result, OURS), timeOf(result, ZERO)))
    return reach(`${name}, 100,000 rows`, compared, `that of ${ZERO}'s engine`, 1)
  })
}

function groups(results: readonly Result[]): Reach[] {
  const compared = results
    .filter(({ family }) => family === groupsName)
    .flatMap((result) => compare(result, timeOf(result, TANSTACK), timeOf(result, OURS)))
  if (compared.length === 0) return []
  const worst = compared.reduce((a, b) => (a.time / a.base <= b.time / b.base ? a : b))
  const faster = worst.time / worst.base
  return [
    {
      what: `${groupsName}, against ${TANSTACK}`,
      is: `${ratio(worst.time, worst.base).replace(' ×', ' × faster')} (${us(worst.base)}, ${us(worst.time)}: ${worst.result.case})`,
      reach: `${OF_TANSTACK} × faster`,
      met: faster >= OF_TANSTACK,
    },
  ]
}

function compare(result: Result, time: number | undefined, base: number | undefined): Compared[] {
  return time === undefined || base === undefined ? [] : [{ result, time, base }]
}

/** By the worst of them. */
function reach(what: string, compared: readonly Compared[], of: string, most: number): Reach[] {
  if (compared.length === 0) return []
  const worst = compared.reduce((a, b) => (a.time / a.base >= b.time / b.base ? a : b))
  const { result, time, base } = worst
  const where = `${result.case}, ${result.rows.toLocaleString('en')} rows`
  return [
    {
      what,
      is: `at most ${ratio(time, base)} ${of} (${us(time)}, ${us(base)}: ${where})`,
      reach: `${most} ×`,
      met: time <= most * base,
    },
  ]
}

function isLists(family: string): boolean {
  return [1, 100, 1_000].some((views) => family === listsName(views))
}

/** So much may be for what a store has to do and Zero's engine by itself need not. */
const ALONE = 3

export const whyNotAhead = `Alone: Zero's engine runs here without its client. It checks no values, keeps no write to be
taken back, and sends none, which Millrace does in every call; up to ${ALONE} × may be for that. Too slow: no work that only
Millrace has to do accounts for it.`

/** Where a peer is faster: case, rows, who, by how much, why. */
export function notAhead(results: readonly Result[]): string[][] {
  return results.flatMap((result) => {
    const ours = timeOf(result, OURS)
    if (ours === undefined) return []
    return [TANSTACK, ZERO].flatMap((name) => {
      const theirs = timeOf(result, name)
      if (theirs === undefined || theirs >= ours) return []
      const why = name === ZERO && ours <= ALONE * theirs ? 'alone' : 'too slow'
      return [[labelOf(result), result.rows.toLocaleString('en'), name, ratio(ours, theirs), why]]
    })
  })
}
