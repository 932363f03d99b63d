import {
  identicalRows,
  type MillraceError,
  type OrderTerm,
  type Plan,
  type RowKey,
  type Shape,
  type SqlValue,
  type StrategyName,
  type WireRow,
} from '@millrace/protocol'
import type { RowChange } from '../capture/capture.ts'
import { bag, type Compiled } from '../compile/compile.ts'
import type { GroupsAction } from '../compile/groups.ts'
import { type Reaction, rowCondition, windowConditions } from '../compile/reaction.ts'
import type { ArmSource, RowsAction } from '../compile/rows.ts'
import type { Database } from '../database/database.ts'
import { invalidSql, isEngineLost, isInterrupted } from '../database/errors.ts'
import type { RunLimit } from '../database/sqlite.ts'
import type { Interest } from '../impact/impact-index.ts'
import type { Source } from '../impact/sources.ts'
import type { Table } from '../schema/catalog.ts'
import { Aggregate } from './aggregate.ts'
import { type Delta, difference, type Result } from './difference.ts'
import { Rerun } from './rerun.ts'
import { type Keys, Restrict, type Shared } from './restrict.ts'
import type { Strategy } from './strategy.ts'
import { type Window, windowOf } from './window.ts'

/** Changed rows up to which queries of one text are answered together; with more, each decides for itself. */
const MAX_SHARED = 64

/** What became of a live query at a commit. */
export type ResultChange =
  | { readonly type: 'reset' }
  | ({ readonly type: 'delta' } & Delta)
  | { readonly type: 'error'; readonly error: MillraceError }

/** Where in a query a table is read, for the impact index; null: the query runs again. */
export type Place = Reaction<RowsAction> | Reaction<GroupsAction> | null

/** What a query wants to hear of a table. */
export interface TableInterest {
  readonly table: Table
  readonly interest: Interest
  readonly place: Place
}

type AnyAction = RowsAction & GroupsAction
type AnyReaction = Reaction<AnyAction>

/** One query kept true, for all who subscribed to it. */
export class LiveQuery {
  readonly #database: Database
  readonly #compiled: Compiled
  readonly #sources: readonly Source[] | null
  /** The names of the tables whose rows it may depend on. */
  readonly tables: readonly string[]
  readonly #sql: string
  readonly #parameters: readonly SqlValue[]
  readonly #forClient: boolean
  /** Of one run. */
  readonly #limit: RunLimit
  readonly #plan: Plan | null
  /** The part of what is held that is told. */
  readonly #window: Window
  /** The tables whose changes it reacts to. */
  readonly #tables: ReadonlySet<Table>
  /** Where a window is sorted by a column, the place of that column. */
  readonly #sorted: Pick<AnyReaction, 'sorted'> | undefined
  /** What moves rows is not told, or not all rows are, so that a delta of what is held is none of what is told. */
  readonly #needsBefore: boolean
  /** Columns of a row that subscribers hear of: what they see, and for a client what it predicts by. */
  readonly #width: number

  #strategy: Strategy<AnyAction> | Rerun
  #error: MillraceError | null = null
  /** After a run that was interrupted: wakings to be passed over before it runs again, and how many were the last time. */
  #rest = { left: 0, length: 0 }
  /** What the transaction that is being told did; emptied by `wake`. */
  #touched = new Map<AnyReaction, RowChange[]>()
  #again = false

  /**
   * `sources`: what is watched for it; null: any commit may concern it. `tables`: by name. `forClient`: with a margin
   * beyond LIMIT, and with the columns that a prediction needs.
   */
  constructor(
    database: Database,
    compiled: Compiled,
    sources: readonly Source[] | null,
    tables: readonly string[],
    sql: string,
    parameters: readonly SqlValue[],
    forClient: boolean,
    limit: RunLimit,
  ) {
    this.#limit = limit
    this.#database = database
    this.#compiled = compiled
    this.#sources = sources
    this.tables = tables
    this.#sql = sql
    this.#parameters = parameters
    this.#forClient = forClient
    this.#window = windowOf(compiled, parameters, forClient)
    this.#plan = this.#window.plan
    this.#tables = new Set(compiled.strategy?.reactions.map(({ table }) => table))
    this.#sorted = compiled.strategy?.reactions.find(({ sorted }) => sorted !== null)
    this.#width = this.#countTold()
    const isHidden = ({ column }: OrderTerm) =>
      column >= this.#width && !compiled.key.some((part) => part.column === column)
    this.#needsBefore = this.#window.type === 'part' || compiled.strategy?.order.some(isHidden) === true
    this.#strategy = this.#makeStrategy()
  }

  /** Reads what is not captured: runs again after every commit. */
  get always(): boolean {
    return this.#sources === null
  }

  /** Tables of which any write runs it again. */
  get anyWrite(): readonly Table[] {
    return (this.#sources ?? []).flatMap(({ table, anyWrite }) => (anyWrite ? [table] : []))
  }

  #makeStrategy(): Strategy<AnyAction> | Rerun {
    const { strategy, key } = this.#compiled
    const database = this.#database
    if (strategy === null || this.#window.type === 'unknown')
      return new Rerun(database, this.#compiled, this.#sql, this.#parameters)
    const kept =
      strategy.type === 'groups'
        ? new Aggregate(database, strategy, this.#parameters)
        : new Restrict(
            database,
            strategy,
            key,
            this.#parameters,
            this.#window.type === 'part' ? { rows: this.#window.end } : null,
          )
    return kept as Strategy<AnyAction>
  }

  get strategy(): StrategyName {
    const { strategy } = this.#compiled
    if (strategy === null || this.#strategy instanceof Rerun) return 'rerun'
    if (this.#compiled.limit !== null) return 'window'
    if (strategy.type === 'rows') return 'restrict'
    return strategy.distinct ? 'distinct' : 'aggregate'
  }

  get shape(): Shape {
    const rerun = this.#strategy instanceof Rerun ? this.#strategy : undefined
    return {
      columns: this.#compiled.columns,
      key: rerun?.key ?? this.#compiled.key,
      tables: this.tables,
      order: this.#order(rerun),
      plan: rerun === undefined ? this.#plan : null,
    }
  }

  /** Null also where what rows are sorted by is not told. */
  #order(rerun: Rerun | undefined): Shape['order'] {
    const { strategy } = this.#compiled
    if (rerun !== undefined || strategy === null) return null
    return strategy.order.every(({ column }) => column < this.#width) ? strategy.order : null
  }

  get rows(): readonly WireRow[] {
    return this.#told().rows
  }

  /** Of each row, in the same order. */
  get keys(): readonly RowKey[] {
    return this.#told().keys
  }

  /** Rows in memory. */
  get held(): number {
    return this.#strategy.result.rows.length
  }

  get error(): MillraceError | null {
    return this.#error
  }

  /** Moves where what it wants to hear of is another thing from here on. */
  get horizon(): SqlValue | undefined {
    return this.#sorted === undefined ? undefined : this.#edge(this.#sorted)
  }

  #edge({ sorted }: Pick<AnyReaction, 'sorted'>): SqlValue | undefined {
    return sorted !== null && this.#strategy instanceof Restrict ? this.#strategy.edge(sorted) : undefined
  }

  /** What it wants to hear of. */
  interests(): TableInterest[] {
    const { strategy } = this.#compiled
    if (strategy === null || this.#strategy instanceof Rerun) return this.#interestsInSources()
    return strategy.reactions.flatMap((reaction) => {
      const { table } = reaction
      const columns = this.#columns(reaction)
      const condition = rowCondition(table, reaction.discriminator, this.#parameters)
      const any = condition !== null ? [condition] : windowConditions(reaction.sorted, this.#edge(reaction))
      return (any ?? [null]).map((one) => ({
        ...{ table, place: reaction },
        interest: { columns, condition: one },
      }))
    })
  }

  /** What SQLite says is read goes for read, even where the compiler has not seen it. */
  #columns({ table, columns }: AnyReaction | Reaction<RowsAction | GroupsAction>): ReadonlySet<number> {
    const seen = new Set(
      this.#compiled.strategy?.reactions.flatMap((other) =>
        other.table === table ? [...other.columns] : [],
      ),
    )
    const read = this.#compiled.reads.get(table.name) ?? new Set()
    const unseen = positions(table, read).filter((column) => !seen.has(column))
    return unseen.length === 0 ? columns : new Set([...columns, ...unseen])
  }

  #interestsInSources(): TableInterest[] {
    return (this.#sources ?? []).map(({ table, columns }) => ({
      table,
      interest: { columns, condition: null },
      place: null,
    }))
  }

  /** Notes a changed row for `wake`; false when it cannot matter. */
  touch(place: Place, change: RowChange): boolean {
    if (place === null || this.#error !== null || this.#strategy instanceof Rerun) {
      this.#again = true
      return true
    }
    if (this.#again) return true
    const reaction = place as AnyReaction
    if (!this.#strategy.holds(reaction, change)) return false
    const changes = this.#touched.get(reaction)
    if (changes === undefined) this.#touched.set(reaction, [change])
    else changes.push(change)
    return true
  }

  /** Notes that more changed than is looked at row by row. */
  touchAll(): void {
    this.#again = true
  }

  /** Whether what it will ask SQLite can be asked together with others of its text. */
  get canShare(): boolean {
    const { strategy } = this.#compiled
    if (this.#again || this.#error !== null || !(this.#strategy instanceof Restrict)) return false
    if (strategy?.type !== 'rows' || strategy.sharing === null) return false
    let rows = 0
    for (const [{ action }, changes] of this.#touched) {
      if (action.type !== 'own') return false
      rows += changes.length
    }
    return rows <= MAX_SHARED
  }

  /** Whether what it will ask SQLite joins with the images of changed rows. */
  get readsImages(): boolean {
    if (this.#again || this.#error !== null || this.#strategy instanceof Rerun) return false
    if (this.#strategy instanceof Aggregate) return true
    for (const { action } of this.#touched.keys()) if (action.type === 'search') return true
    return false
  }

  get compiled(): Compiled {
    return this.#compiled
  }

  get parameters(): readonly SqlValue[] {
    return this.#parameters
  }

  /** Adds the keys that what was noted restricts it by. */
  restrictedBy(into: Map<ArmSource, Keys>): void {
    if (this.#strategy instanceof Restrict) this.#strategy.restrictedBy(this.#touched, into)
  }

  /** What the statements for these keys would find, for it under this number. */
  give(found: Shared, query: number): void {
    if (this.#strategy instanceof Restrict) this.#strategy.give(found, query)
  }

  /** Takes over what was noted; null when nothing changed. `tables`: all that the transaction changed. */
  wake(tables: ReadonlySet<Table>): ResultChange | null {
    const touched = { rows: this.#touched, tables: this.#ownOf(tables) }
    const again = this.#again || this.#error !== null
    this.#touched = new Map()
    this.#again = false
    if (this.#rest.left > 0) {
      this.#rest.left--
      return null
    }
    const strategy = this.#strategy
    if (again || strategy instanceof Rerun) return this.refresh()
    const before = this.#needsBefore ? this.#copy() : undefined
    let delta: Delta | null
    try {
      delta = this.#database.connection.limit(this.#limit, () => strategy.apply(touched))
    } catch (thrown) {
      if (isEngineLost(thrown)) return this.#fail(thrown)
      // What it holds may be half moved. Running again says whether SQLite refuses the query as a whole.
      return this.refresh(before)
    }
    if (delta === null) return this.refresh(before)
    const told = before === undefined ? this.#shown(delta) : difference(before, this.#told())
    return told === null || told.remove.length + told.put.length === 0 ? null : { type: 'delta', ...told }
  }

  #ownOf(tables: ReadonlySet<Table>): ReadonlySet<Table> {
    // Of one table, by which it was woken.
    if (tables.size === 1) return tables
    return new Set([...tables].filter((table) => this.#tables.has(table)))
  }

  /** Of a delta of what is held, the part that can be seen. */
  #shown(delta: Delta): Delta {
    const width = this.#width
    if ((this.#strategy.result.rows[0]?.length ?? 0) <= width) return delta
    const put = delta.put.filter(
      ({ row, was }) => was === undefined || !identicalRows(was.slice(0, width), row.slice(0, width)),
    )
    return {
      remove: delta.remove,
      put: put.map(({ at, key, row }) => ({ at, key, row: row.slice(0, width) })),
    }
  }

  #countTold(): number {
    const { columns, key, strategy } = this.#compiled
    if (!this.#forClient) return columns.length
    if (strategy?.type !== 'groups') return Number.POSITIVE_INFINITY
    return this.#plan?.outputs.length ?? Math.max(columns.length, ...key.map(({ column }) => column + 1))
  }

  /** What is told, as it will stay when what is held moves on. */
  #copy(): Result {
    const { keys, rows } = this.#told()
    return { keys: [...keys], rows: [...rows] }
  }

  /** The part of the rows, and of each row, that subscribers hear of. */
  #told(): Result {
    const { keys, rows } = this.#strategy.result
    const width = this.#width
    const { start, end } = this.#window.type === 'part' ? this.#window : { start: 0, end: rows.length }
    const part =
      start === 0 && end >= rows.length
        ? { keys, rows }
        : { keys: keys.slice(start, end), rows: rows.slice(start, end) }
    if ((part.rows[0]?.length ?? 0) <= width) return part
    return { keys: part.keys, rows: part.rows.map((row) => row.slice(0, width)) }
  }

  /** Runs it again; null when nothing changed. */
  refresh(before: Result = this.#copy()): ResultChange | null {
    const failed = this.#error !== null
    const form = this.shape.key
    try {
      this.#database.connection.limit(this.#limit, () => this.#hydrate())
    } catch (thrown) {
      // What it has changed may make it cheaper, or not: it is tried again, but ever more seldom.
      const length = isInterrupted(thrown) ? 2 * this.#rest.length + 1 : 0
      this.#rest = { left: length, length }
      return this.#fail(invalidSql(thrown, this.#sql) as MillraceError)
    }
    this.#error = null
    this.#rest = { left: 0, length: 0 }
    if (failed || this.shape.key !== form) return { type: 'reset' }
    const delta = difference(before, this.#told())
    return delta === null ? null : { type: 'delta', ...delta }
  }

  /** Null where that is known. */
  #fail(error: MillraceError): ResultChange | null {
    const known = this.#error?.message === error.message
    this.#error = error
    return known ? null : { type: 'error', error }
  }

  #hydrate(): void {
    if (this.#strategy instanceof Rerun) this.#strategy.hydrate()
    else if (!this.#strategy.hydrate()) {
      const { columns, reads } = this.#compiled
      const form = { ...this.#compiled, ...bag(this.#sql, columns, reads) }
      this.#strategy = new Rerun(this.#database, form, this.#sql, this.#parameters)
      this.#strategy.hydrate()
    }
  }
}

function positions(table: Table, names: ReadonlySet<string>): number[] {
  return table.columns.flatMap(({ name }, i) => (names.has(name) ? [i] : []))
}
