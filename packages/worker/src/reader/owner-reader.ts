import type { Reader } from '@millrace/engine'
import { decodeError, type QueryResult, type SqlValue, unreachable } from '@millrace/protocol'
import type { FromReader, ToReader } from '../messages.ts'
import type { Snapshots } from '../storage/storage.ts'
import { READER_IDLE, READER_START } from '../time-limits.ts'

/** A query that waits, or runs. */
interface Asked {
  readonly sql: string
  readonly parameters: readonly SqlValue[]
  /** On the clock of `performance.now()`. */
  readonly end: number
  readonly signal: AbortSignal
  /** Null: there can be no reader. */
  readonly answer: (result: QueryResult | null) => void
  readonly refuse: (error: unknown) => void
}

/**
 * The owner's reader: a worker of its own, for one query at a time. A query that nobody waits for any more ends with the
 * worker that runs it, and the next gets a new one.
 */
export class OwnerReader implements Reader {
  readonly #module: WebAssembly.Module
  readonly #snapshots: Snapshots
  readonly #waiting: Asked[] = []
  #worker: Worker | null = null
  #running: Asked | null = null
  /** Ends a worker that has nothing to do, or one whose script does not come. */
  #timer: ReturnType<typeof setTimeout> | undefined
  /** The browser starts no workers from here. */
  #unavailable = false

  constructor(module: WebAssembly.Module, snapshots: Snapshots) {
    this.#module = module
    this.#snapshots = snapshots
  }

  query(
    sql: string,
    parameters: readonly SqlValue[],
    { signal, timeout }: { readonly signal: AbortSignal; readonly timeout: number },
  ): Promise<QueryResult | null> {
    return new Promise((answer, refuse) => {
      const asked = { sql, parameters, signal, end: performance.now() + timeout, answer, refuse }
      signal.addEventListener('abort', () => this.#abort(asked))
      this.#waiting.push(asked)
      this.#runNext()
    })
  }

  /** Ends the worker. Its queries were aborted before. */
  close(): void {
    this.#terminate()
  }

  #abort(asked: Asked): void {
    asked.refuse(asked.signal.reason)
    const at = this.#waiting.indexOf(asked)
    if (at >= 0) this.#waiting.splice(at, 1)
    if (this.#running !== asked) return
    this.#terminate()
    this.#settle(() => {})
  }

  #runNext(): void {
    if (this.#running !== null) return
    const asked = this.#waiting.shift()
    if (asked === undefined) return
    if (this.#unavailable) {
      asked.answer(null)
      this.#runNext()
      return
    }
    let snapshot: ReturnType<Snapshots['hold']>
    try {
      snapshot = this.#snapshots.hold()
    } catch (error) {
      asked.refuse(error)
      this.#runNext()
      return
    }
    this.#running = asked
    clearTimeout(this.#timer)
    const isNew = this.#worker === null
    this.#worker ??= this.#start()
    this.#worker?.postMessage({
      type: 'read',
      module: isNew ? this.#module : undefined,
      snapshot,
      sql: asked.sql,
      parameters: asked.parameters,
      timeout: asked.end - performance.now(),
    } satisfies ToReader)
  }

  #start(): Worker | null {
    try {
      const worker = new Worker(globalThis.location.href, { type: scriptType(), name: 'millrace-reader' })
      // What one that was ended had said before is no answer to the next query.
      worker.addEventListener('message', ({ data }: MessageEvent<FromReader>) => {
        if (this.#worker === worker) this.#receive(data)
      })
      worker.addEventListener('error', () => {
        if (this.#worker === worker) this.#giveUp()
      })
      this.#timer = setTimeout(() => this.#giveUp(), READER_START)
      return worker
    } catch {
      queueMicrotask(() => this.#giveUp())
      return null
    }
  }

  #receive(message: FromReader): void {
    switch (message.type) {
      case 'started':
        clearTimeout(this.#timer)
        return
      case 'answer':
        this.#settle(({ answer }) => answer(message.result))
        return
      case 'refused': {
        const error = decodeError(message.error)
        // What is left of its memory is unknown, or little.
        if (error.code !== 'INVALID_SQL' && error.code !== 'TIMEOUT') this.#terminate()
        this.#settle(({ refuse }) => refuse(error))
        return
      }
      default:
        unreachable(message)
    }
  }

  /** No worker can be started here, or it died: the owner runs its queries itself. */
  #giveUp(): void {
    this.#unavailable = true
    this.#terminate()
    this.#settle(({ answer }) => answer(null))
  }

  #settle(tell: (asked: Asked) => void): void {
    const asked = this.#running
    if (asked === null) return
    this.#running = null
    this.#snapshots.release()
    tell(asked)
    this.#runNext()
    if (this.#running === null) this.#timer = setTimeout(() => this.#terminate(), READER_IDLE)
  }

  #terminate(): void {
    clearTimeout(this.#timer)
    this.#worker?.terminate()
    this.#worker = null
  }
}

/** As this worker was started: bundlers make scripts of either type. Only a classic one may call importScripts. */
function scriptType(): WorkerType {
  try {
    ;(globalThis as unknown as { importScripts(): void }).importScripts()
    return 'classic'
  } catch {
    return 'module'
  }
}
