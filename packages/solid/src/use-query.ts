import {
  type CompiledQuery,
  compileQuery,
  type Queryable,
  type QueryOptions,
  type Snapshot,
} from '@millrace/client'
import { createComputed, createMemo, onCleanup, untrack } from 'solid-js'
import { isServer } from 'solid-js/web'
import { createSnapshotStore } from './snapshot-store.ts'
import { useDb } from './use-db.ts'

/**
 * The rows of a query, kept true, as a store: a change of one column of one row wakes what reads that column of that
 * row, and a row keeps its object while it changes and moves, so `<For>` keeps its DOM. The query is an accessor: its
 * signals are followed, and text and parameters tell whether it is another one. While it gives `null`, `undefined` or
 * `false` nothing is asked, and the snapshot stays empty and `pending`, as it does on the server.
 *
 * Read it by name and do not take it apart: `todos.data`, not `const { data } = …`, as with any store. An error of
 * SQLite is in `error`; a parameter that SQLite cannot hold throws. `timeout`: milliseconds that a run of the query may
 * take, after which `error` says so.
 *
 * ```tsx
 * const todos = useQuery(() => sql<Todo>`SELECT * FROM todo WHERE list = ${props.list} ORDER BY position`)
 * return <For each={todos.data}>{(todo) => <li>{todo.title}</li>}</For>
 * ```
 */
export function useQuery<R>(
  query: () => Queryable<R> | null | undefined | false,
  options: Pick<QueryOptions, 'timeout'> = {},
): Snapshot<R> {
  const { store, show, apply, clear } = createSnapshotStore<R>()
  if (isServer) return store
  const db = useDb()

  const compiled = createMemo<CompiledQuery | undefined>(
    () => {
      const asked = query()
      return asked ? compileQuery(asked) : undefined
    },
    undefined,
    { equals: (a, b) => a?.id === b?.id },
  )

  createComputed(() => {
    const asked = compiled()
    if (asked === undefined) return clear()
    untrack(() => {
      const live = db.live<R>(asked, options)
      onCleanup(live.subscribe(apply))
      show(live.snapshot)
    })
  })

  return store
}
