import type { Endpoint } from 'comlink'

/** One way to the other side: a MessagePort, or a private BroadcastChannel. */
export interface Line extends Endpoint {
  close(): void
}

/** A BroadcastChannel that swallows what is posted after its end, as a MessagePort does; Comlink counts on that. */
export class ChannelLine implements Line {
  readonly #channel: BroadcastChannel

  #closed = false

  constructor(name: string) {
    this.#channel = new BroadcastChannel(name)
  }

  postMessage(message: unknown): void {
    if (!this.#closed) this.#channel.postMessage(message)
  }

  addEventListener(type: string, listener: EventListenerOrEventListenerObject): void {
    this.#channel.addEventListener(type, listener)
  }

  removeEventListener(type: string, listener: EventListenerOrEventListenerObject): void {
    this.#channel.removeEventListener(type, listener)
  }

  close(): void {
    this.#closed = true
    this.#channel.close()
  }
}
