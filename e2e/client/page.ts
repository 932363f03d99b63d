import { type Database, open, sql } from '@millrace/client'
import { workerPort } from '@millrace/worker'

/* The public API of client and worker, for specs that drive it by hand. */

declare global {
  interface Window {
    millrace: { open: typeof open; sql: typeof sql; workerPort: typeof workerPort }
    db: Database
    /** Given by the spec: it outlives the page. */
    tellStored(id: number): Promise<void>
  }
}

window.millrace = { open, sql, workerPort }
