import { type Collation, encodeKey, type RowKey } from '@millrace/protocol'
import { UNKNOWN } from './expression/cell.ts'
import type { Interest } from './predict/predictor.ts'
import type { RowImage } from './row-cache.ts'

/** Those who ask for one value of a column, by the value. */
interface ByColumn<S> {
  readonly column: number
  readonly collation: Collation
  readonly values: Map<RowKey, Set<S>>
}

interface Audience<S> {
  readonly any: Set<S>
  readonly byColumn: Map<string, ByColumn<S>>
}

/**
 * From a row that a pending write touches to the live queries it can concern: a write to one list does not look at the
 * queries of the others. It may say too much, never too little.
 */
export class Routing<S> {
  readonly #tables = new Map<string, Audience<S>>()

  /** Returns the undo. */
  add(subscriber: S, { table, condition }: Interest): () => void {
    let audience = this.#tables.get(table)
    if (audience === undefined) {
      audience = { any: new Set(), byColumn: new Map() }
      this.#tables.set(table, audience)
    }
    const { any, byColumn } = audience
    if (condition === null) {
      any.add(subscriber)
      return () => any.delete(subscriber)
    }
    const { column, collation, value } = condition
    const name = `${column} ${collation}`
    const of = byColumn.get(name) ?? { column, collation, values: new Map<RowKey, Set<S>>() }
    byColumn.set(name, of)
    const subscribers = of.values.get(value) ?? new Set()
    of.values.set(value, subscribers.add(subscriber))
    return () => {
      subscribers.delete(subscriber)
      if (subscribers.size === 0 && of.values.get(value) === subscribers) of.values.delete(value)
      if (of.values.size === 0 && byColumn.get(name) === of) byColumn.delete(name)
    }
  }

  /** Those whom a row can concern that was and is as these images say; undefined: it is not there. */
  find(table: string, before: RowImage | undefined, after: RowImage | undefined, into: Set<S>): void {
    const audience = this.#tables.get(table)
    if (audience === undefined) return
    for (const subscriber of audience.any) into.add(subscriber)
    if (audience.byColumn.size === 0) return
    for (const of of audience.byColumn.values()) {
      if (before !== undefined) addThoseOf(before, of, into)
      if (after !== undefined) addThoseOf(after, of, into)
    }
  }
}

function addThoseOf<S>(image: RowImage, { column, collation, values }: ByColumn<S>, into: Set<S>): void {
  const value = image(column)
  if (value === UNKNOWN) for (const each of values.values()) addAll(each, into)
  else addAll(values.get(encodeKey([value], [collation])), into)
}

function addAll<S>(subscribers: Iterable<S> | undefined, into: Set<S>): void {
  if (subscribers !== undefined) for (const subscriber of subscribers) into.add(subscriber)
}
