/**
 * Reads one at a time: the first at once, and the next when what arrived while it ran was taken in. So writes go before
 * it, and one that nobody waits for any more is dropped before it runs.
 */
export class ReadQueue {
  readonly #waiting = new Set<() => void>()
  readonly #defer: (run: () => void) => void
  /** Whether something may have arrived that was not taken in yet. */
  #busy = false

  /** `defer` puts off a call until what has arrived was taken in. */
  constructor(defer: (run: () => void) => void) {
    this.#defer = defer
  }

  /** `run` must not throw. Returns what takes it out of the queue. */
  add(run: () => void): () => void {
    // A set of its own entries: the same function may wait twice.
    const entry = () => run()
    this.#waiting.add(entry)
    if (!this.#busy) this.#runNext()
    return () => void this.#waiting.delete(entry)
  }

  /** Runs all that wait, now. */
  runAll(): void {
    for (const next of this.#waiting) {
      this.#waiting.delete(next)
      next()
    }
  }

  clear(): void {
    this.#waiting.clear()
  }

  #runNext(): void {
    const [next] = this.#waiting
    if (next === undefined) return
    this.#waiting.delete(next)
    this.#busy = true
    this.#defer(() => {
      this.#busy = false
      this.#runNext()
    })
    next()
  }
}
