import { encodeError, unreachable } from '@millrace/protocol'
import { deferred } from './deferred.ts'
import type { FromReader, FromWorker, ToReader, ToWorker } from './messages.ts'
import { ownerLock, workerLock } from './names.ts'
import { Owner } from './owner.ts'
import { ReaderWorker } from './reader/reader-worker.ts'
import { blockedStorage } from './storage-blocked.ts'
import { compileWasm } from './wasm.ts'

/*
 * The worker script. Every page runs one; they wait for one lock, and the one that gets it has the database open for
 * all, until its page ends it. It starts one more, as its reader. An error that nobody catches here ends the worker too (its page hears of it and
 * terminates it): the next owner starts from what is on disk, which is safer than a state that nobody foresaw.
 */

const scope = globalThis as unknown as DedicatedWorkerGlobalScope

let owner: Owner | undefined
let reader: ReaderWorker | undefined
/** What the page has compiled. */
const compiled = deferred<WebAssembly.Module | undefined>()

scope.addEventListener('message', (event) => receive((event as MessageEvent<ToWorker | ToReader>).data))
tell({ type: 'started', url: globalThis.location.href })

function receive(message: ToWorker | ToReader): void {
  switch (message.type) {
    case 'start':
      void waitForTurn(message)
      return
    case 'wasm':
      compiled.resolve(message.module)
      return
    case 'connect':
      // Where opening fails the page is told that, and needs no second answer.
      owner?.connect(message.port, message.control, message.changes).catch(() => {})
      return
    case 'read':
      reader ??= new ReaderWorker(tell)
      void reader.read(message)
      return
    case 'probe':
      tell({ type: 'alive' })
      return
    case 'stop':
      void stop()
      return
    default:
      unreachable(message)
  }
}

async function waitForTurn({ settings, worker }: ToWorker & { type: 'start' }): Promise<void> {
  try {
    if (settings.alone === undefined) {
      await hold(workerLock(settings.name, worker))
      tell({ type: 'held' })
    }
    // What a takeover needs is there before the lock is asked for: the network may be gone by then. Where it cannot be had
    // now, this page can still use the owner of another tab, and the error is told when it is this one's turn.
    const wasm = (await compiled.promise) ?? (await compileWasm(settings.wasmUrl).catch(() => undefined))
    if (settings.alone !== undefined) {
      owner = new Owner(settings, wasm, tell)
      return
    }
    tell({ type: 'prepared' })
    await navigator.locks.request(ownerLock(settings.name), () => {
      owner = new Owner(settings, wasm, tell)
      return owner.over
    })
  } catch (error) {
    tell({ type: 'failed', error: encodeError(blockedStorage(settings.name, error)) })
  }
}

/** Resolves when it has the lock, which it keeps to its end. */
function hold(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(name, () => {
        resolve()
        return new Promise<never>(() => {})
      })
      .catch(reject)
  })
}

async function stop(): Promise<void> {
  await owner?.close()
  tell({ type: 'stopped' })
}

function tell(message: FromWorker | FromReader): void {
  scope.postMessage(message)
}
