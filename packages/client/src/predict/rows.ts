import {
  type Collation,
  type Expr,
  encodeKey,
  type PlanSource,
  type RowKey,
  type RowsPlan,
  readsOf,
  type SqlValue,
  SUBQUERY,
  type WireRow,
} from '@millrace/protocol'
import { type Evaluate, type Image, UNKNOWN, type Unknown, type Value } from '../expression/cell.ts'
import { compileCondition, compileExpr } from '../expression/compile.ts'
import type { Truth } from '../expression/convert.ts'
import type { Decoder, Entry } from '../result.ts'
import type { RowImage } from '../row-cache.ts'
import { type Columns, UNSEEN } from '../row-state.ts'
import { conditionOf } from './condition.ts'
import {
  type Held,
  type Interest,
  intersects,
  type Predictor,
  type Rows,
  rowName,
  type Touch,
  tellBySome,
  type Writes,
} from './predictor.ts'
import { Subqueries } from './subqueries.ts'

/** Per source, the columns that something reads; behind them, the subqueries. */
type Reads = readonly ReadonlySet<number>[]

interface Output {
  readonly evaluate: Evaluate<Value>
  readonly reads: Reads
}

/** The outputs that read a source, by their positions. */
interface Readers {
  readonly all: readonly number[]
  readonly byColumn: ReadonlyMap<number, readonly number[]>
}

interface Source {
  readonly plan: PlanSource
  readonly collations: readonly Collation[]
  /** By column of its table, the wire column that carries it. */
  readonly wire: ReadonlyMap<number, number>
  readonly lookup: readonly Output[] | null
  readonly on: Reads
}

/** What pending writes did to the row of one source; or to what subqueries make. */
interface Part {
  readonly image: RowImage
  /** Columns that differ from what the engine said of this result row; null: any may. */
  readonly changed: Columns | null
}

const NONE: ReadonlySet<number> = new Set()
const UNCHANGED: Columns = []
const MISSING: RowImage = () => null

/**
 * Predicts the rows of one query: each comes from one row of the first source, and what the others have for it. Where each
 * other source is looked up by its key, a unit is a row of the first; else units are the rows that are known, and what
 * may come besides is not told.
 */
export class RowsPredictor implements Predictor {
  readonly interests: readonly Interest[]
  readonly #sources: readonly Source[]
  readonly #parameters: readonly SqlValue[]
  readonly #decoder: Decoder
  readonly #rows: Rows
  readonly #outputs: readonly Output[]
  /** By source; behind them, those of what subqueries make. */
  readonly #readers: readonly Readers[]
  readonly #where: Evaluate<Truth> | null
  readonly #whereReads: Reads
  readonly #orderReads: Reads
  /** By which rows join, and are in the result. */
  readonly #enters: Reads
  /** All sources but the first are looked up. */
  readonly #isTree: boolean
  readonly #isSingle: boolean
  readonly #startsLater: boolean
  /** Of a query of one table. */
  readonly #subqueries: Subqueries | null

  constructor(plan: RowsPlan, parameters: readonly SqlValue[], decoder: Decoder, rows: Rows) {
    this.#parameters = parameters
    this.#decoder = decoder
    this.#rows = rows
    const count = plan.sources.length
    const from = [...plan.sources.keys(), SUBQUERY]
    const reads = (expr: Expr | null): Reads =>
      from.map((source) => (expr === null ? NONE : readsOf(expr, source)))
    const readsOfAny = (of: readonly Reads[]): Reads =>
      from.map((_, i) => new Set(of.flatMap((read) => [...(read[i] ?? [])])))
    const compile = (expr: Expr): Output => ({ evaluate: compileExpr(expr), reads: reads(expr) })
    const collations = new Map(decoder.shape.key.map(({ column, collation }) => [column, collation]))
    this.#sources = plan.sources.map((source, i) => ({
      plan: source,
      collations: source.key.map((column) => collations.get(column) ?? 'BINARY'),
      wire: wireOf(plan, i),
      lookup: source.lookup?.map(compile) ?? null,
      on: reads(source.on),
    }))
    this.#outputs = plan.outputs.map(compile)
    this.#readers = from.map((_, i) => readersOf(this.#outputs.map(({ reads }) => reads[i] ?? NONE)))
    this.#where = plan.where === null ? null : compileCondition(plan.where)
    this.#whereReads = reads(plan.where)
    const sorted = (decoder.shape.order ?? []).flatMap(({ column }) => plan.outputs[column] ?? [])
    this.#orderReads = readsOfAny(sorted.map(reads))
    const joining = this.#sources.flatMap(({ lookup, on }) => [
      on,
      ...(lookup ?? []).map(({ reads }) => reads),
    ])
    // Into a window rows come by their order too.
    const entering = [this.#whereReads, ...(plan.window === null ? [] : [this.#orderReads]), ...joining]
    this.#enters = readsOfAny(entering)
    this.#isTree = plan.sources.every(({ lookup }, i) => i === 0 || lookup !== null)
    this.#isSingle = count === 1
    this.#startsLater = (plan.window?.offset ?? 0) > 0
    this.#subqueries = plan.subqueries.length === 0 ? null : new Subqueries(plan, parameters, rows)
    const own = plan.sources.map(({ table }, i) => ({
      table,
      // A row of another source may matter whatever WHERE says of it: it may be what a row lacks.
      condition: i === 0 || !plan.sources[i]?.optional ? conditionOf(plan.where, i, parameters) : null,
    }))
    this.interests = [...own, ...(this.#subqueries?.interests ?? [])]
  }

  /** What an entry says of a column of one of its sources. */
  known(source: number, values: WireRow, column: number): Value {
    const wire = this.#sources[source]?.wire.get(column)
    return wire === undefined ? UNKNOWN : (values[wire] as SqlValue)
  }

  get tables(): readonly string[] {
    return this.#sources.map(({ plan }) => plan.table)
  }

  /** The key of the row that an entry has from a source; null where it has none. */
  keyOf(source: number, entry: Pick<Entry, 'key' | 'values'>): RowKey | null {
    if (this.#isSingle) return entry.key
    const { plan, collations } = this.#sources[source] as Source
    const values = plan.key.map((column) => entry.values[column] as SqlValue)
    return values.includes(null) ? null : encodeKey(values, collations)
  }

  unitOf(entry: Pick<Entry, 'key' | 'values'>): RowKey {
    return this.#isTree && !this.#isSingle ? (this.keyOf(0, entry) as RowKey) : entry.key
  }

  touch(table: string, key: RowKey, held: Held): Touch {
    if (this.#isSingle) {
      const isOwn = this.#sources[0]?.plan.table === table
      return isOwn || this.#subqueries === null
        ? { units: [key], untold: false }
        : this.#subqueries.touch(table, key, () => held.all())
    }
    const units = new Set<RowKey>()
    let untold = false
    for (const [source, { plan }] of this.#sources.entries()) {
      if (plan.table !== table) continue
      if (source === 0 && this.#isTree) {
        units.add(key)
        continue
      }
      for (const entry of held.of(source, key)) units.add(this.unitOf(entry))
      // What goes in front of a window moves it.
      untold ||= this.#rows.isPending(table, key) && (this.#startsLater || this.#mayEnter(source, key))
    }
    return { units, untold }
  }

  #mayComeBySubquery(unit: RowKey): boolean {
    const first = this.#rows.state((this.#sources[0] as Source).plan.table, unit)
    const moved = this.#subqueries?.movedAt(unit) ?? UNCHANGED
    return first === undefined && intersects(moved, this.#whereReads.at(-1) ?? NONE)
  }

  remember(entry: Entry): void {
    this.#subqueries?.remember(entry)
  }

  forget(entry: Entry): void {
    this.#subqueries?.forget(entry)
  }

  /** Whether the row may now join with rows that are not known to be joined with it. */
  #mayEnter(source: number, key: RowKey): boolean {
    const { plan } = this.#sources[source] as Source
    const state = this.#rows.state(plan.table, key)
    if (state === undefined || !state.exists) return false
    const { changed, image } = state
    if (changed !== null && !intersects(changed, this.#enters[source] ?? NONE)) return false
    // Where WHERE is false whatever the others are, it joins with none.
    const alone = (of: number, column: number) => (of === source ? image(column) : UNKNOWN)
    const holds = plan.optional || this.#where === null ? true : this.#where(alone, this.#parameters)
    return holds === true || holds === UNKNOWN
  }

  stateOf(
    unit: RowKey,
    known: Entry | undefined,
    shown: Entry | null,
    through: Set<string>,
    without?: Writes,
    /** Outputs and a WHERE that cannot be predicted keep the row as it is. */
    partially = false,
  ): Entry | null | Unknown {
    const parts = this.#isTree
      ? this.#lookUp(unit, known, through, without)
      : this.#partsOf(known, through, without)
    if (parts === UNKNOWN) return UNKNOWN
    // A row that is not known here may come by what a subquery makes for it.
    if (parts === null && this.#mayComeBySubquery(unit)) return UNKNOWN
    // Of a window that starts later, a row that goes may have stood in front of it: the others would move up.
    if (parts === null)
      return this.#startsLater && known === undefined && this.#isPending(unit) ? UNKNOWN : null
    if (!isAnyChanged(parts)) return known ?? null
    const image = (source: number, column: number) =>
      (parts[source === SUBQUERY ? this.#sources.length : source] as Part).image(column)
    const decides = touches(parts, this.#whereReads)
    const places = touches(parts, this.#orderReads)
    // What moves over the edge in front of the window is not known here.
    if (this.#startsLater && (decides || places || this.#isNew(parts))) return UNKNOWN
    if (known !== undefined && !decides) return this.#changed(parts, image, known, shown, partially)

    const holds = this.#where === null ? true : this.#where(image, this.#parameters)
    const stays = known !== undefined && (holds === true || (partially && holds === UNKNOWN))
    if (stays) return this.#changed(parts, image, known, shown, partially)
    if (holds === UNKNOWN) return decides || this.#isNew(parts) ? UNKNOWN : null
    if (holds !== true) return null
    // Not in the result, and nothing that decides was changed: it lies beyond the window, or is not there at all.
    if (!decides && !places && !this.#isNew(parts)) return null
    const values = this.#outputs.map(({ evaluate }) => evaluate(image, this.#parameters))
    return values.includes(UNKNOWN) ? UNKNOWN : this.#decoder.entry(values as SqlValue[], [shown])
  }

  tellPart(unit: RowKey, known: Entry | undefined, shown: Entry | null): Entry | null {
    const writes = this.#sources.flatMap(({ plan: { table } }, source) => {
      const key = this.#isTree && source === 0 ? unit : known === undefined ? null : this.keyOf(source, known)
      return key === null ? [] : this.#rows.writes(table, key)
    })
    const through = new Set<string>()
    const told = tellBySome(
      [...writes, ...(this.#subqueries?.writesAt(unit) ?? [])].sort((a, b) => a - b),
      (without) => this.stateOf(unit, known, shown, through, without, true),
    )
    return told === UNKNOWN ? (known ?? null) : told
  }

  /** A row that stays: of its columns, those are worked out that read something changed. */
  #changed(
    parts: readonly Part[],
    image: Image,
    known: Entry,
    shown: Entry | null,
    partially: boolean,
  ): Entry | Unknown {
    const values = known.values.slice()
    for (let source = 0; source < parts.length; source++) {
      const { changed } = parts[source] as Part
      const { all, byColumn } = this.#readers[source] as Readers
      if (changed === null) {
        if (!this.#evaluate(all, image, values) && !partially) return UNKNOWN
        continue
      }
      for (const column of changed) {
        const readers = byColumn.get(column)
        if (readers !== undefined && !this.#evaluate(readers, image, values) && !partially) return UNKNOWN
      }
    }
    // Looked up anew, a source gives the row another key.
    return this.#decoder.entry(values, [shown, known], this.#isSingle ? known.key : undefined)
  }

  /** Evaluates some outputs. False where one is UNKNOWN: it keeps its value in `into`. */
  #evaluate(outputs: readonly number[], image: Image, into: SqlValue[]): boolean {
    let isComplete = true
    for (const i of outputs) {
      const value = (this.#outputs[i] as Output).evaluate(image, this.#parameters)
      if (value === UNKNOWN) isComplete = false
      else into[i] = value
    }
    return isComplete
  }

  #isPending(unit: RowKey): boolean {
    return this.#isTree && this.#rows.isPending((this.#sources[0] as Source).plan.table, unit)
  }

  /** A row of the first source that is inserted, or is looked up anew. */
  #isNew(parts: readonly Part[]): boolean {
    return parts.some(({ changed }) => changed === null)
  }

  /** The rows that make up a unit, looked up from the first; null where one that must be there is not. */
  #lookUp(
    unit: RowKey,
    known: Entry | undefined,
    through: Set<string>,
    without?: Writes,
  ): readonly Part[] | null | Unknown {
    const first = this.#rows.state((this.#sources[0] as Source).plan.table, unit, without)
    if (first === undefined || !first.exists) return null
    const parts: Part[] = [first]
    if (this.#subqueries !== null)
      parts.push(
        this.#subqueries.partOf({ unit, known, image: first.image, changed: first.changed }, without),
      )
    for (let i = 1; i < this.#sources.length; i++) {
      const part = this.#lookUpOne(i, parts, known, through, without)
      if (part === null || part === UNKNOWN) return part
      parts.push(part)
    }
    return parts
  }

  #lookUpOne(
    source: number,
    parts: readonly Part[],
    known: Entry | undefined,
    through: Set<string>,
    without?: Writes,
  ): Part | null | Unknown {
    const { plan, lookup, collations } = this.#sources[source] as Source
    const knownKey = known === undefined ? undefined : this.keyOf(source, known)
    const moved = (lookup ?? []).some(({ reads }) => touches(parts, reads))
    // Nothing was done to it: it is whatever it is.
    const unseen: Part = { image: UNSEEN, changed: UNCHANGED }
    let key: RowKey | null | undefined = moved ? undefined : (knownKey ?? undefined)
    if (key === undefined) {
      const image = (of: number, column: number) => (parts[of] as Part).image(column)
      const values = (lookup ?? []).map(({ evaluate }) => evaluate(image, this.#parameters))
      if (values.includes(UNKNOWN)) return moved ? UNKNOWN : unseen
      key = values.includes(null) ? null : encodeKey(values as SqlValue[], collations)
    }
    const absent: Part | null = plan.optional
      ? { image: MISSING, changed: knownKey === null ? UNCHANGED : null }
      : null
    if (key === null) return absent
    through.add(rowName(plan.table, key))
    const state = this.#rows.state(plan.table, key, without)
    if (state === undefined) {
      if (moved) return UNKNOWN
      return knownKey === null ? { image: MISSING, changed: UNCHANGED } : unseen
    }
    if (!state.exists) return absent
    const isSame = key === knownKey || (known === undefined && !moved)
    return isSame ? state : { image: state.image, changed: null }
  }

  /** The rows that a known row of the result comes from. */
  #partsOf(
    known: Entry | undefined,
    through: Set<string>,
    without?: Writes,
  ): readonly Part[] | null | Unknown {
    if (known === undefined) return null
    const parts: Part[] = []
    for (const [source, { plan, on }] of this.#sources.entries()) {
      const key = this.keyOf(source, known)
      if (key === null) {
        parts.push({ image: MISSING, changed: UNCHANGED })
        continue
      }
      through.add(rowName(plan.table, key))
      const state = this.#rows.state(plan.table, key, without)
      if (state === undefined) return UNKNOWN
      // What an optional source has instead is not known.
      if (!state.exists) return plan.optional ? UNKNOWN : null
      parts.push(state)
      if (touches(parts, on)) return UNKNOWN
    }
    for (const { on } of this.#sources) if (touches(parts, on)) return UNKNOWN
    return parts
  }
}

function isAnyChanged(parts: readonly Part[]): boolean {
  for (const { changed } of parts) if (changed === null || changed.length > 0) return true
  return false
}

function readersOf(reads: readonly ReadonlySet<number>[]): Readers {
  const byColumn = new Map<number, number[]>()
  reads.forEach((columns, i) => {
    for (const column of columns) {
      const of = byColumn.get(column)
      if (of === undefined) byColumn.set(column, [i])
      else of.push(i)
    }
  })
  return { all: reads.flatMap(({ size }, i) => (size > 0 ? [i] : [])), byColumn }
}

function touches(parts: readonly Part[], reads: Reads): boolean {
  for (let source = 0; source < parts.length; source++) {
    const read = reads[source] as ReadonlySet<number>
    if (read.size === 0) continue
    const { changed } = parts[source] as Part
    if (changed === null || intersects(changed, read)) return true
  }
  return false
}

function wireOf({ outputs }: RowsPlan, source: number): ReadonlyMap<number, number> {
  const wire = new Map<number, number>()
  outputs.forEach((expr, i) => {
    if (expr.type === 'column' && expr.source === source && !wire.has(expr.column)) wire.set(expr.column, i)
  })
  return wire
}
