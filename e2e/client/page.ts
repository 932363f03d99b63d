import { type Database, open, sql } from '@millrace/client'
import { workerPort } from '@millrace/worker'
import { deleteDatabase, readDatabaseFile } from '@millrace/worker/rescue'

/* The public API of client and worker, for specs that drive it by hand. */

declare global {
  interface Window {
    millrace: typeof millrace
    db: Database
    askWorker(): Promise<unknown>
    /** Given by the spec: it outlives the page. */
    tellStored(id: number): Promise<void>
  }
}

const millrace = { open, sql, workerPort, deleteDatabase, readDatabaseFile }
window.millrace = millrace
window.askWorker = () => {
  const worker = new Worker(new URL('./app-worker.ts', import.meta.url), { type: 'module' })
  return new Promise((resolve, reject) => {
    worker.addEventListener('message', ({ data }) => resolve(data))
    worker.addEventListener('error', ({ message }) => reject(new Error(message)))
    worker.postMessage(null)
  })
}
