import type { ExecPlan } from '@millrace/protocol'
import type { DeleteStmt, UpdateStmt } from 'sqlite3-parser'
import { parseStmt } from 'sqlite3-parser'
import { type Catalog, findTable } from '../schema/catalog.ts'
import { columnOf, resolve, type Scope } from './expression.ts'
import { unquote } from './names.ts'
import { numberParameters } from './parameters.ts'

/** How a client can predict a statement of `exec`: an UPDATE or DELETE of one table, row by row; null for any other. */
export function planExec(catalog: Catalog, sql: string): ExecPlan | null {
  const parsed = parseStmt(sql)
  if (parsed.status !== 'ok') return null
  const { root } = parsed
  if (root.type !== 'UpdateStmt' && root.type !== 'DeleteStmt') return null
  // Which rows, or what becomes of others, is then more than WHERE says.
  if (root.with !== undefined || root.limit !== undefined) return null
  const { objName, alias } = root.tblName
  const table = findTable(catalog, unquote(objName.text))
  if (table === undefined || table.info.key.length === 0 || table.info.replaces) return null
  const source = { table, alias: unquote(alias?.text ?? objName.text) }
  const scope: Scope = { sources: [source], parameters: numberParameters(root), aliases: new Set() }
  const set = root.type === 'UpdateStmt' ? setOf(root, scope) : []
  if (set === null) return null
  const { whereClause } = root as UpdateStmt | DeleteStmt
  return {
    type: root.type === 'UpdateStmt' ? 'update' : 'delete',
    table: table.name,
    where: whereClause === undefined ? null : resolve(whereClause, scope),
    set,
  }
}

function setOf({ sets, from, orConflict }: UpdateStmt, scope: Scope): ExecPlan['set'] | null {
  if (from !== undefined || orConflict !== undefined) return null
  const { table } = scope.sources[0] as Scope['sources'][number]
  const set: { column: number; expr: ExecPlan['set'][number]['expr'] }[] = []
  for (const { colNames, expr } of sets) {
    const [name, ...others] = colNames
    if (name === undefined || others.length > 0) return null
    const ref = columnOf({ type: 'NameExpr', name, span: name.span }, scope)
    if (ref === undefined || table.info.key.includes(ref.column)) return null
    set.push({ column: ref.column, expr: resolve(expr, scope) })
  }
  return set
}
