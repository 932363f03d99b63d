import type { MillraceError } from './error.ts'
import type { ClientId, EngineCalls, EngineMessage, WriteRequest } from './message.ts'

/** A message channel between one client and one engine. */
export interface Port {
  readonly calls: EngineCalls
  /** Set once, before the first call. Messages come in the order in which the engine sent them. */
  listen(listener: (message: EngineMessage) => void): void
  /** Resolves when the other end is gone; calls in flight will then never be answered. Never rejects. */
  readonly lost: Promise<MillraceError>
  close(): void
}

/**
 * Where a client gets its ports from: a worker, an engine in the same process, a server. A client holds one port at a
 * time; when that is lost, it asks for the next.
 */
export interface PortSource {
  /** Rejects with a MillraceError when there is no port to be had: the client then asks again after a while, or gives up where `permanent` says so. */
  connect(): Promise<Port>
  /** True for errors that asking again will not mend, e.g. an invalid schema. */
  permanent(error: MillraceError): boolean
  /**
   * A journal for a client of this source, from before its first `connect` on; undefined where none can be kept.
   * `unanswered` gives the client's writes that have no answer, at any time, in the order in which they were made.
   */
  openJournal?(client: ClientId, unanswered: () => Iterable<WriteRequest>): Journal | undefined
  /** Called once: `listener` hears that a `connect` under way goes on, where that takes long. */
  onProgress?(listener: () => void): void
  /**
   * Asks the browser to keep the data until the user clears it; false where it does not. It may ask the user.
   * Undefined where there is nothing to ask.
   */
  persist?(): Promise<boolean>
  close(): Promise<void>
}

/** Keeps the writes of a client that have no answer where they outlive its page, and has those that other pages left. */
export interface Journal {
  /** Whether other clients left writes that are still to be replayed, as far as is known. */
  readonly hasLeft: boolean
  /** To be called when a write was made or answered. */
  changed(): void
  /** To be called when a write was made and nobody is there to answer it: it is kept when this returns. */
  save(): unknown
  /**
   * To be called with each new port, before live queries are sent: gives `replay` the writes that other clients left, at
   * once where they are known, later where another page leaves some. What is left is kept until `replay` resolves.
   */
  replayTo(replay: (client: ClientId, writes: readonly WriteRequest[]) => Promise<void>): void
  /** Ends it. What the client's writes came to is known by then. */
  close(): void
}
