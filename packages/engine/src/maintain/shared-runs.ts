import { assert, type SqlValue, type WireRow } from '@millrace/protocol'
import type { Compiled } from '../compile/compile.ts'
import type { ArmSource } from '../compile/rows.ts'
import type { Sharing } from '../compile/sharing.ts'
import type { Database } from '../database/database.ts'
import { SqliteError } from '../database/sqlite.ts'
import type { LiveQuery } from './live-query.ts'
import type { Keys } from './restrict.ts'

/** Fewer queries of one text are answered each by itself. */
const MANY_QUERIES = 8

/** The temp table of one text's parameters. */
interface ParameterTable {
  readonly name: string
  /** Those of the queries that it was last filled for, in their order. */
  filled: readonly (readonly SqlValue[])[]
}

/** Answers queries that differ in their parameters only by one statement: see compile/sharing.ts. */
export class SharedRuns {
  readonly #database: Database
  readonly #limit: number
  readonly #tables = new Map<Compiled, ParameterTable>()
  #made = 0

  /** `limit`: instructions that one live query may take at a time. */
  constructor(database: Database, limit: number) {
    this.#database = database
    this.#limit = limit
  }

  /** Of the queries that a commit touched, gives those of one text the rows that they will ask for. */
  prepare(touched: ReadonlySet<{ readonly query: LiveQuery }>): void {
    if (touched.size < MANY_QUERIES) return
    const byText = new Map<Compiled, LiveQuery[]>()
    for (const { query } of touched) {
      if (!query.canShare) continue
      const alike = byText.get(query.compiled)
      if (alike === undefined) byText.set(query.compiled, [query])
      else alike.push(query)
    }
    const { connection } = this.#database
    for (const [compiled, alike] of byText) {
      if (alike.length < MANY_QUERIES) continue
      connection.limit({ steps: alike.length * this.#limit }, () => this.#run(compiled, alike))
    }
  }

  #run(compiled: Compiled, queries: readonly LiveQuery[]): void {
    const restricted = new Map<ArmSource, Keys>()
    for (const query of queries) query.restrictedBy(restricted)
    const table = this.#tableOf(compiled)
    try {
      this.#fill(compiled, table, queries)
      // The columns that parameters are compared with stand behind the row.
      const compared = sharingOf(compiled).columns.length
      const found = new Map<ArmSource, WireRow[][]>()
      for (const [source, keys] of restricted) {
        const rows: WireRow[][] = []
        found.set(source, rows)
        for (const row of this.#rows(compiled, source, table.name, [...keys.values()])) {
          const [query] = row as [number]
          rows[query] ??= []
          rows[query].push(row.slice(1, -compared))
        }
      }
      queries.forEach((query, i) => {
        query.give(found, i)
      })
    } catch (error) {
      // Of which query it is, each finds out by itself; and the shared text may meet rows that no query does.
      if (!(error instanceof SqliteError)) throw error
    }
  }

  *#rows(
    { parameterCount }: Compiled,
    source: ArmSource,
    table: string,
    keys: readonly (readonly SqlValue[])[],
  ): Iterable<SqlValue[]> {
    // The user's parameters are left out of the text, their numbers are not.
    const none = new Array<SqlValue>(parameterCount).fill(null)
    for (let i = 0; i < keys.length; ) {
      const count = keys.length - i >= source.most ? source.most : 1
      yield* this.#database.all(source.shared(count, table), [...none, ...keys.slice(i, i + count).flat()])
      i += count
    }
  }

  #tableOf(compiled: Compiled): ParameterTable {
    let table = this.#tables.get(compiled)
    if (table === undefined) {
      const name = `millrace_parameters_${this.#made++}`
      table = { name, filled: [] }
      this.#tables.set(compiled, table)
      const { columns } = sharingOf(compiled)
      this.#database.connection.exec(`CREATE TEMP TABLE ${name} (query INTEGER PRIMARY KEY, ${columns.join(', ')});
        CREATE INDEX temp.${name}_index ON ${name} (p0);`)
    }
    return table
  }

  /** A row for each query, numbered. Often the same queries are touched as the last time. */
  #fill(compiled: Compiled, table: ParameterTable, queries: readonly LiveQuery[]): void {
    const { filled } = table
    if (filled.length === queries.length && queries.every((query, i) => query.parameters === filled[i]))
      return
    table.filled = []
    this.#database.run(`DELETE FROM temp.${table.name}`)
    const { columns, parameters } = sharingOf(compiled)
    const insert = `INSERT INTO temp.${table.name} VALUES (?${', ?'.repeat(columns.length)})`
    queries.forEach((query, i) => {
      this.#database.run(insert, [i, ...parameters.map((parameter) => query.parameters[parameter] ?? null)])
    })
    table.filled = queries.map(({ parameters: own }) => own)
  }

  /** No query of this text is live any more. */
  end(compiled: Compiled): void {
    const table = this.#tables.get(compiled)
    if (table === undefined) return
    this.#tables.delete(compiled)
    this.#database.connection.exec(`DROP TABLE temp.${table.name}`)
  }
}

function sharingOf({ strategy }: Compiled): Pick<Sharing, 'columns' | 'parameters'> {
  const sharing = strategy?.type === 'rows' ? strategy.sharing : null
  assert(sharing !== null, 'only queries that can share are asked to')
  return sharing
}
