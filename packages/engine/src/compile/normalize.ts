import type { CommonTableExpr, Select } from 'sqlite3-parser'
import { parseStmt, traverse } from 'sqlite3-parser'
import { quote } from '../database/database.ts'
import { Edits, endOf, startOf, textOf } from './edits.ts'
import { numberParameters } from './parameters.ts'

/** A query in the form that the rest of compile works on: no WITH, no views, `?` numbered. */
export interface Normal {
  readonly sql: string
  readonly body: Select
}

/** The text behind a name that stands for a SELECT: a view's or a CTE's. */
type Named = ReadonlyMap<string, string>

/**
 * Writes views and CTEs out as derived tables where they are used, `x IN t` as `x IN (SELECT * FROM t)`, and parameters
 * as `?1`, `?2`, so that text can be moved. Undefined where that cannot be: recursion, or a CTE that names the columns
 * of a `*`.
 */
export function normalize(sql: string, views: Named): Normal | undefined {
  const parsed = parseStmt(sql)
  if (parsed.status !== 'ok' || parsed.root.type !== 'SelectStmt') return undefined
  const numbered = numberIn(sql, parsed.root.body)
  const again = selectOf(numbered)
  const inlined = again === undefined ? undefined : inline(numbered, again, views, 0)
  const body = inlined === undefined ? undefined : selectOf(inlined)
  return inlined === undefined || body === undefined ? undefined : { sql: inlined, body }
}

/** Views with the views in them written out, so that no name in them can be taken for a CTE of the query. */
export function inlineViews(views: Named): Named {
  const inlined = new Map<string, string>()
  for (const [name, sql] of views) {
    const body = selectOf(sql)
    const text = body === undefined ? undefined : inlineNested(sql, body, views, 0)
    if (text !== undefined) inlined.set(name, text)
  }
  return inlined
}

/** Until nothing is left to write out. */
function inlineNested(sql: string, body: Select, views: Named, depth: number): string | undefined {
  const text = inline(sql, body, views, 0)
  const again = text === undefined ? undefined : selectOf(text)
  if (text === undefined || again === undefined || depth > MAX_DEPTH) return undefined
  return text === sql.slice(startOf(body.select), endOf(body))
    ? text
    : inlineNested(text, again, views, depth + 1)
}

function selectOf(sql: string): Select | undefined {
  const parsed = parseStmt(sql)
  return parsed.status === 'ok' && parsed.root.type === 'SelectStmt' ? parsed.root.body : undefined
}

/** Without what follows the statement: a semicolon, a comment. */
function numberIn(sql: string, body: Select): string {
  const edits = new Edits(sql)
  const numbers = numberParameters(body)
  traverse(body, {
    nodes: {
      VariableExpr(node) {
        const index = numbers.get(startOf(node))
        if (index !== undefined) edits.replace(startOf(node), endOf(node), `?${index + 1}`)
      },
    },
  })
  return edits.apply(startOf(body), endOf(body))
}

/** Views of views of views …: SQLite refuses those that name themselves. */
const MAX_DEPTH = 20

function inline(sql: string, select: Select, outer: Named, depth: number): string | undefined {
  if (depth > MAX_DEPTH) return undefined
  const edits = new Edits(sql)
  const named = new Map(outer)
  if (select.with !== undefined) {
    const { ctes, recursive: isRecursive } = select.with
    // They see each other forwards as well, and with RECURSIVE themselves; only those that look back are written out.
    const seen = (i: number) => ctes.slice(isRecursive ? i : i + 1)
    if (ctes.some((cte, i) => seen(i).some((later) => namesCte(cte.select, later)))) return undefined
    for (const cte of ctes) {
      const text = cteText(sql, cte, named, depth)
      if (text === undefined) return undefined
      named.set(cte.tblName.text.toLowerCase(), text)
    }
  }
  let failed = false
  /** The text behind a name, itself without views and CTEs. */
  const behind = (name: string): string | undefined => named.get(name.toLowerCase())
  traverse(select, {
    enter(node) {
      if (node === select) return 'continue'
      switch (node.type) {
        case 'With':
          return 'skip'
        case 'Select': {
          const text = inline(sql, node, named, depth + 1)
          if (text === undefined) failed = true
          else edits.replace(startOf(node), endOf(node), text)
          return 'skip'
        }
        case 'TableSelectTable': {
          const { dbName, objName } = node.tblName
          const text = dbName === undefined ? behind(objName.text) : undefined
          if (text === undefined) return 'continue'
          const alias = node.alias === undefined ? ` AS ${quote(objName.text)}` : ''
          edits.replace(startOf(node.tblName), endOf(node.tblName), `(${text})${alias}`)
          return 'continue'
        }
        case 'InTableExpr': {
          const name = textOf(sql, node.rhs)
          const text = node.rhs.dbName === undefined ? behind(node.rhs.objName.text) : undefined
          edits.replace(startOf(node.rhs), endOf(node.rhs), `(${text ?? `SELECT * FROM ${name}`})`)
          return 'continue'
        }
        default:
          return 'continue'
      }
    },
  })
  if (failed) return undefined
  // Behind WITH begins the SELECT.
  return edits.apply(startOf(select.select), endOf(select))
}

function cteText(sql: string, cte: CommonTableExpr, named: Named, depth: number): string | undefined {
  const { columns, select } = cte
  if (columns === undefined) return inline(sql, select, named, depth + 1)
  // Names given to columns: as aliases in the first arm's select list.
  const core = select.select
  if (core.type !== 'SelectFrom' || core.columns.length !== columns.length || select.with !== undefined)
    return undefined
  // A name of ORDER BY would be taken for the alias.
  if (select.orderBy !== undefined) return undefined
  const renamed = new Edits(sql)
  for (const [i, output] of core.columns.entries()) {
    if (output.type !== 'ExprResultColumn') return undefined
    renamed.replace(endOf(output.expr), endOf(output), ` AS ${quote(columns[i]?.colName.text ?? '')}`)
  }
  const text = renamed.apply(startOf(select), endOf(select))
  const again = selectOf(text)
  return again === undefined ? undefined : inline(text, again, named, depth + 1)
}

/** Whether a SELECT reads from a CTE. */
function namesCte(select: Select, { tblName }: CommonTableExpr): boolean {
  let found = false
  traverse(select, {
    nodes: {
      TableSelectTable(node) {
        if (node.tblName.objName.text.toLowerCase() === tblName.text.toLowerCase()) found = true
      },
    },
  })
  return found
}
