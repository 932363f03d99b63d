import { decodeError, MillraceError, unreachable } from '@millrace/protocol'
import { deferred } from '../deferred.ts'
import type { FromWorker, Settings, ToWorker } from '../messages.ts'
import { type PortId, randomId, workerLock } from '../names.ts'
import { CONNECT, SILENCE, STOP } from '../time-limits.ts'
import { Silence } from './silence.ts'

/** What a worker hands on to those that this page starts after it, so that they need no network. */
export interface Inheritance {
  /** The compiled wasm; undefined where this page cannot have it, and the worker must see for itself. */
  readonly module: Promise<WebAssembly.Module | undefined>
  /** Told where the script is, once it runs. */
  scriptAt(url: string): void
}

/** The worker that this page started: it waits for its turn to own the database. It lives once, from start to end. */
export class OwnWorker {
  readonly #settings: Settings
  readonly #inheritance: Inheritance
  readonly #worker: Worker
  readonly #id = randomId()
  /** Its end is told from here on. */
  readonly #begun = deferred<void>()
  readonly #elected = deferred<void>()
  readonly #prepared = deferred<void>()
  readonly #ended = deferred<MillraceError>()
  readonly #stopped = deferred<void>()
  readonly #connecting = new Map<PortId, () => void>()
  readonly #beginning: Silence
  /** Ends the wait for its lock. */
  readonly #waiting = new AbortController()

  /** Its script runs. */
  started = false
  /** Called at each sign of life. */
  onAlive: () => void = () => {}

  /** @throws MillraceError `WORKER_LOST` when the browser refuses to start it. */
  constructor(settings: Settings, inheritance: Inheritance, create: () => Worker) {
    this.#settings = settings
    this.#inheritance = inheritance
    try {
      this.#worker = create()
    } catch (cause) {
      throw new MillraceError(
        'WORKER_LOST',
        `The worker of the database "${settings.name}" could not be created: look at the cause (Content-Security-Policy worker-src?).`,
        { cause },
      )
    }
    this.#worker.addEventListener('message', (event: MessageEvent<FromWorker>) => this.#receive(event.data))
    this.#worker.addEventListener('error', (event) => this.#fail(event.message))
    this.#worker.addEventListener('messageerror', () => this.#fail('a message could not be read'))
    // An address is relative to the page, and the worker script lies elsewhere.
    const base = (globalThis.document as Document | undefined)?.baseURI ?? globalThis.location.href
    const wasmUrl = settings.wasmUrl && new URL(settings.wasmUrl, base).href
    this.#post({ type: 'start', settings: { ...settings, wasmUrl }, worker: this.#id })
    this.#beginning = new Silence(
      () => {},
      () => this.#fail(`it gave no sign of life within ${(CONNECT * SILENCE) / 1000} s`),
      CONNECT,
    )
    // Until then nobody tells when the browser ends it, or when its script does not come.
    void this.#beginning.during(Promise.race([this.#begun.promise, this.#ended.promise]))
    void inheritance.module.then((module) => this.#post({ type: 'wasm', module }))
  }

  /** Resolves when it needs the network no more, or could not load what it needs. */
  get prepared(): Promise<void> {
    return this.#prepared.promise
  }

  /** Resolves when it has the lock. The database is opened then. */
  get elected(): Promise<void> {
    return this.#elected.promise
  }

  /** Resolves with the reason when it is gone: failed, died, or was ended by this page. */
  get ended(): Promise<MillraceError> {
    return this.#ended.promise
  }

  /** After `elected`: hands it the other ends of a port. Resolves when its files are open; calls wait until the database is. */
  connect(port: PortId, control: MessagePort, changes: MessagePort): Promise<void> {
    this.#post({ type: 'connect', port, control, changes }, [control, changes])
    return new Promise((resolve) => this.#connecting.set(port, resolve))
  }

  /** Asks for a sign of life. */
  probe(): void {
    this.#post({ type: 'probe' })
  }

  /** Ends it at once. What it has on disk is safe; the lock goes to the next worker that waits. */
  terminate(reason: MillraceError): void {
    this.#waiting.abort()
    this.#worker.terminate()
    this.#ended.resolve(reason)
  }

  /** Lets it close the database, if it answers in time, and ends it. */
  async stop(reason: MillraceError): Promise<void> {
    this.#post({ type: 'stop' })
    let timer: ReturnType<typeof setTimeout> | undefined
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, STOP)
    })
    await Promise.race([this.#stopped.promise, this.#ended.promise, timeout])
    clearTimeout(timer)
    this.terminate(reason)
  }

  #receive(message: FromWorker): void {
    this.#beginning.heard()
    this.onAlive()
    switch (message.type) {
      case 'started':
        this.started = true
        this.#inheritance.scriptAt(message.url)
        return
      case 'held':
        this.#begun.resolve()
        this.#awaitEnd()
        return
      case 'prepared':
        this.#prepared.resolve()
        return
      case 'elected':
        this.#begun.resolve()
        this.#elected.resolve()
        return
      case 'connected':
        this.#connecting.get(message.port)?.()
        this.#connecting.delete(message.port)
        return
      case 'failed':
        this.terminate(decodeError(message.error))
        return
      case 'cleared':
        this.#waiting.abort()
        this.#ended.resolve(decodeError(message.error))
        return
      case 'alive':
        return
      case 'stopped':
        this.#stopped.resolve()
        return
      default:
        unreachable(message)
    }
  }

  /** The browser tells nobody that it has ended a worker, but gives its locks to whoever waits for them. */
  #awaitEnd(): void {
    const { signal } = this.#waiting
    navigator.locks
      .request(workerLock(this.#settings.name, this.#id), { signal }, () =>
        this.#fail('the browser has ended it'),
      )
      // Aborted: the worker was ended from here.
      .catch(() => {})
  }

  /** An error that nobody caught in the worker: what state it left is unknown, and a new owner starts from the disk. */
  #fail(cause: string | undefined): void {
    const what = this.started ? 'died' : 'could not be started'
    this.terminate(
      new MillraceError(
        'WORKER_LOST',
        `The worker of the database "${this.#settings.name}" ${what}: look at the cause${this.started ? '' : ', and whether its script can be loaded'}.`,
        { cause: cause || 'the browser tells none' },
      ),
    )
  }

  #post(message: ToWorker, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer)
  }
}
