import type { Collation, Shape } from '@millrace/protocol'
import type { JoinOperator, Select, SelectFrom, SelectTable } from 'sqlite3-parser'
import { parseStmt } from 'sqlite3-parser'
import { type Catalog, findTable, keyExpressions } from '../schema/catalog.ts'
import { endOf, startOf } from './edits.ts'
import type { Source } from './expression.ts'
import { isAggregate } from './functions.ts'
import { groupKeys } from './groups-plan.ts'
import { same } from './names.ts'
import { HiddenColumns } from './wire.ts'

/*
 * Keys for queries that run again as a whole (window functions, FULL JOIN): with them the difference of two results
 * tells that a row changed, rather than that one went and another came.
 */

/** The text with its key appended to select list and ORDER BY; undefined where its rows have none. */
export function compileKeyed(
  catalog: Catalog,
  sql: string,
  columns: readonly string[],
): { sql: string; key: Shape['key'] } | undefined {
  const parsed = parseStmt(sql)
  if (parsed.status !== 'ok' || parsed.root.type !== 'SelectStmt') return undefined
  const { body } = parsed.root
  const core = body.select
  if (core.type !== 'SelectFrom' || body.with !== undefined || body.compounds !== undefined) return undefined
  if (core.distinctness === 'Distinct' || core.from === undefined) return undefined

  // SQLite 3.44 gives other rows for these when terms are appended to ORDER BY.
  const joins = core.from.joins ?? []
  if (joins.length > 1 && joins.some(({ operator }) => isRight(operator))) return undefined
  const sources = sourcesOf(core, catalog)
  if (core.groupBy !== undefined) {
    const keys = groupKeys(sql, core, sources)
    // In parentheses: COLLATE binds closer than any operator of the key.
    return keys === undefined ? undefined : keyed(sql, body, core, columns, keys)
  }
  if (isAggregate(core, body.orderBy)) return keyed(sql, body, core, columns, [])
  if (sources === undefined || core.having !== undefined) return undefined
  const keys = sources.flatMap(({ table, alias }) =>
    keyExpressions(table, alias).map((expression, i) => ({
      sql: expression,
      collation: table.key[i]?.collation ?? ('BINARY' as const),
    })),
  )
  return keyed(sql, body, core, columns, keys)
}

/** RIGHT and FULL. */
function isRight(operator: JoinOperator): boolean {
  return operator.type === 'TypedJoinJoinOperator' && ((operator.joinType ?? 0) & 16) !== 0
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

function keyed(
  sql: string,
  body: Select,
  core: SelectFrom,
  columns: readonly string[],
  keys: readonly { readonly sql: string; readonly collation: Collation }[],
): { sql: string; key: Shape['key'] } {
  const hidden = new HiddenColumns(columns.length)
  for (const key of keys) hidden.add(key.sql)
  const from = core.from === undefined ? endOf(core) : startOf(core.from)
  const order = keys.map((key) => `(${key.sql}) COLLATE ${key.collation}`).join(', ')
  const last = body.orderBy?.at(-1)
  const orderAt =
    last !== undefined ? endOf(last) : body.limit === undefined ? endOf(body) : startOf(body.limit)
  const orderBy = order === '' ? '' : last === undefined ? ` ORDER BY ${order} ` : `, ${order}`
  return {
    sql: `${sql.slice(0, from)}${hidden.sql} ${sql.slice(from, orderAt)}${orderBy}${sql.slice(orderAt, endOf(body))}`,
    key: keys.map(({ collation }, i) => ({ column: columns.length + i, collation })),
  }
}
