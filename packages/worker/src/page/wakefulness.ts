import { type Deferred, deferred } from '../deferred.ts'

const page = globalThis.document as Document | undefined

/**
 * Whether this page may hold on to a worker. Frozen, or in the back/forward cache, it must not: Chromium would leave
 * lock and file handles with it for ever, and no message reaches a worker there.
 */
export class Wakefulness {
  readonly #fallAsleep: () => void

  #frozen = false
  /** Left for another page; we may be in the back/forward cache, or about to end. */
  #left = false
  /** There while asleep. */
  #awake: Deferred<void> | undefined

  /** `fallAsleep` is called in the event itself: nothing that comes later would run. */
  constructor(fallAsleep: () => void) {
    this.#fallAsleep = fallAsleep
    // There is no document in a worker of the app, which is told of none of this.
    page?.addEventListener('freeze', this.#changed)
    page?.addEventListener('resume', this.#changed)
    globalThis.addEventListener('pagehide', this.#changed)
    globalThis.addEventListener('pageshow', this.#changed)
  }

  /** Resolves at once, or when the page runs again. */
  awake(): Promise<void> {
    return this.#awake?.promise ?? Promise.resolve()
  }

  dispose(): void {
    page?.removeEventListener('freeze', this.#changed)
    page?.removeEventListener('resume', this.#changed)
    globalThis.removeEventListener('pagehide', this.#changed)
    globalThis.removeEventListener('pageshow', this.#changed)
    this.#awake?.resolve()
  }

  readonly #changed = (event: Event): void => {
    switch (event.type) {
      case 'freeze':
        this.#frozen = true
        break
      case 'resume':
        this.#frozen = false
        break
      case 'pagehide':
        this.#left = true
        break
      default:
        // Shown means running, also in a browser that tells no resume.
        this.#left = false
        this.#frozen = false
    }
    const asleep = this.#frozen || this.#left
    if (asleep && this.#awake === undefined) {
      this.#awake = deferred()
      this.#fallAsleep()
    } else if (!asleep) {
      this.#awake?.resolve()
      this.#awake = undefined
    }
  }
}
