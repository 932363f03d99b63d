import type { FunctionCallExpr } from 'sqlite3-parser'
import { traverse } from 'sqlite3-parser'
import { keyExpressions } from '../schema/catalog.ts'
import { Edits, endOf, startOf } from './edits.ts'
import type { Bound, Level } from './levels.ts'
import type { Normal } from './normalize.ts'
import { isName } from './terms.ts'

/*
 * Which of equal rows a LIMIT in a subquery keeps, and in which order a list is made, SQLite leaves open: it may be another
 * after a change of other rows, or of an index. With keys behind what orders them the answer is one.
 */

const LISTS = /^(group_concat|string_agg|json_group_array|json_group_object)$/i

/** The text with keys appended to the ORDER BY of subqueries and of list aggregates; undefined where nothing is open. */
export function withTotalOrder({ sql, body }: Normal, { levels }: Bound): string | undefined {
  const edits = new Edits(sql)
  let edited = false
  for (const level of levels) {
    const keys = keysOf(level)
    if (keys === '') continue
    if (isRead(level)) {
      edited = true
      appendOrder(edits, level, keys)
    }
    for (const call of listsOf(level)) {
      const last = lastTerm(call)
      const arg = call.args?.at(-1)
      if (last === undefined && (arg === undefined || !mayBeSorted(call))) continue
      edited = true
      if (last !== undefined) edits.insert(endOf(last), `, ${keys}`)
      else if (arg !== undefined) edits.insert(endOf(arg), ` ORDER BY ${keys}`)
    }
  }
  return edited ? edits.apply(startOf(body), endOf(body)) : undefined
}

/** The keys of all tables of its FROM, as it names them; empty where it has others, or rows that have no key. */
function keysOf({ items }: Level): string {
  const keys = items.map(({ table, alias }) =>
    table === null || table.byRowid !== null ? [] : keyExpressions(table, alias),
  )
  return keys.some((key) => key.length === 0) ? '' : keys.flat().join(', ')
}

/** Whether the order of its rows is seen: by a LIMIT, by an ORDER BY of its own, or by a list made of them. */
function isRead({ place, body, core, compound, aggregate }: Level): boolean {
  if (place.type === 'top' || compound || aggregate) return false
  if (core.groupBy !== undefined || core.distinctness === 'Distinct') return false
  if (body.limit !== undefined || body.orderBy !== undefined) return true
  return place.type === 'derived' && listsOf(place.item.level).length > 0
}

function appendOrder(edits: Edits, { body }: Level, keys: string): void {
  const last = body.orderBy?.at(-1)
  if (last !== undefined) edits.insert(endOf(last), `, ${keys}`)
  else edits.insert(body.limit === undefined ? endOf(body) : startOf(body.limit), ` ORDER BY ${keys} `)
}

/** The calls of a level that make a list of its rows. */
function listsOf({ core, aggregate }: Level): FunctionCallExpr[] {
  if (!aggregate && core.groupBy === undefined) return []
  const calls: FunctionCallExpr[] = []
  for (const root of [...core.columns, ...(core.having === undefined ? [] : [core.having])]) {
    traverse(root, {
      enter(node) {
        if (node.type === 'Select') return 'skip'
        if (node.type === 'FunctionCallExpr' && LISTS.test(node.name.name) && node.distinctness === undefined)
          calls.push(node)
        return 'continue'
      },
    })
  }
  return calls
}

/** SQLite (3.44) forgets what it sorts to be JSON: an array of arrays would become one of texts. */
function mayBeSorted({ name, args }: FunctionCallExpr): boolean {
  return !/^json/i.test(name.name) || args?.every(isName) === true
}

/** The last term of the ORDER BY in a call. */
function lastTerm({ orderBy }: FunctionCallExpr) {
  let last: { span: { offset: number; length: number } } | undefined
  if (orderBy !== undefined)
    traverse(orderBy, {
      nodes: {
        SortedColumn(node) {
          last = node
        },
      },
    })
  return last
}
