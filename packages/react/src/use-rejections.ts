'use client'

import type { Rejection } from '@millrace/client'
import { useCallback, useEffect, useState } from 'react'
import { useDb } from './use-db.ts'

/** What {@link useRejections} gives. */
export interface Rejections {
  /** Refused since the component is there and not dismissed, the oldest first. */
  readonly rejections: readonly Rejection[]
  /** Takes one out of the list; without one, all. */
  readonly dismiss: (rejection?: Rejection) => void
}

/**
 * The writes that the database refused, to tell the user of them. What they showed has left the screen again.
 *
 * ```tsx
 * const { rejections, dismiss } = useRejections()
 * return rejections.map((rejection) => (
 *   <p role="alert" onClick={() => dismiss(rejection)}>{rejection.error.message}</p>
 * ))
 * ```
 */
export function useRejections(): Rejections {
  const db = useDb()
  const [rejections, setRejections] = useState<readonly Rejection[]>([])
  useEffect(() => db.onRejected((rejection) => setRejections((before) => [...before, rejection])), [db])
  const dismiss = useCallback(
    (rejection?: Rejection) =>
      setRejections((before) =>
        rejection === undefined ? [] : before.filter((other) => other !== rejection),
      ),
    [],
  )
  return { rejections, dismiss }
}
