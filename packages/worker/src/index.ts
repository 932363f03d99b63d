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
   * Of writes that do not say. `strict` (default): a stored write survives a power cut. `relaxed`: it survives the end of
   * tab and browser, and a power cut may take those of the last second, never a part of one; a commit waits for no disk.
   */
  readonly durability?: Durability
  /**
   * What happens when the tables on disk are not those of the schema, because you edited it. `error` (default): `open`
   * rejects with `SCHEMA_MISMATCH`. `reset`: the database is deleted with all its rows and made anew, and a warning in
   * the console tells what was in it. For development only: in a production build, where the bundler replaces
   * `process.env.NODE_ENV` by `'production'`, and where nothing replaces it, `reset` means `error`.
   */
  readonly onSchemaMismatch?: 'error' | 'reset'
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
  const onSchemaMismatch = isDevelopment() ? (options.onSchemaMismatch ?? 'error') : 'error'
  // Only to refuse a bad name here, where the mistake is.
  databaseFolder(name)
  const settings = { name, schema, storage, durability, onSchemaMismatch, wasmUrl }
  return new WorkerSource(settings, options.worker ?? startWorker)
}

/** Bundlers replace this expression by a text, and only in this form: without `typeof process` or `?.` in it. */
declare const process: { readonly env: { readonly NODE_ENV?: string } }

function isDevelopment(): boolean {
  try {
    return process.env.NODE_ENV === 'development'
  } catch {
    // Nothing has replaced it, and there is no `process` in a browser.
    return false
  }
}

function startWorker(): Worker {
  return new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'millrace' })
}
