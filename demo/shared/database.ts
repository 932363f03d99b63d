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
export function openTodos(): Promise<Db> {
  return open<Tables>({ port: workerPort({ name: 'todos', schema, storage: ['opfs', 'memory'] }) })
}

/** Random, and unlike crypto.randomUUID also there without https. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(10))
  return Array.from(bytes, (byte) => byte.toString(36).padStart(2, '0')).join('')
}
