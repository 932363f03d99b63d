import { open, sql } from '@millrace/client'
// biome-ignore lint/style/noRestrictedImports: what an app writes; the test puts the engine in its place
import { workerPort } from '@millrace/worker'

const schema = 'CREATE TABLE todo (id TEXT PRIMARY KEY NOT NULL, title TEXT, done INTEGER NOT NULL DEFAULT 0)'

interface Todo {
  id: string
  title: string | null
  done: number
}

const db = await open<{ todo: Todo }>({ port: workerPort({ name: 'todos', schema }) })

const todos = db.live(sql<Todo>`SELECT * FROM todo WHERE done = ${0} ORDER BY title`)
const stop = todos.subscribe(() => console.log(todos.snapshot.data))

// Live queries that have their rows show it before this returns.
const write = db.insert('todo', { id: crypto.randomUUID(), title: 'Read this', done: 0 })
await write.stored // on disk

stop()
await db.close()
