import { MillraceError, type Operation, type Settled } from '@millrace/protocol'
import type { Stored, Write } from './types.ts'

/** A write in the hands of a user. */
export class WriteHandle implements Write {
  readonly stored: Promise<Stored>
  readonly settle: (stored: Stored, undo: Settled['undo']) => void
  readonly reject: (error: MillraceError) => void
  readonly #write: (operations: readonly Operation[]) => Write

  /** What undoes it; undefined until it is stored. */
  #undo: Settled['undo'] | undefined

  /** `write` makes a write of its own. */
  constructor(write: (operations: readonly Operation[]) => Write) {
    this.#write = write
    const { promise, resolve, reject } = withResolvers<Stored>()
    this.stored = promise
    this.reject = reject
    this.settle = (stored, undo) => {
      this.#undo = undo
      resolve(stored)
    }
    // Refusals are told to onRejected; a `stored` that nobody awaits must not end a process.
    promise.catch(() => {})
  }

  undo(): Write {
    if (this.#undo !== undefined) {
      try {
        return this.#write(this.#operations())
      } catch (error) {
        return later(Promise.reject(error))
      }
    }
    const stored = this.stored.then(
      () => this.#write(this.#operations()),
      (error: MillraceError) => {
        throw new MillraceError(
          'WRITE_REJECTED',
          `There is nothing to undo, for the write was refused: ${error.message}`,
          { cause: error },
        )
      },
    )
    return later(stored)
  }

  #operations(): readonly Operation[] {
    if (this.#undo != null) return this.#undo
    throw new MillraceError(
      'WRITE_REJECTED',
      'This write cannot be undone, for what was there before is not known: it ran SQL text, changed a key, or was stored by a tab that has gone since. Write the old values yourself.',
    )
  }
}

/** A write that is made once another is stored. */
function later(made: Promise<Write>): Write {
  const stored = made.then((write) => write.stored)
  stored.catch(() => {})
  return {
    stored,
    undo: () => later(made.then((write) => write.undo())),
  }
}

function withResolvers<T>(): {
  promise: Promise<T>
  resolve: (value: T) => void
  reject: (error: MillraceError) => void
} {
  let resolve!: (value: T) => void
  let reject!: (error: MillraceError) => void
  const promise = new Promise<T>((settle, fail) => {
    resolve = settle
    reject = fail
  })
  return { promise, resolve, reject }
}
