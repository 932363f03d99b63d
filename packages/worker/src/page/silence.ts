import { QUESTIONS, SILENCE } from '../time-limits.ts'

/**
 * Watches the calls to an owner in another tab. After a second without an answer it asks for a sign of life, and when
 * none comes to a number of questions, the owner counts as lost. An owner that is busy is slow in both, hence the
 * patience; one that died is known sooner, by its lock.
 */
export class Silence {
  readonly #ask: () => void
  readonly #giveUp: () => void

  #calls = 0
  #questions = 0
  /** Runs while calls are in flight. */
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(ask: () => void, giveUp: () => void) {
    this.#ask = ask
    this.#giveUp = giveUp
  }

  async during<T>(call: Promise<T>): Promise<T> {
    this.#calls++
    this.#timer ??= setInterval(() => this.#tick(), SILENCE)
    try {
      return await call
    } finally {
      this.#calls--
      if (this.#calls === 0) this.stop()
    }
  }

  /** The owner gave a sign of life. */
  heard(): void {
    this.#questions = 0
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#questions = 0
  }

  #tick(): void {
    if (this.#questions === QUESTIONS) {
      this.#giveUp()
    } else {
      this.#questions++
      this.#ask()
    }
  }
}
