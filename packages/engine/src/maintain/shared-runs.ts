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

/** Answers queries that differ in their parameters only by one statement: see compile/sharing.ts. */
export class SharedRuns {
  readonly #database: Database
  /** The temp table of each text's parameters. */
  readonly #tables = new Map<Compiled, string>()
  #made = 0

  constructor(database: Database) {
    this.#database = database
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
    for (const [compiled, alike] of byText) if (alike.length >= MANY_QUERIES) this.#run(compiled, alike)
  }

  #run(compiled: Compiled, queries: readonly LiveQuery[]): void {
    const restricted = new Map<ArmSource, Keys>()
    for (const query of queries) {
      for (const [source, keys] of query.restrictedBy()) {
        const all = restricted.get(source) ?? new Map()
        restricted.set(source, all)
        for (const [key, values] of keys) all.set(key, values)
      }
    }
    const table = this.#tableOf(compiled)
    try {
      this.#fill(compiled, table, queries)
      // The columns that parameters are compared with stand behind the row.
      const compared = sharingOf(compiled).columns.length
      const found = queries.map(
        () => new Map([...restricted.keys()].map((source) => [source, [] as WireRow[]])),
      )
      for (const [source, keys] of restricted) {
        for (const [query, ...row] of this.#rows(compiled, source, table, [...keys.values()]))
          found[query as number]?.get(source)?.push(row.slice(0, -compared))
      }
      queries.forEach((query, i) => {
        query.give(found[i] as ReadonlyMap<ArmSource, readonly WireRow[]>)
      })
    } catch (error) {
      // Of which query it is, each finds out by itself; and the shared text may meet rows that no query does.
      if (!(error instanceof SqliteError)) throw error
    } finally {
      this.#database.run(`DELETE FROM temp.${table}`)
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

  #tableOf(compiled: Compiled): string {
    let table = this.#tables.get(compiled)
    if (table === undefined) {
      table = `millrace_parameters_${this.#made++}`
      this.#tables.set(compiled, table)
      const { columns } = sharingOf(compiled)
      this.#database.connection.exec(`CREATE TEMP TABLE ${table} (query INTEGER PRIMARY KEY, ${columns.join(', ')});
        CREATE INDEX temp.${table}_index ON ${table} (p0);`)
    }
    return table
  }

  /** A row for each query, numbered. */
  #fill(compiled: Compiled, table: string, queries: readonly LiveQuery[]): void {
    const { columns, parameters } = sharingOf(compiled)
    const insert = `INSERT INTO temp.${table} VALUES (?${', ?'.repeat(columns.length)})`
    queries.forEach((query, i) => {
      this.#database.run(insert, [i, ...parameters.map((parameter) => query.parameters[parameter] ?? null)])
    })
  }

  /** No query of this text is live any more. */
  end(compiled: Compiled): void {
    const table = this.#tables.get(compiled)
    if (table === undefined) return
    this.#tables.delete(compiled)
    this.#database.connection.exec(`DROP TABLE temp.${table}`)
  }
}

function sharingOf({ strategy }: Compiled): Pick<Sharing, 'columns' | 'parameters'> {
  const sharing = strategy?.type === 'rows' ? strategy.sharing : null
  assert(sharing !== null, 'only queries that can share are asked to')
  return sharing
}
