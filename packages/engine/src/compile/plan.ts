import type {
  FunctionCallExpr,
  FunctionTail,
  InTableExpr,
  Select,
  SelectFrom,
  Expr as SqlExpr,
  TableSelectTable,
} from 'sqlite3-parser'
import { traverse } from 'sqlite3-parser'
import { type Catalog, findTable } from '../schema/catalog.ts'
import { startOf } from './edits.ts'
import { isAggregateCall } from './functions.ts'
import type { Bound, Item } from './levels.ts'
import { same } from './names.ts'
import { isName } from './terms.ts'

/*
 * What the plans for clients have in common. A plan tells a client how to predict a query: rows-plan.ts for rows of tables,
 * groups-plan.ts for aggregates of one table, exec-plan.ts for statements of `exec`. Where a query is beyond them there is
 * none, and the client waits for the engine.
 */

/**
 * Whether a row of the result depends on other rows of its own table than the one it is of: by a window function, by a
 * subquery over the same table, or because an aggregate in a subquery is of the outer table, which makes the whole one
 * row. A prediction looks at one row, and would leave the others as they were.
 */
export function seesOtherRows(catalog: Catalog, body: Select, item: Item, refs: Bound['refs']): boolean {
  let found = false
  let depth = 0
  const visitor = {
    enter(node: { readonly type: string }) {
      if (node.type === 'Select') depth++
      else if (node.type === 'FunctionTail' && (node as FunctionTail).overClause !== undefined) found = true
      else if (node.type === 'InTableExpr')
        found ||= isOwn((node as InTableExpr).rhs.objName.text, catalog, item)
      else if (depth > 1) found ||= isOfTable(node, catalog, item, refs)
    },
    leave(node: { readonly type: string }) {
      if (node.type === 'Select') depth--
    },
  }
  traverse(body, visitor)
  return found
}

/** In a subquery: reads the table of the outer query, or aggregates its columns. */
function isOfTable(
  node: { readonly type: string },
  catalog: Catalog,
  item: Item,
  refs: Bound['refs'],
): boolean {
  if (node.type === 'TableSelectTable')
    return isOwn((node as TableSelectTable).tblName.objName.text, catalog, item)
  if (node.type !== 'FunctionCallExpr' || !isAggregateCall(node as FunctionCallExpr)) return false
  let outer = false
  traverse(node as FunctionCallExpr, {
    enter(inner) {
      const ref = isName(inner as SqlExpr) ? refs.get(startOf(inner)) : undefined
      if (ref !== undefined && (ref.type === 'output' || ref.item === item)) outer = true
    },
  })
  return outer
}

/** A view or a CTE may read any table. */
function isOwn(name: string, catalog: Catalog, { table }: Item): boolean {
  return same(name, table?.name ?? '') || findTable(catalog, name) === undefined
}

export const aliasesOf = (core: SelectFrom) =>
  new Set(
    core.columns.flatMap((output) =>
      output.type === 'ExprResultColumn' && output.alias !== undefined
        ? [output.alias.name.text.toLowerCase()]
        : [],
    ),
  )
