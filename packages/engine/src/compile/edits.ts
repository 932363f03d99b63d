/** Replacements in one text, by position; applied together, so that positions stay those of the text as it was. */
export class Edits {
  readonly #text: string
  readonly #edits: { readonly start: number; readonly end: number; readonly text: string }[] = []

  constructor(text: string) {
    this.#text = text
  }

  /** Edits do not overlap. Several at one position come in the order in which they were made. */
  replace(start: number, end: number, text: string): this {
    this.#edits.push({ start, end, text })
    return this
  }

  insert(at: number, text: string): this {
    return this.replace(at, at, text)
  }

  /** The part of the text from `start` to `end`, edited. */
  apply(start: number, end: number): string {
    const inside = this.#edits
      .map((edit, i) => ({ ...edit, i }))
      .filter((edit) => edit.start >= start && edit.end <= end)
      .sort((a, b) => a.start - b.start || a.end - b.end || a.i - b.i)
    let result = ''
    let position = start
    for (const edit of inside) {
      result += this.#text.slice(position, edit.start) + edit.text
      position = edit.end
    }
    return result + this.#text.slice(position, end)
  }
}

/** Where a node stands in the text. */
export interface Spanned {
  readonly span: { readonly offset: number; readonly length: number }
}

export const startOf = ({ span }: Spanned) => span.offset
export const endOf = ({ span }: Spanned) => span.offset + span.length

/** The node as it was written. */
export function textOf(sql: string, node: Spanned): string {
  return sql.slice(startOf(node), endOf(node))
}
