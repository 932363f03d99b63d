import {
  compareValues,
  type Expr,
  encodeKey,
  type GroupOutput,
  type GroupsPlan,
  identicalRows,
  type RowKey,
  readsOf,
  type SqlValue,
} from '@millrace/protocol'
import { type Image, UNKNOWN, type Value } from '../expression/cell.ts'
import { compileCondition, compileExpr, type Evaluate } from '../expression/compile.ts'
import type { Truth } from '../expression/convert.ts'
import { fold, type TableOverlay } from '../pending.ts'
import type { Base, Entry } from '../result.ts'
import type { FindImage, Predicted } from './rows.ts'

/** A group with what pending writes add to its aggregates. */
interface Moved {
  readonly key: readonly SqlValue[]
  /** One per wire column: what is added to counts and sums. */
  readonly added: number[]
  /** The rows do not all give the key in the same letters. */
  mixed: boolean
}

/** Predicts one live query of COUNT and SUM over one table: each changed row moves the groups it leaves and enters. */
export class GroupsPredictor {
  readonly #plan: GroupsPlan
  readonly #parameters: readonly SqlValue[]
  readonly #collations
  readonly #where: Evaluate<Truth> | null
  readonly #groupBy: readonly Evaluate<Value>[]
  readonly #outputs: readonly CompiledOutput[]
  readonly #reads: ReadonlySet<number>

  constructor(plan: GroupsPlan, parameters: readonly SqlValue[]) {
    this.#plan = plan
    this.#parameters = parameters
    this.#collations = plan.groupBy.map(({ collation }) => collation)
    this.#where = plan.where === null ? null : compileCondition(plan.where)
    this.#groupBy = plan.groupBy.map(({ expr }) => compileExpr(expr))
    this.#outputs = plan.outputs.map(compileOutput)
    const reads = new Set<number>()
    const exprs: (Expr | null)[] = [plan.where, ...plan.groupBy.map(({ expr }) => expr)]
    for (const output of plan.outputs) {
      if (output.type === 'count' || output.type === 'sum') exprs.push(output.arg, output.filter)
    }
    for (const expr of exprs) if (expr !== null) readsOf(expr, 0, reads)
    this.#reads = reads
  }

  get table(): string {
    return this.#plan.table
  }

  predict(
    base: Base,
    overlay: TableOverlay | undefined,
    find: FindImage,
    shown: (key: RowKey) => Entry | undefined,
  ): Predicted {
    if (overlay === undefined) return { entries: base.entries, made: [], settling: false }
    const moved = new Map<RowKey, Moved>()
    let settling = overlay.unpredicted.size > 0
    for (const [key, operations] of overlay.rows) {
      const before = find(this.#plan.table, key)
      const state = fold(before, operations)
      // A row that was not seen but only patched where nothing here looks moves no group.
      if (
        state.exists &&
        state.changed !== null &&
        ![...this.#reads].some((column) => state.changed?.has(column))
      )
        continue
      const inserted = operations[0]?.type === 'insert'
      const contributions: Contribution[] = []
      const told =
        (before === undefined ? inserted : this.#contribute(before, -1, contributions)) &&
        (!state.exists || this.#contribute(state.image, 1, contributions))
      if (!told) {
        settling = true
        continue
      }
      for (const contribution of contributions) this.#move(moved, contribution)
    }
    if (moved.size === 0) return { entries: base.entries, made: [], settling }
    return this.#apply(base, moved, settling, shown)
  }

  /** Adds what a row contributes; false when that cannot be told. */
  #contribute(image: Image, sign: 1 | -1, into: Contribution[]): boolean {
    const matches = this.#where === null ? true : this.#where(image, this.#parameters)
    if (matches === UNKNOWN) return false
    if (matches !== true) return true
    const key: SqlValue[] = []
    for (const evaluate of this.#groupBy) {
      const value = evaluate(image, this.#parameters)
      if (value === UNKNOWN) return false
      key.push(value)
    }
    const added: number[] = []
    for (const output of this.#outputs) {
      const value = this.#contribution(output, image)
      if (value === UNKNOWN) return false
      added.push(sign * value)
    }
    into.push({ key, added })
    return true
  }

  #contribution(output: CompiledOutput, image: Image): number | typeof UNKNOWN {
    if (output.type === 'key' || output.type === 'reals') return 0
    const passes = output.filter === null ? true : output.filter(image, this.#parameters)
    if (passes === UNKNOWN) return UNKNOWN
    if (passes !== true) return 0
    const value: Value = output.arg === null ? 1 : output.arg(image, this.#parameters)
    if (value === UNKNOWN) return UNKNOWN
    if (value === null) return 0
    if (output.type === 'count') return 1
    // SQLite's sum of REALs is compensated, of text converted: only integers are added here.
    return typeof value === 'number' && Number.isSafeInteger(value) ? value : UNKNOWN
  }

  #move(moved: Map<RowKey, Moved>, { key, added }: Contribution): void {
    const encoded = encodeKey(key, this.#collations)
    const group = moved.get(encoded)
    if (group === undefined) {
      moved.set(encoded, { key, added: added.slice(), mixed: false })
      return
    }
    group.mixed ||= !identicalRows(group.key, key)
    for (let i = 0; i < added.length; i++) group.added[i] = (group.added[i] as number) + (added[i] as number)
  }

  #apply(
    base: Base,
    moved: ReadonlyMap<RowKey, Moved>,
    settling: boolean,
    shown: (key: RowKey) => Entry | undefined,
  ): Predicted {
    const entries = new Map(base.entries.map((entry) => [entry.key, entry]))
    const made: Entry[] = []
    let reorder = false
    for (const [key, group] of moved) {
      const known = entries.get(key)
      const values = this.#mayShowAnother(known, group) ? undefined : this.#groupValues(known, group)
      if (values === undefined) {
        settling = true
        continue
      }
      const rows = values[this.#plan.rowCount] as number
      if (rows <= 0 && this.#plan.groupBy.length > 0) {
        entries.delete(key)
        continue
      }
      if (known === undefined || this.#moves(known.values, values)) {
        if (this.#plan.order === null) {
          settling = true
          continue
        }
        reorder = true
      }
      const entry = base.decoder.entry(values, shown(key) ?? known)
      entries.set(key, entry)
      made.push(entry)
    }
    const list = [...entries.values()]
    if (reorder) list.sort((a, b) => this.#compare(a.values, b.values))
    return { entries: list, made, settling }
  }

  /** Under NOCASE 'a' and 'A' are one group, and which of them it shows is SQLite's choice. */
  #mayShowAnother(known: Entry | undefined, { key, mixed }: Moved): boolean {
    if (this.#collations.every((collation) => collation === 'BINARY')) return false
    return mixed || (known !== undefined && key.some((value) => typeof value === 'string'))
  }

  /** The group's wire row after the change; undefined where a sum cannot be told. */
  #groupValues(known: Entry | undefined, { key, added }: Contribution): SqlValue[] | undefined {
    const old = known?.values
    const values: SqlValue[] = []
    for (let i = 0; i < this.#plan.outputs.length; i++) {
      const output = this.#plan.outputs[i] as GroupOutput
      const more = added[i] as number
      switch (output.type) {
        case 'key':
          values.push(old?.[i] ?? (old === undefined ? (key[output.index] as SqlValue) : null))
          break
        case 'count':
          values.push(((old?.[i] as number | undefined) ?? 0) + more)
          break
        case 'reals':
          values.push(old?.[i] ?? 0)
          break
        case 'sum': {
          const inputs =
            ((old?.[output.inputs] as number | undefined) ?? 0) + (added[output.inputs] as number)
          const before = old?.[i] ?? 0
          if (
            (old?.[output.reals] ?? 0) !== 0 ||
            typeof before !== 'number' ||
            !Number.isSafeInteger(before + more)
          ) {
            return undefined
          }
          values.push(inputs === 0 ? null : before + more)
          break
        }
      }
    }
    return values
  }

  #moves(before: readonly SqlValue[], after: readonly SqlValue[]): boolean {
    if (this.#plan.order === null) return this.#plan.groupBy.length > 0
    return this.#compare(before, after) !== 0
  }

  #compare(a: readonly SqlValue[], b: readonly SqlValue[]): number {
    for (const { column, descending, nullsFirst, collation } of this.#plan.order ?? []) {
      const x = a[column] as SqlValue
      const y = b[column] as SqlValue
      if (x === null || y === null) {
        if (x === y) continue
        return (x === null) === nullsFirst ? -1 : 1
      }
      const order = compareValues(x, y, collation)
      if (order !== 0) return descending ? -order : order
    }
    return 0
  }
}

interface CompiledOutput {
  readonly type: GroupOutput['type']
  readonly arg: Evaluate<Value> | null
  readonly filter: Evaluate<Truth> | null
}

function compileOutput(output: GroupOutput): CompiledOutput {
  const { type } = output
  if (type === 'key' || type === 'reals') return { type, arg: null, filter: null }
  return {
    type,
    arg: output.arg === null ? null : compileExpr(output.arg),
    filter: output.filter === null ? null : compileCondition(output.filter),
  }
}

interface Contribution {
  readonly key: readonly SqlValue[]
  readonly added: readonly number[]
}
