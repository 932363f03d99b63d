import type { MillraceError } from './error.ts'
import type { EngineCalls, EngineMessage } from './message.ts'

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
  close(): Promise<void>
}
