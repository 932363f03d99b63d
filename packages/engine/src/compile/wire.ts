import type { Collation, OrderTerm } from '@millrace/protocol'

/** A column of the wire row that is part of a key. */
export interface KeyTerm {
  readonly column: number
  readonly collation: Collation
}

/** What is selected for the engine and the client behind what the user asked for. Equal texts are selected once. */
export class HiddenColumns {
  readonly #visible: number
  readonly #texts: string[] = []

  constructor(visible: number) {
    this.#visible = visible
  }

  /** A column of its own. */
  add(text: string): number {
    this.#texts.push(text)
    return this.#visible + this.#texts.length - 1
  }

  /** A column with this text, a new one or one that is there. */
  share(text: string): number {
    const known = this.#texts.indexOf(text)
    return known === -1 ? this.add(text) : this.#visible + known
  }

  get width(): number {
    return this.#visible + this.#texts.length
  }

  /** As they stand in the select list, a comma before each. */
  get sql(): string {
    return this.#texts.map((text, i) => `, ${text} AS "millrace:${i}"`).join('')
  }
}

/** By number, so that SQLite takes the column itself, and an index on it. */
export function orderBy(terms: readonly OrderTerm[]): string {
  if (terms.length === 0) return ''
  const sql = terms.map(({ column, collation, descending, nullsFirst }) => {
    const nulls = nullsFirst === !descending ? '' : ` NULLS ${nullsFirst ? 'FIRST' : 'LAST'}`
    return `${column + 1} COLLATE ${collation}${descending ? ' DESC' : ''}${nulls}`
  })
  return ` ORDER BY ${sql.join(', ')}`
}
