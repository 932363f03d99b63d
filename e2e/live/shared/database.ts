import { type Database, open, sql, type Write } from '@millrace/client'
import { workerPort } from '@millrace/worker'
import { delayed } from './delayed-port.ts'
import { TypingWatch } from './watch-typing.ts'
import { watchWrite } from './watch-write.ts'

export interface Todo {
  readonly id: string
  readonly list: string
  readonly title: string
  readonly note: string
  readonly done: number
}

export interface Tables {
  todo: Todo
}

const SCHEMA = `
  CREATE TABLE todo (
    id TEXT PRIMARY KEY NOT NULL,
    list TEXT NOT NULL DEFAULT 'home',
    title TEXT NOT NULL,
    note TEXT NOT NULL DEFAULT '',
    done INTEGER NOT NULL DEFAULT 0
  );
  CREATE INDEX todo_title ON todo (title)`

/** How late the engine's answers are, in ms. */
const DELAY = 80

declare global {
  interface Window {
    /** What the specs drive the page by; there once the page is. */
    live: {
      readonly db: Database<Tables>
      readonly sql: typeof sql
      readonly writes: Writes
      readonly watchWrite: typeof watchWrite
      readonly TypingWatch: typeof TypingWatch
      typing?: TypingWatch
    }
  }
}

/** The writes that the components of a page made. */
class Writes {
  /** Made and not yet stored. */
  inFlight = 0
  last: Write | undefined

  add(write: Write): void {
    this.inFlight++
    this.last = write
    const end = () => {
      this.inFlight--
    }
    write.stored.then(end, end)
  }

  /** Nothing is in flight, and what follows from that has had 300 ms to show. */
  async settled(): Promise<void> {
    while (this.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 10))
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
}

const writes = new Writes()

/** For each write that a component makes. */
export function track(write: Write): void {
  writes.add(write)
}

export async function openDelayed(): Promise<Database<Tables>> {
  const db = await open<Tables>({ port: delayed(workerPort({ name: 'live', schema: SCHEMA }), DELAY) })
  window.live = { db, sql, writes, watchWrite, TypingWatch }
  return db
}
