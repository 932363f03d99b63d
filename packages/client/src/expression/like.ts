import { type Cell, UNKNOWN } from './cell.ts'
import { toPlainText } from './convert.ts'

/** LIKE and GLOB: patterns of one language, with other signs. */

type Part = '*' | { readonly matches: (point: number) => boolean }

/** As the operator has it: `text LIKE pattern ESCAPE escape`. This build matches no blobs. */
export function like(pattern: Cell, text: Cell, escapedBy?: Cell): Cell {
  if (pattern === UNKNOWN || text === UNKNOWN || escapedBy === UNKNOWN) return UNKNOWN
  if (pattern instanceof Uint8Array || text instanceof Uint8Array) return 0
  const sign = escapedBy === undefined ? undefined : toPlainText(escapedBy)
  if (sign === null) return null
  if (sign === UNKNOWN || (sign !== undefined && pointsOf(sign).length !== 1)) return UNKNOWN
  const point = sign?.codePointAt(0)
  return match(
    pattern,
    text,
    (given) => likeParts(given, point),
    (point) => foldPoint(point),
  )
}

export function glob(pattern: Cell, text: Cell): Cell {
  if (pattern === UNKNOWN || text === UNKNOWN) return UNKNOWN
  if (pattern instanceof Uint8Array || text instanceof Uint8Array) return 0
  return match(pattern, text, globParts, (point) => point)
}

function match(
  pattern: Cell,
  text: Cell,
  parse: (points: readonly number[]) => readonly Part[] | undefined,
  fold: (point: number) => number,
): Cell {
  const given = toPlainText(pattern)
  const subject = toPlainText(text)
  if (given === null || subject === null) return null
  // Behind % SQLite looks for U+0080 by its one byte.
  if (given === UNKNOWN || subject === UNKNOWN || given.length > 10_000 || given.includes('\x80'))
    return UNKNOWN
  const parts = parse(pointsOf(given))
  return Number(parts !== undefined && matches(parts, pointsOf(subject).map(fold)))
}

function pointsOf(text: string): number[] {
  const points: number[] = []
  for (let i = 0; i < text.length; i++) {
    const point = text.codePointAt(i) as number
    points.push(point)
    if (point > 0xffff) i++
  }
  return points
}

const foldPoint = (point: number) => (point >= 65 && point <= 90 ? point + 32 : point)
const PERCENT = 37
const UNDERSCORE = 95
const STAR = 42
const QUESTION = 63
const OPEN = 91
const CLOSE = 93
const CARET = 94
const DASH = 45

const any: Part = { matches: () => true }
const exactly = (wanted: number): Part => ({ matches: (point) => point === wanted })

function likeParts(points: readonly number[], escapedBy: number | undefined): Part[] | undefined {
  const parts: Part[] = []
  for (let i = 0; i < points.length; i++) {
    const point = points[i] as number
    if (point === escapedBy) {
      const next = points[++i]
      if (next === undefined) return undefined
      parts.push(exactly(foldPoint(next)))
    } else if (point === PERCENT) parts.push('*')
    else parts.push(point === UNDERSCORE ? any : exactly(foldPoint(point)))
  }
  return parts
}

/** Undefined where a set is not closed: nothing matches then. */
function globParts(points: readonly number[]): Part[] | undefined {
  const parts: Part[] = []
  for (let i = 0; i < points.length; i++) {
    const point = points[i] as number
    if (point === STAR) parts.push('*')
    else if (point === QUESTION) parts.push(any)
    else if (point === OPEN) {
      const ranges: (readonly [number, number])[] = []
      const inverted = points[i + 1] === CARET
      if (inverted) i++
      let before = 0
      // The first ] is one of the set.
      for (let first = true; ; first = false) {
        const member = points[++i]
        if (member === undefined) return undefined
        if (member === CLOSE && !first) break
        const end = points[i + 1]
        if (member === DASH && before > 0 && end !== undefined && end !== CLOSE) {
          ranges.push([before, end])
          before = 0
          i++
        } else {
          ranges.push([member, member])
          // A ] in the first place does not begin a range.
          before = member === CLOSE && first ? 0 : member
        }
      }
      parts.push({
        matches: (point) => ranges.some(([from, to]) => point >= from && point <= to) !== inverted,
      })
    } else parts.push(exactly(point))
  }
  return parts
}

/** What a star took too little of is given to it one by one: only the last star has to be tried again. */
function matches(parts: readonly Part[], points: readonly number[]): boolean {
  let part = 0
  let star = -1
  let resume = 0
  for (let i = 0; i < points.length; ) {
    const current = parts[part]
    if (current === '*') {
      star = part++
      resume = i
    } else if (current?.matches(points[i] as number)) {
      part++
      i++
    } else if (star === -1) return false
    else {
      part = star + 1
      i = ++resume
    }
  }
  while (parts[part] === '*') part++
  return part === parts.length
}
