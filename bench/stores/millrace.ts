import { open, sql } from '@millrace/client'
import { workerPort } from '@millrace/worker'
import { type Contender, FIRST, SCHEMA, type Todo } from './store.ts'

interface Tables {
  todo: Todo
}

const first = sql<Todo>`SELECT id, list, title, done FROM todo ORDER BY id LIMIT ${FIRST}`

/** `worker` starts another script than the package's own; `preload`: the first rows are asked for with opening. */
export const millrace = (
  durability: 'strict' | 'relaxed',
  { worker, preload = false }: { readonly worker?: () => Worker; readonly preload?: boolean } = {},
): Contender => ({
  flushes: durability === 'strict',
  async open(name) {
    const port = workerPort({ name, schema: SCHEMA, durability, ...(worker && { worker }) })
    const db = await open<Tables>({ port, timeout: 60_000, preload: preload ? [first] : [] })
    return {
      insert: (row) => db.insert('todo', row).stored,
      load: (rows) =>
        db.write((tx) => {
          for (const row of rows) tx.insert('todo', row)
        }).stored,
      first() {
        const live = db.live(first)
        return new Promise((resolve, reject) => {
          if (live.snapshot.status === 'live') resolve(live.snapshot.data)
          live.subscribe(({ snapshot }) => {
            if (snapshot.status === 'live') resolve(snapshot.data)
            if (snapshot.error !== undefined) reject(snapshot.error)
          })
        })
      },
      close: () => db.close(),
    }
  },
})
