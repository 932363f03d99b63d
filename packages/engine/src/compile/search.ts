import type { Expr, Select } from 'sqlite3-parser'
import { traverse } from 'sqlite3-parser'
import { imagesBefore, isNoted, noteOf, nowAndBefore } from '../capture/images.ts'
import { quote } from '../database/database.ts'
import { keyExpressions, type Table } from '../schema/catalog.ts'
import { collationWithin, columnCollation } from './collation.ts'
import { Edits, endOf, startOf, textOf } from './edits.ts'
import { isAggregateCall } from './functions.ts'
import type { Bound, ColumnRef, Item, Level, Output, Ref, Term } from './levels.ts'
import { isName } from './terms.ts'

/*
 * Which part of a result a changed row can touch, where the row's own key does not say: in a subquery, or at the
 * nullable side of an outer join. The row, as it was and as it is, is joined with other tables along conditions that
 * must be true of it, until rows are reached whose keys can restrict the query:
 *
 *     SELECT c.id FROM c WHERE EXISTS (SELECT 1 FROM i JOIN l ON l.inv = i.id WHERE i.cust = c.id)
 *     changed l:  l → (l.inv = i.id) → i → (i.cust = c.id) → c
 *
 * Conditions may be left out (more is then searched through than must be), never added.
 */

/** A condition that must be true of rows that join, in terms of tables. */
export interface Condition {
  /** Names tables by `m` and their item's id. */
  readonly sql: string
  readonly items: ReadonlySet<Item>
  /** False or NULL where a row of these is missing. */
  readonly strict: ReadonlySet<Item>
  readonly term: Term
  /** The subquery that it leads into: it says nothing of what a change within that does. */
  readonly into?: Level
}

/** A way from a changed row to what it can touch. */
export interface Path {
  readonly from: Item
  /** The tables on the way, the changed one left out, in the order in which they are reached. */
  readonly steps: readonly Item[]
  readonly conditions: readonly string[]
}

/** An expression in terms of tables, or undefined where it holds a subquery, an aggregate, or what has no table. */
export interface Rendered {
  readonly sql: string
  readonly items: Set<Item>
}

const nameOf = (item: Item) => `m${item.id}`

export class Searcher {
  readonly #sql: string
  readonly #refs: Bound['refs']
  readonly #subqueries: Bound['subqueries']

  constructor(sql: string, bound: Bound) {
    this.#sql = sql
    this.#refs = bound.refs
    this.#subqueries = bound.subqueries
  }

  /** All conditions that hold for a row of `item` that takes part in the result, and can be told without subqueries. */
  conditionsOf(item: Item, from: Item = item): Condition[] {
    const conditions: Condition[] = []
    const add = (terms: readonly Term[], of: Level | null) => {
      for (const term of terms) {
        const condition = this.#condition(term)
        // What WHERE says where a row is missing, it does not say where one is there.
        const holds = [...(condition?.items ?? [])].every(
          (other) => of === null || !isNullable(other, of) || condition?.strict.has(other) === true,
        )
        const within = condition?.into !== undefined && isAround(condition.into, from.level)
        if (condition !== undefined && holds && !within) conditions.push(condition)
      }
    }
    /** By which the row takes part in `level`. */
    let at: Item | null = item
    let level: Level = item.level
    for (;;) {
      if (at?.nullable === true) add(at.on, null)
      add(level.conditions, level)
      const { place }: Level = level
      if (place.type === 'top') return conditions
      if (place.type === 'derived') {
        at = place.item
        level = at.level
        continue
      }
      const link = place.in === null ? undefined : this.#inLink(place.in, level)
      if (link !== undefined) conditions.push(link)
      at = place.on
      level = place.level
    }
  }

  /** The way to any one of `targets`, or to all of them; undefined where conditions do not lead there. */
  path(from: Item, targets: ReadonlySet<Item>, all: boolean): Path | undefined {
    const available = this.conditionsOf(from)
    const reached = new Map<Item, Condition | null>([[from, null]])
    const done = () => [...targets].filter((target) => reached.has(target))
    while (all ? done().length < targets.size : done().length === 0) {
      const step = nextStep(available, reached)
      if (step === undefined) return undefined
      const [item, condition] = step
      reached.set(item, condition)
      // A row on the way is there, so what must be true for it to join is true.
      available.push(...this.conditionsOf(item, from))
    }
    const needed = new Set([from])
    const need = (item: Item) => {
      if (needed.has(item)) return
      needed.add(item)
      for (const other of reached.get(item)?.items ?? []) need(other)
    }
    for (const target of all ? targets : done().slice(0, 1)) need(target)
    const used = available.filter(({ items }) => [...items].every((item) => needed.has(item)))
    return {
      from,
      steps: [...reached.keys()].filter((item) => item !== from && needed.has(item)),
      conditions: [...new Set(used.map(({ sql }) => sql))],
    }
  }

  /** An expression in terms of tables. */
  render(expr: Expr): Rendered | undefined {
    const items = new Set<Item>()
    const edits = new Edits(this.#sql)
    const functions = new Set<number>()
    let failed = false
    traverse(expr, {
      enter: (node) => {
        if (node.type === 'Select') failed = true
        if (failed) return 'skip'
        if (node.type === 'FunctionCallExpr' || node.type === 'FunctionCallStarExpr') {
          functions.add(startOf(node.name))
          if (isAggregateCall(node)) failed = true
          return 'continue'
        }
        if (!isName(node as Expr)) return 'continue'
        const ref = functions.has(startOf(node)) ? undefined : this.#refs.get(startOf(node))
        if (ref === undefined) return 'continue'
        const rendered = this.#ref(ref)
        if (rendered === undefined) failed = true
        else {
          edits.replace(startOf(node), endOf(node), rendered.sql)
          for (const item of rendered.items) items.add(item)
        }
        return 'skip'
      },
    })
    return failed ? undefined : { sql: edits.apply(startOf(expr), endOf(expr)), items }
  }

  /** An output in terms of tables. */
  renderOutput(output: Output): Rendered | undefined {
    return output.type === 'column' ? this.#ref({ ...output, type: 'column' }) : this.render(output.expr)
  }

  #ref(ref: Ref): Rendered | undefined {
    if (ref.type === 'output') return parenthesized(this.render(ref.expr))
    const { item, column } = ref
    if (item.table !== null) {
      const name = item.table.columns[column]?.name ?? ''
      return { sql: `${nameOf(item)}.${quote(name)}`, items: new Set([item]) }
    }
    const [level, ...others] = item.derived ?? []
    const output = level?.outputs[column]
    if (level === undefined || others.length > 0 || output === undefined) return undefined
    if (!this.#passesThrough(level, output.type === 'expression' ? output.expr : null)) return undefined
    // Outside of the derived table its COLLATE gives way to others; written out here it would not.
    if (output.type === 'expression' && collationWithin(output.expr) !== undefined) return undefined
    return output.type === 'column'
      ? this.#ref({ ...output, type: 'column' })
      : parenthesized(this.render(output.expr), isName(output.expr))
  }

  /** Whether rows of the derived table that a change can touch have the changed row's value in this output. */
  #passesThrough(level: Level, output: Expr | null): boolean {
    if (level.limited || level.compound || level.aggregate) return false
    const isDistinct = level.core.distinctness === 'Distinct'
    if (level.core.groupBy === undefined && !isDistinct) return true
    if (output === null || !this.#hasOneSpelling(output)) return false
    return isDistinct || level.groupBy.some((key) => this.sameExpression(key, output))
  }

  /** Whether values that are one to a group are one to every condition: not 'a' and 'A', not 1 and 1.0. */
  #hasOneSpelling(output: Expr): boolean {
    const ref = this.columnOf(output)
    const column = ref?.item.table?.columns[ref.column]
    if (column === undefined || column.affinity === 'BLOB' || column.affinity === 'NUMERIC') return false
    return column.collation === 'BINARY'
  }

  /** Whether two expressions are the same for sure: the same column, or written the same way. */
  sameExpression(a: Expr, b: Expr): boolean {
    if (isName(a) && isName(b)) {
      const left = this.#refs.get(startOf(a))
      const right = this.#refs.get(startOf(b))
      if (left?.type === 'column' && right?.type === 'column')
        return left.item === right.item && left.column === right.column
    }
    return textOf(this.#sql, a) === textOf(this.#sql, b)
  }

  #condition(term: Term): Condition | undefined {
    if (term.type === 'using') {
      const left = this.#ref({ ...term.left, type: 'column' })
      const right = this.#ref({ ...term.right, type: 'column' })
      if (left === undefined || right === undefined) return undefined
      const items = new Set([...left.items, ...right.items])
      return { sql: `${left.sql} = ${right.sql}`, items, strict: items, term }
    }
    const rendered = this.render(term.expr)
    if (rendered === undefined) return this.#subqueryLink(term)
    return { sql: `(${rendered.sql})`, items: rendered.items, strict: this.#strictIn(term.expr), term }
  }

  /** `x = (SELECT y …)` and `x IN (SELECT y …)`: where it is true, a row with that y is there. */
  #subqueryLink(term: Extract<Term, { type: 'expression' }>): Condition | undefined {
    const { expr } = term
    if (expr.type === 'InSelectExpr' && !expr.not) return this.#equalTo(expr.lhs, expr.rhs, term)
    if (expr.type !== 'BinaryExpr' || expr.op !== 'Equals') return undefined
    if (expr.right.type === 'SubqueryExpr') return this.#equalTo(expr.left, expr.right.select, term)
    if (expr.left.type === 'SubqueryExpr') return this.#equalTo(expr.right, expr.left.select, term)
    return undefined
  }

  #equalTo(side: Expr, select: Select, term: Term): Condition | undefined {
    const [level, ...arms] = this.#subqueries.get(startOf(select)) ?? []
    const [output, ...others] = level?.outputs ?? []
    if (level === undefined || output === undefined || arms.length + others.length > 0) return undefined
    if (level.compound || level.aggregate || level.core.groupBy !== undefined) return undefined
    if (level.core.distinctness === 'Distinct') return undefined
    if (side.type === 'ParenthesizedExpr' && side.exprs.length > 1) return undefined
    const left = this.render(side)
    const right = this.renderOutput(output)
    if (left === undefined || right === undefined) return undefined
    return {
      sql: `(${left.sql}) = (${right.sql})`,
      items: new Set([...left.items, ...right.items]),
      strict: this.#columnsOf(side, output),
      term,
      into: level,
    }
  }

  /** Tables of which a bare column is compared by = < <= > >=, so that a missing row makes it NULL. */
  #strictIn(expr: Expr): Set<Item> {
    const strict = new Set<Item>()
    if (expr.type !== 'BinaryExpr') return strict
    if (!['Equals', 'Less', 'LessEquals', 'Greater', 'GreaterEquals'].includes(expr.op)) return strict
    for (const side of [expr.left, expr.right]) {
      const column = this.columnOf(side)
      if (column !== undefined) strict.add(column.item)
    }
    return strict
  }

  /** The table's column that an expression is, followed through derived tables; undefined for anything else. */
  columnOf(expr: Expr): ColumnRef | undefined {
    if (expr.type === 'ParenthesizedExpr' && expr.exprs.length === 1)
      return this.columnOf(expr.exprs[0] as Expr)
    if (!isName(expr)) return undefined
    const ref = this.#refs.get(startOf(expr))
    if (ref === undefined) return undefined
    return ref.type === 'output' ? this.columnOf(ref.expr) : this.#leaf(ref)
  }

  #leaf(ref: ColumnRef): ColumnRef | undefined {
    if (ref.item.table !== null) return ref
    const output = ref.item.derived?.[0]?.outputs[ref.column]
    if (output === undefined) return undefined
    return output.type === 'column' ? this.#leaf(output) : this.columnOf(output.expr)
  }

  #inLink({ lhs, positive }: { lhs: Expr; positive: boolean }, level: Level): Condition | undefined {
    const [output, ...others] = level.outputs
    if (output === undefined || others.length > 0 || level.limited || level.aggregate) return undefined
    // EXCEPT and the like compare by a collation of their own.
    if (level.compound) return undefined
    if (lhs.type === 'ParenthesizedExpr' && lhs.exprs.length > 1) return undefined
    if (!this.#passesThrough(level, output.type === 'expression' ? output.expr : null)) return undefined
    const left = this.render(lhs)
    const right = this.renderOutput(output)
    if (left === undefined || right === undefined) return undefined
    const equal = `(${left.sql}) = (${right.sql})`
    return {
      sql: positive ? equal : `(${equal} OR (${left.sql}) IS NULL OR (${right.sql}) IS NULL)`,
      items: new Set([...left.items, ...right.items]),
      strict: positive ? this.#columnsOf(lhs, output) : new Set(),
      term: { type: 'expression', expr: lhs },
    }
  }

  /** Tables of which either side is a bare column. */
  #columnsOf(side: Expr, output: Output): Set<Item> {
    const other = output.type === 'expression' ? this.columnOf(output.expr) : this.#leaf(output)
    return new Set(
      [this.columnOf(side), other].flatMap((column) => (column === undefined ? [] : [column.item])),
    )
  }

  /** By which an indexed value of the column is compared in this condition. */
  collationOf(column: ColumnRef) {
    return columnCollation(column, this.#refs) ?? 'BINARY'
  }
}

function parenthesized(rendered: Rendered | undefined, bare = false): Rendered | undefined {
  return rendered === undefined || bare ? rendered : { ...rendered, sql: `(${rendered.sql})` }
}

/** Whether rows of `item` may be missing from rows of `level`: it, or a derived table of the level that it is in, is nullable. */
function isNullable(item: Item, level: Level): boolean {
  let missing = false
  for (let at = item; ; at = at.level.place.item) {
    missing ||= at.nullable
    if (at.level === level) return missing
    // Of a level around this one: there or not, it is one row for all of this level's.
    if (at.level.place.type !== 'derived') return false
  }
}

/** Whether a level is another, or stands somewhere in it. */
function isAround(outer: Level, inner: Level): boolean {
  for (let level = inner; ; ) {
    if (level === outer) return true
    const { place } = level
    if (place.type === 'top') return false
    level = place.type === 'derived' ? place.item.level : place.level
  }
}

/** Whether it may be missing from a row of the level outside of all derived tables that it is in. */
export function mayBeMissing(item: Item): boolean {
  for (let at = item; ; at = at.level.place.item) {
    if (at.nullable) return true
    if (at.level.place.type !== 'derived') return false
  }
}

/** The next table that one condition leads to; those by a link of two tables first. */
function nextStep(
  available: readonly Condition[],
  reached: ReadonlyMap<Item, Condition | null>,
): [Item, Condition] | undefined {
  const steps = available.flatMap((condition): [Item, Condition][] => {
    const fresh = [...condition.items].filter((item) => !reached.has(item))
    const [item] = fresh
    if (fresh.length !== 1 || item === undefined || condition.items.size < 2) return []
    return !mayBeMissing(item) || condition.strict.has(item) ? [[item, condition]] : []
  })
  steps.sort((a, b) => a[1].items.size - b[1].items.size)
  return steps[0]
}

/**
 * The statement that follows a path: `SELECT DISTINCT outputs` over the changed rows as they were and as they are.
 * Tables of `changed` that lie on the way are read as they are and as they were.
 */
export function searchStatement(path: Path, outputs: readonly string[], changed: ReadonlySet<Table>): string {
  const { from, steps, conditions } = path
  const table = from.table as Table
  const others = steps
    .map((item) => {
      const read = changed.has(item.table as Table)
        ? nowAndBefore(item.table as Table)
        : `main.${quote((item.table as Table).name)}`
      return ` CROSS JOIN ${read} AS ${nameOf(item)}`
    })
    .join('')
  const select = (rows: string, more: readonly string[]) => {
    const where = [...more, ...conditions]
    return `SELECT ${outputs.join(', ')} FROM ${rows}${others}${where.length > 0 ? ` WHERE ${where.join(' AND ')}` : ''}`
  }
  const before = select(`${imagesBefore(table)} AS ${nameOf(from)}`, [])
  const now = select(`temp.${noteOf(table)} AS n CROSS JOIN main.${quote(table.name)} AS ${nameOf(from)}`, [
    isNoted(table, nameOf(from), 'n'),
  ])
  return `${before} UNION ${now}`
}

/** Places of one table on a path up to which it is followed: SQLite makes 2^n statements of n that are read twofold. */
const MAX_TWOFOLD = 4

/** Whether to follow the path costs more than to run the query: its own table stands on it too often. */
export function isTooWide({ from, steps }: Path): boolean {
  return steps.filter(({ table }) => table === from.table).length > MAX_TWOFOLD
}

/** The key of an item that a path leads to. */
export function keyOf(item: Item): string[] {
  return keyExpressions(item.table as Table, nameOf(item)).map((key) =>
    key.replace(`"${nameOf(item)}"`, nameOf(item)),
  )
}
