import type { Database, MillraceError, Tables } from '@millrace/client'
import {
  batch,
  createComponent,
  createContext,
  createMemo,
  createSignal,
  type JSX,
  onCleanup,
  untrack,
} from 'solid-js'
import { isServer } from 'solid-js/web'

/** @internal */
export const DatabaseContext = createContext<Database>()

/** What {@link MillraceProvider} takes. */
export interface MillraceProviderProps<T extends Tables> {
  /** What `open` gave, or the promise of it. Call `open` once, outside of components: each call is another database. */
  readonly db: Database<T> | PromiseLike<Database<T>>
  /** Shown until the database is open, and on a server. */
  readonly fallback?: JSX.Element
  /** Shown when it could not be opened. Without it, the error is thrown, to the nearest `<ErrorBoundary>`. */
  readonly error?: (error: MillraceError) => JSX.Element
  /** Made when the database is open. */
  readonly children?: JSX.Element
}

/**
 * Gives a database to the components below, for {@link useDb} and {@link useQuery}. It neither opens nor closes it.
 * As with any Solid context, `db` is read once: put the provider in a keyed `<Show>` to change it.
 *
 * ```tsx
 * const db = open({ port: workerPort({ name: 'todos', schema }) })
 *
 * render(
 *   () => (
 *     <MillraceProvider db={db} fallback={<p>Opening …</p>} error={(error) => <p role="alert">{error.message}</p>}>
 *       <App />
 *     </MillraceProvider>
 *   ),
 *   element,
 * )
 * ```
 */
export function MillraceProvider<T extends Tables>(props: MillraceProviderProps<T>): JSX.Element {
  const db = untrack(() => props.db)
  if (!isPromise(db)) return provide(db, props)

  const [opened, setOpened] = createSignal<Opened<T>>({})
  let current = true
  onCleanup(() => {
    current = false
  })
  const settle = (end: Opened<T>) => current && setOpened(end)
  if (!isServer) {
    db.then(
      (opened) => settle({ db: opened }),
      (failure) => settle({ failure }),
    )
  }
  return createMemo(() => {
    const { db, failure } = opened()
    if (db !== undefined) return provide(db, props)
    if (failure === undefined) return props.fallback
    if (props.error === undefined) throw failure
    return props.error(failure)
  }) as unknown as JSX.Element
}

/** How the opening ended: one of the two; none of them while it lasts. */
interface Opened<T extends Tables> {
  readonly db?: Database<T>
  readonly failure?: MillraceError
}

function provide<T extends Tables>(db: Database<T>, props: MillraceProviderProps<T>): JSX.Element {
  // One flush for all queries that a commit or a write changes: a list and its count never disagree.
  if (!isServer) onCleanup(db.batchWith(batch))
  return createComponent(DatabaseContext.Provider, {
    value: db as unknown as Database,
    // A getter, so that the children are made inside the provider.
    get children() {
      return props.children
    },
  })
}

function isPromise<T extends object>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return 'then' in value
}
