import { MillraceError } from '@millrace/protocol'

/**
 * Where site data is blocked (by the user, or in a frame of another site), the browser refuses locks, channels and files
 * alike by a SecurityError: that becomes a MillraceError `STORAGE_UNAVAILABLE`. Everything else is given back as it is.
 */
export function blockedStorage(database: string, thrown: unknown): unknown {
  if (!(thrown instanceof DOMException) || thrown.name !== 'SecurityError') return thrown
  return new MillraceError(
    'STORAGE_UNAVAILABLE',
    `The database "${database}" cannot be opened, because this browser lets this page keep no data (blocked cookies and site data, or a frame of another site): allow site data for this site, or open it in a window of its own.`,
    { cause: thrown },
  )
}
