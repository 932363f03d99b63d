import type { ClientId, Journal, WriteRequest } from '@millrace/protocol'
import { type Deferred, deferred } from '../deferred.ts'
import { journalClient, journalKey } from '../names.ts'
import { UNANSWERED } from '../time-limits.ts'
import { decodeWrites, encodeWrites } from './journal-text.ts'

/** Characters of one page's journal. Browsers give an origin some five million for all that it has. */
const LIMIT = 1_000_000

/** The journal of another client, from when we ask for its lock until it is replayed. */
interface Claim {
  readonly key: string
  readonly client: ClientId
  /** Ends the waiting for the lock. */
  readonly waiting: AbortController
  /** Lets go of the lock. */
  readonly held: Deferred<void>
  /** What the journal was when we had its lock; undefined before. */
  text: string | undefined
}

/**
 * The journal of one client in localStorage, which is synchronous: what is written while the page goes away is there
 * afterwards. In the ordinary case, where writes are answered before the page is hidden, it is never written to.
 *
 * Its lock tells other pages whether it was left behind: the page holds it while it runs. A page in the back/forward cache
 * does not, and may yet come back: its writes are sent under the same ids then, and are applied once.
 */
export class PageJournal implements Journal {
  readonly #database: string
  readonly #key: string
  readonly #storage: Storage
  readonly #unanswered: () => Iterable<WriteRequest>
  readonly #claims = new Map<string, Claim>()

  #replay: ((client: ClientId, writes: readonly WriteRequest[]) => Promise<void>) | undefined
  /** localStorage has something of us. */
  #isKept = false
  /** There are writes without an answer. */
  #waiting = false
  /** Runs while there are. */
  #timer: ReturnType<typeof setTimeout> | undefined
  /** The oldest of them when the timer was started. */
  #oldest: number | undefined
  /** Lets go of our own lock; undefined while the page is asleep. */
  #awake: Deferred<void> | undefined
  #listening = false
  #closed = false

  constructor(
    database: string,
    client: ClientId,
    storage: Storage,
    unanswered: () => Iterable<WriteRequest>,
  ) {
    this.#database = database
    this.#key = journalKey(database, client)
    this.#storage = storage
    this.#unanswered = unanswered
  }

  get hasLeft(): boolean {
    return this.#claims.size > 0
  }

  changed(): void {
    const waiting = this.#first() !== undefined
    if (waiting === this.#waiting) return
    this.#waiting = waiting
    if (waiting) {
      // Here only as long as it may be needed: some browsers keep no page with such a listener in their cache.
      window.addEventListener('beforeunload', this.#askToStay)
      this.#watch()
    } else {
      window.removeEventListener('beforeunload', this.#askToStay)
      this.#remove()
    }
  }

  /** Keeps the oldest writes, as many as there is room for. False: not all of them. */
  save(): boolean {
    const writes = [...this.#unanswered()]
    for (let most = writes.length; most > 0; most >>= 1) {
      const { text, count } = encodeWrites(writes.slice(0, most), LIMIT)
      if (count === 0) break
      try {
        if (text !== this.#storage.getItem(this.#key)) this.#storage.setItem(this.#key, text)
        this.#isKept = true
        return count === writes.length
      } catch {
        // No room, with what else this origin has there: half as many.
      }
    }
    this.#remove()
    return writes.length === 0
  }

  replayTo(replay: (client: ClientId, writes: readonly WriteRequest[]) => Promise<void>): void {
    this.#replay = replay
    for (const claim of this.#claims.values()) void this.#giveOn(claim)
  }

  close(): void {
    this.#closed = true
    this.#remove()
    this.#letGo()
    clearTimeout(this.#timer)
    window.removeEventListener('beforeunload', this.#askToStay)
    window.removeEventListener('storage', this.#hear)
    document.removeEventListener('visibilitychange', this.#hidden)
  }

  /** The page runs, and looks for a port. Resolves when it is known which journals were left behind before. */
  async wake(): Promise<void> {
    if (this.#closed) return
    if (!this.#listening) {
      this.#listening = true
      window.addEventListener('storage', this.#hear)
      document.addEventListener('visibilitychange', this.#hidden)
    }
    if (this.#awake === undefined) {
      const awake = deferred<void>()
      this.#awake = awake
      void hold(this.#key, {}, () => awake.promise)
    }
    await Promise.all(Object.keys(this.#storage).map((key) => this.#claim(key)))
  }

  /** Called in `freeze` and `pagehide`. */
  sleep(): void {
    if (this.#closed) return
    this.save()
    this.#letGo()
  }

  #letGo(): void {
    this.#awake?.resolve()
    this.#awake = undefined
    for (const claim of this.#claims.values()) this.#drop(claim)
  }

  readonly #askToStay = (event: Event): void => {
    if (!this.save()) event.preventDefault()
  }

  readonly #hidden = (): void => {
    if (document.visibilityState === 'hidden') this.save()
  }

  /** Another page has written to localStorage, or its journal is gone. */
  readonly #hear = ({ key, newValue }: StorageEvent): void => {
    if (key === null || this.#awake === undefined) return
    const claim = this.#claims.get(key)
    if (newValue !== null) void this.#claim(key)
    else if (claim !== undefined) this.#drop(claim)
  }

  /** An owner that is slow to answer: the page may be killed meanwhile, which no event tells. */
  #watch(): void {
    if (this.#timer !== undefined) return
    this.#oldest = this.#first()
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (!this.#waiting || this.#closed) return
      if (this.#isKept || this.#first() === this.#oldest) this.save()
      this.#watch()
    }, UNANSWERED)
  }

  #first(): number | undefined {
    for (const { id } of this.#unanswered()) return id
    return undefined
  }

  #remove(): void {
    if (!this.#isKept) return
    this.#isKept = false
    this.#storage.removeItem(this.#key)
  }

  /** Asks for the lock of another client's journal. Resolves when it is ours, or somebody has it: then it is waited for. */
  #claim(key: string): Promise<void> {
    const client = journalClient(this.#database, key)
    if (client === undefined || key === this.#key || this.#claims.has(key)) return Promise.resolve()
    const claim: Claim = { key, client, waiting: new AbortController(), held: deferred(), text: undefined }
    this.#claims.set(key, claim)
    return new Promise((resolve) => {
      const ours = () => {
        const held = this.#take(claim)
        resolve()
        return held
      }
      const tried = hold(key, { ifAvailable: true }, (lock) => {
        if (lock !== null) return ours()
        void hold(key, { signal: claim.waiting.signal }, ours)
        return undefined
      })
      void tried.then(resolve)
    })
  }

  /** The lock is ours. What comes back lets go of it. */
  #take(claim: Claim): Promise<void> | undefined {
    if (this.#claims.get(claim.key) !== claim) return undefined
    claim.text = this.#storage.getItem(claim.key) ?? undefined
    if (claim.text === undefined) {
      this.#drop(claim)
      return undefined
    }
    void this.#giveOn(claim)
    return claim.held.promise
  }

  async #giveOn(claim: Claim): Promise<void> {
    const { key, client, text } = claim
    if (text === undefined || this.#replay === undefined) return
    try {
      await this.#replay(client, decodeOrNone(text))
    } catch {
      // The owner could not take them over: the next one is asked again.
      return
    }
    if (this.#claims.get(key) !== claim) return
    const isAll = this.#storage.getItem(key) === text
    if (isAll) this.#storage.removeItem(key)
    this.#drop(claim)
    // Its page has added to it meanwhile.
    if (!isAll) await this.#claim(key)
  }

  #drop(claim: Claim): void {
    if (this.#claims.get(claim.key) === claim) this.#claims.delete(claim.key)
    claim.waiting.abort()
    claim.held.resolve()
  }
}

/** Holds a lock until what `during` gives has resolved. Where it is refused, or no more waited for, nothing comes of it. */
async function hold(
  name: string,
  options: LockOptions,
  during: (lock: Lock | null) => Promise<void> | undefined,
): Promise<void> {
  await navigator.locks.request(name, options, during).catch(() => {})
}

/** What cannot be read is of no use to anybody: it goes as if it were empty. */
function decodeOrNone(text: string): WriteRequest[] {
  try {
    return decodeWrites(text)
  } catch (error) {
    console.error('Millrace: writes that another page left could not be read, and are lost.', error)
    return []
  }
}
