'use client'

import {
  type CompiledQuery,
  compileQuery,
  type Database,
  type Queryable,
  type QueryOptions,
  type Snapshot,
} from '@millrace/client'
import { useMemo, useSyncExternalStore } from 'react'
import { useDb } from './use-db.ts'

/**
 * The rows of a query, kept true: the component renders again when they change. The query may be made inline on each
 * render; text and parameters tell whether it is the same. With `null`, `undefined` or `false` nothing is asked, and
 * the snapshot stays empty and `pending`, as it does on the server.
 *
 * Rows that did not change are the same objects as before, so `memo` on a row's component is enough to render only
 * the rows that changed. An error of SQLite is in `error`; a parameter that SQLite cannot hold throws. `timeout`:
 * milliseconds that a run of the query may take, after which `error` says so.
 *
 * ```tsx
 * const { data, status } = useQuery(sql<Todo>`SELECT * FROM todo WHERE list = ${list} ORDER BY position`)
 * ```
 */
export function useQuery<R>(
  query: Queryable<R> | null | undefined | false,
  { timeout }: Pick<QueryOptions, 'timeout'> = {},
): Snapshot<R> {
  const db = useDb()
  const compiled = useMemo(() => (query ? compileQuery(query) : undefined), [query])
  const id = compiled?.id
  // Keyed by id, for `compiled` is another object on each render when the query is made inline.
  // biome-ignore lint/correctness/useExhaustiveDependencies: equal ids mean equal queries
  const source = useMemo(() => sourceOf<R>(db, compiled, timeout), [db, id, timeout])
  return useSyncExternalStore(source.subscribe, source.getSnapshot, getServerSnapshot)
}

/** What useSyncExternalStore wants, with the same functions as long as the query is the same. */
interface Source<R> {
  subscribe(onChange: () => void): () => void
  getSnapshot(): Snapshot<R>
}

const EMPTY: Snapshot<never> = Object.freeze({
  data: Object.freeze([]),
  status: 'pending',
  error: undefined,
  settling: false,
  version: 0,
})

const getServerSnapshot = () => EMPTY

const SKIPPED: Source<never> = { subscribe: () => () => {}, getSnapshot: getServerSnapshot }

function sourceOf<R>(
  db: Database,
  compiled: CompiledQuery | undefined,
  timeout: number | undefined,
): Source<R> {
  if (compiled === undefined) return SKIPPED
  const live = db.live<R>(compiled, { timeout })
  return {
    subscribe: (onChange) => live.subscribe(() => onChange()),
    getSnapshot: () => live.snapshot,
  }
}
