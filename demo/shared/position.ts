import { generateKeyBetween, generateNKeysBetween } from 'fractional-indexing'

// A row's place in its list is a text between those of its neighbours, so that a move writes one row. The digits are
// those of cr-sqlite's crsql_fract_key_between, from ' ' to '~': keys made here and in SQL are the same.
const DIGITS = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('')

/** Null stands for the start or the end of the list. */
export function positionBetween(before: string | null, after: string | null): string {
  return generateKeyBetween(before, after, DIGITS)
}

/** `count` positions in order, all after `before`. */
export function positionsAfter(before: string | null, count: number): string[] {
  return generateNKeysBetween(before, null, count, DIGITS)
}

/** The position that puts a row at `index` among the others, which are in order. */
export function positionAt(index: number, others: readonly { readonly position: string }[]): string {
  const before = others[index - 1]?.position || null
  // Two tabs may have chosen the same position. Nothing fits between equals, so the row goes behind them.
  while (before !== null && index < others.length && others[index]!.position <= before) index++
  return positionBetween(before, others[index]?.position || null)
}
