import type { Database, Tables } from '@millrace/client'
import { batch, createComponent, createContext, type JSX, onCleanup } from 'solid-js'
import { isServer } from 'solid-js/web'

/** @internal */
export const DatabaseContext = createContext<Database>()

/** What {@link MillraceProvider} takes. */
export interface MillraceProviderProps<T extends Tables> {
  readonly db: Database<T>
  readonly children?: JSX.Element
}

/**
 * Gives a database to the components below, for {@link useDb} and {@link useQuery}. It neither opens nor closes it.
 * As with any Solid context, `db` is read once: put the provider in a keyed `<Show>` to change it.
 *
 * ```tsx
 * render(
 *   () => (
 *     <MillraceProvider db={db}>
 *       <App />
 *     </MillraceProvider>
 *   ),
 *   element,
 * )
 * ```
 */
export function MillraceProvider<T extends Tables>(props: MillraceProviderProps<T>): JSX.Element {
  // One flush for all queries that a commit or a write changes: a list and its count never disagree.
  if (!isServer) onCleanup(props.db.batchWith(batch))
  return createComponent(DatabaseContext.Provider, {
    value: props.db as unknown as Database,
    // A getter, so that the children are made inside the provider.
    get children() {
      return props.children
    },
  })
}
