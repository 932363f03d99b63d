import type { Endpoint } from 'comlink'

/** One way to the other side: a MessagePort, or a private BroadcastChannel. */
export interface Line extends Endpoint {
  close(): void
}

/** A BroadcastChannel that swallows what is posted after its end, as a MessagePort does; Comlink counts on that. */
export class ChannelLine implements Line {
  readonly #channel: BroadcastChannel
  readonly #isMessage: (data: unknown) => boolean
  readonly #listeners = new Map<EventListenerOrEventListenerObject, (event: Event) => void>()

  #closed = false

  /** What is no message, listeners do not hear: any script of the origin may speak here. */
  constructor(name: string, isMessage: (data: unknown) => boolean) {
    this.#channel = new BroadcastChannel(name)
    this.#isMessage = isMessage
  }

  postMessage(message: unknown): void {
    if (!this.#closed) this.#channel.postMessage(message)
  }

  addEventListener(type: string, listener: EventListenerOrEventListenerObject): void {
    const own = (event: Event) => {
      if (!this.#isMessage((event as MessageEvent).data)) return
      if (typeof listener === 'function') listener(event)
      else listener.handleEvent(event)
    }
    this.#listeners.set(listener, own)
    this.#channel.addEventListener(type, own)
  }

  removeEventListener(type: string, listener: EventListenerOrEventListenerObject): void {
    this.#channel.removeEventListener(type, this.#listeners.get(listener) ?? listener)
    this.#listeners.delete(listener)
  }

  close(): void {
    this.#closed = true
    this.#channel.close()
  }
}
