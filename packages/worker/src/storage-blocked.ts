import { MillraceError } from '@millrace/protocol'

/** Where the browser refuses not only files but also the locks that tabs agree by. */
export function storageBlocked(database: string, cause: unknown): MillraceError {
  return new MillraceError(
    'STORAGE_UNAVAILABLE',
    `The database "${database}" cannot be opened, for this browser lets this page keep no data (blocked cookies and site data, or a frame of another site): allow site data for this site, or open it in a window of its own.`,
    { cause },
  )
}
