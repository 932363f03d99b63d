import { encodeError, unreachable } from '@millrace/protocol'
import type { FromWorker, Settings, ToWorker } from './messages.ts'
import { ownerLock } from './names.ts'
import { Owner } from './owner.ts'
import { blockedStorage } from './storage-blocked.ts'

/*
 * The worker script. Every page runs one; they wait for one lock, and the one that gets it has the database open for
 * all, until its page ends it. An error that nobody catches here ends the worker too (its page hears of it and
 * terminates it): the next owner starts from what is on disk, which is safer than a state that nobody foresaw.
 */

const scope = globalThis as unknown as DedicatedWorkerGlobalScope

let owner: Owner | undefined

scope.addEventListener('message', (event) => receive((event as MessageEvent<ToWorker>).data))
tell({ type: 'started' })

function receive(message: ToWorker): void {
  switch (message.type) {
    case 'start':
      void waitForTurn(message.settings)
      return
    case 'connect':
      // Where opening fails the page is told that, and needs no second answer.
      owner?.connect(message.port, message.control, message.changes).catch(() => {})
      return
    case 'stop':
      void stop()
      return
    default:
      unreachable(message)
  }
}

async function waitForTurn(settings: Settings): Promise<void> {
  try {
    await navigator.locks.request(ownerLock(settings.name), () => {
      owner = new Owner(settings, tell)
      return owner.over
    })
  } catch (error) {
    tell({ type: 'failed', error: encodeError(blockedStorage(settings.name, error)) })
  }
}

async function stop(): Promise<void> {
  await owner?.close()
  tell({ type: 'stopped' })
}

function tell(message: FromWorker): void {
  scope.postMessage(message)
}
