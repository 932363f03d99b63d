'use client'

import type { Database, Tables } from '@millrace/client'
import { createContext, createElement, type ReactElement, type ReactNode } from 'react'

/** @internal */
export const DatabaseContext = createContext<Database | undefined>(undefined)

/** What {@link MillraceProvider} takes. */
export interface MillraceProviderProps<T extends Tables> {
  readonly db: Database<T>
  readonly children?: ReactNode
}

/**
 * Gives a database to the components below, for {@link useDb} and {@link useQuery}. It neither opens nor closes it.
 *
 * ```tsx
 * createRoot(element).render(
 *   <MillraceProvider db={db}>
 *     <App />
 *   </MillraceProvider>,
 * )
 * ```
 */
export function MillraceProvider<T extends Tables>(props: MillraceProviderProps<T>): ReactElement {
  return createElement(DatabaseContext.Provider, { value: props.db as unknown as Database }, props.children)
}
