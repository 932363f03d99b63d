import type { MillraceError, Stored, Write } from '@millrace/client'
import { cell } from './cell.ts'
import { addToast, refusal } from './toasts.ts'

/** What the panel tells of the last write. */
export interface LastWrite {
  readonly state: 'storing' | 'stored' | 'refused'
  /** How long the call took that made it show, in ms; undefined where it shows only when it is stored. */
  readonly predicted: number | undefined
  /** How long until the database had it on disk, in ms. */
  readonly answered?: number
  /** Live queries, in all tabs, that ran again because of it. */
  readonly woken?: number
}

export const lastWrite = cell<LastWrite | undefined>(undefined)

/** What the user had typed, and how to give it back should the write be refused. */
export interface Typed {
  readonly text: string
  readonly again: () => void
}

/**
 * Makes a write, times it for the panel, and tells the user if the database refuses it: then it gives undefined, once
 * that is known.
 */
export async function record(
  make: () => Write | Promise<Stored>,
  typed?: Typed,
): Promise<Stored | undefined> {
  const begun = performance.now()
  const made = make()
  const predicted = 'stored' in made ? performance.now() - begun : undefined
  const storing: LastWrite = { state: 'storing', predicted }
  lastWrite.set(storing)

  function answer(answered: LastWrite): void {
    // Else a later write has the panel by now.
    if (lastWrite.get() === storing) lastWrite.set(answered)
  }
  try {
    const stored = await ('stored' in made ? made.stored : made)
    answer({ state: 'stored', predicted, answered: performance.now() - begun, woken: stored.woken })
    return stored
  } catch (error) {
    answer({ state: 'refused', predicted, answered: performance.now() - begun, woken: 0 })
    addToast(refusal(error as MillraceError, typed?.text), typed?.again)
    return undefined
  }
}

/** Times in the unit that suits them. Browsers round the clock, many to 100 µs. */
export function inMicroseconds(ms: number): string {
  return ms === 0 ? 'under 100 µs' : `${Math.round(ms * 1000).toLocaleString('en')} µs`
}

export function inMilliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms).toLocaleString('en')} ms`
}
