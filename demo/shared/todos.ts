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

export const NONE: Counts = { total: 0, active: 0 }

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

export function setDone(db: Db, todos: readonly Item[], done: number): Write {
  return db.write((tx) => {
    for (const { id } of todos) tx.update('todo', id, { done })
  })
}

export function renameTodo(db: Db, todo: Item, title: string): Write {
  return db.update('todo', todo.id, { title })
}

export function deleteTodos(db: Db, todos: readonly Item[]): Write {
  return db.write((tx) => {
    for (const { id } of todos) tx.delete('todo', id)
  })
}

/** Puts a todo at `index` of the rows shown. Only its own row is written. */
export function moveTodo(db: Db, id: string, index: number, rows: readonly Item[]): Write {
  const isUp = index < rows.findIndex((row) => row.id === id)
  const others = rows.filter((row) => row.id !== id)
  return db.update('todo', id, { position: positionAt(index, others, isUp) })
}

// ── Many todos, by SQL: shows when it is stored ────────────────────────────────────────────────────────────────────

export function setSomeDone(db: Db, list: string, done: number, limit: number): Promise<Stored> {
  return db.exec(sql`
    UPDATE todo SET done = ${done}
    WHERE id IN (SELECT id FROM todo WHERE list = ${list} AND done = ${1 - done} LIMIT ${limit})`)
}

export function clearSome(db: Db, list: string, limit: number): Promise<Stored> {
  return db.exec(sql`
    DELETE FROM todo WHERE id IN (SELECT id FROM todo WHERE list = ${list} AND done = 1 LIMIT ${limit})`)
}

export function insertMany(
  db: Db,
  list: string,
  rows: readonly (readonly [id: string, title: string, position: string])[],
): Promise<Stored> {
  return db.exec(sql`
    INSERT INTO todo (id, list, title, done, position)
    SELECT value ->> 0, ${list}, value ->> 1, 0, value ->> 2 FROM json_each(${JSON.stringify(rows)})`)
}
