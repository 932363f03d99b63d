import type { Bindable, SqlValue } from '@millrace/protocol'
import { identifyParameters, MillraceError, toSqlValue } from '@millrace/protocol'
import { ownValue } from './own-value.ts'

/** A row by column name. */
export type Row = Readonly<Record<string, SqlValue>>

declare const rowType: unique symbol

/** A SQL text with its parameters, and in its type the row that it gives. Made by {@link sql}. */
export interface SqlQuery<R = Row> {
  readonly sql: string
  readonly parameters: readonly unknown[]
  /** In types only. */
  readonly [rowType]?: R
}

/** A Kysely query builder: anything with `compile()`; the row type is that of its `execute()`. */
export interface CompilableQuery<R> {
  compile(): { readonly sql: string; readonly parameters: readonly unknown[] }
  execute(): Promise<R[]>
}

/** A Drizzle query builder: anything with `toSQL()`; the row type is that of its `execute()`. */
export interface ToSqlQuery<R> {
  toSQL(): { readonly sql: string; readonly params: readonly unknown[] }
  execute(): Promise<R[]>
}

/** What may be given where a query is wanted: {@link sql}, or a Kysely or Drizzle builder. */
export type Queryable<R = Row> = SqlQuery<R> | CompilableQuery<R> | ToSqlQuery<R>

/** A query in the one form that the rest of the client knows. */
export interface CompiledQuery {
  readonly sql: string
  readonly parameters: readonly SqlValue[]
  /** Equal for equal text, parameters and time limit: such queries are one live query. */
  readonly id: string
  /** Milliseconds that one run of it may take. */
  readonly timeout?: number
}

/** The same query with a time limit. */
export function withTimeout(query: CompiledQuery, timeout: number | undefined): CompiledQuery {
  if (timeout === undefined) return query
  return { ...query, id: `${timeout}\u0000${query.id}`, timeout }
}

/**
 * A query from a template: `` sql<Todo>`SELECT * FROM todo WHERE list = ${list}` ``. Each `${value}` becomes a
 * parameter, never text, except another `sql` fragment, which is put in with its parameters.
 *
 * @throws MillraceError `INVALID_VALUE` when a value is none that SQLite can hold.
 */
export function sql<R = Row>(
  texts: TemplateStringsArray,
  ...values: readonly (Bindable | SqlQuery<unknown>)[]
): SqlQuery<R> {
  let text = texts[0] as string
  const parameters: unknown[] = []
  values.forEach((value, i) => {
    if (isSqlQuery(value)) {
      text += value.sql
      parameters.push(...value.parameters)
    } else {
      text += '?'
      parameters.push(toSqlValue(value, `parameter ${parameters.length + 1}`))
    }
    text += texts[i + 1] as string
  })
  return { sql: text, parameters }
}

/**
 * A list for IN: `` sql`SELECT * FROM todo WHERE id IN ${sql.in(ids)}` ``. It is one parameter, a JSON array, so that the
 * text is the same for lists of every length, and none is too long. Numbers, bigints, text, booleans and null.
 *
 * @throws MillraceError `INVALID_VALUE` when a value is none that SQLite can hold, or is bytes, which JSON cannot hold.
 */
sql.in = (values: readonly Bindable[]): SqlQuery<unknown> => {
  const elements = values.map((value, i) => {
    const element = toSqlValue(value, `element ${i + 1} of the list`)
    if (element instanceof Uint8Array)
      throw new MillraceError(
        'INVALID_VALUE',
        `JSON cannot hold bytes, given for element ${i + 1} of the list: write IN (?, ?, …) with a parameter for each.`,
      )
    // JSON has no infinity; SQLite reads this as one.
    if (typeof element === 'number' && !Number.isFinite(element)) return element > 0 ? '9e999' : '-9e999'
    return typeof element === 'bigint' ? String(element) : JSON.stringify(element)
  })
  return { sql: '(SELECT value FROM json_each(?))', parameters: [`[${elements.join()}]`] }
}

function isSqlQuery(value: unknown): value is SqlQuery<unknown> {
  return typeof value === 'object' && value !== null && 'sql' in value && 'parameters' in value
}

/**
 * Any {@link Queryable} as text and checked parameters.
 * @throws MillraceError `INVALID_SQL` when it is no query, `INVALID_VALUE` when a parameter is no SQL value.
 */
export function compileQuery(query: Queryable<unknown>): CompiledQuery {
  let sql: unknown
  let given: unknown
  if (typeof query !== 'object' || query === null) sql = undefined
  else if ('compile' in query) ({ sql, parameters: given } = query.compile())
  else if ('toSQL' in query) ({ sql, params: given } = query.toSQL())
  else ({ sql, parameters: given } = query)
  if (typeof sql !== 'string' || !Array.isArray(given)) {
    throw new MillraceError(
      'INVALID_SQL',
      `A query was expected, but ${String(query)} was given: write it with the sql tag, or give a Kysely or Drizzle builder.`,
    )
  }
  const text = sql
  const parameters = given.map((value: unknown, i) => ownValue(value, `parameter ${i + 1}`))
  let id: string | undefined
  return {
    sql: text,
    parameters,
    // Only a live query needs it.
    get id() {
      id ??= `${text}\u0000${identifyParameters(parameters)}`
      return id
    },
  }
}
