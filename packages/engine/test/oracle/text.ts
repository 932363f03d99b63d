import type { SqlValue } from '@millrace/protocol'
import fc from 'fast-check'

/** SQL text whose parts may be random: sql`SELECT ${column} FROM t`. */
export function sql(
  strings: TemplateStringsArray,
  ...parts: (string | fc.Arbitrary<string>)[]
): fc.Arbitrary<string> {
  const all = parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part))
  return fc.tuple(...all).map((values) => String.raw({ raw: strings }, ...values))
}

export const oneOf = (...texts: string[]) => fc.constantFrom(...texts)

/** The text, or nothing. */
export const maybe = (text: string | fc.Arbitrary<string>) =>
  fc.oneof(fc.constant(''), typeof text === 'string' ? fc.constant(text) : text)

/** Few, so that rows meet: of every storage class, equal under some collation, beyond 2^31 and 2^53. */
const ANY = [
  '1',
  '2',
  '0',
  '3',
  'NULL',
  "'a'",
  "'A'",
  "'b'",
  "'b '",
  "''",
  "'1'",
  '1.0',
  '1.5',
  '-1',
  "'é'",
  "x''",
  "x'61'",
  '3000000000',
  '9007199254740993',
]
export const literal = oneOf(...ANY)

/**
 * Which values a schema's rows are made of. `plain`: what is equal is spelled alike, so that groups, DISTINCT, min and
 * max have one answer. `spelled`: also 'A' beside 'a' and 1.0 beside 1. `all`: also blobs, which JSON refuses, and what
 * does not fit its column.
 */
export type Values = 'plain' | 'spelled' | 'all'

/** What a column holds: decides which values it gets, and which columns it is compared with. */
export type Kind = 'id' | 'ref' | 'int' | 'text' | 'any' | 'real'

const KINDS: Readonly<Record<string, Kind>> = { id: 'id', k: 'ref', r: 'ref', a: 'int', b: 'text', d: 'real' }
export const kindOf = (column: string): Kind => KINDS[column] ?? 'any'

const PLAIN: Record<Kind, readonly string[]> = {
  id: ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '12', '15', '18', '21'],
  // Few, so that a parent has several children.
  ref: ['1', '2', '3', '4', '5', '6', 'NULL'],
  int: ['0', '1', '1', '2', '3', '4', 'NULL'],
  text: ["'a'", "'a'", "'b'", "'b'", "'c'", "'é'", "''", 'NULL'],
  any: ['1', '2', "'a'", "'b'", "'1'", '1.5', 'NULL'],
  real: ['0.5', '1.5', '2', '-1', '3000000000', 'NULL'],
}
const SPELLED: Record<Kind, readonly string[]> = {
  id: ["'a'", "'A'"],
  ref: ["'a'"],
  int: ['1.5', "'1'"],
  text: ["'A'", "'A'", "'B'", "'b '"],
  any: ['1.0', '2.0', "'A'"],
  real: ["'a'"],
}

/** Literals for a column; the commoner ones more than once. */
export function literals(values: Values, kind: Kind): readonly string[] {
  switch (values) {
    case 'plain':
      return PLAIN[kind]
    case 'spelled':
      return [...PLAIN[kind], ...SPELLED[kind]]
    case 'all':
      return [...PLAIN[kind], ...SPELLED[kind], ...ANY]
  }
}

/** The value that a literal stands for, to be bound as a parameter. */
export function boundValue(literal: string): SqlValue {
  if (literal === 'NULL') return null
  if (literal.startsWith("x'")) return new Uint8Array(Buffer.from(literal.slice(2, -1), 'hex'))
  if (literal.startsWith("'")) return literal.slice(1, -1)
  const number = Number(literal)
  return Number.isSafeInteger(number) || literal.includes('.') ? number : BigInt(literal)
}
