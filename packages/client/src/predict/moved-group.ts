import {
  type Collation,
  compareValues,
  type GroupOutput,
  identical,
  identicalRows,
  type RowKey,
  type SqlValue,
  type WireRow,
} from '@millrace/protocol'
import { UNKNOWN, type Unknown, type Value } from '../expression/cell.ts'

/** What one row takes from a group, or gives to it. */
export interface Contribution {
  /** Of the group. */
  readonly unit: RowKey
  readonly key: readonly SqlValue[]
  readonly sign: 1 | -1
  /** One per wire column: 1 or 0 of a count, the input of a sum or of an extreme; null: nothing. */
  readonly inputs: readonly SqlValue[]
}

/** The least or greatest of some inputs; null: there are none. */
type Extreme = {
  readonly value: SqlValue
  /** Another is equal, and spelled otherwise. */
  readonly isTied: boolean
} | null

/** An output of which an input may be the least or the greatest. */
interface Ordered {
  readonly type: 'min' | 'max'
  readonly collation: Collation
}

/** A group that pending writes move: what they take from it and give to it, added up. */
export class MovedGroup {
  readonly #outputs: readonly GroupOutput[]
  /** By row, the oldest first. */
  readonly #contributions = new Map<RowKey, readonly Contribution[]>()
  /** One per wire column: what is added to counts and sums. */
  readonly #added: number[]
  /** By wire column; none where an input went since it was last asked for. */
  readonly #given = new Map<number, Extreme>()
  readonly #taken = new Map<number, Extreme>()

  constructor(outputs: readonly GroupOutput[]) {
    this.#outputs = outputs
    this.#added = outputs.map(() => 0)
  }

  get isEmpty(): boolean {
    return this.#contributions.size === 0
  }

  get rows(): Iterable<RowKey> {
    return this.#contributions.keys()
  }

  /** The same by the contributions of other rows alone. */
  without(rows: ReadonlySet<RowKey>): MovedGroup {
    const some = new MovedGroup(this.#outputs)
    for (const [row, contributions] of this.#contributions) if (!rows.has(row)) some.set(row, contributions)
    return some
  }

  /** What a row takes and gives now; a row that was there keeps its place among the others. */
  set(row: RowKey, contributions: readonly Contribution[]): void {
    const before = this.#contributions.get(row)
    if (before !== undefined) {
      for (const contribution of before) this.#add(contribution, -1)
      this.#given.clear()
      this.#taken.clear()
    }
    for (const contribution of contributions) {
      this.#add(contribution, 1)
      this.#compare(contribution)
    }
    if (contributions.length > 0) this.#contributions.set(row, contributions)
    else this.#contributions.delete(row)
  }

  #add({ sign, inputs }: Contribution, times: 1 | -1): void {
    this.#outputs.forEach(({ type }, i) => {
      if (type !== 'count' && type !== 'sum') return
      this.#added[i] = this.added(i) + times * sign * ((inputs[i] as number | null) ?? 0)
    })
  }

  /** Takes a new one into account for the extremes that are known. */
  #compare({ sign, inputs }: Contribution): void {
    const extremes = sign > 0 ? this.#given : this.#taken
    for (const [i, extreme] of extremes)
      extremes.set(i, better(extreme, inputs[i] as SqlValue, this.#outputs[i] as Ordered))
  }

  /** The key of the group as the first of the rows has it; none, where no row is left. */
  get key(): readonly SqlValue[] {
    for (const [first] of this.#contributions.values()) if (first !== undefined) return first.key
    return []
  }

  /** Whether a row has the key otherwise than the first. */
  get isKeyMixed(): boolean {
    const { key } = this
    for (const contributions of this.#contributions.values())
      for (const other of contributions) if (!identicalRows(other.key, key)) return true
    return false
  }

  /** What is added to a count or sum. */
  added(column: number): number {
    return this.#added[column] as number
  }

  /** How many inputs a sum has. */
  inputsOf({ inputs }: { readonly inputs: number }, old: WireRow | undefined): number {
    return ((old?.[inputs] as number | undefined) ?? 0) + this.added(inputs)
  }

  /** Null for no inputs. */
  sum(
    column: number,
    output: Extract<GroupOutput, { type: 'sum' }>,
    old: WireRow | undefined,
  ): number | null | Unknown {
    const before = old?.[column] ?? 0
    if ((old?.[output.reals] ?? 0) !== 0 || typeof before !== 'number') return UNKNOWN
    const sum = before + this.added(column)
    if (!Number.isSafeInteger(sum)) return UNKNOWN
    return this.inputsOf(output, old) === 0 ? null : sum
  }

  /** The least or greatest input, `old` before; UNKNOWN once that may be gone, and none as good has come. */
  extreme(column: number, output: Ordered, old: SqlValue): Value {
    const given = this.#extremeOf(this.#given, 1, column, output)
    if (old === null) return given === null ? null : given.isTied ? UNKNOWN : given.value
    if (given !== null) {
      const order = compareBy(output, given.value, old)
      // Which of two that are equal and spelled otherwise is shown is SQLite's choice.
      if (order <= 0 && given.isTied) return UNKNOWN
      if (order < 0) return given.value
      if (order === 0 && !identical(given.value, old)) return UNKNOWN
      // There may be such others among those that are not known here.
      if (order === 0 && (typeof old !== 'string' || output.collation === 'BINARY')) return old
    }
    const taken = this.#extremeOf(this.#taken, -1, column, output)
    return taken !== null && compareBy(output, taken.value, old) <= 0 ? UNKNOWN : old
  }

  #extremeOf(known: Map<number, Extreme>, sign: 1 | -1, column: number, output: Ordered): Extreme {
    let extreme = known.get(column)
    if (extreme === undefined) {
      extreme = null
      for (const contributions of this.#contributions.values())
        for (const one of contributions)
          if (one.sign === sign) extreme = better(extreme, one.inputs[column] as SqlValue, output)
      known.set(column, extreme)
    }
    return extreme
  }
}

function compareBy({ type, collation }: Ordered, a: SqlValue, b: SqlValue): number {
  return type === 'min' ? compareValues(a, b, collation) : compareValues(b, a, collation)
}

function better(extreme: Extreme, input: SqlValue, output: Ordered): Extreme {
  if (input === null) return extreme
  if (extreme === null) return { value: input, isTied: false }
  const order = compareBy(output, input, extreme.value)
  if (order < 0) return { value: input, isTied: false }
  return order === 0 && !identical(input, extreme.value) ? { value: extreme.value, isTied: true } : extreme
}
