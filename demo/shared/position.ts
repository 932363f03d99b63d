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
export function positionAt(
  index: number,
  others: readonly { readonly position: string }[],
  isUp: boolean,
): string {
  const at = (i: number) => others[i]?.position || null
  // Two tabs may have chosen the same position. Nothing fits between equals, so the row goes on past them.
  while (at(index - 1) !== null && at(index - 1) === at(index)) index += isUp ? -1 : 1
  return positionBetween(at(index - 1), at(index))
}
