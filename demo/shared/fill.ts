import { type MillraceError, sql } from '@millrace/client'
import { cell } from './cell.ts'
import { type Db, newId } from './database.ts'
import { positionsAfter } from './position.ts'
import { addToast, refusal } from './toasts.ts'
import { lastPosition } from './todos.ts'

export interface Filling {
  readonly added: number
  readonly total: number
  cancel(): void
}

/** Set while todos are being added in bulk. */
export const filling = cell<Filling | undefined>(undefined)

// One statement a chunk: a write that comes in between waits for one chunk, not for all.
const CHUNK = 5000
// The page makes so many rows at a time, a millisecond or two, and lets the browser paint in between.
const SLICE = 500

/** Adds many todos to a list. The page only makes ids and positions; the rows are made by SQLite, in the worker. */
export async function fill(db: Db, list: string, total: number): Promise<void> {
  let cancelled = false
  const cancel = () => {
    cancelled = true
  }
  filling.set({ added: 0, total, cancel })
  try {
    const [last] = await db.query(lastPosition)
    let end = last?.position || null
    for (let added = 0; added < total && !cancelled; ) {
      const rows: string[] = []
      while (rows.length < Math.min(CHUNK, total - added)) {
        for (const position of positionsAfter(end, Math.min(SLICE, total - added - rows.length))) {
          rows.push(JSON.stringify([newId(), `Todo ${added + rows.length + 1}`, position]))
          end = position
        }
        await nextTask()
      }
      await db.exec(sql`
        INSERT INTO todo (id, list, title, done, position)
        SELECT value ->> 0, ${list}, value ->> 1, 0, value ->> 2 FROM json_each(${`[${rows}]`})`)
      added += rows.length
      filling.set({ added, total, cancel })
    }
  } catch (error) {
    addToast(refusal(error as MillraceError))
  } finally {
    filling.set(undefined)
  }
}

function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve))
}
