/** A row, alike in all stores. */
export interface Todo {
  readonly id: string
  readonly list: string
  readonly title: string
  readonly done: number
}

export const SCHEMA =
  'CREATE TABLE IF NOT EXISTS todo (id TEXT PRIMARY KEY NOT NULL, list TEXT, title TEXT, done INTEGER)'
export const INSERT = 'INSERT INTO todo (id, list, title, done) VALUES (?, ?, ?, ?)'

/** How many rows a page shows first. */
export const FIRST = 50
export const SELECT_FIRST = `SELECT id, list, title, done FROM todo ORDER BY id LIMIT ${FIRST}`

/** An open database of a contender, by the API that its users have. */
export interface Store {
  /** Resolves when the row is as durable as the store promises. A transaction of its own. */
  insert(row: Todo): Promise<unknown>
  /** The same for many, in one transaction, by the fastest way of the API. */
  load(rows: readonly Todo[]): Promise<unknown>
  /** The first rows by key, as a page shows them. */
  first(): Promise<readonly Todo[]>
  close(): Promise<void>
}

export interface Contender {
  /** Whether an awaited write is flushed to the disk. */
  readonly flushes: boolean
  /** Opens a database, and creates it where there is none. */
  open(database: string): Promise<Store>
}

export const values = ({ id, list, title, done }: Todo) => [id, list, title, done] as const

export function todos(start: number, count: number): Todo[] {
  return Array.from({ length: count }, (_, i) => {
    const n = start + i
    return {
      id: `todo-${String(n).padStart(8, '0')}`,
      list: `list-${n % 1_000}`,
      title: `Todo number ${n}`,
      done: n % 2,
    }
  })
}
