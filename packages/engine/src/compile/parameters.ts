import { traverse } from 'sqlite3-parser'

/** The index, from 0, of each parameter by its place in the text: SQLite's rule (sqlite.org/lang_expr.html, Parameters). */
export function numberParameters(body: Parameters<typeof traverse>[0]): ReadonlyMap<number, number> {
  const found: { name: string; offset: number }[] = []
  traverse(body, {
    nodes: {
      VariableExpr(node) {
        found.push({ name: node.name, offset: node.span.offset })
      },
    },
  })
  found.sort((a, b) => a.offset - b.offset)
  const numbers = new Map<number, number>()
  const named = new Map<string, number>()
  let highest = 0
  for (const { name, offset } of found) {
    let number: number
    if (name === '?') number = highest + 1
    else if (/^\?\d+$/.test(name)) number = Number(name.slice(1))
    else number = named.get(name) ?? highest + 1
    named.set(name, number)
    highest = Math.max(highest, number)
    numbers.set(offset, number - 1)
  }
  return numbers
}
