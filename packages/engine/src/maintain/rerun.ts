import type { RowKey, Shape, SqlValue, WireRow } from '@millrace/protocol'
import { encodeKey } from '@millrace/protocol'
import { bag, type Compiled } from '../compile/compile.ts'
import type { Database } from '../database/database.ts'
import type { Result } from './difference.ts'
import { keyer } from './strategy.ts'

/** Anything else: the query runs again. */
export class Rerun {
  readonly #database: Database
  readonly #compiled: Compiled
  readonly #parameters: readonly SqlValue[]

  /** Becomes the bag form for good should two rows ever have the same key; it then runs as it was asked. */
  #form: Pick<Compiled, 'sql' | 'key' | 'bag'>
  result: Result = { keys: [], rows: [] }

  /** `asked`: the text as it was given. */
  constructor(
    database: Database,
    compiled: Compiled,
    readonly asked: string,
    parameters: readonly SqlValue[],
  ) {
    this.#database = database
    this.#compiled = compiled
    this.#parameters = parameters
    this.#form = compiled
  }

  get key(): Shape['key'] {
    return this.#form.key
  }

  get isBag(): boolean {
    return this.#form.bag
  }

  hydrate(): void {
    const { columns, reads } = this.#compiled
    if (!this.#form.bag) {
      const rows = this.#database.all(this.#form.sql, this.#parameters)
      const keys = rows.map(keyer(this.#form.key))
      if (new Set(keys).size === keys.length) {
        this.result = { keys, rows }
        return
      }
      this.#form = bag(this.asked, columns, reads)
    }
    const rows = this.#database.all(this.asked, this.#parameters)
    const numbered = numberEqualRows(rows.map((row) => row.slice(0, columns.length)))
    this.result = { keys: numbered.map(keyer(this.#form.key)), rows: numbered }
  }
}

/** Appends to each row how many equal rows stand before it. */
function numberEqualRows(rows: readonly WireRow[]): WireRow[] {
  const seen = new Map<RowKey, number>()
  return rows.map((row) => {
    const content = encodeKey(row)
    const number = seen.get(content) ?? 0
    seen.set(content, number + 1)
    return [...row, number]
  })
}
