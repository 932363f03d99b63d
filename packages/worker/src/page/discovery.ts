import { decodeError, PROTOCOL_VERSION } from '@millrace/protocol'
import { type DiscoveryMessage, isDiscoveryMessage, type Settings } from '../messages.ts'
import { discoveryChannel, type OwnerEpoch, type PortId } from '../names.ts'
import { SILENCE } from '../time-limits.ts'

/**
 * This page on the discovery channel. One channel for finding the owner and for hearing of the next one: between two
 * channels an announcement could be missed.
 */
export class Discovery {
  readonly #settings: Settings
  readonly #channel: BroadcastChannel
  readonly #listeners = new Set<(message: DiscoveryMessage) => void>()

  constructor(settings: Settings) {
    this.#settings = settings
    this.#channel = new BroadcastChannel(discoveryChannel(settings.name))
    this.#channel.addEventListener('message', ({ data }) => {
      if (isDiscoveryMessage(data)) for (const listener of [...this.#listeners]) listener(data)
    })
  }

  /** Returns its undo. */
  listen(listener: (message: DiscoveryMessage) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Says hello until an owner answers; its channels for this port are open then. Never settles when there is no owner,
   * or when `signal` ends the search. Only a page's first search may end an owner that has another schema: the schema
   * of a page that had a port before is the older one. Rejects with the MillraceError of an owner that refuses.
   */
  findOwner(port: PortId, isFirst: boolean, signal: AbortSignal): Promise<OwnerEpoch> {
    return new Promise((resolve, reject) => {
      const { schema } = this.#settings
      const onSchemaMismatch = isFirst ? this.#settings.onSchemaMismatch : 'error'
      const hello = () =>
        this.#post({ type: 'hello', port, protocol: PROTOCOL_VERSION, schema, onSchemaMismatch })
      const undo = this.listen((message) => {
        if (message.type === 'owner') hello()
        else if (message.type === 'welcome' && message.port === port) resolve(message.epoch)
        else if (message.type === 'refused' && message.port === port) reject(decodeError(message.error))
      })
      const timer = setInterval(() => {
        evictCachedOwner()
        hello()
      }, SILENCE)
      signal.addEventListener('abort', () => {
        undo()
        clearInterval(timer)
      })
      hello()
    })
  }

  /** Asks the owner for a sign of life: an `owner` message. */
  probe(): void {
    evictCachedOwner()
    this.#post({ type: 'probe' })
  }

  close(): void {
    this.#listeners.clear()
    this.#channel.close()
  }

  #post(message: DiscoveryMessage): void {
    this.#channel.postMessage(message)
  }
}

/** Chromium drops a page in its back/forward cache that holds a lock when another page asks about locks, not before. */
function evictCachedOwner(): void {
  void navigator.locks.query()
}
