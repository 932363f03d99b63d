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

/** Serves `calls` to the other end of the line. */
export function exposeCalls(calls: EngineCalls, line: Endpoint): void {
  const answers: Answers = {
    hello: (hello) => answer(() => calls.hello(hello)),
    subscribe: (query, sql, parameters) => answer(() => calls.subscribe(query, sql, parameters)),
    unsubscribe: (query) => answer(() => calls.unsubscribe(query)),
    write: (writes, answered) => answer(() => calls.write(writes, answered)),
    replay: (client, writes) => answer(() => calls.replay(client, writes)),
    query: (sql, parameters) => answer(() => calls.query(sql, parameters)),
    planExec: (sql) => answer(() => calls.planExec(sql)),
    takeUndo: (write) => answer(() => calls.takeUndo(write)),
    explain: (sql, parameters) => answer(() => calls.explain(sql, parameters)),
    merge: (changes) => answer(() => calls.merge(changes)),
    changesSince: (dbVersion) => answer(() => calls.changesSince(dbVersion)),
    export: () => answer(() => calls.export()),
    close: () => answer(() => calls.close()),
  }
  expose(answers, line)
}

async function answer<T>(call: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { ok: await call() }
  } catch (thrown) {
    return { error: encodeError(thrown) }
  }
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
    replay: (client, writes) => ask(() => remote.replay(client, writes)),
    query: (sql, parameters) => ask(() => remote.query(sql, parameters)),
    planExec: (sql) => ask(() => remote.planExec(sql)),
    takeUndo: (write) => ask(() => remote.takeUndo(write)),
    explain: (sql, parameters) => ask(() => remote.explain(sql, parameters)),
    merge: (changes) => ask(() => remote.merge(changes)),
    changesSince: (dbVersion) => ask(() => remote.changesSince(dbVersion)),
    export: () => ask(() => remote.export()),
    close: () => ask(() => remote.close()),
  }
}

function unwrap<T>(answer: Answer<T>): T {
  if ('error' in answer) throw decodeError(answer.error)
  return answer.ok
}
