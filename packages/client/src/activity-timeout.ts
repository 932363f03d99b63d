/** Milliseconds in a turn. */
const TURN = 1000

/**
 * A time limit that is counted in turns of a second: it stands still while the page is frozen or its main thread is
 * blocked, for each of these is one turn.
 */
export class ActivityTimeout {
  readonly #timeout: number
  readonly #over: () => void
  #timer: ReturnType<typeof setInterval> | undefined

  /** Calls `over` when `timeout` milliseconds of turns have passed. */
  constructor(timeout: number, over: () => void) {
    this.#timeout = timeout
    this.#over = over
    this.renew()
  }

  /** It begins anew. */
  renew(): void {
    this.end()
    const turn = Math.min(this.#timeout, TURN)
    let left = this.#timeout
    this.#timer = setInterval(() => {
      left -= turn
      if (left > 0) return
      this.end()
      this.#over()
    }, turn)
  }

  end(): void {
    clearInterval(this.#timer)
  }
}
