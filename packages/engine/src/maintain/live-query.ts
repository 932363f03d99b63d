import type { Collation, MillraceError, Plan, RowKey, Shape, SqlValue, WireRow } from '@millrace/protocol'
import { encodeKey } from '@millrace/protocol'
import type { TableChange } from '../capture/capture.ts'
import { bag, type Compiled, widen } from '../compile/compile.ts'
import type { Database } from '../database/database.ts'
import { invalidSql } from '../database/errors.ts'
import { type Catalog, findTable, isInternal } from '../schema/catalog.ts'
import { type Delta, difference, type Result } from './difference.ts'

/** What became of a live query at a commit. */
export type ResultChange =
  | { readonly type: 'reset' }
  | ({ readonly type: 'delta' } & Delta)
  | { readonly type: 'error'; readonly error: MillraceError }

/**
 * One query kept true by running it again when a table and column that it reads has changed, and telling the
 * difference by key.
 */
export class LiveQuery {
  readonly #database: Database
  readonly #asked: readonly SqlValue[]
  readonly #forClient: boolean
  readonly #plan: Plan | null
  /** Reads a table whose changes are not captured: run again after every commit. */
  readonly always: boolean

  /** Becomes the bag form for good should two rows ever have the same key; it then runs as it was asked, without a margin. */
  #compiled: Compiled
  #sql: string
  #parameters: readonly SqlValue[]
  #result: Result = { keys: [], rows: [] }
  #error: MillraceError | null = null

  /** `forClient`: with a margin beyond LIMIT, and with the columns that a prediction needs. */
  constructor(
    database: Database,
    catalog: Catalog,
    compiled: Compiled,
    parameters: readonly SqlValue[],
    forClient: boolean,
  ) {
    const runs = forClient ? widen(compiled, parameters) : { sql: compiled.sql, parameters, plan: null }
    this.#database = database
    this.#compiled = compiled
    this.#asked = parameters
    this.#forClient = forClient
    this.#sql = runs.sql
    this.#parameters = runs.parameters
    this.#plan = runs.plan
    this.always = [...compiled.reads.keys()].some(
      (name) => isInternal(name) || findTable(catalog, name)?.virtual === true,
    )
  }

  get shape(): Shape {
    return {
      columns: this.#compiled.columns,
      key: this.#compiled.key,
      tables: [...this.tables],
      plan: this.#compiled.bag ? null : this.#plan,
    }
  }

  /** The names of the tables it reads. */
  get tables(): Iterable<string> {
    return this.#compiled.reads.keys()
  }

  get rows(): readonly WireRow[] {
    return this.#result.rows
  }

  /** Of each row, in the same order. */
  get keys(): readonly RowKey[] {
    return this.#result.keys
  }

  get error(): MillraceError | null {
    return this.#error
  }

  /** Whether a change of a table can change the result. Never false where it can. */
  reads(change: TableChange): boolean {
    const columns = this.#compiled.reads.get(change.table.name)
    if (columns === undefined) return false
    if (change.rows) return true
    for (const column of columns) if (change.columns.has(column)) return true
    return false
  }

  /** Runs it again; null when nothing changed. */
  refresh(): ResultChange | null {
    const before = this.#result
    const failed = this.#error !== null
    const wasBag = this.#compiled.bag
    try {
      this.#result = this.#run()
    } catch (thrown) {
      const error = invalidSql(thrown, this.#sql) as MillraceError
      const known = this.#error?.message === error.message
      this.#error = error
      return known ? null : { type: 'error', error }
    }
    this.#error = null
    if (failed || this.#compiled.bag !== wasBag) return { type: 'reset' }
    const delta = difference(before, this.#result)
    return delta === null ? null : { type: 'delta', ...delta }
  }

  #run(): Result {
    const width = this.#compiled.columns.length
    if (!this.#compiled.bag) {
      const rows = this.#database.all(this.#sql, this.#parameters)
      const keys = keysOf(rows, this.#compiled.key)
      // Hidden columns are for predictions: who does not predict need not hear of their changes.
      if (!this.#forClient) for (const row of rows) row.length = width
      if (new Set(keys).size === keys.length) return { keys, rows }
      const { sql, columns, reads } = this.#compiled
      this.#compiled = bag(sql, columns, reads)
      this.#sql = sql
      this.#parameters = this.#asked
    }
    const rows = this.#database.all(this.#sql, this.#parameters)
    const numbered = numberEqualRows(rows.map((row) => row.slice(0, width)))
    return { keys: keysOf(numbered, this.#compiled.key), rows: numbered }
  }
}

function keysOf(rows: readonly WireRow[], key: Shape['key']): RowKey[] {
  const only = key.length === 1 ? key[0] : undefined
  if (only !== undefined) {
    const collations: Collation[] = [only.collation]
    return rows.map((row) => encodeKey([row[only.column] as SqlValue], collations))
  }
  const collations = key.map(({ collation }) => collation)
  return rows.map((row) =>
    encodeKey(
      key.map(({ column }) => row[column] as SqlValue),
      collations,
    ),
  )
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
