import {
  conjunctsOf,
  type Expr,
  encodeKey,
  type PlanSubquery,
  type RowKey,
  type RowsPlan,
  readsOf,
  type SqlValue,
  type WriteId,
} from '@millrace/protocol'
import { type Evaluate, type Image, UNKNOWN, type Unknown, type Value } from '../expression/cell.ts'
import { compileCondition, compileExpr } from '../expression/compile.ts'
import type { Truth } from '../expression/convert.ts'
import type { Entry } from '../result.ts'
import type { RowImage } from '../row-cache.ts'
import type { Columns, RowState } from '../row-state.ts'
import { conditionOf } from './condition.ts'
import { JsonLists, type ListedRow } from './json-list.ts'
import { type Interest, intersects, type Rows, rowName, type Touch, type Writes } from './predictor.ts'

/** A row of the outer query. */
export interface Parent {
  readonly unit: RowKey
  /** What the engine said of it. */
  readonly known: Entry | undefined
  readonly image: RowImage
  /** Columns that pending writes gave a value; null: the row is new. */
  readonly changed: Columns | null
}

/** A part of WHERE. */
interface Conjunct {
  readonly holds: Evaluate<Truth>
  /** Columns of the subquery's table. */
  readonly reads: ReadonlySet<number>
  readonly readsOuter: boolean
}

interface Subquery {
  readonly plan: PlanSubquery
  readonly where: readonly Conjunct[]
  /** Columns of its own table, that WHERE reads, and that anything does. */
  readonly whereReads: ReadonlySet<number>
  readonly reads: ReadonlySet<number>
  /** Columns of the outer row. */
  readonly outerReads: ReadonlySet<number>
  /** The wire column that shows what it makes; -1: none does. */
  readonly at: number
  /** What it makes for each row that is in the result, because WHERE asks for that. */
  readonly asked: SqlValue | Unknown
  readonly arg: Evaluate<Value> | null
  readonly lists: JsonLists | null
}

/** A row of the subquery's table that pending writes touch, under one parent. */
interface Child extends ListedRow {
  readonly wasListed: boolean | Unknown
  readonly imageBefore: Image
}

/** Rows that pending writes touch, by name, each with the subqueries that it may be a row of. */
type Children = Map<string, { readonly key: RowKey; readonly of: Set<number> }>

const NO_CHILDREN: Children = new Map()
const UNSEEN: RowImage = () => UNKNOWN

/**
 * Predicts what subqueries over the rows of other tables make for each row of the result: what the engine said, moved by
 * the rows that pending writes bring, take and change.
 */
export class Subqueries {
  readonly interests: readonly Interest[]
  readonly #subqueries: readonly Subquery[]
  readonly #parameters: readonly SqlValue[]
  readonly #rows: Rows
  /** The columns of the outer key. */
  readonly #outerKey: readonly number[]
  readonly #children = new Map<RowKey, Children>()
  /** By name of a row, the units that it may move. */
  readonly #units = new Map<string, Set<RowKey>>()

  constructor(plan: RowsPlan, parameters: readonly SqlValue[], rows: Rows) {
    this.#parameters = parameters
    this.#rows = rows
    this.#outerKey = (plan.sources[0]?.key ?? []).map((wire) => {
      const expr = plan.outputs[wire]
      return expr?.type === 'column' ? expr.column : -1
    })
    this.#subqueries = plan.subqueries.map((one, index) => compileSubquery(one, index, plan))
    const asked = conditionOf(plan.where, 0, parameters)
    this.interests = plan.subqueries.map(({ table, parent }) => {
      // Where the outer query asks for one key, the rows that belong to it have that too.
      const column = parent[this.#outerKey.indexOf(asked?.column ?? -1)]
      return { table, condition: asked === null || column === undefined ? null : { ...asked, column } }
    })
  }

  remember(entry: Entry): void {
    for (const { lists } of this.#subqueries) lists?.remember(entry)
  }

  forget(entry: Entry): void {
    for (const { lists } of this.#subqueries) lists?.forget(entry)
  }

  /** `base`: the rows of the result as the engine last said. */
  touch(table: string, key: RowKey, base: () => Iterable<Entry>): Touch {
    const name = rowName(table, key)
    const before = this.#units.get(name) ?? new Set<RowKey>()
    for (const unit of before) this.#withdraw(unit, name)
    this.#units.delete(name)
    const now = new Set<RowKey>()
    let untold = false
    if (this.#rows.isPending(table, key))
      for (const [index, subquery] of this.#subqueries.entries()) {
        if (subquery.plan.table !== table) continue
        const units = this.#unitsOf(subquery, key, base)
        if (units === UNKNOWN) untold = true
        else
          for (const unit of units) {
            now.add(unit)
            this.#add(unit, name, key, index)
          }
      }
    if (now.size > 0) this.#units.set(name, now)
    return { units: new Set([...before, ...now]), untold }
  }

  #add(unit: RowKey, name: string, key: RowKey, index: number): void {
    const children: Children = this.#children.get(unit) ?? new Map()
    const child = children.get(name) ?? { key, of: new Set() }
    this.#children.set(unit, children.set(name, child))
    child.of.add(index)
  }

  #withdraw(unit: RowKey, name: string): void {
    const children = this.#children.get(unit)
    children?.delete(name)
    if (children?.size === 0) this.#children.delete(unit)
  }

  /** The units whose rows a row was, or is now. */
  #unitsOf(
    { plan, reads, whereReads, lists }: Subquery,
    key: RowKey,
    base: () => Iterable<Entry>,
  ): readonly RowKey[] | Unknown {
    const state = this.#rows.state(plan.table, key)
    if (state === undefined) return []
    const changed = state.exists ? state.changed : null
    if (!isChanged(changed, reads)) return []
    if (lists !== null && !lists.open(base)) return UNKNOWN
    const before = lists === null ? this.#unitBefore(plan, key, state) : lists.home(key)?.entry.key
    if (before === UNKNOWN) return UNKNOWN
    const units = before === undefined ? [] : [before]
    if (!state.exists) return units
    if (changed !== null) {
      const stays = before !== undefined && !plan.parent.some((column) => changed.includes(column))
      // It was no row of any; and nothing that could make it one was changed.
      const staysOut = before === undefined && !intersects(changed, whereReads)
      if (stays || staysOut) return units
    }
    const after = unitIn(plan, state.image)
    if (after === UNKNOWN) return UNKNOWN
    return after === undefined || after === before ? units : [...units, after]
  }

  #unitBefore(plan: PlanSubquery, key: RowKey, state: RowState): RowKey | undefined | Unknown {
    const image = this.#rows.image(plan.table, key)
    if (image !== undefined) return unitIn(plan, image)
    return state.isNew ? undefined : UNKNOWN
  }

  /** Which subqueries make something else for a unit, by what pending writes do to rows of theirs. */
  movedAt(unit: RowKey): readonly number[] {
    const children = this.#children.get(unit)
    return children === undefined ? [] : [...new Set([...children.values()].flatMap(({ of }) => [...of]))]
  }

  writesAt(unit: RowKey): readonly WriteId[] {
    const children = this.#children.get(unit) ?? NO_CHILDREN
    return [...children.values()].flatMap(({ key, of: [first = -1] }) => {
      const table = this.#subqueries[first]?.plan.table
      return table === undefined ? [] : this.#rows.writes(table, key)
    })
  }

  /** What they make for a row, with the pending writes but those in `without`. */
  partOf(parent: Parent, without: Writes | undefined) {
    return {
      changed: this.movedAt(parent.unit),
      image: (index: number) => this.#valueOf(index, parent, without),
    }
  }

  #valueOf(index: number, parent: Parent, without: Writes | undefined): Value {
    const subquery = this.#subqueries[index] as Subquery
    const { plan, outerReads, at, asked, lists } = subquery
    if (parent.changed === null || intersects(parent.changed, outerReads)) return UNKNOWN
    const { known, unit } = parent
    const base = known === undefined ? UNKNOWN : at === -1 ? asked : (known.values[at] as SqlValue)
    const children = [...(this.#children.get(unit) ?? NO_CHILDREN).values()].filter(({ of }) => of.has(index))
    const rows = children.flatMap(({ key }) => {
      const state = this.#rows.state(plan.table, key, without)
      // Without the writes that are left out nothing may be done to it.
      const isMoved = state !== undefined && (!state.exists || isChanged(state.changed, subquery.reads))
      return isMoved ? [this.#childOf(subquery, key, state, parent)] : []
    })
    if (rows.length === 0) return base
    switch (plan.makes.type) {
      case 'exists':
        return exists(base, rows)
      case 'count':
        return this.#count(subquery, base, rows)
      case 'list':
        return known === undefined || lists === null ? UNKNOWN : lists.listOf(known, rows, this.#parameters)
    }
  }

  /** `state`: what pending writes make of the row. */
  #childOf(subquery: Subquery, key: RowKey, state: RowState, parent: Parent): Child {
    const { plan, lists } = subquery
    const old = this.#rows.image(plan.table, key)
    const changed = state.exists ? state.changed : null
    const home = lists?.home(key)
    const isHome = home?.entry.key === parent.unit
    const imageBefore = within(parent, old ?? UNSEEN)
    let wasListed: boolean | Unknown
    if (lists !== null) wasListed = isHome
    else if (old !== undefined) wasListed = this.#holds(subquery.where, imageBefore)
    else wasListed = this.#rows.state(plan.table, key)?.isNew === true ? false : UNKNOWN

    // Of a row that was there more is known: its parent, and what its element says.
    const image = within(parent, (column) => {
      const value = state.exists ? state.image(column) : UNKNOWN
      if (value !== UNKNOWN || changed === null || changed.includes(column)) return value
      const place = wasListed === true ? plan.parent.indexOf(column) : -1
      if (place !== -1) return parent.image(this.#outerKey[place] as number)
      return home === undefined ? UNKNOWN : (lists?.valueIn(home.element, column) ?? UNKNOWN)
    })
    const stays = (conjunct: Conjunct) =>
      !isChanged(changed, conjunct.reads) &&
      (wasListed === true || (home !== undefined && !conjunct.readsOuter))
    let isListed: boolean | Unknown
    if (!state.exists) isListed = false
    else if (!isChanged(changed, subquery.whereReads)) isListed = wasListed
    else
      isListed = this.#holds(
        subquery.where.filter((conjunct) => !stays(conjunct)),
        image,
      )
    return {
      element: isHome ? home.element : undefined,
      home,
      wasListed,
      isListed,
      changed,
      imageBefore,
      image,
    }
  }

  #holds(where: readonly Conjunct[], image: Image): boolean | Unknown {
    let isUnknown = false
    for (const { holds } of where) {
      const truth = holds(image, this.#parameters)
      if (truth === UNKNOWN) isUnknown = true
      else if (truth !== true) return false
    }
    return isUnknown ? UNKNOWN : true
  }

  #count({ arg }: Subquery, base: Value, children: readonly Child[]): Value {
    if (typeof base !== 'number') return UNKNOWN
    const countsFor = (isListed: boolean | Unknown, image: Image): number | Unknown => {
      if (isListed === UNKNOWN) return UNKNOWN
      const value = !isListed ? null : arg === null ? 1 : arg(image, this.#parameters)
      return value === UNKNOWN ? UNKNOWN : Number(value !== null)
    }
    let count = base
    for (const { wasListed, isListed, imageBefore, image } of children) {
      const before = countsFor(wasListed, imageBefore)
      const now = countsFor(isListed, image)
      if (before === UNKNOWN || now === UNKNOWN) return UNKNOWN
      count += now - before
    }
    return count
  }
}

/** Whether one of the columns is among those that changed; null: any may be. */
function isChanged(changed: Columns | null, columns: ReadonlySet<number>): boolean {
  return changed === null || intersects(changed, columns)
}

/** What is known of a row under its parent, as the subquery's expressions see both. */
function within(parent: Parent, own: RowImage): Image {
  return (source, column) => (source === 0 ? parent.image(column) : own(column))
}

function exists(base: Value, children: readonly Child[]): Value {
  if (children.some(({ isListed }) => isListed === true)) return 1
  if (children.some(({ isListed }) => isListed === UNKNOWN)) return UNKNOWN
  // Whether one that goes was the only one is not known.
  return base === 0 || children.every(({ wasListed }) => wasListed === false) ? base : UNKNOWN
}

function compileSubquery(plan: PlanSubquery, index: number, { outputs, where }: RowsPlan): Subquery {
  const { makes } = plan
  const arg = makes.type === 'count' ? makes.arg : null
  const members = makes.type === 'list' ? makes.members.map(({ expr }) => expr) : []
  const exprs = [plan.where, ...members, ...(arg === null ? [] : [arg])]
  const readsIn = (source: number, of: readonly Expr[]) =>
    new Set(of.flatMap((expr) => [...readsOf(expr, source)]))
  const at = outputs.findIndex((expr) => expr.type === 'subquery' && expr.index === index)
  return {
    plan,
    where: conjunctsOf(plan.where).map((expr) => ({
      holds: compileCondition(expr),
      reads: readsOf(expr, 1),
      readsOuter: readsOf(expr, 0).size > 0,
    })),
    whereReads: readsOf(plan.where, 1),
    reads: new Set([...readsIn(1, exprs), ...(makes.type === 'list' ? makes.sortedBy : [])]),
    outerReads: readsIn(0, exprs),
    at,
    asked: askedBy(where, index),
    arg: arg === null ? null : compileExpr(arg),
    lists: makes.type === 'list' ? new JsonLists(makes, at) : null,
  }
}

/** What EXISTS is for every row of the result. */
function askedBy(where: Expr | null, index: number): SqlValue | Unknown {
  const is = (expr: Expr) => expr.type === 'subquery' && expr.index === index
  for (const expr of conjunctsOf(where)) {
    if (is(expr)) return 1
    if (expr.type === 'not' && is(expr.expr)) return 0
  }
  return UNKNOWN
}

/** The unit that a row belongs to; undefined where it belongs to none. */
function unitIn({ parent }: PlanSubquery, image: RowImage): RowKey | undefined | Unknown {
  const values = parent.map(image)
  if (values.includes(UNKNOWN)) return UNKNOWN
  return values.includes(null) ? undefined : encodeKey(values as SqlValue[])
}
