'use client'

import type { Database, MillraceError, Tables } from '@millrace/client'
import { createContext, createElement, type ReactElement, type ReactNode, useEffect, useState } from 'react'

/** @internal */
export const DatabaseContext = createContext<Database | undefined>(undefined)

/** What {@link MillraceProvider} takes. */
export interface MillraceProviderProps<T extends Tables> {
  /** What `open` gave, or the promise of it. Call `open` once, outside of components: each call is another database. */
  readonly db: Database<T> | PromiseLike<Database<T>>
  /** Shown until the database is open, and on a server. */
  readonly fallback?: ReactNode
  /** Shown when it could not be opened. Without it, the error is thrown, to the nearest error boundary. */
  readonly error?: (error: MillraceError) => ReactNode
  /** Rendered when the database is open. */
  readonly children?: ReactNode
}

/**
 * Gives a database to the components below, for {@link useDb} and {@link useQuery}. It neither opens nor closes it.
 *
 * ```tsx
 * const db = open({ port: workerPort({ name: 'todos', schema }) })
 *
 * createRoot(element).render(
 *   <MillraceProvider db={db} fallback={<p>Opening …</p>} error={(error) => <p role="alert">{error.message}</p>}>
 *     <App />
 *   </MillraceProvider>,
 * )
 * ```
 */
export function MillraceProvider<T extends Tables>(props: MillraceProviderProps<T>): ReactElement {
  const { db, failure } = useOpened(props.db)
  if (failure !== undefined && props.error === undefined) throw failure
  return createElement(
    DatabaseContext.Provider,
    { value: db as Database | undefined },
    db === undefined ? (failure ? props.error?.(failure) : props.fallback) : props.children,
  )
}

/** How the opening ended: one of the two; none of them while it lasts. */
interface Opened<T extends Tables> {
  readonly db?: Database<T>
  readonly failure?: MillraceError
}

function useOpened<T extends Tables>(db: MillraceProviderProps<T>['db']): Opened<T> {
  const [opened, setOpened] = useState<Opened<T> & { readonly promise?: unknown }>({})
  useEffect(() => {
    if (!isPromise(db)) return
    let current = true
    const settle = (end: Opened<T>) => current && setOpened({ ...end, promise: db })
    db.then(
      (opened) => settle({ db: opened }),
      (failure) => settle({ failure }),
    )
    return () => {
      current = false
    }
  }, [db])
  if (!isPromise(db)) return { db }
  return opened.promise === db ? opened : {}
}

function isPromise<T extends object>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return 'then' in value
}
