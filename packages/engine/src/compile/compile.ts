import { MillraceError, type Plan, type Shape, type SqlValue } from '@millrace/protocol'
import type { Select } from 'sqlite3-parser'
import type { Access, AccessRecorder, Reads } from '../database/authorizer.ts'
import type { Database } from '../database/database.ts'
import { excerpt, invalidSql } from '../database/errors.ts'
import type { Catalog } from '../schema/catalog.ts'
import { constantValue } from '../schema/literal.ts'
import { bind } from './bind.ts'
import { compileGroups, type GroupsStrategy } from './groups.ts'
import { compileKeyed } from './keyed.ts'
import { Beyond, type Bound } from './levels.ts'
import { type Normal, normalize } from './normalize.ts'
import { compileRows, type RowsStrategy } from './rows.ts'
import { withTotalOrder } from './total-order.ts'
import { readViews } from './views.ts'

/*
 * SQL text in, once per text: the text that the engine runs, how its result is kept, which columns of its rows make up a
 * row's key, and what a client needs to predict it. A key comes from
 *
 *     SELECT over tables      the primary keys of the rows that the result row came from (its lineage)
 *     GROUP BY                the group expressions
 *     an aggregate            nothing: there is one row
 *     anything else           the whole row, and its number among equal rows (a bag)
 *
 * Keys that are not in the select list are appended to it, behind the columns that the user sees, and to ORDER BY, so
 * that the order is one.
 */

/** What compile makes of one SQL text. */
export interface Compiled {
  /** The text that runs; its parameters are the user's. */
  readonly sql: string
  readonly reads: Reads
  readonly columns: readonly string[]
  readonly parameterCount: number
  readonly key: Shape['key']
  /** Rows have no key of their own: the engine appends to each its number among equal rows. */
  readonly bag: boolean
  /** How the client predicts it; LIMIT and OFFSET are filled in with the parameters. */
  readonly plan: Plan | null
  readonly limit: LimitClause | null
  /** Null: it runs again when what it reads has changed, because of `beyond`. */
  readonly strategy: RowsStrategy | GroupsStrategy | null
  /** In words for a person; empty where there is a strategy. */
  readonly beyond: string
}

/** LIMIT and OFFSET. */
export interface LimitClause {
  readonly limit: LimitOperand
  readonly offset: LimitOperand | null
}

type LimitOperand = { readonly literal: number } | { readonly parameter: number }

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
  const reads = union(asked.reads, readsByName(database, catalog, sql))
  const { columns, parameterCount } = asked
  let beyond: string
  try {
    const kept = compileKept(database, catalog, sql, columns, parameterCount)
    return { ...kept, reads, columns, parameterCount, bag: false, beyond: '' }
  } catch (error) {
    // The compiler recurses: a list of many thousand values is too deep for its stack, and not for SQLite. V8 says either.
    const tooDeep = error instanceof RangeError || error instanceof TypeError
    if (!(error instanceof Beyond) && !tooDeep) throw error
    beyond = tooDeep ? 'its text nests too deeply' : (error as Beyond).message
  }
  const keyed = compileKeyed(catalog, sql, columns)
  if (keyed !== undefined) {
    // SQLite has the last word on the rewritten text; where it refuses, the text runs as it was given.
    try {
      const more = prepareRead(database, recorder, keyed.sql)
      return {
        ...keyed,
        ...{ reads: union(more.reads, reads), columns, parameterCount, bag: false, beyond },
        ...{ plan: null, limit: null, strategy: null },
      }
    } catch {}
  }
  return { ...bag(sql, columns, reads), parameterCount, beyond }
}

/**
 * The query with a strategy.
 * @throws Beyond
 */
function compileKept(
  database: Database,
  catalog: Catalog,
  sql: string,
  columns: readonly string[],
  parameterCount: number,
): Pick<Compiled, 'sql' | 'key' | 'plan' | 'limit' | 'strategy'> {
  const [normal, bound] = understand(sql, readViews(database), catalog)
  const [level] = bound.arms
  const grouped =
    level !== undefined &&
    (level.aggregate || level.core.groupBy !== undefined || level.core.distinctness === 'Distinct')
  const compiled =
    grouped && bound.arms.length === 1
      ? compileGroups(normal, bound, catalog, columns, parameterCount)
      : compileRows(normal, bound, catalog, columns, parameterCount)
  const limit = limitOf(normal.body)
  try {
    for (const text of textsOf(compiled)) database.connection.prepare(text).finalize()
  } catch (error) {
    throw new Beyond(`SQLite does not take the text that it would be kept by: ${String(error)}`)
  }
  return { ...compiled, limit }
}

/** Written out, with its names resolved and its order made one. */
export function understand(
  sql: string,
  views: ReadonlyMap<string, string>,
  catalog: Catalog,
): readonly [Normal, Bound] {
  const normal = normalize(sql, views)
  if (normal === undefined) throw new Beyond('recursion, or a CTE that cannot be written out')
  const bound = bind(normal.body, catalog)
  const ordered = withTotalOrder(normal, bound)
  const again = ordered === undefined ? undefined : normalize(ordered, views)
  return again === undefined ? [normal, bound] : [again, bind(again.body, catalog)]
}

/** What must be a statement to SQLite, whatever changes. */
function textsOf({ sql, strategy }: { sql: string; strategy: RowsStrategy | GroupsStrategy }): string[] {
  if (strategy.type === 'groups') return [sql, ...(strategy.one === null ? [] : [strategy.one])]
  return [sql, ...strategy.arms.flatMap(({ sources }) => sources.map(({ restricted }) => restricted(1)))]
}

/** A LIMIT by numbers or parameters; null where there is none. */
function limitOf({ limit }: Select): LimitClause | null {
  if (limit === undefined) return null
  const operand = (node: typeof limit.expr): LimitOperand => {
    if (node.type === 'VariableExpr') return { parameter: Number(node.name.slice(1)) - 1 }
    const literal = constantValue(node)
    if (typeof literal !== 'number') throw new Beyond('a LIMIT that is no number and no parameter')
    return { literal }
  }
  return { limit: operand(limit.expr), offset: limit.offset === undefined ? null : operand(limit.offset) }
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
export function bag(
  sql: string,
  columns: readonly string[],
  reads: Reads,
): Omit<Compiled, 'parameterCount' | 'beyond'> {
  const key = [...columns, ''].map((_, column) => ({ column, collation: 'BINARY' as const }))
  return { sql, reads, columns, key, bag: true, plan: null, limit: null, strategy: null }
}

/** Checks a query before it runs, and tells what it reads. */
export function prepareRead(
  database: Database,
  recorder: AccessRecorder,
  sql: string,
): { columns: readonly string[]; reads: Reads; parameterCount: number } {
  let columns: readonly string[] = []
  let parameterCount = 0
  const access = recorder.record(sql, () => {
    try {
      const statement = database.connection.prepare(sql)
      columns = statement.columns
      parameterCount = statement.parameterCount
      statement.finalize()
    } catch (error) {
      throw invalidSql(error, sql)
    }
  })
  checkHarmless(access, sql)
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

/**
 * `crsql_unpack_columns` ends the WebAssembly at a key of no bytes.
 * @throws MillraceError `INVALID_SQL`
 */
export function checkHarmless({ reads }: Access, sql: string): void {
  const unpacks = [...reads.keys()].some((name) => /^crsql_unpack_columns$/i.test(name))
  if (!unpacks) return
  throw new MillraceError(
    'INVALID_SQL',
    `crsql_unpack_columns is not for apps, for it does not check what it is given: read keys from the tables themselves. The statement reads: ${excerpt(sql)}`,
  )
}

/** @throws MillraceError `INVALID_SQL` */
export function checkParameterCount(expected: number, parameters: readonly SqlValue[], sql: string): void {
  if (parameters.length === expected) return
  throw new MillraceError(
    'INVALID_SQL',
    `The statement takes ${expected} parameter${expected === 1 ? '' : 's'}, but ${parameters.length} ${parameters.length === 1 ? 'was' : 'were'} given. It reads: ${excerpt(sql)}`,
  )
}

/**
 * The rows of a client are objects, in which two columns of one name would be one.
 * @throws MillraceError `INVALID_SQL`
 */
export function checkColumnNames(columns: readonly string[], sql: string): void {
  const names = new Set(columns)
  if (names.size === columns.length) return
  const twice = [...names].filter((name) => columns.indexOf(name) !== columns.lastIndexOf(name))
  throw new MillraceError(
    'INVALID_SQL',
    `More than one column of the result has the name ${twice.join(', and more than one the name ')}: write them out and give each a name of its own, as \`SELECT member.id, team.id AS team_id\`. The statement reads: ${excerpt(sql)}`,
  )
}
