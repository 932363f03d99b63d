import { type Collation, MillraceError, type Plan, type Shape, type SqlValue } from '@millrace/protocol'
import type { Select, SelectFrom, SelectTable } from 'sqlite3-parser'
import { parseStmt } from 'sqlite3-parser'
import type { AccessRecorder, Reads } from '../database/authorizer.ts'
import { type Database, quote } from '../database/database.ts'
import { excerpt, invalidSql } from '../database/errors.ts'
import { type Catalog, findTable, keyExpressions, type Table } from '../schema/catalog.ts'
import { same } from './expression.ts'
import { groupKeys, isAggregate, numberParameters, planGroups, planRows, seesOtherRows } from './plan.ts'

/*
 * SQL text in, once per text: the text that the engine runs, which columns of its rows make up a row's key, and what a
 * client needs to predict it. A key comes from
 *
 *     SELECT over tables      the primary keys of the rows that the result row came from (its lineage)
 *     GROUP BY                the group expressions
 *     an aggregate            nothing: there is one row
 *     anything else           the whole row, and its number among equal rows (a bag)
 *
 * Keys that are not in the select list are appended to it, behind the columns that the user sees, and to ORDER BY, so
 * that the order is one.
 */

/** Rows beyond a LIMIT that a client may hold, so that a row which leaves is followed by the next at once. */
export const WINDOW_MARGIN = 8

/** What compile makes of one SQL text. */
export interface Compiled {
  /** The text that runs; its parameters are the user's. */
  readonly sql: string
  readonly reads: Reads
  readonly columns: readonly string[]
  readonly key: Shape['key']
  /** Rows have no key of their own: the engine appends to each its number among equal rows. */
  readonly bag: boolean
  /** The order of rows without ORDER BY is SQLite's own. */
  readonly plan: Plan | null
  readonly limit: LimitClause | null
}

/** A LIMIT that can be moved: a number in the text, or a parameter that stands nowhere else. */
export interface LimitClause {
  readonly value: { readonly literal: number } | { readonly parameter: number }
  readonly offset: { readonly literal: number } | { readonly parameter: number } | null
  /** Where a literal limit stands in `sql`. */
  readonly position: number
  readonly length: number
}

/**
 * @throws MillraceError `INVALID_SQL` when SQLite refuses the text, or when it does more than read.
 */
export function compile(
  database: Database,
  recorder: AccessRecorder,
  catalog: Catalog,
  sql: string,
): Compiled {
  const asked = prepareRead(database, recorder, sql)
  const byName = readsByName(database, catalog, sql)
  const keyed = compileKeyed(catalog, sql, asked.columns)
  if (keyed !== undefined) {
    // SQLite has the last word on the rewritten text; where it refuses, the text runs as it was given.
    try {
      const { reads } = prepareRead(database, recorder, keyed.sql)
      return { ...keyed, reads: union(reads, byName), columns: asked.columns, bag: false }
    } catch {}
  }
  return bag(sql, asked.columns, union(asked.reads, byName))
}

/**
 * What SQLite's authorizer does not say (3.44): of the columns that USING and NATURAL compare it is silent, and of a table
 * of which nothing else is read, too. Where the query or a view that it names joins so, all columns of all tables that
 * are named are taken for read.
 */
function readsByName(database: Database, catalog: Catalog, sql: string): Reads {
  const views = database.all(`SELECT name, sql FROM sqlite_master WHERE type = 'view'`)
  let text = sql.toLowerCase()
  for (let found = true; found; ) {
    found = false
    for (const view of views.splice(0)) {
      if (text.includes(String(view[0]).toLowerCase())) {
        text += ` ${String(view[1]).toLowerCase()}`
        found = true
      } else views.push(view)
    }
  }
  if (!/\b(using|natural)\b/.test(text)) return new Map()
  const named = [...catalog.values()].filter(({ name }) => text.includes(name.toLowerCase()))
  return new Map(named.map((table) => [table.name, new Set(table.columns.map(({ name }) => name))]))
}

function union(reads: Reads, more: Reads): Reads {
  const all = new Map(reads)
  for (const [table, columns] of more) all.set(table, new Set([...(reads.get(table) ?? []), ...columns]))
  return all
}

/** The text as it was given, its rows told apart by their values. */
export function bag(sql: string, columns: readonly string[], reads: Reads): Compiled {
  const key = [...columns, ''].map((_, column) => ({ column, collation: 'BINARY' as const }))
  return { sql, reads, columns, key, bag: true, plan: null, limit: null }
}

/** Checks a query before it runs, and tells what it reads. */
export function prepareRead(
  database: Database,
  recorder: AccessRecorder,
  sql: string,
): { columns: readonly string[]; reads: Reads; parameterCount: number } {
  let columns: readonly string[] = []
  let parameterCount = 0
  const access = recorder.record(() => {
    try {
      const statement = database.connection.prepare(sql)
      columns = statement.columns
      parameterCount = statement.parameterCount
      statement.finalize()
    } catch (error) {
      throw invalidSql(error, sql)
    }
  })
  const does =
    access.other[0] ?? (access.writes.size > 0 ? 'a write' : columns.length === 0 ? 'no rows' : undefined)
  if (does !== undefined) {
    throw new MillraceError(
      'INVALID_SQL',
      `A query must be a SELECT, but this one is or does ${does}: change rows with insert, update, delete, write or exec. It reads: ${excerpt(sql)}`,
    )
  }
  return { columns, reads: access.reads, parameterCount }
}

/** @throws MillraceError `INVALID_SQL` */
export function checkParameterCount(expected: number, parameters: readonly SqlValue[], sql: string): void {
  if (parameters.length === expected) return
  throw new MillraceError(
    'INVALID_SQL',
    `The statement takes ${expected} parameter${expected === 1 ? '' : 's'}, but ${parameters.length} ${parameters.length === 1 ? 'was' : 'were'} given. It reads: ${excerpt(sql)}`,
  )
}

/** One table of FROM under the name by which the query knows it. */
export interface Source {
  readonly table: Table
  readonly alias: string
}

type Keyed = Pick<Compiled, 'sql' | 'key' | 'plan' | 'limit'>

function compileKeyed(catalog: Catalog, sql: string, columns: readonly string[]): Keyed | undefined {
  const parsed = parseStmt(sql)
  if (parsed.status !== 'ok' || parsed.root.type !== 'SelectStmt') return undefined
  const { body } = parsed.root
  const core = body.select
  if (core.type !== 'SelectFrom' || body.with !== undefined || body.compounds !== undefined) return undefined
  if (core.distinctness === 'Distinct' || core.from === undefined) return undefined

  const sources = sourcesOf(core, catalog)
  const single = sources?.length === 1 ? sources[0] : undefined
  const predicted = single !== undefined && !seesOtherRows(catalog, body, single) ? single : undefined
  const grouped = core.groupBy !== undefined
  if (!grouped && isAggregate(core, body.orderBy)) {
    return keyedGroups(sql, body, core, columns, predicted, [])
  }
  if (grouped) {
    const keys = groupKeys(sql, core, sources)
    return keys === undefined ? undefined : keyedGroups(sql, body, core, columns, predicted, keys)
  }
  if (sources === undefined || core.having !== undefined) return undefined
  return keyedRows(sql, body, core, columns, sources, predicted)
}

/** The tables of FROM; undefined where it holds anything but tables with keys. */
function sourcesOf(core: SelectFrom, catalog: Catalog): Source[] | undefined {
  const sources: Source[] = []
  const from = core.from
  if (from?.select === undefined) return undefined
  const items: SelectTable[] = [from.select, ...(from.joins ?? []).map((join) => join.table)]
  for (const item of items) {
    if (item.type !== 'TableSelectTable') return undefined
    const table = findTable(catalog, item.tblName.objName.text)
    if (table === undefined || table.key.length === 0) return undefined
    if (item.tblName.dbName !== undefined && !same(item.tblName.dbName.text, 'main')) return undefined
    sources.push({ table, alias: item.alias?.name.text ?? item.tblName.objName.text })
  }
  const aliases = new Set(sources.map(({ alias }) => alias.toLowerCase()))
  return aliases.size === sources.length ? sources : undefined
}

function keyedRows(
  sql: string,
  body: Select,
  core: SelectFrom,
  columns: readonly string[],
  sources: readonly Source[],
  predicted: Source | undefined,
): Keyed {
  const parameters = numberParameters(body)
  const plan = predicted === undefined ? undefined : planRows(body, core, columns, predicted, parameters)
  const hidden: { sql: string; collation: Collation }[] = []
  for (const { table, alias } of sources) {
    keyExpressions(table, alias).forEach((expression, i) => {
      hidden.push({ sql: expression, collation: table.key[i]?.collation ?? 'BINARY' })
    })
  }
  const keyCount = hidden.length
  // For the client, the columns that filter and order read, where the user did not select them.
  for (const name of plan?.needs ?? [])
    hidden.push({ sql: `${quote(predicted?.alias ?? '')}.${quote(name)}`, collation: 'BINARY' })

  const order = hidden.slice(0, keyCount).map((key) => `${key.sql} COLLATE ${key.collation}`)
  const rewritten = rewrite(
    sql,
    body,
    core,
    hidden.map((column) => column.sql),
    order,
  )
  const limit = limitOf(body, parameters, rewritten.shift)
  return {
    sql: rewritten.sql,
    key: hidden.slice(0, keyCount).map(({ collation }, i) => ({ column: columns.length + i, collation })),
    // A LIMIT that is not understood cannot be predicted.
    plan: body.limit !== undefined && limit === null ? null : (plan?.plan ?? null),
    limit,
  }
}

function keyedGroups(
  sql: string,
  body: Select,
  core: SelectFrom,
  columns: readonly string[],
  predicted: Source | undefined,
  keys: readonly { sql: string; collation: Collation }[],
): Keyed {
  const parameters = numberParameters(body)
  const plan =
    predicted === undefined
      ? undefined
      : planGroups(sql, body, core, columns, predicted, parameters, keys.length)
  const hidden = [...keys.map((key) => key.sql), ...(plan?.hidden ?? [])]
  // In parentheses: COLLATE binds closer than any operator of the key.
  const order = keys.map((key) => `(${key.sql}) COLLATE ${key.collation}`)
  const rewritten = rewrite(sql, body, core, hidden, order)
  return {
    sql: rewritten.sql,
    key: keys.map(({ collation }, i) => ({ column: columns.length + i, collation })),
    plan: plan?.plan ?? null,
    limit: null,
  }
}

/**
 * The text with columns appended to its select list, and terms to its ORDER BY. `shift` tells where a position of the
 * old text, behind FROM, is now.
 */
function rewrite(
  sql: string,
  body: Select,
  core: SelectFrom,
  columns: readonly string[],
  order: readonly string[],
): { sql: string; shift: (position: number) => number } {
  const insertions: { at: number; text: string }[] = []
  const from = core.from?.span.offset ?? 0
  if (columns.length > 0) {
    insertions.push({
      at: from,
      text: `${columns.map((column, i) => `, ${column} AS "millrace:${i}"`).join('')} `,
    })
  }
  if (order.length > 0) {
    const last = body.orderBy?.at(-1)
    if (last !== undefined) {
      insertions.push({ at: last.span.offset + last.span.length, text: `, ${order.join(', ')}` })
    } else {
      const at = body.limit?.span.offset ?? body.span.offset + body.span.length
      insertions.push({ at, text: ` ORDER BY ${order.join(', ')} ` })
    }
  }
  const shift = (position: number) =>
    insertions.reduce((moved, { at, text }) => (at <= position ? moved + text.length : moved), position)
  // What follows the statement (a semicolon, a comment) is left out.
  let text = sql.slice(0, body.span.offset + body.span.length)
  for (const { at, text: inserted } of insertions.toReversed())
    text = text.slice(0, at) + inserted + text.slice(at)
  return { sql: text, shift }
}

function limitOf(
  body: Select,
  parameters: ReadonlyMap<number, number>,
  shift: (position: number) => number,
): LimitClause | null {
  if (body.limit === undefined) return null
  const { expr, offset } = body.limit
  const indexes = [...parameters.values()]
  const source = (node: typeof expr) => {
    if (node.type === 'NumericLiteral' && /^\d+$/.test(node.value)) return { literal: Number(node.value) }
    const parameter = node.type === 'VariableExpr' ? parameters.get(node.span.offset) : undefined
    return parameter !== undefined && indexes.filter((index) => index === parameter).length === 1
      ? { parameter }
      : undefined
  }
  const value = source(expr)
  const start = offset === undefined ? null : source(offset)
  if (value === undefined || start === undefined) return null
  return { value, offset: start, position: shift(expr.span.offset), length: expr.span.length }
}

/** A query as it runs for a client: a LIMIT is widened by the margin, and the plan told of it. */
export function widen(
  { sql, plan, limit }: Compiled,
  parameters: readonly SqlValue[],
): { sql: string; parameters: readonly SqlValue[]; plan: Plan | null } {
  if (limit === null || plan?.type !== 'rows') return { sql, parameters, plan }
  const shown = 'literal' in limit.value ? limit.value.literal : parameters[limit.value.parameter]
  const offset =
    limit.offset === null
      ? 0
      : 'literal' in limit.offset
        ? limit.offset.literal
        : parameters[limit.offset.parameter]
  if (typeof shown !== 'number' || typeof offset !== 'number' || !Number.isSafeInteger(shown + offset)) {
    return { sql, parameters, plan: null }
  }
  // A negative LIMIT is none.
  if (shown < 0) return { sql, parameters, plan: offset > 0 ? null : { ...plan, window: null } }
  const wide = shown + WINDOW_MARGIN
  const window = { limit: shown, margin: WINDOW_MARGIN, offset: Math.max(0, offset) }
  if ('parameter' in limit.value) {
    const { parameter } = limit.value
    return {
      sql,
      parameters: parameters.map((value, i) => (i === parameter ? wide : value)),
      plan: { ...plan, window },
    }
  }
  const widened = sql.slice(0, limit.position) + wide + sql.slice(limit.position + limit.length)
  return { sql: widened, parameters, plan: { ...plan, window } }
}
