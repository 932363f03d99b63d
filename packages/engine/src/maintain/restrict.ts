import type { RowKey, SqlValue, WireRow } from '@millrace/protocol'
import { compareValues, encodeKey, identicalRows } from '@millrace/protocol'
import type { RowChange } from '../capture/capture.ts'
import { type Reaction, type Sorted, windowConditions } from '../compile/reaction.ts'
import type { Arm, ArmSource, RowsAction, RowsStrategy } from '../compile/rows.ts'
import type { KeyTerm } from '../compile/wire.ts'
import type { Database } from '../database/database.ts'
import type { Delta, Result } from './difference.ts'
import { OrderedRows } from './ordered.ts'
import { comesBack, isShownOnly, keyer, type Strategy, type Touched } from './strategy.ts'

/** So many keys are always looked up one by one; beyond, only where there are fewer than half the rows held. */
const FEW_KEYS = 64

/** The part of the result that a subscriber needs: the first rows. */
export interface Head {
  readonly rows: number
}

/** Rows held beyond those that are needed, so that rows which leave are followed without a run. */
const spare = (rows: number) => Math.min(64, rows + 8)

/** Keys by which one arm is restricted. */
export type Keys = Map<RowKey, readonly SqlValue[]>

/** What the sources' statements found for queries of one text, by the number of the query. */
export type Shared = ReadonlyMap<ArmSource, readonly (readonly WireRow[] | undefined)[]>

/** Rows of joins: see compile/rows.ts. */
export class Restrict implements Strategy<RowsAction> {
  readonly #database: Database
  readonly #strategy: RowsStrategy
  readonly #parameters: readonly SqlValue[]
  readonly #head: Head | null
  readonly #keyOf: (row: WireRow) => RowKey
  readonly #held: OrderedRows
  /** Per arm and source: the result rows that came from each of its rows. Made when it is first asked for. */
  readonly #lineage = new Map<ArmSource, Map<RowKey, Set<RowKey>>>()
  /** The only source, where a row of its table is a row of the result; null where there are more. */
  readonly #direct: ArmSource | null

  /** What the sources' statements will find, when it was asked for together with other queries'. */
  #given: { readonly found: Shared; readonly query: number } | null = null
  /** Of a head: whether the held rows are all that there are. */
  #complete = true

  constructor(
    database: Database,
    strategy: RowsStrategy,
    key: readonly KeyTerm[],
    parameters: readonly SqlValue[],
    head: Head | null,
  ) {
    this.#database = database
    this.#strategy = strategy
    this.#parameters = parameters
    this.#head = head
    this.#keyOf = keyer(key)
    this.#held = new OrderedRows(strategy.order)
    const sources = strategy.arms.flatMap((arm) => arm.sources)
    this.#direct = sources.length === 1 ? (sources[0] as ArmSource) : null
  }

  get result(): Result {
    return this.#held
  }

  hydrate(): boolean {
    const { sql } = this.#strategy
    let rows: WireRow[]
    if (this.#head === null) rows = this.#database.all(sql, this.#parameters)
    else {
      const limit = this.#head.rows + spare(this.#head.rows)
      rows = this.#database.all(`${sql} LIMIT ${limit}`, this.#parameters)
      this.#complete = rows.length < limit
    }
    this.#lineage.clear()
    return this.#held.reset(rows.map(this.#keyOf), rows)
  }

  /** What the last row that is known has in a column, where there may be more behind it. */
  edge({ term }: Sorted): SqlValue | undefined {
    return this.#complete ? undefined : this.#held.rows.at(-1)?.[term.column]
  }

  holds(reaction: Reaction<RowsAction>, change: RowChange): boolean {
    const { action, decides, sorted } = reaction
    if (sorted !== null && this.#isBehind(sorted, change)) return false
    if (action.type !== 'own' || !isShownOnly(change, decides)) return true
    const source = this.#source(action)
    return this.#from(source, change.id).length > 0
  }

  /** Behind all that is held, before and now. */
  #isBehind(sorted: Sorted, { before, after }: RowChange): boolean {
    const edge = this.edge(sorted)
    // Where NULLs come first or the window ends with them, that is left to SQLite.
    if (edge == null || sorted.startsWithNull || windowConditions(sorted, edge) === null) return false
    const { column, term } = sorted
    return [before, after].every((image) => {
      const cell = image?.[column]
      if (cell == null) return true
      const order = compareValues(cell, edge, term.collation)
      return term.descending ? order < 0 : order > 0
    })
  }

  /** Adds the keys that `apply` will restrict by, where the changed rows have them. */
  restrictedBy(rows: Touched<RowsAction>['rows'], into: Map<ArmSource, Keys>): void {
    for (const [{ action }, changes] of rows) {
      if (action.type !== 'own') continue
      const source = this.#source(action)
      const keys = into.get(source) ?? new Map()
      into.set(source, keys)
      for (const { key, id } of changes) keys.set(id, key)
    }
  }

  /** Takes rows that were found for `restrictedBy`; those of keys that do not concern it may be among them. */
  give(found: Shared, query: number): void {
    this.#given = { found, query }
  }

  #givenFor(source: ArmSource): readonly WireRow[] | undefined {
    return this.#given === null ? undefined : (this.#given.found.get(source)?.[this.#given.query] ?? NONE)
  }

  apply(touched: Touched<RowsAction>): Delta | null {
    try {
      const direct = this.#directly(touched)
      return direct === undefined ? this.#apply(touched) : direct
    } finally {
      this.#given = null
    }
  }

  /** The most common change by far, without what others need: one row, of the only table. Undefined: it is another. */
  #directly({ rows }: Touched<RowsAction>): Delta | null | undefined {
    if (this.#direct === null || rows.size !== 1) return undefined
    const given = this.#givenFor(this.#direct)
    if (given !== undefined && given.length > 1) return undefined
    for (const [{ action }, changes] of rows) {
      const change = changes[0] as RowChange
      if (action.type !== 'own' || changes.length > 1 || !comesBack(change.key)) return undefined
      const held = this.#held.get(change.id)
      let found: WireRow | undefined
      if (given === undefined) {
        const parameters = [...this.#parameters, ...change.key]
        found = this.#database.get(this.#direct.restricted(1), parameters, held)
      } else {
        ;[found] = given
        if (found !== undefined && this.#keyOf(found) !== change.id) return undefined
      }
      const last = this.#complete ? undefined : this.#held.rows.at(-1)
      const isBeyond = found !== undefined && last !== undefined && this.#held.compare(found, last) > 0
      const delta = this.#held.applyOne(change.id, isBeyond ? undefined : found)
      return this.#trim() ? (delta ?? UNCHANGED) : null
    }
    return undefined
  }

  #apply({ rows, tables }: Touched<RowsAction>): Delta | null {
    const restricted = new Map<ArmSource, { readonly arm: Arm; readonly keys: Keys }>()
    let count = 0
    for (const [{ action }, changes] of rows) {
      if (action.type === 'rerun') return null
      const arm = this.#strategy.arms[action.arm] as Arm
      const source = this.#source(action)
      const { keys } = restricted.get(source) ?? { keys: new Map() }
      restricted.set(source, { arm, keys })
      if (action.type === 'own') {
        for (const { key, id } of changes) {
          if (!comesBack(key)) return null
          keys.set(id, key)
        }
      } else {
        for (const key of this.#database.all(action.sql(tables), this.#parameters)) {
          if (!comesBack(key)) return null
          keys.set(encodeKey(key, collations(source)), key)
        }
      }
      count += keys.size
    }
    if (count > FEW_KEYS && count * 2 > this.#held.size) return null
    return this.#exchange(restricted)
  }

  #source(action: Exclude<RowsAction, { type: 'rerun' }>): ArmSource {
    return this.#strategy.arms[action.arm]?.sources[action.source] as ArmSource
  }

  /** Takes out what came from these keys, and puts in what comes from them now. */
  #exchange(restricted: ReadonlyMap<ArmSource, { readonly keys: Keys }>): Delta | null {
    const last = this.#complete ? undefined : this.#held.rows.at(-1)
    const gone = new Set<RowKey>()
    const fresh = new Map<RowKey, WireRow>()
    for (const [source, { keys }] of restricted) {
      for (const key of keys.keys()) for (const row of this.#from(source, key)) gone.add(row)
      for (const row of this.#givenFor(source) ?? this.#run(source, [...keys.values()])) {
        // Compared with the last row as it was: what lies behind it is not known.
        if (last === undefined || this.#held.compare(row, last) <= 0) fresh.set(this.#keyOf(row), row)
      }
    }
    const put = [...fresh].filter(([key, row]) => {
      const before = this.#held.get(key)
      return before === undefined || !identicalRows(before, row)
    })
    const remove = [...gone].filter((key) => !fresh.has(key))
    for (const key of remove) this.#forget(key)
    for (const [key] of put) this.#forget(key)
    const delta = this.#held.apply(remove, put)
    for (const [key, row] of put) this.#remember(key, row)
    return this.#trim() ? delta : null
  }

  /** Keeps a head as long as it must be; false where too few rows are left. */
  #trim(): boolean {
    if (this.#head === null) return true
    const { rows } = this.#head
    if (!this.#complete && this.#held.size < rows) return false
    const most = rows + 2 * spare(rows)
    if (this.#held.size > most) {
      const beyond = this.#held.keys.slice(rows + spare(rows))
      for (const key of beyond) this.#forget(key)
      this.#held.apply(beyond, [])
      this.#complete = false
    }
    return true
  }

  #run(source: ArmSource, keys: readonly (readonly SqlValue[])[]): WireRow[] {
    const rows: WireRow[] = []
    for (let i = 0; i < keys.length; ) {
      const count = keys.length - i >= source.most ? source.most : 1
      const values = keys.slice(i, i + count).flat()
      rows.push(...this.#database.all(source.restricted(count), [...this.#parameters, ...values]))
      i += count
    }
    return rows
  }

  /** The result rows that came from a row of the source. */
  #from(source: ArmSource, key: RowKey): readonly RowKey[] {
    if (this.#direct !== null) return this.#held.get(key) === undefined ? [] : [key]
    return [...(this.#lineageOf(source).get(key) ?? [])]
  }

  #lineageOf(source: ArmSource): Map<RowKey, Set<RowKey>> {
    let lineage = this.#lineage.get(source)
    if (lineage === undefined) {
      lineage = new Map()
      this.#lineage.set(source, lineage)
      const arm = this.#strategy.arms.findIndex(({ sources }) => sources.includes(source))
      const keyOf = keyer(source.key)
      this.#held.rows.forEach((row, i) => {
        if (this.#armOf(row) === arm)
          link(lineage as Map<RowKey, Set<RowKey>>, keyOf(row), this.#held.keys[i] as RowKey)
      })
    }
    return lineage
  }

  #armOf(row: WireRow): number {
    const { armColumn } = this.#strategy
    return armColumn === null ? 0 : (row[armColumn] as number)
  }

  #remember(key: RowKey, row: WireRow): void {
    this.#eachLineage(row, (lineage, part) => link(lineage, part, key))
  }

  #forget(key: RowKey): void {
    const row = this.#held.get(key)
    if (row === undefined) return
    this.#eachLineage(row, (lineage, part) => {
      const rows = lineage.get(part)
      rows?.delete(key)
      if (rows?.size === 0) lineage.delete(part)
    })
  }

  #eachLineage(row: WireRow, visit: (lineage: Map<RowKey, Set<RowKey>>, part: RowKey) => void): void {
    if (this.#lineage.size === 0) return
    for (const source of this.#strategy.arms[this.#armOf(row)]?.sources ?? []) {
      const lineage = this.#lineage.get(source)
      if (lineage !== undefined) visit(lineage, keyer(source.key)(row))
    }
  }
}

const NONE: readonly never[] = []
const UNCHANGED: Delta = { remove: NONE, put: NONE }

const collations = ({ key }: ArmSource) => key.map(({ collation }) => collation)

function link(lineage: Map<RowKey, Set<RowKey>>, part: RowKey, row: RowKey): void {
  const rows = lineage.get(part)
  if (rows === undefined) lineage.set(part, new Set([row]))
  else rows.add(row)
}
