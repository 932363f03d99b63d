import {
  type ClientId,
  type EngineCalls,
  type EngineMessage,
  MillraceError,
  type Port,
  type PortSource,
  PROTOCOL_VERSION,
  type Welcome,
} from '@millrace/protocol'
import { ActivityTimeout } from './activity-timeout.ts'
import type { Connection } from './types.ts'

/** Pauses between attempts to get a port, in ms; the last one is repeated. */
const BACK_OFF = [0, 50, 200, 500, 1000, 2000]

/** Milliseconds within which a port is lost that was about to be lost anyway. */
const SOON = 1000

/** Attempts before the first connection, where not just another tab is slow; then `open` fails. */
const OPENINGS = 3

export interface ConnectionEvents {
  /** A port is there: what may be asked before the engine has answered. Whether anything was. */
  greeted(calls: EngineCalls): boolean
  /** A port is there and the engine has answered: writes and subscriptions are to be sent again. */
  connected(welcome: Welcome, calls: EngineCalls): void
  message(message: EngineMessage): void
  changed(connection: Connection): void
  /** There will be no port again. */
  failed(error: MillraceError): void
}

/** Somebody who waits for a port. */
interface Waiting {
  readonly resolve: (port: Port) => void
  readonly reject: (error: MillraceError) => void
  /** The database is being opened, and work goes on. */
  readonly onActivity: () => void
}

/** Keeps one port to the engine, and gets the next when it is lost. */
export class EngineConnection {
  readonly client = randomId() as ClientId

  readonly #source: PortSource
  readonly #events: ConnectionEvents
  #state: Connection = { status: 'connecting', error: undefined }
  #port: Port | null = null
  #closed = false
  /** Why there will be no port again, where that was not asked for. */
  #failure: MillraceError | null = null
  /** Of the source, once; null while it is in use. */
  #letGo: Promise<void> | null = null
  /** Calls in flight, each as what ends its waiting: their port is lost, or the connection closed. */
  readonly #inFlight = new Set<() => void>()
  /** Those who wait for the next port. */
  readonly #waiting = new Set<Waiting>()

  constructor(source: PortSource, events: ConnectionEvents) {
    this.#source = source
    this.#events = events
    // A new index on a large table takes as long as it takes.
    source.onProgress?.(() => {
      for (const { onActivity } of this.#waiting) onActivity()
    })
  }

  get state(): Connection {
    return this.#state
  }

  /** Why nothing can be called any more. */
  get closedError(): MillraceError {
    return this.#failure ?? closedError()
  }

  /** The calls of the port that is open now; null while there is none. */
  get calls(): EngineCalls | null {
    return this.#port?.calls ?? null
  }

  /** Goes on for as long as the connection is open. */
  async run(): Promise<void> {
    let everConnected = false
    for (let attempt = 0; !this.#closed; attempt++) {
      try {
        const port = await this.#connect()
        attempt = -1
        everConnected = true
        const error = await port.lost
        if (this.#closed) return
        this.#port = null
        port.close()
        this.#abandonCalls()
        this.#enter({ status: 'connecting', error })
      } catch (thrown) {
        if (this.#closed) return
        const error = asMillraceError(thrown)
        // A missing script, a damaged file or a full disk stays so: the app hears of it soon, and not when time is up.
        const neverOpens = error.code !== 'OWNER_LOST' && !everConnected && attempt + 1 >= OPENINGS
        if (neverOpens || this.#source.permanent(error)) {
          this.#fail(error)
          return
        }
        this.#enter({ status: 'connecting', error })
        await pause(BACK_OFF[Math.min(attempt + 1, BACK_OFF.length - 1)] as number)
      }
    }
  }

  async #connect(): Promise<Port> {
    const port = await this.#source.connect()
    // The answer to the greeting and messages travel by two ways.
    const early: EngineMessage[] = []
    let expectsEarly = false
    port.listen((message) => {
      if (this.#port === port) this.#events.message(message)
      else if (expectsEarly) early.push(message)
    })
    try {
      const welcomed = port.calls.hello({ protocol: PROTOCOL_VERSION, client: this.client })
      expectsEarly = this.#events.greeted(port.calls)
      const welcome = await orLost(port, welcomed)
      if (this.#closed) throw closedError()
      this.#port = port
      this.#events.connected(welcome, port.calls)
      for (const message of early) this.#events.message(message)
    } catch (error) {
      this.#port = null
      port.close()
      throw error
    }
    this.#enter({ status: 'connected' })
    for (const { resolve } of this.#takeWaiting()) resolve(port)
    return port
  }

  /**
   * Makes a call that may be made twice: when the port is lost meanwhile, it is made again on the next.
   * @throws MillraceError of the call itself; `OWNER_LOST` when there is no port within `timeout` ms; `CLOSED`
   */
  async call<T>(make: (calls: EngineCalls) => Promise<T>, timeout: number): Promise<T> {
    for (;;) {
      const answer = await this.#attempt(make, timeout)
      if (answer !== null) return answer.value
    }
  }

  /**
   * The same for a call that may be why the port was lost: it is made again only where the port was lost soon after it.
   * @throws MillraceError the same
   */
  async callOnce<T>(make: (calls: EngineCalls) => Promise<T>, timeout: number): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      let asked = 0
      const answer = await this.#attempt((calls) => {
        asked = performance.now()
        return make(calls)
      }, timeout)
      if (answer !== null) return answer.value
      if (attempt === 1 && performance.now() - asked < SOON) continue
      const cause = this.#state.status === 'connecting' ? this.#state.error : undefined
      throw new MillraceError(
        cause?.code ?? 'OWNER_LOST',
        `The database was lost while it ran this query${cause === undefined ? '' : ` (${cause.message})`}. It is not asked again, for it may be why: ask again if it is not.`,
        { cause },
      )
    }
  }

  /** Null when the port was lost before the answer. */
  async #attempt<T>(
    make: (calls: EngineCalls) => Promise<T>,
    timeout: number,
  ): Promise<{ readonly value: T } | null> {
    const port = this.#port ?? (await this.#nextPort(timeout))
    const answer = await this.#orAbandoned(make(port.calls))
    if (answer === null && this.#closed) throw this.closedError
    return answer
  }

  /**
   * Null when the port is lost or the connection closed before the answer. Not a race with `port.lost`, which lives as
   * long as the port: each race would leave its answer there.
   */
  #orAbandoned<T>(answer: Promise<T>): Promise<{ value: T } | null> {
    return new Promise((resolve, reject) => {
      const abandon = () => resolve(null)
      this.#inFlight.add(abandon)
      answer.then(
        (value) => {
          this.#inFlight.delete(abandon)
          resolve({ value })
        },
        (error) => {
          this.#inFlight.delete(abandon)
          reject(error)
        },
      )
    })
  }

  #abandonCalls(): void {
    for (const abandon of this.#inFlight) abandon()
    this.#inFlight.clear()
  }

  #nextPort(timeout: number): Promise<Port> {
    if (this.#state.status === 'closed') return Promise.reject(this.closedError)
    return new Promise((resolve, reject) => {
      const timer = new ActivityTimeout(timeout, () => {
        this.#waiting.delete(waiting)
        const cause = this.#state.status === 'connecting' ? this.#state.error : undefined
        reject(
          new MillraceError(
            'OWNER_LOST',
            `The database did not answer within ${timeout} ms${cause === undefined ? '' : ` (${cause.message})`}: try again, or look whether another tab of this site hangs.`,
            { cause },
          ),
        )
      })
      const waiting = {
        resolve: (port: Port) => {
          timer.end()
          resolve(port)
        },
        reject: (error: MillraceError) => {
          timer.end()
          reject(error)
        },
        onActivity: () => timer.renew(),
      }
      this.#waiting.add(waiting)
    })
  }

  #takeWaiting(): readonly Waiting[] {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    return waiting
  }

  #fail(error: MillraceError): void {
    this.#closed = true
    this.#failure = error
    this.#enter({ status: 'closed' })
    for (const { reject } of this.#takeWaiting()) reject(error)
    this.#events.failed(error)
  }

  #enter(state: Connection): void {
    this.#state = state
    this.#events.changed(state)
  }

  /** Ends the session and lets go of the source. */
  close(): Promise<void> {
    this.#letGo ??= this.#close()
    return this.#letGo
  }

  async #close(): Promise<void> {
    const port = this.#port
    this.#port = null
    if (!this.#closed) {
      this.#closed = true
      this.#enter({ status: 'closed' })
      for (const { reject } of this.#takeWaiting()) reject(closedError())
    }
    if (port !== null) {
      const { promise, cancel } = pauseUnlessCancelled(1000)
      await Promise.race([port.calls.close().catch(() => {}), port.lost, promise])
      cancel()
      port.close()
    }
    this.#abandonCalls()
    await this.#source.close()
  }
}

function orLost<T>(port: Port, answer: Promise<T>): Promise<T> {
  return Promise.race([
    answer,
    port.lost.then((error) => {
      throw error
    }),
  ])
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** A pause that holds nobody up once it is not needed: Node does not end while a timer runs. */
export function pauseUnlessCancelled(ms: number): { promise: Promise<void>; cancel: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined
  const promise = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  return { promise, cancel: () => clearTimeout(timer) }
}

/** Random, and unlike crypto.randomUUID also there without https. */
function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
}

export function closedError(): MillraceError {
  return new MillraceError('CLOSED', 'The database was closed: open it again.')
}

function asMillraceError(thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError) return thrown
  return new MillraceError('INTERNAL', `Millrace met an error that it did not expect: ${String(thrown)}`, {
    cause: thrown,
  })
}
