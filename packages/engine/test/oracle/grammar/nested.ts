import { type Fragment, instead, list, optional, part } from '../fragment.ts'
import type { RandomTable } from '../schema.ts'
import { filter, link } from './condition.ts'
import { type Column, outer, type Source, type Writer } from './scope.ts'

/*
 * Lists of rows inside a row, as JSON, in the forms that Kysely's helpers and Drizzle's relational queries generate.
 */

/** Columns that JSON can hold: it refuses blobs, with an error that depends on which rows SQLite looks at. */
function outputs(w: Writer, inner: Source): readonly { readonly column: Column; readonly sql: string }[] {
  const columns = inner.columns.filter(() => w.dice.chance(40))
  return (columns.length > 0 ? columns : inner.columns.slice(0, 1)).map((column) => {
    const ref = w.ref(inner, column.name)
    return { column, sql: w.schema.values === 'all' ? `quote(${ref}) AS ${column.name}` : ref }
  })
}

/** `FROM t AS p WHERE p.r = x.id …`, with the rows in one order mostly. */
function children(w: Writer, around: Source): { readonly inner: Source; readonly rest: Fragment } {
  const { dice } = w
  const table = w.table()
  const inner = w.base(table, w.fresh('p'))
  const where = [link(w, around, inner), ...(dice.chance(25) ? [filter(w, inner)] : [])]
  const ordered = dice.chance(85)
  if (!ordered) w.unordered = true
  const order = ordered ? w.totalOrder(inner) : ''
  const limit = ordered && dice.chance(25) ? optional(` LIMIT ${dice.between(1, 3)}`) : ''
  const rest = part` FROM ${w.name(table.name)} AS ${w.name(inner.alias)}${list(where, ' AND ', 1, ' WHERE ')}${order}${limit}`
  return { inner, rest }
}

/** Kysely's jsonArrayFrom. */
export function jsonArrayFrom(w: Writer, scope: readonly Source[], depth = 0): Fragment {
  const { dice } = w
  const around = dice.pick(outer(scope))
  const { inner, rest } = children(w, around)
  const columns = outputs(w, inner)
  const deeper = depth === 0 && dice.chance(15) ? jsonArrayFrom(w, [inner], 1) : undefined
  const object = columns.map(({ column }) => `'${column.name}', "agg"."${column.name}"`)
  const nested = deeper === undefined ? '' : part`, ${deeper} AS "list"`
  if (deeper !== undefined) object.push(`'list', json("agg"."list")`)
  const selected = columns.map(({ sql }) => sql).join(', ')
  return part`(SELECT coalesce(json_group_array(json_object(${object.join(', ')})), '[]') FROM (SELECT ${selected}${nested}${rest}) AS "agg")`
}

/** Kysely's jsonObjectFrom: of one row. */
export function jsonObjectFrom(w: Writer, scope: readonly Source[]): Fragment {
  const { dice } = w
  const around = dice.pick(outer(scope))
  const table: RandomTable = w.table()
  const inner = w.base(table, w.fresh('p'))
  const columns = outputs(w, inner)
  const object = columns.map(({ column }) => `'${column.name}', "obj"."${column.name}"`).join(', ')
  const selected = columns.map(({ sql }) => sql).join(', ')
  const from = `FROM ${w.name(table.name)} AS ${w.name(inner.alias)}`
  const parent = around.columns.find(({ name }) => name === 'r') ?? w.column(around)
  const rest =
    inner.unique === 'id' && dice.chance(70)
      ? part`${from} WHERE ${w.ref(inner, 'id')} = ${w.ref(around, parent.name)}`
      : part`${from} WHERE ${link(w, around, inner)}${w.totalOrder(inner)} LIMIT 1`
  return part`(SELECT json_object(${object}) FROM (SELECT ${selected} ${rest}) AS "obj")`
}

/** Drizzle's relational queries: arrays without names, `SELECT *` below them. */
export function jsonRelation(w: Writer, scope: readonly Source[], depth = 0): Fragment {
  const { dice } = w
  const around = dice.pick(outer(scope))
  const table = w.table()
  const base = w.base(table, w.fresh('x_'))
  const name = (column: string) => (w.schema.values === 'all' ? `quote("${column}")` : `"${column}"`)
  const members: Fragment[] = base.columns.filter(() => dice.chance(45)).map((column) => name(column.name))
  if (members.length === 0) members.push(name('id'))
  if (depth === 0 && dice.chance(25)) members.push(part`json(${jsonRelation(w, [base], 1)})`)
  const where = [link(w, around, base), ...(dice.chance(25) ? [filter(w, base)] : [])]
  const limit = dice.chance(40) ? optional(` LIMIT ${dice.between(1, 3)}`) : ''
  return part`(SELECT coalesce(json_group_array(json_array(${list(members, ', ')})), json_array()) AS "data" FROM (SELECT * FROM "${table.name}" "${base.alias}"${list(where, ' AND ', 1, ' WHERE ')}${w.totalOrder(base)}${limit}) "${base.alias}")`
}

/** A list over the children's column, by an aggregate with ORDER BY inside. */
export function childList(w: Writer, scope: readonly Source[]): Fragment {
  const around = w.dice.pick(outer(scope))
  const table = w.table()
  const inner = w.base(table, w.fresh('p'))
  return part`(SELECT ${orderedList(w, inner)} FROM ${w.name(table.name)} AS ${w.name(inner.alias)} WHERE ${link(w, around, inner)})`
}

/** group_concat or json_group_array whose order is told by the values themselves. */
export function orderedList(w: Writer, source: Source): Fragment {
  const { dice } = w
  const column = w.columnRef(source)
  const value = w.schema.values === 'all' ? `quote(${column})` : column
  const order = `ORDER BY ${value} COLLATE BINARY${dice.pick(['', ' DESC'])}, typeof(${column})`
  return instead(
    dice.chance(50) ? `group_concat(${value}, ',' ${order})` : `json_group_array(${value} ${order})`,
    'count(*)',
  )
}
