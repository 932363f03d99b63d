import { type Stored, sql, type Write } from '@millrace/client'
import { type Db, type List, newId, type Todo } from './database.ts'
import { positionAt, positionBetween } from './position.ts'

// Everything that the two apps ask of the database and write to it.

export type Filter = 'all' | 'active' | 'completed'

/** A todo as its list shows it. */
export type Item = Pick<Todo, 'id' | 'title' | 'done' | 'position'>

export interface Counts {
  readonly total: number
  readonly active: number
}

// ── Queries ────────────────────────────────────────────────────────────────────────────────────────────────────────

export const lists = sql<List>`SELECT id, name, position FROM list ORDER BY position, id`

export const activeByList = sql<{ list: string; active: number }>`
  SELECT list, count(*) FILTER (WHERE done = 0) AS active FROM todo GROUP BY list`

const conditions = {
  all: sql``,
  active: sql`AND done = 0`,
  completed: sql`AND done = 1`,
}

export const todosOf = (list: string, filter: Filter) => sql<Item>`
  SELECT id, title, done, position FROM todo
  WHERE list = ${list} ${conditions[filter]} ORDER BY position, id`

export const countsOf = (list: string) => sql<Counts>`
  SELECT count(*) AS total, count(*) FILTER (WHERE done = 0) AS active FROM todo WHERE list = ${list}`

/** The last position of all todos: what comes after it comes last in any list, whatever the filter shows. */
export const lastPosition = sql<{ position: string }>`
  SELECT position FROM todo ORDER BY position DESC LIMIT 1`

// ── Lists ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export function addList(db: Db, id: string, name: string, end: string | undefined): Write {
  return db.insert('list', { id, name, position: positionBetween(end || null, null) })
}

export function renameList(db: Db, id: string, name: string): Write {
  return db.update('list', id, { name })
}

/** The list and its todos go together or not at all. */
export function deleteList(db: Db, id: string): Write {
  return db.write((tx) => {
    tx.delete('list', id)
    tx.exec(sql`DELETE FROM todo WHERE list = ${id}`)
  })
}

// ── Todos ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Adds a todo at the end. Where there is no list yet, it makes the first one in the same write. */
export function addTodo(db: Db, list: string | undefined, title: string, end: string | undefined): Write {
  const id = newId()
  const position = positionBetween(end || null, null)
  return db.write((tx) => {
    if (list === undefined) {
      list = newId()
      tx.insert('list', { id: list, name: 'Todos', position: positionBetween(null, null) })
    }
    tx.insert('todo', { id, list, title, done: 0, position })
  })
}

export function setDone(db: Db, todo: Item, done: boolean): Write {
  return db.update('todo', todo.id, { done })
}

export function renameTodo(db: Db, todo: Item, title: string): Write {
  return db.update('todo', todo.id, { title })
}

export function deleteTodo(db: Db, todo: Item): Write {
  return db.delete('todo', todo.id)
}

/** Puts a todo at `index` of the rows shown. Only its own row is written. */
export function moveTodo(db: Db, id: string, index: number, rows: readonly Item[]): Write {
  const isUp = index < rows.findIndex((row) => row.id === id)
  const others = rows.filter((row) => row.id !== id)
  return db.update('todo', id, { position: positionAt(index, others, isUp) })
}

// Up to so many rows are changed one by one, which shows at once. More, or rows that are not on the page, are changed
// by one statement, which shows when it is done.
const ONE_BY_ONE = 500

export function setAllDone(
  db: Db,
  list: string,
  done: number,
  rows: readonly Item[],
  counts: Counts,
): Write | Promise<Stored> {
  const others = rows.filter((row) => row.done !== done)
  const expected = done ? counts.active : counts.total - counts.active
  if (others.length === expected && expected <= ONE_BY_ONE) {
    return db.write((tx) => {
      for (const { id } of others) tx.update('todo', id, { done })
    })
  }
  return db.exec(sql`UPDATE todo SET done = ${done} WHERE list = ${list} AND done <> ${done}`)
}

export function clearCompleted(
  db: Db,
  list: string,
  rows: readonly Item[],
  counts: Counts,
): Write | Promise<Stored> {
  const completed = rows.filter((row) => row.done)
  if (completed.length === counts.total - counts.active && completed.length <= ONE_BY_ONE) {
    return db.write((tx) => {
      for (const { id } of completed) tx.delete('todo', id)
    })
  }
  return db.exec(sql`DELETE FROM todo WHERE list = ${list} AND done = 1`)
}
