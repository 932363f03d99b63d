import type { Rejection } from '@millrace/client'
import { createSignal, onCleanup } from 'solid-js'
import { isServer } from 'solid-js/web'
import { useDb } from './use-db.ts'

/** What {@link useRejections} gives. */
export interface Rejections {
  /** Refused since the component is there and not dismissed, the oldest first. */
  readonly rejections: readonly Rejection[]
  /** Takes one out of the list; without one, all. */
  readonly dismiss: (rejection?: Rejection) => void
}

/**
 * The writes that the database refused, to tell the user of them. What they showed has left the screen again. Read it by
 * name and do not take it apart.
 *
 * ```tsx
 * const refused = useRejections()
 * return (
 *   <For each={refused.rejections}>
 *     {(rejection) => <p role="alert" onClick={() => refused.dismiss(rejection)}>{rejection.error.message}</p>}
 *   </For>
 * )
 * ```
 */
export function useRejections(): Rejections {
  const [rejections, setRejections] = createSignal<readonly Rejection[]>([])
  if (!isServer)
    onCleanup(useDb().onRejected((rejection) => setRejections((before) => [...before, rejection])))
  return {
    get rejections() {
      return rejections()
    },
    dismiss: (rejection) => {
      setRejections((before) =>
        rejection === undefined ? [] : before.filter((other) => other !== rejection),
      )
    },
  }
}
