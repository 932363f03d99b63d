import type { Collation, RowKey, WriteId } from '@millrace/protocol'
import { UNKNOWN, type Unknown } from '../expression/cell.ts'
import type { Entry } from '../result.ts'
import type { RowImage } from '../row-cache.ts'
import type { Columns, RowState } from '../row-state.ts'

/*
 * The contract of the predictors. A predictor knows one live query's plan. It speaks of the result in units: what becomes
 * one row of the result, or none. A unit is known by a key: that of the row it comes from, or of its group.
 *
 *     a row is touched ──► touch(table, key)   the units that this may change
 *     each of them     ──► stateOf(unit)       what it is now: an entry, none, or that it cannot be told
 *
 * It never guesses: where a value, a row or SQLite's ways are not known, the answer is UNKNOWN, and the view waits. What
 * shows meanwhile is what can be told without the writes of which it cannot, so that nothing that shows goes back.
 */

/** What one live query needs to know of the rows of tables. */
export interface Rows {
  /**
   * With the pending writes applied, but for those in `without`. Undefined where neither a view has the row nor such a
   * write touches it.
   */
  state(table: string, key: RowKey, without?: Writes): RowState | undefined
  /** As the engine last said. */
  image(table: string, key: RowKey): RowImage | undefined
  /** Whether a pending write touches it. */
  isPending(table: string, key: RowKey): boolean
  /** Pending writes that touch it, in their order. */
  writes(table: string, key: RowKey): readonly WriteId[]
}

export type Writes = ReadonlySet<WriteId>

/** The rows of the result as a view has them. */
export interface Held {
  /** Those that come from a row of a source, in the base or predicted. */
  of(source: number, key: RowKey): Iterable<Entry>
  /** All of the base. */
  all(): Iterable<Entry>
}

/** Rows of a table that can matter: those that have this value in this column, before or after; null: any. */
export interface Interest {
  readonly table: string
  readonly condition: {
    readonly column: number
    readonly collation: Collation
    readonly value: RowKey
  } | null
}

/** One name for a row of a table. */
export const rowName = (table: string, key: RowKey): string => `${table}\0${key}`

export interface Touch {
  readonly units: Iterable<RowKey>
  /** It may also change what is not shown here, which cannot be told. */
  readonly untold: boolean
}

export interface Predictor {
  readonly interests: readonly Interest[]
  /** The unit that a row of the engine's is of. */
  unitOf(entry: Pick<Entry, 'key' | 'values'>): RowKey
  touch(table: string, key: RowKey, held: Held): Touch
  /**
   * `known`: what the engine last said of the unit; what it is now may be just that. `shown`: what is shown of it, which
   * lends its row object where it looks the same. Which rows it was looked up by is added to `through`.
   */
  stateOf(
    unit: RowKey,
    known: Entry | undefined,
    shown: Entry | null,
    through: Set<string>,
  ): Entry | null | Unknown
  /** A row of the base comes, and goes. */
  remember?(entry: Entry): void
  forget?(entry: Entry): void
  /** Where that is UNKNOWN: what can be told of it. */
  tellPart(unit: RowKey, known: Entry | undefined, shown: Entry | null): Entry | null
}

/**
 * Tells by as many of the causes as can be told by, in halves, older ones first: those after which nothing can be told
 * are left out. `without`: what is left out; UNKNOWN: nothing can be told by any.
 */
export function tellBySome<Cause, T>(
  causes: Iterable<Cause>,
  tell: (without: ReadonlySet<Cause>) => T | Unknown,
): T | Unknown {
  const without = new Set(causes)
  let some: T | Unknown = UNKNOWN
  const take = (part: readonly Cause[]) => {
    for (const cause of part) without.delete(cause)
    const told = tell(without)
    if (told !== UNKNOWN) some = told
    else {
      for (const cause of part) without.add(cause)
      const half = part.length >> 1
      if (half === 0) return
      take(part.slice(0, half))
      take(part.slice(half))
    }
  }
  take([...without])
  return some
}

export function intersects(changed: Columns, reads: ReadonlySet<number>): boolean {
  if (reads.size > 0) for (const column of changed) if (reads.has(column)) return true
  return false
}
