import type { RowKey, SqlValue, WireRow } from '@millrace/protocol'
import type { Compiled } from '../compile/compile.ts'
import type { ArmSource } from '../compile/rows.ts'
import type { Database } from '../database/database.ts'
import type { LiveQuery } from './live-query.ts'

/** Fewer queries of one text are answered each by itself. */
const MANY_QUERIES = 8

/** Keys by which queries of one text are restricted, all together. */
type Keys = Map<RowKey, readonly SqlValue[]>

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
  prepare(queries: Iterable<LiveQuery>): void {
    const byText = new Map<Compiled, LiveQuery[]>()
    for (const query of queries) {
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
    const table = this.#fill(compiled, queries)
    const found = queries.map(
      () => new Map<ArmSource, WireRow[]>([...restricted.keys()].map((source) => [source, []])),
    )
    for (const [source, keys] of restricted) {
      for (const [query, ...row] of this.#rows(compiled, source, table, [...keys.values()]))
        found[query as number]?.get(source)?.push(row)
    }
    queries.forEach((query, i) => {
      query.give(found[i] as ReadonlyMap<ArmSource, readonly WireRow[]>)
    })
    this.#database.run(`DELETE FROM temp.${table}`)
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

  /** The table of parameters with a row for each query, numbered. */
  #fill(compiled: Compiled, queries: readonly LiveQuery[]): string {
    const { columns, parameters } =
      compiled.strategy?.type === 'rows' ? (compiled.strategy.sharing ?? NONE) : NONE
    let table = this.#tables.get(compiled)
    if (table === undefined) {
      table = `millrace_parameters_${this.#made++}`
      this.#tables.set(compiled, table)
      this.#database.connection.exec(`CREATE TEMP TABLE ${table} (query INTEGER PRIMARY KEY, ${columns.join(', ')});
        CREATE INDEX temp.${table}_index ON ${table} (p0);`)
    }
    const insert = `INSERT INTO temp.${table} VALUES (?${', ?'.repeat(columns.length)})`
    queries.forEach((query, i) => {
      this.#database.run(insert, [i, ...parameters.map((parameter) => query.parameters[parameter] ?? null)])
    })
    return table
  }

  /** No query of this text is live any more. */
  end(compiled: Compiled): void {
    const table = this.#tables.get(compiled)
    if (table === undefined) return
    this.#tables.delete(compiled)
    this.#database.connection.exec(`DROP TABLE temp.${table}`)
  }
}

const NONE = { columns: [], parameters: [] }
