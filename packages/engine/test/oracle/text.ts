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
export const literal = oneOf(
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
)
