import {
  type Collation,
  compareValues,
  type Expr,
  encodeKey,
  type GroupOutput,
  type GroupsPlan,
  identicalRows,
  type RowKey,
  readsOf,
  type SqlValue,
  type WireRow,
} from '@millrace/protocol'
import { type Evaluate, UNKNOWN, type Unknown, type Value } from '../expression/cell.ts'
import { compileCondition, compileExpr } from '../expression/compile.ts'
import type { Truth } from '../expression/convert.ts'
import type { Decoder, Entry } from '../result.ts'
import type { RowImage } from '../row-cache.ts'
import { conditionOf } from './condition.ts'
import {
  type Interest,
  intersects,
  type Predictor,
  type Rows,
  type Touch,
  tellBySome,
  type Writes,
} from './predictor.ts'

/** An output that rows contribute to. */
interface Input {
  readonly arg: Evaluate<Value> | null
  readonly filter: Evaluate<Truth> | null
}

/** What one row takes from a group, or gives to it. */
interface Contribution {
  /** Of the group. */
  readonly unit: RowKey
  readonly key: readonly SqlValue[]
  readonly sign: 1 | -1
  /** One per wire column: 1 or 0 of a count, the input of a sum or of an extreme; null: nothing. */
  readonly inputs: readonly SqlValue[]
}

/** A group that pending writes move. */
interface Moved {
  /** By row, the oldest first. */
  readonly contributions: Map<RowKey, readonly Contribution[]>
  /** One per wire column: what is added to counts and sums. */
  readonly added: number[]
}

const NOTHING: Touch = { units: [], untold: false }

/** Predicts one query of aggregates over one table: each changed row moves the groups that it leaves and enters. */
export class GroupsPredictor implements Predictor {
  readonly interests: readonly Interest[]
  readonly #plan: GroupsPlan
  readonly #parameters: readonly SqlValue[]
  readonly #decoder: Decoder
  readonly #rows: Rows
  readonly #collations
  readonly #where: Evaluate<Truth> | null
  readonly #groupBy: readonly Evaluate<Value>[]
  readonly #inputs: readonly (Input | null)[]
  readonly #reads: ReadonlySet<number>

  /** By row, what it takes and gives. */
  readonly #contributions = new Map<RowKey, readonly Contribution[]>()
  /** By group; none is kept that nothing moves. */
  readonly #moved = new Map<RowKey, Moved>()

  constructor(plan: GroupsPlan, parameters: readonly SqlValue[], decoder: Decoder, rows: Rows) {
    this.#plan = plan
    this.#parameters = parameters
    this.#decoder = decoder
    this.#rows = rows
    this.#collations = plan.groupBy.map(({ collation }) => collation)
    this.#where = plan.where === null ? null : compileCondition(plan.where)
    this.#groupBy = plan.groupBy.map(({ expr }) => compileExpr(expr))
    this.#inputs = plan.outputs.map(inputOf)
    const reads = new Set<number>()
    const exprs: (Expr | null)[] = [plan.where, ...plan.groupBy.map(({ expr }) => expr)]
    for (const output of plan.outputs) if ('arg' in output) exprs.push(output.arg, output.filter)
    for (const expr of exprs) if (expr !== null) readsOf(expr, 0, reads)
    this.#reads = reads
    this.interests = [{ table: plan.table, condition: conditionOf(plan.where, 0, parameters) }]
  }

  unitOf(entry: Pick<Entry, 'key' | 'values'>): RowKey {
    return entry.key
  }

  touch(table: string, key: RowKey): Touch {
    if (table !== this.#plan.table) return NOTHING
    const told = this.#contributionsOf(key)
    const contributions =
      told === UNKNOWN
        ? tellBySome(this.#rows.writes(table, key), (without) => this.#contributionsOf(key, without))
        : told
    const before = this.#contributions.get(key) ?? []
    const now = contributions === UNKNOWN ? [] : contributions
    if (now.length > 0) this.#contributions.set(key, now)
    else this.#contributions.delete(key)
    const units = new Set<RowKey>()
    for (const { unit } of before) units.add(unit)
    for (const { unit } of now) units.add(unit)
    for (const unit of units)
      this.#moveBy(
        unit,
        key,
        now.filter((contribution) => contribution.unit === unit),
      )
    return { units, untold: told === UNKNOWN }
  }

  /** What a row takes from groups and gives to them by what pending writes do to it. */
  #contributionsOf(key: RowKey, without?: Writes): readonly Contribution[] | Unknown {
    const { table } = this.#plan
    if (!this.#rows.isPending(table, key)) return []
    const state = this.#rows.state(table, key, without)
    if (state === undefined) return []
    // A row that was not seen but only patched where nothing here looks moves no group.
    if (state.exists && state.changed !== null && !intersects(state.changed, this.#reads)) return []
    const before = this.#rows.image(table, key)
    if (before === undefined && !state.isNew) return UNKNOWN
    const taken = before === undefined ? [] : this.#contribute(before, -1)
    const given = state.exists ? this.#contribute(state.image, 1) : []
    return taken === UNKNOWN || given === UNKNOWN ? UNKNOWN : [...taken, ...given]
  }

  #contribute(row: RowImage, sign: 1 | -1): readonly Contribution[] | Unknown {
    const image = (_: number, column: number) => row(column)
    const matches = this.#where === null ? true : this.#where(image, this.#parameters)
    if (matches === UNKNOWN) return UNKNOWN
    if (matches !== true) return []
    const key = this.#groupBy.map((evaluate) => evaluate(image, this.#parameters))
    const inputs = this.#inputs.map((input, i) => this.#inputOf(input, this.#plan.outputs[i], image))
    if (key.includes(UNKNOWN) || inputs.includes(UNKNOWN)) return UNKNOWN
    const unit = encodeKey(key as SqlValue[], this.#collations)
    return [{ unit, key: key as SqlValue[], sign, inputs: inputs as SqlValue[] }]
  }

  #inputOf(
    input: Input | null,
    output: GroupOutput | undefined,
    image: (source: number, column: number) => Value,
  ): Value {
    if (input === null) return null
    const passes = input.filter === null ? true : input.filter(image, this.#parameters)
    if (passes !== true) return passes === UNKNOWN ? UNKNOWN : null
    const value: Value = input.arg === null ? 1 : input.arg(image, this.#parameters)
    if (value === UNKNOWN || value === null) return value
    switch (output?.type) {
      case 'count':
        return 1
      case 'sum':
        // SQLite's sum of REALs is compensated, of text converted: only integers are added here.
        return typeof value === 'number' && Number.isSafeInteger(value) ? value : UNKNOWN
      default:
        return value
    }
  }

  /** `here`: what the row now takes from this group, and gives to it. */
  #moveBy(unit: RowKey, row: RowKey, here: readonly Contribution[]): void {
    const moved = this.#moved.get(unit) ?? this.#unmoved()
    for (const contribution of moved.contributions.get(row) ?? []) this.#add(moved, contribution, -1)
    for (const contribution of here) this.#add(moved, contribution, 1)
    // A row that was there keeps its place among the others.
    if (here.length > 0) moved.contributions.set(row, here)
    else moved.contributions.delete(row)
    if (moved.contributions.size > 0) this.#moved.set(unit, moved)
    else this.#moved.delete(unit)
  }

  #unmoved(): Moved {
    return { contributions: new Map(), added: new Array<number>(this.#plan.outputs.length).fill(0) }
  }

  #add({ added }: Moved, { sign, inputs }: Contribution, times: 1 | -1): void {
    this.#plan.outputs.forEach(({ type }, i) => {
      if (type !== 'count' && type !== 'sum') return
      added[i] = (added[i] as number) + times * sign * ((inputs[i] as number | null) ?? 0)
    })
  }

  stateOf(unit: RowKey, known: Entry | undefined, shown: Entry | null): Entry | null | Unknown {
    const moved = this.#moved.get(unit)
    return moved === undefined ? (known ?? null) : this.#stateBy(moved, unit, known, shown)
  }

  tellPart(unit: RowKey, known: Entry | undefined, shown: Entry | null): Entry | null {
    const all = this.#moved.get(unit)?.contributions ?? new Map<RowKey, readonly Contribution[]>()
    const told = tellBySome(all.keys(), (without) => {
      const some = this.#unmoved()
      for (const [row, contributions] of all) {
        if (without.has(row)) continue
        some.contributions.set(row, contributions)
        for (const contribution of contributions) this.#add(some, contribution, 1)
      }
      return this.#stateBy(some, unit, known, shown)
    })
    return told === UNKNOWN ? (known ?? null) : told
  }

  #stateBy(
    moved: Moved,
    unit: RowKey,
    known: Entry | undefined,
    shown: Entry | null,
  ): Entry | null | Unknown {
    if (this.#mayShowAnother(known, moved)) return UNKNOWN
    const values = this.#valuesOf(known?.values, moved)
    if (values === UNKNOWN) return UNKNOWN
    const rows = values[this.#plan.rowCount] as number
    if (rows <= 0 && this.#plan.groupBy.length > 0) return null
    const { order } = this.#decoder.shape
    const stays = order !== null || (known !== undefined && known.key === unit)
    // Whether it moves among the others, where their order is not known, only SQLite can say.
    if (!stays || (order === null && this.#plan.groupBy.length > 0)) return UNKNOWN
    return this.#decoder.entry(values, [shown, known])
  }

  /** Under NOCASE 'a' and 'A' are one group, and which of them it shows is SQLite's choice. */
  #mayShowAnother(known: Entry | undefined, moved: Moved): boolean {
    if (this.#collations.every((collation) => collation === 'BINARY')) return false
    const key = keyOf(moved)
    if (known !== undefined && key.some((value) => typeof value === 'string')) return true
    return contributionsOf(moved).some((other) => !identicalRows(other.key, key))
  }

  /** The group's wire row as the pending writes make it. */
  #valuesOf(old: WireRow | undefined, moved: Moved): WireRow | Unknown {
    const { outputs } = this.#plan
    const values: Value[] = outputs.map((output, i) => {
      const before = old?.[i]
      switch (output.type) {
        case 'key':
          return before ?? (old === undefined ? (keyOf(moved)[output.index] as SqlValue) : null)
        case 'count':
          return ((before as number | undefined) ?? 0) + (moved.added[i] as number)
        case 'reals':
          return before ?? 0
        case 'sum':
          return sumOf(i, output, old, moved)
        case 'min':
        case 'max':
          return extremeOf(i, output, before ?? null, moved)
        default:
          // Of the sum, below.
          return null
      }
    })
    if (values.includes(UNKNOWN)) return UNKNOWN
    outputs.forEach((output, i) => {
      if (output.type !== 'total' && output.type !== 'avg') return
      const sum = values[output.sum] as number | null
      if (output.type === 'total') values[i] = sum ?? 0
      // SQLite divides the sum as a double.
      else values[i] = sum === null ? null : sum / inputsOf(output, old, moved)
    })
    return values as SqlValue[]
  }
}

function contributionsOf({ contributions }: Moved): readonly Contribution[] {
  return [...contributions.values()].flat()
}

/** The group's key as the first of the rows has it; none, where no row is left. */
function keyOf({ contributions }: Moved): readonly SqlValue[] {
  for (const [first] of contributions.values()) if (first !== undefined) return first.key
  return []
}

function inputOf(output: GroupOutput): Input | null {
  if (!('arg' in output)) return null
  return {
    arg: output.arg === null ? null : compileExpr(output.arg),
    filter: output.filter === null ? null : compileCondition(output.filter),
  }
}

function inputsOf(
  { inputs }: { readonly inputs: number },
  old: WireRow | undefined,
  { added }: Moved,
): number {
  return ((old?.[inputs] as number | undefined) ?? 0) + (added[inputs] as number)
}

/** Null for no inputs. */
function sumOf(
  column: number,
  output: Extract<GroupOutput, { type: 'sum' }>,
  old: WireRow | undefined,
  moved: Moved,
): number | null | Unknown {
  const before = old?.[column] ?? 0
  if ((old?.[output.reals] ?? 0) !== 0 || typeof before !== 'number') return UNKNOWN
  const sum = before + (moved.added[column] as number)
  if (!Number.isSafeInteger(sum)) return UNKNOWN
  return inputsOf(output, old, moved) === 0 ? null : sum
}

/** The least or greatest input; UNKNOWN once the one that was may be gone. */
function extremeOf(
  column: number,
  { type, collation }: { readonly type: 'min' | 'max'; readonly collation: Collation },
  old: SqlValue,
  moved: Moved,
): Value {
  const compare = (a: SqlValue, b: SqlValue) =>
    type === 'min' ? compareValues(a, b, collation) : compareValues(b, a, collation)
  const candidates: SqlValue[] = old === null ? [] : [old]
  let isOldTaken = false
  for (const { sign, inputs } of contributionsOf(moved)) {
    const input = inputs[column] as SqlValue
    if (input === null) continue
    if (sign > 0) candidates.push(input)
    else isOldTaken ||= old !== null && compare(input, old) === 0
  }
  const [first = null, ...others] = candidates
  const extreme = others.reduce<SqlValue>((best, other) => (compare(other, best) < 0 ? other : best), first)
  // Equal, they may be spelled otherwise, and which of them is shown is SQLite's choice.
  if (candidates.some((other) => other !== extreme && compare(other, extreme) === 0)) return UNKNOWN
  return isOldTaken && compare(extreme, old) === 0 ? UNKNOWN : extreme
}
