import { MillraceError } from '@millrace/protocol'
import { type Entry, editsBetween } from './result.ts'
import { Sequence } from './sequence.ts'
import type { Change, Destination, Edit, ListWindow } from './types.ts'

/** Tells a destination of a change. Where a row changes and moves, what is put at its new place is the new row. */
export function applyTo<R>(destination: Destination<R>, { edits, snapshot }: Change<R>): void {
  if (edits === null) destination.reset(snapshot.data)
  else applyEdits(destination, edits)
}

function applyEdits<R>(destination: Destination<R>, edits: readonly Edit<R>[]): void {
  const put = new Set<R>()
  for (const edit of edits) if (edit.type === 'insert') put.add(edit.row)
  for (const edit of edits) {
    switch (edit.type) {
      case 'insert':
        destination.insert(edit.index, edit.row)
        break
      case 'remove':
        destination.remove(edit.index)
        break
      case 'update':
        if (!put.has(edit.row)) destination.replace(edit.index, edit.row)
    }
  }
}

const EMPTY = Sequence.from([])

/** A part of the rows, told to a destination. What it costs is by the rows in the part, whatever there is besides. */
export class Window<R> implements ListWindow {
  readonly #destination: Destination<R>
  #all = EMPTY
  #start = 0
  #end = 0
  #held: readonly Entry[] = []
  /** Unsubscribes. */
  readonly end: () => void

  /** `follow` subscribes, and calls back with all rows. */
  constructor(
    destination: Destination<R>,
    start: number,
    end: number,
    follow: (show: (all: Sequence) => void) => () => void,
  ) {
    this.#destination = destination
    this.#place(start, end)
    this.end = follow((all) => this.#show(all))
  }

  get length(): number {
    return this.#all.length
  }

  move(start: number, end: number): void {
    this.#place(start, end)
    this.#show(this.#all)
  }

  #place(start: number, end: number): void {
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start) {
      throw new MillraceError(
        'INVALID_VALUE',
        `A window from row ${start} to ${end} was asked for: give whole numbers, 0 or more, the end not before the start.`,
      )
    }
    this.#start = start
    this.#end = end
  }

  #show(all: Sequence): void {
    const held = all.slice(this.#start, this.#end)
    const edits = editsBetween(this.#held, held)
    this.#all = all
    this.#held = held
    if (edits === null) this.#destination.reset(held.map(({ row }) => row as R))
    else applyEdits(this.#destination, edits as readonly Edit<R>[])
  }
}
