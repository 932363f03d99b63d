import { type EngineCalls, type EngineMessage, MillraceError, type Port } from '@millrace/protocol'
import { deferred } from '../deferred.ts'
import type { Line } from '../line.ts'
import { remoteCalls } from '../remote-calls.ts'

/** What a port is made of. */
export interface Ends {
  readonly control: Line
  readonly changes: Line
  /** Stands around each call that is made while the port lives. */
  during<T>(call: Promise<T>): Promise<T>
  /** Called once, when the port was closed or lost. */
  end(): void
}

/** A port to a worker, in this tab or another. */
export class TabPort implements Port {
  readonly calls: EngineCalls
  readonly #ends: Ends
  readonly #lost = deferred<MillraceError>()

  #state: 'open' | 'closed' | 'lost' = 'open'

  constructor(ends: Ends) {
    this.#ends = ends
    this.calls = remoteCalls(ends.control, (call) => this.#pass(call))
  }

  get lost(): Promise<MillraceError> {
    return this.#lost.promise
  }

  listen(listener: (message: EngineMessage) => void): void {
    const { changes } = this.#ends
    changes.addEventListener('message', (event) => listener((event as MessageEvent<EngineMessage>).data))
    changes.start?.()
  }

  close(): void {
    this.#end('closed')
  }

  /** The other end is gone. */
  lose(reason: MillraceError): void {
    if (this.#state !== 'open') return
    this.#end('lost')
    this.#lost.resolve(reason)
  }

  #end(state: 'closed' | 'lost'): void {
    if (this.#state !== 'open') return
    this.#state = state
    this.#ends.control.close()
    this.#ends.changes.close()
    this.#ends.end()
  }

  #pass<T>(call: () => Promise<T>): Promise<T> {
    switch (this.#state) {
      case 'open':
        return this.#ends.during(call())
      case 'closed':
        return Promise.reject(
          new MillraceError('CLOSED', 'This port was closed before the call: connect again.'),
        )
      default:
        // As for a call in flight when the port is lost: no answer, whoever called hears of it by `lost`.
        return new Promise(() => {})
    }
  }
}
