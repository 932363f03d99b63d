import {
  type Expr,
  encodeKey,
  type GroupOutput,
  type GroupsPlan,
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
import { type Contribution, MovedGroup } from './moved-group.ts'
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
  readonly #moved = new Map<RowKey, MovedGroup>()

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
    const moved = this.#moved.get(unit) ?? new MovedGroup(this.#plan.outputs)
    moved.set(row, here)
    if (moved.isEmpty) this.#moved.delete(unit)
    else this.#moved.set(unit, moved)
  }

  stateOf(unit: RowKey, known: Entry | undefined, shown: Entry | null): Entry | null | Unknown {
    const moved = this.#moved.get(unit)
    return moved === undefined ? (known ?? null) : this.#stateBy(moved, unit, known, shown)
  }

  tellPart(unit: RowKey, known: Entry | undefined, shown: Entry | null): Entry | null {
    const moved = this.#moved.get(unit) ?? new MovedGroup(this.#plan.outputs)
    const told = tellBySome(moved.rows, (without) =>
      this.#stateBy(moved.without(without), unit, known, shown),
    )
    return told === UNKNOWN ? (known ?? null) : told
  }

  #stateBy(
    moved: MovedGroup,
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
  #mayShowAnother(known: Entry | undefined, moved: MovedGroup): boolean {
    if (this.#collations.every((collation) => collation === 'BINARY')) return false
    if (known !== undefined && moved.key.some((value) => typeof value === 'string')) return true
    return moved.isKeyMixed
  }

  /** The group's wire row as the pending writes make it. */
  #valuesOf(old: WireRow | undefined, moved: MovedGroup): WireRow | Unknown {
    const { outputs } = this.#plan
    const values: Value[] = outputs.map((output, i) => {
      const before = old?.[i]
      switch (output.type) {
        case 'key':
          return before ?? (old === undefined ? (moved.key[output.index] as SqlValue) : null)
        case 'count':
          return ((before as number | undefined) ?? 0) + moved.added(i)
        case 'reals':
          return before ?? 0
        case 'sum':
          return moved.sum(i, output, old)
        case 'min':
        case 'max':
          return moved.extreme(i, output, before ?? null)
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
      else values[i] = sum === null ? null : sum / moved.inputsOf(output, old)
    })
    return values as SqlValue[]
  }
}

function inputOf(output: GroupOutput): Input | null {
  if (!('arg' in output)) return null
  return {
    arg: output.arg === null ? null : compileExpr(output.arg),
    filter: output.filter === null ? null : compileCondition(output.filter),
  }
}
