import { QUESTIONS, SILENCE } from '../time-limits.ts'

/**
 * Watches the calls to a worker, our own or the owner in another tab. After a second without an answer it asks for a sign
 * of life, and when none comes to a number of questions, the worker counts as lost. One that runs a long statement gives
 * signs unasked; one that is busy with other things is slow, hence the patience; one that died is known sooner, by its
 * lock. Turns are counted and not time: a page that was frozen, or whose main thread was blocked, has had one turn.
 */
export class Silence {
  readonly #ask: () => void
  readonly #giveUp: () => void
  readonly #patience: number

  #calls = 0
  #questions = 0
  /** Runs while calls are in flight. */
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(ask: () => void, giveUp: () => void, patience = QUESTIONS) {
    this.#patience = patience
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

  /** The other side gave a sign of life. */
  heard(): void {
    this.#questions = 0
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#questions = 0
  }

  #tick(): void {
    if (this.#questions === this.#patience) {
      this.#giveUp()
    } else {
      this.#questions++
      this.#ask()
    }
  }
}
