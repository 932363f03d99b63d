/** A name as the catalog has it. The parser leaves brackets and backquotes on. */
export function unquote(name: string): string {
  const first = name[0]
  if (first === '[' && name.endsWith(']')) return name.slice(1, -1)
  if ((first === '`' || first === '"') && name.length > 1 && name.endsWith(first))
    return name.slice(1, -1).replaceAll(first + first, first)
  return name
}

/** SQLite's names know no case. */
export function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
