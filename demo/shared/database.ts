import { type Database, open } from '@millrace/client'
import { workerPort } from '@millrace/worker'
import schema from './schema.sql?raw'

export interface List {
  readonly id: string
  readonly name: string
  readonly position: string
}

export interface Todo {
  readonly id: string
  readonly list: string
  readonly title: string
  readonly done: number
  readonly position: string
}

/** The tables of schema.sql, for the types of queries and writes. */
export interface Tables {
  list: List
  todo: Todo
}

export type Db = Database<Tables>

/** In memory only where the browser gives no disk; a banner says so then. */
export async function openTodos(): Promise<Db> {
  const db = await open<Tables>({
    port: workerPort({ name: 'todos', schema, storage: ['opfs', 'memory'], onSchemaMismatch: 'reset' }),
  })
  // Each write tells of its own refusal (record.ts). Without a listener, it would be logged as an error besides.
  db.onRejected(() => {})
  return db
}

/**
 * Begins with the time, so that the newest rows lie side by side in every index: 100,000 random ids would touch pages
 * all over the file. Unlike crypto.randomUUID, this is also there without https.
 */
export function newId(): string {
  const random = crypto.getRandomValues(new Uint32Array(2))
  return [Date.now(), ...random].map((part) => part.toString(36).padStart(7, '0')).join('')
}
