import type { Expr } from 'sqlite3-parser'
import { traverse } from 'sqlite3-parser'
import { quote } from '../database/database.ts'
import { columnType } from '../schema/catalog.ts'
import { endOf, startOf } from './edits.ts'
import type { Bound, Level } from './levels.ts'
import type { Normal } from './normalize.ts'
import { isName } from './terms.ts'

/*
 * Many live queries of one text that one commit touches are answered by one statement. It runs the text without the
 * conditions that compare with parameters, restricted to the changed rows, and joins what it finds with a table of the
 * queries' parameters by those conditions:
 *
 *     SELECT p.query, r.* FROM (SELECT … WHERE 1 AND id = ?) AS r CROSS JOIN parameters AS p WHERE r.c0 = p.p0
 *
 * A parameter in a table is no parameter any more: each column of the table has the type and collation of the column
 * that it is compared with, so that SQLite compares as it did.
 */

/** How the parameters of a query are compared, each once, with a column of its FROM. */
export interface Sharing {
  /** Conditions that the shared text leaves out. */
  readonly without: readonly Expr[]
  /** The columns compared with, as hidden columns. */
  readonly hidden: string
  /** Joins `r` with `p`. */
  readonly on: string
  /** Columns of the table of parameters: `p0 INT COLLATE BINARY`. */
  readonly columns: readonly string[]
  /** Of each of them, the parameter. */
  readonly parameters: readonly number[]
}

const COMPARISONS: Readonly<Record<string, string>> = {
  Equals: '=',
  Is: 'IS',
  Less: '<',
  LessEquals: '<=',
  Greater: '>',
  GreaterEquals: '>=',
}

/** Null where a parameter stands anywhere else, or twice, or where there is none. */
export function sharingOf({ body }: Normal, { refs }: Bound, level: Level): Sharing | null {
  const uses = new Map<number, number>()
  traverse(body, {
    nodes: {
      VariableExpr(node) {
        const { limit } = body
        const inLimit = limit !== undefined && startOf(node) >= startOf(limit) && endOf(node) <= endOf(limit)
        if (!inLimit) uses.set(startOf(node), Number(node.name.slice(1)) - 1)
      },
    },
  })
  if (uses.size === 0 || new Set(uses.values()).size < uses.size) return null
  const without: Expr[] = []
  const hidden: string[] = []
  const on: string[] = []
  const columns: string[] = []
  const parameters: number[] = []
  for (const term of level.conditions) {
    if (term.type !== 'expression' || term.expr.type !== 'BinaryExpr') continue
    const { left, right, op } = term.expr
    const [value, other] = left.type === 'VariableExpr' ? [left, right] : [right, left]
    const ref = isName(other) ? refs.get(startOf(other)) : undefined
    const parameter = uses.get(startOf(value))
    const comparison = COMPARISONS[op]
    if (value.type !== 'VariableExpr' || parameter === undefined || comparison === undefined) continue
    if (ref?.type !== 'column' || ref.item.level !== level || ref.item.table === null) continue
    const column = ref.item.table.columns[ref.column]
    const i = columns.length
    without.push(term.expr)
    hidden.push(`, ${quote(ref.item.alias)}.${quote(column?.name ?? '')} AS "millrace:p${i}"`)
    columns.push(`p${i} ${columnType(column, undefined)}`)
    parameters.push(parameter)
    on.push(
      value === left
        ? `p.p${i} ${comparison} r."millrace:p${i}"`
        : `r."millrace:p${i}" ${comparison} p.p${i}`,
    )
  }
  return columns.length === uses.size
    ? { without, hidden: hidden.join(''), on: on.join(' AND '), columns, parameters }
    : null
}
