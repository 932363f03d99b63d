import {
  assert,
  type Collation,
  compareValues,
  encodeKey,
  type RowKey,
  type SqlValue,
} from '@millrace/protocol'
import { type ColumnSet, ColumnSets, eachConcerned, entry } from './column-sets.ts'
import { type Bound, IntervalIndex } from './interval-index.ts'

/*
 * From a changed row to the subscribers that it can concern, without asking those that it cannot.
 *
 *     columns changed ──► the column sets that have one of them (none: done)
 *                              │ of each listener list below, only the part of these sets is looked at
 *     no condition ────────────┤
 *     equal: cell ──► its key ─┤   per column and collation, for the cell before and the cell after
 *     range: cell ──► a stab ──┘
 *
 * It may say too much, never too little: conditions are necessary ones, and who gives none hears of every row.
 */

/** What one subscriber wants to hear of one table. */
export interface Interest {
  /**
   * Positions of the columns whose change in a row that stays can matter; 'all' for any. Rows that come or go always
   * matter. The column of the condition is one of them, listed or not: by it a row comes into what the subscriber
   * looks at, or leaves it.
   */
  readonly columns: ReadonlySet<number> | 'all'
  /** Rows that do not meet it, neither before nor after the change, do not matter. null: every row may. */
  readonly condition: Condition | null
}

/**
 * A condition on the cell that a row has in one column. Values are as SQLite compares them with that cell: after the
 * affinity of the comparison was applied to them.
 */
export type Condition =
  /**
   * `= v`, `IN (v, …)`, `IS v`: the cell is equal to one of the values under the collation. null equals null only, as
   * IS has it; so `= NULL`, which no row meets, is an empty list.
   */
  | {
      readonly type: 'equal'
      readonly column: number
      readonly collation: Collation
      readonly values: readonly SqlValue[]
    }
  /** The cell lies between the bounds in SQLite's order of values under the collation; no bound: open. NULL never does. */
  | {
      readonly type: 'range'
      readonly column: number
      readonly collation: Collation
      readonly low: Bound | null
      readonly high: Bound | null
    }

/** One changed row: its images, null where it was not or is not. An image has a cell for each column of a condition. */
export interface ChangedRow {
  readonly before: readonly SqlValue[] | null
  readonly after: readonly SqlValue[] | null
  /** The columns that differ, when both images are there. None: the row concerns nobody. */
  readonly changed: ReadonlySet<number>
}

/** With fewer conditions than this, their queries are run again sooner than cells are gathered. */
const FEW_CONDITIONS = 8

export type Visit<S> = (subscriber: S, interest: Interest) => void

/** One interest of one subscriber. */
interface Listener<S> {
  readonly subscriber: S
  readonly interest: Interest
  readonly columnSet: ColumnSet

  /** Until undone. */
  present: boolean
  /** The question that found it last, so that a row finds it once, however many ways lead to it. */
  foundBy: number
}

/** Listeners by what they read. Neither the map nor a set in it is kept empty. */
type Audience<S> = Map<ColumnSet, Set<Listener<S>>>

type Found<S> = (listener: Listener<S>) => void

/** Which column sets are concerned; 'all' when rows came or went. */
type Concerned = ReadonlySet<ColumnSet> | 'all'

/** Whom a change of one table can concern. */
export class ImpactIndex<S> {
  readonly #compare: typeof compareValues
  readonly #columnSets = new ColumnSets()
  readonly #everyone: Audience<S> = new Map()
  /** Of these, the ones without a condition; each of the others is in one of `#conditions`. */
  readonly #everyRow: Audience<S> = new Map()
  /** By column and collation of the condition; none is kept empty. */
  readonly #conditions = new Map<string, ConditionIndex<S>>()

  #size = 0
  /** Counts questions. */
  #question = 0
  #examined = 0

  /** `compare` can be given to count comparisons; it must order as {@link compareValues} does. */
  constructor(compare: typeof compareValues = compareValues) {
    this.#compare = compare
  }

  /** How many interests there are. */
  get size(): number {
    return this.#size
  }

  /** How many listeners were looked at in all questions so far. For counters: it is the work beyond finding the place. */
  get examined(): number {
    return this.#examined
  }

  /** How many entries the maps within hold: 0 when `size` is. */
  get held(): number {
    let held = this.#columnSets.held + this.#everyone.size + this.#everyRow.size
    for (const condition of this.#conditions.values()) held += condition.held
    return held
  }

  /** Returns the undo. One subscriber may be added several times. */
  add(subscriber: S, interest: Interest): () => void {
    const columnSet = this.#columnSets.acquire(columnsOf(interest))
    const listener: Listener<S> = { subscriber, interest, columnSet, present: true, foundBy: 0 }
    join(this.#everyone, listener)
    const { condition } = interest
    if (condition === null) join(this.#everyRow, listener)
    else this.#withCondition(condition, (index) => index.add(listener, condition))
    this.#size++
    return () => this.#remove(listener)
  }

  /**
   * Visits the subscribers that the row can concern, each once for each interest that it hits. The visitor may add and
   * undo: who is added is not visited for this row, nor is who is undone before their turn.
   */
  visit(row: ChangedRow, visit: Visit<S>): void {
    const concerned = this.#concernedBy(row)
    if (concerned !== 'all' && concerned.size === 0) return
    this.#visitFound(visit, (found) => {
      collect(this.#everyRow, concerned, found)
      for (const condition of this.#conditions.values()) condition.collect(row, concerned, found)
    })
  }

  /**
   * For a change that is not known row by row: visits everyone who reads one of the changed columns, whatever their
   * condition. 'all' when rows came or went, or when it is not known what changed: everyone.
   */
  visitAll(changed: ReadonlySet<number> | 'all', visit: Visit<S>): void {
    const concerned = changed === 'all' ? changed : this.#columnSets.reading(changed)
    this.#visitFound(visit, (found) => collect(this.#everyone, concerned, found))
  }

  /**
   * For a change of many rows: visits everyone who reads one of the changed columns and whose condition one of the cells
   * meets that the changed rows have, or had. `cellsOf` gives these for a column, each once; null when they are too many,
   * and then every condition counts as met. It is not asked where there are few conditions.
   */
  visitMany(
    changed: ReadonlySet<number> | 'all',
    cellsOf: (column: number) => readonly SqlValue[] | null,
    visit: Visit<S>,
  ): void {
    const conditions = [...this.#conditions.values()]
    const isWorthIt = conditions.reduce((sum, { held }) => sum + held, 0) >= FEW_CONDITIONS
    const cells = isWorthIt ? conditions.map(({ column }) => cellsOf(column)) : [null]
    if (cells.includes(null)) {
      this.visitAll(changed, visit)
      return
    }
    const concerned = changed === 'all' ? changed : this.#columnSets.reading(changed)
    this.#visitFound(visit, (found) => {
      collect(this.#everyRow, concerned, found)
      conditions.forEach((condition, i) => {
        for (const cell of cells[i] ?? []) condition.collectCell(cell, concerned, found)
      })
    })
  }

  #concernedBy({ before, after, changed }: ChangedRow): Concerned {
    if (before !== null && after !== null) return this.#columnSets.reading(changed)
    return before === null && after === null ? NOBODY : 'all'
  }

  /** Finds first and visits then, because a visitor that adds or undoes would move what is being walked. */
  #visitFound(visit: Visit<S>, find: (found: Found<S>) => void): void {
    const question = ++this.#question
    const listeners: Listener<S>[] = []
    find((listener) => {
      this.#examined++
      if (listener.foundBy === question) return
      listener.foundBy = question
      listeners.push(listener)
    })
    for (const { present, subscriber, interest } of listeners) if (present) visit(subscriber, interest)
  }

  #remove(listener: Listener<S>): void {
    if (!listener.present) return
    listener.present = false
    leave(this.#everyone, listener)
    const { condition } = listener.interest
    if (condition === null) leave(this.#everyRow, listener)
    else this.#withCondition(condition, (index) => index.remove(listener, condition))
    this.#columnSets.release(listener.columnSet)
    this.#size--
  }

  #withCondition({ column, collation }: Condition, change: (index: ConditionIndex<S>) => void): void {
    const place = `${column} ${collation}`
    const make = () => new ConditionIndex<S>(column, collation, this.#compare)
    const index = entry(this.#conditions, place, make)
    change(index)
    // Also after adding: a list without values puts nothing in.
    if (index.held === 0) this.#conditions.delete(place)
  }
}

/** The listeners whose condition is on one column under one collation. */
class ConditionIndex<S> {
  readonly column: number
  readonly #collation: Collation
  readonly #compare: typeof compareValues
  /** By each value that is asked for; none is kept empty. */
  readonly #equal = new Map<RowKey, Audience<S>>()
  /** By what they read, so that a stab passes no intervals of those who do not read what changed; none is kept empty. */
  readonly #ranges = new Map<ColumnSet, IntervalIndex<Listener<S>>>()

  constructor(column: number, collation: Collation, compare: typeof compareValues) {
    this.column = column
    this.#collation = collation
    this.#compare = compare
  }

  get held(): number {
    return this.#equal.size + this.#ranges.size
  }

  add(listener: Listener<S>, condition: Condition): void {
    if (condition.type === 'equal') {
      for (const value of condition.values) this.#joinKey(this.#keyOf(value), listener)
    } else {
      const make = () => new IntervalIndex<Listener<S>>((a, b) => this.#compare(a, b, this.#collation))
      entry(this.#ranges, listener.columnSet, make).add(condition.low, condition.high, listener)
    }
  }

  remove(listener: Listener<S>, condition: Condition): void {
    if (condition.type === 'equal') {
      for (const value of condition.values) this.#leaveKey(this.#keyOf(value), listener)
    } else {
      const intervals = this.#ranges.get(listener.columnSet)
      intervals?.remove(condition.low, condition.high, listener)
      if (intervals?.size === 0) this.#ranges.delete(listener.columnSet)
    }
  }

  /** Finds the concerned ones whose condition the row meets before or after. */
  collect({ before, after }: ChangedRow, concerned: Concerned, found: Found<S>): void {
    if (before !== null) this.collectCell(this.#cellOf(before), concerned, found)
    if (after === null) return
    const cell = this.#cellOf(after)
    // Most updates leave most columns alone: the same cell would find the same listeners again.
    if (before === null || cell !== this.#cellOf(before)) this.collectCell(cell, concerned, found)
  }

  /** Finds the concerned ones whose condition the cell meets. */
  collectCell(cell: SqlValue, concerned: Concerned, found: Found<S>): void {
    if (this.#equal.size > 0) {
      const audience = this.#equal.get(this.#keyOf(cell))
      if (audience !== undefined) collect(audience, concerned, found)
    }
    if (cell !== null) eachConcerned(this.#ranges, concerned, (intervals) => intervals.stab(cell, found))
  }

  #joinKey(key: RowKey, listener: Listener<S>): void {
    const audience = entry<RowKey, Audience<S>>(this.#equal, key, () => new Map())
    join(audience, listener)
  }

  /** A list may have a key twice, as 'a' and 'A' are one under NOCASE: the second time there is nothing left. */
  #leaveKey(key: RowKey, listener: Listener<S>): void {
    const audience = this.#equal.get(key)
    if (audience === undefined) return
    leave(audience, listener)
    if (audience.size === 0) this.#equal.delete(key)
  }

  #cellOf(image: readonly SqlValue[]): SqlValue {
    const cell = image[this.column]
    assert(cell !== undefined, 'The image of a changed row lacks the column of a condition.')
    return cell
  }

  #keyOf(value: SqlValue): RowKey {
    return encodeKey([value], [this.#collation])
  }
}

const NOBODY: ReadonlySet<ColumnSet> = new Set()

function columnsOf({ columns, condition }: Interest): ReadonlySet<number> | 'all' {
  if (columns === 'all' || condition === null || columns.has(condition.column)) return columns
  return new Set([...columns, condition.column])
}

function join<S>(audience: Audience<S>, listener: Listener<S>): void {
  entry(audience, listener.columnSet, () => new Set()).add(listener)
}

function leave<S>(audience: Audience<S>, listener: Listener<S>): void {
  const listeners = audience.get(listener.columnSet)
  listeners?.delete(listener)
  if (listeners?.size === 0) audience.delete(listener.columnSet)
}

function collect<S>(audience: Audience<S>, concerned: Concerned, found: Found<S>): void {
  eachConcerned(audience, concerned, (listeners) => {
    for (const listener of listeners) found(listener)
  })
}
