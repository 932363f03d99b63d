import type { EngineCalls, EngineMessage, Port, PortSource } from '@millrace/protocol'
import { MillraceError } from '@millrace/protocol'

/** A port source whose ports are slow and can be lost: each call and message waits until it is let through. */
export class UnsteadyPorts implements PortSource {
  readonly #source: PortSource
  #port: { lose: () => void; steps: (() => void)[]; steady: boolean } | null = null

  constructor(source: PortSource) {
    this.#source = source
  }

  async connect(): Promise<Port> {
    const port = await this.#source.connect()
    let lose!: (error: MillraceError) => void
    const lost = new Promise<MillraceError>((resolve) => {
      lose = resolve
    })
    let isLost = false
    const state = {
      steps: [] as (() => void)[],
      steady: true,
      lose: () => {
        isLost = true
        port.close()
        void port.calls.close().catch(() => {})
        lose(new MillraceError('OWNER_LOST', 'The port was lost, for this test.'))
      },
    }
    this.#port = state
    const wait = () =>
      new Promise<void>((resolve) => {
        if (state.steady) resolve()
        else state.steps.push(resolve)
      })
    const slow =
      <A extends unknown[], R>(call: (...values: A) => Promise<R>) =>
      async (...values: A): Promise<R> => {
        await wait()
        // What was on its way when the port was lost arrives, or not; here it does not.
        if (isLost) return new Promise(() => {})
        const answer = await call(...values)
        await wait()
        return isLost ? new Promise(() => {}) : answer
      }
    const { calls } = port
    const slowCalls: EngineCalls = {
      hello: slow(calls.hello),
      subscribe: slow(calls.subscribe),
      unsubscribe: slow(calls.unsubscribe),
      write: slow(calls.write),
      replay: slow(calls.replay),
      query: slow(calls.query),
      cancel: slow(calls.cancel),
      flush: slow(calls.flush),
      planExec: slow(calls.planExec),
      takeUndo: slow(calls.takeUndo),
      explain: slow(calls.explain),
      merge: slow(calls.merge),
      changesSince: slow(calls.changesSince),
      export: slow(calls.export),
      close: slow(calls.close),
    }
    return {
      calls: slowCalls,
      lost,
      listen: (listener) => {
        // In order, whatever the waits are.
        let last: Promise<void> = Promise.resolve()
        port.listen((message: EngineMessage) => {
          last = last.then(wait).then(() => {
            if (!isLost) listener(message)
          })
        })
      },
      close: () => {
        if (!isLost) port.close()
      },
    }
  }

  permanent(error: MillraceError): boolean {
    return this.#source.permanent(error)
  }

  close(): Promise<void> {
    return this.#source.close()
  }

  /** From here on everything waits for `step`. */
  hold(): void {
    if (this.#port !== null) this.#port.steady = false
  }

  /** Lets one thing through. */
  step(): void {
    this.#port?.steps.shift()?.()
  }

  /** Lets everything through, and what follows as well. */
  release(): void {
    if (this.#port === null) return
    this.#port.steady = true
    for (const step of this.#port.steps.splice(0)) step()
  }

  /** The port is lost with all that is on its way. */
  lose(): void {
    this.#port?.lose()
  }
}
