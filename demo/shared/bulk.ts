import type { Stored } from '@millrace/client'
import { cell } from './cell.ts'
import { type Db, newId } from './database.ts'
import { rowsOf } from './live.ts'
import { positionsAfter } from './position.ts'
import { record } from './record.ts'
import {
  type Counts,
  clearSome,
  deleteTodos,
  type Filter,
  insertMany,
  lastPosition,
  setDone,
  setSomeDone,
  todosOf,
} from './todos.ts'

// Changes of many rows. A few are written one by one, which is predicted and shows at once. Many, and rows that are not
// on the page, are left to SQLite, so many at a time: other writes get their turn in between, no message to the page
// is long, and the user sees how far it is.

const ONE_BY_ONE = 500
const AT_A_TIME = 5000

export interface Bulk {
  readonly label: string
  readonly done: number
  readonly total: number
  cancel(): void
}

/** Set while a long one is under way. */
export const bulk = cell<Bulk | undefined>(undefined)

/** Marks all todos of a list as done, or if they are, as open. */
export function toggleAll(db: Db, list: string, filter: Filter, counts: Counts): void {
  const done = counts.active > 0 ? 1 : 0
  const total = done ? counts.active : counts.total - counts.active
  const rows = rowsOf(db, todosOf(list, filter)).filter((row) => row.done !== done)
  if (rows.length === total && total <= ONE_BY_ONE) record(() => setDone(db, rows, done))
  else inSteps('Marking todos', total, () => setSomeDone(db, list, done, AT_A_TIME))
}

export function clearCompleted(db: Db, list: string, filter: Filter, counts: Counts): void {
  const total = counts.total - counts.active
  const rows = rowsOf(db, todosOf(list, filter)).filter((row) => row.done)
  if (rows.length === total && total <= ONE_BY_ONE) record(() => deleteTodos(db, rows))
  else inSteps('Clearing todos', total, () => clearSome(db, list, AT_A_TIME))
}

/** Adds many todos to a list. The page only makes ids and positions; the rows are made by SQLite, in the worker. */
export async function addMany(db: Db, list: string, total: number): Promise<void> {
  const [last] = await db.query(lastPosition)
  let end = last?.position || null
  await inSteps('Adding todos', total, async (added) => {
    const rows: [id: string, title: string, position: string][] = []
    const count = Math.min(AT_A_TIME, total - added)
    while (rows.length < count) {
      // A millisecond or two of work, then the browser may paint.
      for (const position of positionsAfter(end, Math.min(500, count - rows.length))) {
        rows.push([newId(), `Todo ${added + rows.length + 1}`, position])
        end = position
      }
      await new Promise((resolve) => setTimeout(resolve))
    }
    return insertMany(db, list, rows)
  })
}

/** Takes steps until `total` rows are changed, or none is left to change, or the user has had enough. */
async function inSteps(label: string, total: number, step: (done: number) => Promise<Stored>): Promise<void> {
  let cancelled = false
  const cancel = () => {
    cancelled = true
  }
  for (let done = 0; done < total && !cancelled; ) {
    if (total > AT_A_TIME) bulk.set({ label, done, total, cancel })
    const stored = await record(() => step(done))
    if (!stored?.changes) break
    done += stored.changes
  }
  bulk.set(undefined)
}
