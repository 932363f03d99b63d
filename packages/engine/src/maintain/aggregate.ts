import type { RowKey, SqlValue, WireRow } from '@millrace/protocol'
import { encodeKey, fromBigInt, identicalRows } from '@millrace/protocol'
import type { ColumnRule, GroupsAction, GroupsStrategy } from '../compile/groups.ts'
import type { Database } from '../database/database.ts'
import type { Delta, Result } from './difference.ts'
import { OrderedRows } from './ordered.ts'
import { comesBack, keyer, type Strategy, type Touched } from './strategy.ts'

/** Groups that are run again one by one where an index leads to them; where none does, each is a scan. */
const MANY_GROUPS = 64
const FEW_GROUPS = 3

/** Rows of one group up to which sums of integers cannot overflow on the way: see ODD_INPUT. */
const MAX_ROWS = 2 ** 21

type Groups = Map<RowKey, readonly SqlValue[]>

/** Groups and DISTINCT: see compile/groups.ts. */
export class Aggregate implements Strategy<GroupsAction> {
  readonly #database: Database
  readonly #strategy: GroupsStrategy
  readonly #parameters: readonly SqlValue[]
  readonly #keyOf: (row: WireRow) => RowKey
  readonly #held: OrderedRows
  /** Whether an index leads to the rows of one group. Asked for when it first matters. */
  #indexed: boolean | undefined

  constructor(database: Database, strategy: GroupsStrategy, parameters: readonly SqlValue[]) {
    this.#database = database
    this.#strategy = strategy
    this.#parameters = parameters
    this.#keyOf = keyer(strategy.key)
    this.#held = new OrderedRows(strategy.order)
  }

  get result(): Result {
    return this.#held
  }

  hydrate(): boolean {
    const rows = this.#database.all(this.#strategy.sql, this.#parameters)
    return this.#held.reset(rows.map(this.#keyOf), rows)
  }

  holds(): boolean {
    return true
  }

  apply({ rows, tables }: Touched<GroupsAction>): Delta | null {
    const actions = [...rows.keys()].map(({ action }) => action)
    const [only] = actions
    // Images say what one table's rows were. Had another table changed as well, they would meet its rows as they are now.
    const moved = tables.size === 1 && only?.images != null ? this.#move(only.images) : null
    if (moved !== null) return this.#put(moved)
    const groups = this.#touched(actions, tables)
    return groups === null ? null : this.#runAgain(groups)
  }

  /** What each touched group is now, undefined where it is gone; null where plus and minus will not do. */
  #move(images: { readonly before: string; readonly now: string }): Map<RowKey, WireRow | undefined> | null {
    const { rules, key, rowCount } = this.#strategy
    if (rules === null) return null
    const before = this.#byGroup(images.before)
    const now = this.#byGroup(images.now)
    const moved = new Map<RowKey, WireRow | undefined>()
    for (const group of new Set([...before.keys(), ...now.keys()])) {
      const old = this.#held.get(group)
      const lost = before.get(group)
      const won = now.get(group)
      const like = old ?? won
      // A group that lost rows and never was: another's change in the same breath. Run again.
      if (like === undefined) return null
      const row = addUp(rules, like, old, lost, won)
      if (row === null) return null
      const count = row[rowCount] as number
      if (count < 0 || count > MAX_ROWS) return null
      moved.set(group, count === 0 && key.length > 0 ? undefined : row)
    }
    return moved
  }

  #byGroup(sql: string): Map<RowKey, WireRow> {
    return new Map(this.#database.all(sql, this.#parameters).map((row) => [this.#keyOf(row), row]))
  }

  /** The groups that the changes touch; null where that is not known. */
  #touched(actions: readonly GroupsAction[], tables: Touched<GroupsAction>['tables']): Groups | null {
    if (this.#strategy.one === null) return null
    const groups: Groups = new Map()
    const collations = this.#strategy.key.map(({ collation }) => collation)
    for (const { search } of actions) {
      if (search === null) return null
      for (const key of this.#database.all(search(tables), this.#parameters)) {
        if (!comesBack(key)) return null
        groups.set(encodeKey(key, collations), key)
      }
    }
    if (groups.size > MANY_GROUPS || (groups.size > FEW_GROUPS && !this.#isIndexed())) return null
    return groups
  }

  #isIndexed(): boolean {
    const { one } = this.#strategy
    this.#indexed ??= !this.#database
      .all(`EXPLAIN QUERY PLAN ${one}`)
      .some((row) => /^SCAN /.test(String(row[3])))
    return this.#indexed
  }

  #runAgain(groups: Groups): Delta {
    const { one } = this.#strategy
    const again = new Map<RowKey, WireRow | undefined>()
    for (const [group, key] of groups) {
      const [row] = this.#database.all(one as string, [...this.#parameters, ...key])
      again.set(group, row)
    }
    return this.#put(again)
  }

  #put(groups: ReadonlyMap<RowKey, WireRow | undefined>): Delta {
    const remove: RowKey[] = []
    const put: [RowKey, WireRow][] = []
    for (const [key, row] of groups) {
      const old = this.#held.get(key)
      if (row === undefined) {
        if (old !== undefined) remove.push(key)
      } else if (old === undefined || !identicalRows(old, row)) put.push([key, row])
    }
    return this.#held.apply(remove, put)
  }
}

/** A group's row with what it lost taken away and what it won added; null where that is not exact. */
function addUp(
  rules: readonly ColumnRule[],
  like: WireRow,
  old: WireRow | undefined,
  lost: WireRow | undefined,
  won: WireRow | undefined,
): SqlValue[] | null {
  const total = (column: number): number | bigint =>
    plus(plus(integer(old?.[column]), -integer(lost?.[column])), integer(won?.[column]))
  const row: SqlValue[] = []
  for (const [column, rule] of rules.entries()) {
    switch (rule.type) {
      case 'fixed':
        row.push(like[column] as SqlValue)
        continue
      case 'count':
        row.push(total(column))
        continue
    }
    const { inputs, odd } = rule
    if ([old, lost, won].some((part) => (part?.[odd] ?? 0) !== 0)) return null
    const none = total(inputs) === 0
    switch (rule.type) {
      case 'sum':
      case 'part':
        row.push(none ? null : total(column))
        break
      case 'total':
        row.push(none ? 0 : Number(total(rule.sum)))
        break
      case 'avg': {
        const sum = total(rule.sum)
        // SQLite divides the sum as a double.
        row.push(none ? null : Number(sum) / Number(total(inputs)))
        break
      }
    }
  }
  return row
}

const integer = (value: SqlValue | undefined): number | bigint =>
  typeof value === 'number' || typeof value === 'bigint' ? value : 0

function plus(a: number | bigint, b: number | bigint): number | bigint {
  if (typeof a === 'number' && typeof b === 'number' && Number.isSafeInteger(a + b)) return a + b
  return fromBigInt(BigInt(a) + BigInt(b))
}
