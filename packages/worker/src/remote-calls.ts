import { decodeError, type EngineCalls, type ErrorData, encodeError } from '@millrace/protocol'
import { type Endpoint, expose, wrap } from 'comlink'

/*
 * EngineCalls over Comlink. Comlink drops an error's code and cause, so every call answers with a value or with an
 * encoded error, and never throws across the line.
 */

type Answer<T> = { readonly ok: T } | { readonly error: ErrorData }

/** The narrow object that Comlink exposes: EngineCalls, each with an answer. */
type Answers = {
  [Name in keyof EngineCalls]: (
    ...args: Parameters<EngineCalls[Name]>
  ) => Promise<Answer<Awaited<ReturnType<EngineCalls[Name]>>>>
}

/**
 * Serves `calls` to the other end of the line. An error for which `isAnswer` is false is not told: the call stays without
 * an answer, until its port is lost.
 */
export function exposeCalls(
  calls: EngineCalls,
  line: Endpoint,
  isAnswer: (error: unknown) => boolean = () => true,
): void {
  const answer = async <T>(call: () => Promise<T>): Promise<Answer<T>> => {
    try {
      return { ok: await call() }
    } catch (thrown) {
      return isAnswer(thrown) ? { error: encodeError(thrown) } : new Promise(() => {})
    }
  }
  const answers: Answers = {
    hello: (hello) => answer(() => calls.hello(hello)),
    subscribe: (query, sql, parameters, timeout) =>
      answer(() => calls.subscribe(query, sql, parameters, timeout)),
    unsubscribe: (query) => answer(() => calls.unsubscribe(query)),
    write: (writes, answered) => answer(() => calls.write(writes, answered)),
    query: (query, sql, parameters, timeout) => answer(() => calls.query(query, sql, parameters, timeout)),
    cancel: (query) => answer(() => calls.cancel(query)),
    replay: (client, writes) => answer(() => calls.replay(client, writes)),
    planExec: (sql) => answer(() => calls.planExec(sql)),
    takeUndo: (write) => answer(() => calls.takeUndo(write)),
    explain: (sql, parameters) => answer(() => calls.explain(sql, parameters)),
    merge: (changes) => answer(() => calls.merge(changes)),
    changesSince: (dbVersion) => answer(() => calls.changesSince(dbVersion)),
    flush: () => answer(() => calls.flush()),
    export: () => answer(() => calls.export()),
    close: () => answer(() => calls.close()),
  }
  expose(answers, line)
}

/** Stands around each call: lets it through, refuses it, or never answers. */
export type Gate = <T>(call: () => Promise<T>) => Promise<T>

/**
 * The calls of the other end. The result holds Comlink's proxy: were that collected, calls in flight would be lost
 * (GoogleChromeLabs/comlink#692).
 */
export function remoteCalls(line: Endpoint, gate: Gate): EngineCalls {
  const remote = wrap<Answers>(line) as unknown as Answers
  const ask = <T>(call: () => Promise<Answer<T>>): Promise<T> => gate(async () => unwrap(await call()))
  return {
    hello: (hello) => ask(() => remote.hello(hello)),
    subscribe: (query, sql, parameters) => ask(() => remote.subscribe(query, sql, parameters)),
    unsubscribe: (query) => ask(() => remote.unsubscribe(query)),
    write: (writes, answered) => ask(() => remote.write(writes, answered)),
    query: (query, sql, parameters, timeout) => ask(() => remote.query(query, sql, parameters, timeout)),
    cancel: (query) => ask(() => remote.cancel(query)),
    replay: (client, writes) => ask(() => remote.replay(client, writes)),
    planExec: (sql) => ask(() => remote.planExec(sql)),
    takeUndo: (write) => ask(() => remote.takeUndo(write)),
    explain: (sql, parameters) => ask(() => remote.explain(sql, parameters)),
    merge: (changes) => ask(() => remote.merge(changes)),
    changesSince: (dbVersion) => ask(() => remote.changesSince(dbVersion)),
    flush: () => ask(() => remote.flush()),
    export: () => ask(() => remote.export()),
    close: () => ask(() => remote.close()),
  }
}

function unwrap<T>(answer: Answer<T>): T {
  if ('error' in answer) throw decodeError(answer.error)
  return answer.ok
}
