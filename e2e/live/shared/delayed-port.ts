import type { EngineCalls, Port, PortSource } from '@millrace/protocol'

/** What its ports bring comes so many ms late, and in its order: messages, and the answers to calls. */
export function delayed(source: PortSource, delay: number): PortSource {
  return {
    connect: async () => delayedPort(await source.connect(), delay),
    permanent: (error) => source.permanent(error),
    close: () => source.close(),
  }
}

function delayedPort(port: Port, delay: number): Port {
  let last: Promise<unknown> = Promise.resolve()
  const late = () => {
    last = Promise.all([last, new Promise((resolve) => setTimeout(resolve, delay))])
    return last
  }
  const answerLate =
    <A extends unknown[], R>(call: (...values: A) => Promise<R>) =>
    (...values: A): Promise<R> =>
      call(...values).finally(late)
  const { calls } = port
  const lateCalls: EngineCalls = {
    hello: answerLate(calls.hello),
    subscribe: answerLate(calls.subscribe),
    unsubscribe: answerLate(calls.unsubscribe),
    write: answerLate(calls.write),
    replay: answerLate(calls.replay),
    query: answerLate(calls.query),
    cancel: answerLate(calls.cancel),
    flush: answerLate(calls.flush),
    planExec: answerLate(calls.planExec),
    takeUndo: answerLate(calls.takeUndo),
    explain: answerLate(calls.explain),
    merge: answerLate(calls.merge),
    changesSince: answerLate(calls.changesSince),
    export: answerLate(calls.export),
    close: answerLate(calls.close),
  }
  return {
    calls: lateCalls,
    lost: port.lost,
    listen: (listener) => port.listen((message) => void late().then(() => listener(message))),
    close: () => port.close(),
  }
}
