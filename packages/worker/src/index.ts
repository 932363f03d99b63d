import type { Durability, PortSource } from '@millrace/protocol'
import type { StorageType } from './messages.ts'
import { databaseFolder } from './names.ts'
import { WorkerSource } from './page/worker-source.ts'

/** Which database, and how it is kept. Tabs that have the same name open share one; the owner's options hold for all. */
export interface WorkerPortOptions {
  /** The database of this origin. One name, one database. */
  readonly name: string
  /** The schema as SQL: CREATE statements, and `SELECT crsql_as_crr(…)` for replicated tables. */
  readonly schema: string
  /**
   * Where the data may be, in order of preference. Default `['opfs']`: on disk or not at all. With `'memory'` in it,
   * the data is gone when the tab that holds it is closed.
   */
  readonly storage?: readonly StorageType[]
  /**
   * `strict` (default): a stored write survives a power cut. `relaxed`: it survives the end of tab and browser, and a
   * power cut may take the last ones; commits are about a third faster.
   */
  readonly durability?: Durability
  /** Starts the worker script, where the bundler does not follow `new Worker(new URL(…, import.meta.url))`. */
  readonly worker?: () => Worker
  /** Where `crsqlite-sync.wasm` is, where the bundler does not put it beside the worker script. */
  readonly wasmUrl?: string
}

/**
 * Ports to a database in the browser: a worker of one tab has it open, the others talk to that one, and one of them
 * takes over when it goes. Give the result to `open` of `@millrace/client`.
 *
 * `connect()` rejects with
 * - `STORAGE_UNAVAILABLE`: no OPFS here (private window, old browser, blocked site data), or no secure context;
 * - `STORAGE_FULL`, `STORAGE_FAILED`: the files could not be created, opened or read;
 * - `INVALID_SCHEMA`, `SCHEMA_MISMATCH`, `PROTOCOL_MISMATCH`: the schema is refused, or another tab has another schema
 *   or version of Millrace;
 * - `OWNER_LOST`, `WORKER_LOST`: no tab answered in time, or the worker script did not start.
 *
 * ```ts
 * import { open } from '@millrace/client'
 * import { workerPort } from '@millrace/worker'
 *
 * const db = await open({ port: workerPort({ name: 'todos', schema: 'CREATE TABLE todo (id TEXT PRIMARY KEY NOT NULL)' }) })
 * ```
 * @throws TypeError when the name cannot be the name of a folder.
 */
export function workerPort(options: WorkerPortOptions): PortSource {
  const { name, schema, storage = ['opfs'], durability = 'strict', wasmUrl } = options
  // Only to refuse a bad name here, where the mistake is.
  databaseFolder(name)
  return new WorkerSource({ name, schema, storage, durability, wasmUrl }, options.worker ?? startWorker)
}

function startWorker(): Worker {
  return new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'millrace' })
}
