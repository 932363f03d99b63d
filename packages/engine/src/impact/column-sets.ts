/**
 * The columns that some listeners read; one object for all who read the same ones. What differs by listener is
 * grouped by these, so that one look tells for a whole group that an update is of columns nobody in it reads. There
 * are as many as there are shapes of queries, not as there are live queries.
 */
export interface ColumnSet {
  readonly name: string
  readonly columns: ReadonlySet<number> | 'all'

  /** How many listeners have it; without any it is forgotten. */
  users: number
}

/** The column sets in use, and which of them an update of given columns concerns. */
export class ColumnSets {
  /** Every set in use, by name. */
  readonly #byName = new Map<string, ColumnSet>()
  /** The same sets under each of their columns; 'all' and the empty set are under none. */
  readonly #byColumn = new Map<number, Set<ColumnSet>>()

  /** How many entries the maps hold: 0 when no set is in use. */
  get held(): number {
    return this.#byName.size + this.#byColumn.size
  }

  /** The one object for these columns; {@link release} it when it is no longer needed. */
  acquire(columns: ReadonlySet<number> | 'all'): ColumnSet {
    const name = columns === 'all' ? ALL : [...columns].sort((a, b) => a - b).join()
    let set = this.#byName.get(name)
    if (set === undefined) {
      // A copy: the caller's set may change.
      set = { name, columns: columns === 'all' ? columns : new Set(columns), users: 0 }
      this.#byName.set(name, set)
      for (const column of columnsIn(set)) entry(this.#byColumn, column, () => new Set()).add(set)
    }
    set.users++
    return set
  }

  release(set: ColumnSet): void {
    set.users--
    if (set.users > 0) return
    this.#byName.delete(set.name)
    for (const column of columnsIn(set)) {
      const sets = this.#byColumn.get(column)
      sets?.delete(set)
      if (sets?.size === 0) this.#byColumn.delete(column)
    }
  }

  /** The sets that have one of the changed columns. Nothing changed: none, not even 'all'. */
  reading(changed: ReadonlySet<number>): Set<ColumnSet> {
    const reading = new Set<ColumnSet>()
    if (changed.size === 0) return reading
    const all = this.#byName.get(ALL)
    if (all !== undefined) reading.add(all)
    for (const column of changed) {
      for (const set of this.#byColumn.get(column) ?? []) reading.add(set)
    }
    return reading
  }
}

/** No list of numbers reads so. */
const ALL = 'all'

function columnsIn({ columns }: ColumnSet): Iterable<number> {
  return columns === 'all' ? [] : columns
}

/** The value at the key, made when there is none. */
export function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}

/** Visits what `parts` has for the concerned sets, or all of it for 'all'. Walks the shorter of the two. */
export function eachConcerned<T>(
  parts: ReadonlyMap<ColumnSet, T>,
  concerned: ReadonlySet<ColumnSet> | 'all',
  visit: (part: T) => void,
): void {
  if (concerned === 'all') {
    for (const part of parts.values()) visit(part)
  } else if (concerned.size < parts.size) {
    for (const set of concerned) {
      const part = parts.get(set)
      if (part !== undefined) visit(part)
    }
  } else {
    for (const [set, part] of parts) if (concerned.has(set)) visit(part)
  }
}
