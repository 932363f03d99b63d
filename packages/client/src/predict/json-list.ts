import {
  compareRows,
  type Expr,
  encodeKey,
  type JsonList as ListPlan,
  type RowKey,
  readsOf,
  type SqlValue,
} from '@millrace/protocol'
import { type Evaluate, type Image, UNKNOWN, type Unknown, type Value } from '../expression/cell.ts'
import { compileExpr } from '../expression/compile.ts'
import { onDemand } from '../on-demand.ts'
import type { Entry } from '../result.ts'
import type { Columns } from '../row-state.ts'
import { intersects } from './predictor.ts'

/** Characters in all lists of a result up to which they are read: that takes the main thread some milliseconds, once. */
const MAX_READ = 200_000

/** One element: the JSON text of each member. */
export type Element = readonly string[]

/** Where the engine has a row: the row of the result in whose list it is, and the element that it is there. */
export interface Home {
  readonly entry: Entry
  readonly element: Element
}

/** A row that pending writes touch. */
export interface ListedRow {
  /** Its element in this list, and in any. */
  readonly element: Element | undefined
  readonly home: Home | undefined
  readonly isListed: boolean | Unknown
  /** Columns that they gave a value; null: any. */
  readonly changed: Columns | null
  readonly image: Image
}

interface Member {
  readonly text: Evaluate<Value>
  readonly reads: ReadonlySet<number>
  readonly readsOuter: boolean
}

/**
 * The lists that one subquery makes, as the engine last said: they are the only place where their rows are known. Texts
 * stay as SQLite wrote them, and what changes is written as SQLite would.
 */
export class JsonLists {
  readonly #plan: ListPlan
  /** The wire column that holds a list. */
  readonly #at: number
  readonly #members: readonly Member[]
  readonly #labels: readonly (string | null)[]
  readonly #sortedBy: ReadonlySet<number>
  /** By column, the member that holds it. */
  readonly #memberOf = new Map<number, number>()
  /** By key of an element's row; null until it is asked for. */
  #homes: Map<RowKey, Home> | null = null
  readonly #read = new WeakMap<Entry, readonly Element[]>()

  constructor(plan: ListPlan, at: number) {
    this.#plan = plan
    this.#at = at
    this.#members = plan.members.map(({ expr }) => ({
      text: printing(expr),
      reads: readsOf(expr, 1),
      readsOuter: readsOf(expr, 0).size > 0,
    }))
    this.#labels = plan.members.map(({ name }) => (name === null ? null : JSON.stringify(name)))
    this.#sortedBy = new Set(plan.sortedBy)
    plan.members.forEach(({ expr }, i) => {
      if (expr.type === 'column' && expr.source === 1) this.#memberOf.set(expr.column, i)
    })
  }

  /** Reads all lists, once. False: they are too long, or cannot be read yet, and what happens to their rows is waited for. */
  open(base: () => Iterable<Entry>): boolean {
    if (this.#homes !== null) return true
    if (onDemand() === undefined || this.#isLong(base())) return false
    this.#homes = new Map()
    for (const entry of base()) this.remember(entry)
    return true
  }

  #isLong(base: Iterable<Entry>): boolean {
    let characters = 0
    for (const { values } of base) {
      const text = values[this.#at]
      if (typeof text === 'string') characters += text.length
      if (characters > MAX_READ) return true
    }
    return false
  }

  /** The list that this entry of the base has goes, and comes. */
  forget(entry: Entry): void {
    if (this.#homes === null) return
    for (const element of this.elementsOf(entry) ?? []) {
      const key = this.#keyOf(element)
      if (key !== undefined && this.#homes.get(key)?.entry === entry) this.#homes.delete(key)
    }
  }

  remember(entry: Entry): void {
    if (this.#homes === null) return
    for (const element of this.elementsOf(entry) ?? []) {
      const key = this.#keyOf(element)
      if (key !== undefined) this.#homes.set(key, { entry, element })
    }
  }

  /** Undefined where no list has the row. */
  home(key: RowKey): Home | undefined {
    return this.#homes?.get(key)
  }

  /** Undefined where the list cannot be read. */
  elementsOf(entry: Entry): readonly Element[] | undefined {
    let elements = this.#read.get(entry)
    if (elements !== undefined) return elements
    const text = entry.values[this.#at]
    elements = typeof text === 'string' ? onDemand()?.membersIn(text) : undefined
    if (elements !== undefined) this.#read.set(entry, elements)
    return elements
  }

  /** What an element says of a column of its row. */
  valueIn(element: Element, column: number): Value {
    const member = this.#memberOf.get(column)
    return member === undefined ? UNKNOWN : printedIn(element[member])
  }

  /** The list of an entry with what pending writes do to rows. */
  listOf(entry: Entry, rows: readonly ListedRow[], parameters: readonly SqlValue[]): Value {
    const base = this.elementsOf(entry)
    if (base === undefined) return UNKNOWN
    const elements = [...base]
    for (const row of rows) {
      if (row.isListed === UNKNOWN) return UNKNOWN
      const at = row.element === undefined ? -1 : elements.indexOf(row.element)
      if (at !== -1) elements.splice(at, 1)
      if (!row.isListed) continue
      const made = this.#elementOf(row, parameters)
      if (made === UNKNOWN) return UNKNOWN
      const stays = at !== -1 && row.changed !== null && !intersects(row.changed, this.#sortedBy)
      const place = stays ? at : this.#placeOf(made, elements)
      if (place === UNKNOWN) return UNKNOWN
      elements.splice(place, 0, made)
    }
    return `[${elements.map((element) => this.#print(element)).join(',')}]`
  }

  #elementOf(
    { home, element, changed, image }: ListedRow,
    parameters: readonly SqlValue[],
  ): Element | Unknown {
    const made: string[] = []
    for (const [i, { text, reads, readsOuter }] of this.#members.entries()) {
      const old = readsOuter ? element : home?.element
      const stays = old !== undefined && changed !== null && !intersects(changed, reads)
      const value = stays ? old[i] : text(image, parameters)
      if (typeof value !== 'string') return UNKNOWN
      made.push(value)
    }
    return made
  }

  #placeOf(element: Element, others: readonly Element[]): number | Unknown {
    const { order } = this.#plan
    if (order === null) return UNKNOWN
    const sorted = (one: Element) => {
      const values: Value[] = []
      for (const { column } of order) values[column] = printedIn(one[column])
      return values
    }
    const own = sorted(element)
    if (own.includes(UNKNOWN)) return UNKNOWN
    for (const [place, other] of others.entries()) {
      const values = sorted(other)
      if (values.includes(UNKNOWN)) return UNKNOWN
      if (compareRows(order, own as SqlValue[], values as SqlValue[]) < 0) return place
    }
    return others.length
  }

  #print(element: Element): string {
    const isObject = this.#labels[0] !== null
    const members = element.map((text, i) => (isObject ? `${this.#labels[i]}:${text}` : text)).join(',')
    return isObject ? `{${members}}` : `[${members}]`
  }

  #keyOf(element: Element): RowKey | undefined {
    const { key } = this.#plan
    const values = key.map(({ column }) => printedIn(element[column]))
    if (values.includes(UNKNOWN)) return undefined
    return encodeKey(
      values as SqlValue[],
      key.map(({ collation }) => collation),
    )
  }
}

/** The JSON text of a value. */
function printing(arg: Expr): Evaluate<Value> {
  return compileExpr({ type: 'call', name: 'json_quote', args: [arg], collation: 'BINARY' })
}

function printedIn(text: string | undefined): Value {
  return text === undefined ? UNKNOWN : (onDemand()?.printedIn(text) ?? UNKNOWN)
}
