import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { EngineCalls, EngineMessage, MillraceError, Port, PortSource } from '@millrace/protocol'
import { createEngine, type Engine, type EngineOptions, loadSqlite } from './index.ts'

/** A schema, and optionally how durable writes are. */
export type NodeEngineOptions = Pick<EngineOptions, 'schema' | 'durability' | 'limits' | 'reader'>

/**
 * An engine in Node, over a database in memory: for tests and scripts.
 * @throws MillraceError `INVALID_SCHEMA`
 */
export async function openEngine(options: NodeEngineOptions): Promise<Engine> {
  const path = createRequire(import.meta.url).resolve('@vlcn.io/wa-sqlite/dist/crsqlite-sync.wasm')
  const sqlite = await loadSqlite({ wasmBinary: await readFile(path), locateFile: (file) => file })
  return createEngine({
    ...options,
    sqlite,
    filename: ':memory:',
    storage: { type: 'memory', reason: 'The database is in the memory of this process, as asked.' },
    defer: setImmediate,
  })
}

/** A port source whose engine lives in this process. */
export interface EnginePort extends PortSource {
  /** The engine behind the port, once something has connected: for looking at it from a test. */
  readonly engine: Promise<Engine>
}

/**
 * The real engine in the same process, for `open({ port })`: components can be tested in Node without a browser. Values
 * cross by structured clone and in tasks of their own, as they do from a worker.
 */
export function enginePort(options: NodeEngineOptions): EnginePort {
  let engine: Promise<Engine> | undefined
  const opened = () => {
    engine ??= openEngine(options)
    return engine
  }
  return {
    get engine() {
      return opened()
    },
    connect: async () => {
      const { failure } = await opened()
      if (failure !== undefined) throw failure
      return connectTo(await opened())
    },
    // Nothing here mends itself.
    permanent: () => true,
    close: async () => {
      if (engine !== undefined) (await engine).close()
    },
  }
}

function connectTo(engine: Engine): Port {
  let listener: (message: EngineMessage) => void = () => {}
  let closed = false
  const session = engine.connect((message) => {
    const copy = structuredClone(message)
    setImmediate(() => {
      if (!closed) listener(copy)
    })
  })
  /** A call as over a port: arguments copied, run in a later task, the answer copied and in a later task. */
  const later =
    <A extends unknown[], R>(call: (...values: A) => Promise<R>) =>
    (...values: A): Promise<R> => {
      const copy = structuredClone(values)
      return new Promise((resolve, reject) => {
        setImmediate(() => {
          call.apply(session, copy).then(
            (answer) => setImmediate(() => resolve(structuredClone(answer))),
            (error: MillraceError) => setImmediate(() => reject(error)),
          )
        })
      })
    }
  const calls: EngineCalls = {
    hello: later(session.hello),
    subscribe: later(session.subscribe),
    unsubscribe: later(session.unsubscribe),
    write: later(session.write),
    replay: later(session.replay),
    query: later(session.query),
    cancel: later(session.cancel),
    planExec: later(session.planExec),
    takeUndo: later(session.takeUndo),
    explain: later(session.explain),
    merge: later(session.merge),
    changesSince: later(session.changesSince),
    flush: later(session.flush),
    export: later(session.export),
    close: later(session.close),
  }
  return {
    calls,
    listen: (to) => {
      listener = to
    },
    // The engine is kept: connecting again says why it is lost.
    lost: engine.lost,
    close: () => {
      closed = true
    },
  }
}
