import {
  type ClientId,
  decodeError,
  type EngineMessage,
  type ErrorData,
  encodeError,
  MillraceError,
  type Port,
  type PortSource,
  PROTOCOL_VERSION,
  type QueryId,
  type SqlValue,
  type StorageInfo,
  type WriteId,
  type WriteRequest,
} from '@millrace/protocol'
import { type WorkerPortOptions, workerPort } from '@millrace/worker'

/*
 * The smallest client there can be: it connects again when its port is lost, and sends writes without an answer again
 * under their ids. The specs drive it as `window.Tab`.
 */

const RETRY = 50

export class Tab {
  readonly #source: PortSource
  readonly #client = crypto.randomUUID() as ClientId
  readonly #pending = new Map<
    WriteId,
    { request: WriteRequest; settle: () => void; reject: (e: Error) => void }
  >()

  #port: Port | undefined
  #lastWrite = 0
  #lastQuery = 0

  /** Ports had so far. */
  connections = 0
  storage: StorageInfo | undefined
  /** Why `connect` failed, each time. */
  readonly refusals: ErrorData[] = []
  /** Why ports were lost. */
  readonly losses: ErrorData[] = []
  /** Why it does not try again. */
  gaveUp: ErrorData | undefined
  readonly messages: EngineMessage[] = []

  constructor(options: WorkerPortOptions) {
    this.#source = workerPort(options)
    void this.#stayConnected()
  }

  get connected(): boolean {
    return this.#port !== undefined
  }

  /** Resolves when the write is on disk, through however many owners. */
  write(sql: string, parameters: SqlValue[] = []): Promise<void> {
    const id = ++this.#lastWrite as WriteId
    const request: WriteRequest = { id, operations: [{ type: 'exec', sql, parameters }] }
    return new Promise((settle, reject) => {
      this.#pending.set(id, { request, settle, reject })
      void this.#port?.calls.write([request], this.#answered())
    })
  }

  /** The rows of one SELECT; for callers that know that there is a port. */
  async query(sql: string): Promise<SqlValue[][]> {
    if (this.#port === undefined) throw new Error('no port')
    const { rows } = await this.#port.calls.query(++this.#lastQuery as QueryId, sql, [])
    return rows.map((row) => [...row])
  }

  /** Live from here on, on the present port. Its messages are in `messages`. */
  async subscribe(sql: string): Promise<void> {
    await this.#port?.calls.subscribe(++this.#lastQuery as QueryId, sql, [])
  }

  async exportedBytes(): Promise<number> {
    return (await (this.#port as Port).calls.export()).byteLength
  }

  close(): Promise<void> {
    return this.#source.close()
  }

  async #stayConnected(): Promise<void> {
    while (this.gaveUp === undefined) {
      try {
        const port = await this.#source.connect()
        void port.lost.then((reason) => this.losses.push(encodeError(reason)))
        await this.#begin(port)
        await port.lost
      } catch (error) {
        const data = encodeError(error)
        this.refusals.push(data)
        if (this.#source.permanent(decodeError(data))) this.gaveUp = data
        await new Promise((resolve) => setTimeout(resolve, RETRY))
      }
      this.#port = undefined
    }
  }

  async #begin(port: Port): Promise<void> {
    port.listen((message) => this.#receive(message))
    const lost = port.lost.then((reason) => Promise.reject(reason))
    const hello = { protocol: PROTOCOL_VERSION, client: this.#client }
    const welcome = await Promise.race([port.calls.hello(hello), lost])
    this.storage = welcome.storage
    this.#port = port
    this.connections++
    const unanswered = [...this.#pending.values()].map(({ request }) => request)
    if (unanswered.length > 0) void port.calls.write(unanswered, this.#answered())
  }

  #receive(message: EngineMessage): void {
    this.messages.push(message)
    if (message.type !== 'commit') return
    for (const { id } of message.settled) {
      this.#pending.get(id)?.settle()
      this.#pending.delete(id)
    }
    for (const { id, error } of message.rejected) {
      this.#pending.get(id)?.reject(decodeError(error))
      this.#pending.delete(id)
    }
  }

  /** The writes up to this one have been answered. */
  #answered(): WriteId {
    const first = this.#pending.keys().next()
    return (first.done ? this.#lastWrite : first.value - 1) as WriteId
  }
}

declare global {
  interface Window {
    /** The tab's clients, by the name that a spec gives them. */
    tabs: Record<string, Tab>
    Tab: typeof Tab
    MillraceError: typeof MillraceError
    workerPort: typeof workerPort
    /** Whether the page came out of the back/forward cache. */
    restored: boolean
  }
}

window.tabs = {}
window.Tab = Tab
window.MillraceError = MillraceError
window.workerPort = workerPort
window.restored = false
window.addEventListener('pageshow', (event) => {
  if (event.persisted) window.restored = true
})
