import { MillraceError } from '@millrace/protocol'
import { FileCut } from './database-file.ts'
import { NoRoom } from './sync-file.ts'

/** What the browser's own error means. */
export function asStorageError(database: string, cause: unknown): MillraceError {
  if (cause instanceof MillraceError) return cause
  if (cause instanceof FileCut) return cut(database, cause)
  switch (cause instanceof NoRoom ? 'QuotaExceededError' : nameOf(cause)) {
    case 'QuotaExceededError':
      return new MillraceError(
        'STORAGE_FULL',
        `There is no room for the database "${database}": this site's quota or the disk is used up. Free some space and open it again.`,
        { cause },
      )
    // TypeError: a browser without createSyncAccessHandle.
    case 'TypeError':
    case 'NotSupportedError':
    case 'SecurityError':
      return unavailable(database, cause)
    case 'NoModificationAllowedError':
      return new MillraceError(
        'STORAGE_FAILED',
        `The file of the database "${database}" is held by a tab that does not let go of it: close or reload the tabs of this site.`,
        { cause },
      )
    default:
      return failed(database, cause)
  }
}

export function unavailable(database: string, cause: unknown): MillraceError {
  return new MillraceError(
    'STORAGE_UNAVAILABLE',
    `The database "${database}" cannot be kept on disk, for this browser gives no private file system here (a private window, blocked site data, or an old browser): use a normal window, or allow "memory" in \`storage\`.`,
    { cause },
  )
}

export function cleared(database: string, cause: unknown): MillraceError {
  return new MillraceError(
    'STORAGE_CLEARED',
    `The files of the database "${database}" were removed while it was open: the site's data was cleared, by the user or by a browser that has no room (\`db.persist()\` asks it not to). Reload the page: it begins anew.`,
    { cause },
  )
}

function cut(database: string, cause: FileCut): MillraceError {
  return new MillraceError(
    'STORAGE_FAILED',
    `The file of the database "${database}" was emptied or cut from outside (${cause.message}): data was lost. readDatabaseFile of @millrace/worker/rescue gives what is left of it, and deleteDatabase begins anew.`,
    { cause },
  )
}

function failed(database: string, cause: unknown): MillraceError {
  return new MillraceError(
    'STORAGE_FAILED',
    `The file of the database "${database}" could not be opened: ${cause instanceof Error ? cause.message : String(cause)}.`,
    { cause },
  )
}

export function nameOf(cause: unknown): string | undefined {
  return cause instanceof Error ? cause.name : undefined
}
