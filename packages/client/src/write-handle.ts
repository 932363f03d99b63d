import { MillraceError, type Operation, type Settled } from '@millrace/protocol'
import type { Stored, Write } from './types.ts'

/** How a write ended. */
type End = { readonly stored: Stored; readonly undo: Settled['undo'] } | { readonly error: MillraceError }

/** A write in the hands of a user. Its promise is made when it is first asked for: most are not. */
export class WriteHandle implements Write {
  readonly #write: (operations: readonly Operation[]) => Write
  /** Asks the engine for what undoes a long write. */
  readonly #take: () => Promise<readonly Operation[] | null>

  #end: End | undefined
  #stored: { readonly promise: Promise<Stored>; readonly settle: (end: End) => void } | undefined

  /** `write` makes a write of its own; `take` asks for what undoes this one. */
  constructor(
    write: (operations: readonly Operation[]) => Write,
    take: () => Promise<readonly Operation[] | null>,
  ) {
    this.#write = write
    this.#take = take
  }

  get stored(): Promise<Stored> {
    this.#stored ??= promiseOf(this.#end)
    return this.#stored.promise
  }

  /** @internal */
  end(end: End): void {
    this.#end = end
    this.#stored?.settle(end)
  }

  undo(): Write {
    const undo = this.#end !== undefined && 'undo' in this.#end ? this.#end.undo : null
    // In the same tick, where what undoes it is here.
    if (Array.isArray(undo)) return this.#write(undo)
    const made = this.stored.then(async () => this.#write(await this.#operations()), nothingToUndo)
    return later(made)
  }

  async #operations(): Promise<readonly Operation[]> {
    const undo = this.#end !== undefined && 'undo' in this.#end ? this.#end.undo : null
    const operations = undo === 'kept' ? await this.#take() : undo
    if (operations !== null) return operations
    throw new MillraceError(
      'WRITE_REJECTED',
      'This write cannot be undone, for what was there before is not known: it ran SQL text, changed a key, or was stored by a tab that has gone since. Write the old values yourself.',
    )
  }
}

function nothingToUndo(error: MillraceError): never {
  throw new MillraceError(
    'WRITE_REJECTED',
    `There is nothing to undo, for the write was refused: ${error.message}`,
    { cause: error },
  )
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

function promiseOf(ended: End | undefined) {
  let settle!: (end: End) => void
  const promise = new Promise<Stored>((resolve, reject) => {
    settle = (end) => ('error' in end ? reject(end.error) : resolve(end.stored))
  })
  // Refusals are told to onRejected; a `stored` that nobody awaits must not end a process.
  promise.catch(() => {})
  if (ended !== undefined) settle(ended)
  return { promise, settle }
}
