import type { Sqlite } from '@millrace/engine'
import { MillraceError, type StorageInfo } from '@millrace/protocol'
import { DATABASE_FILE, type DatabaseFiles, FileVfs } from './file-vfs.ts'
import type { StorageType } from './messages.ts'
import { databaseFolder } from './names.ts'
import { HANDLES } from './time-limits.ts'

/** The place of a database, ours alone, as the engine opens it. */
export interface Storage {
  readonly file: { readonly filename: string; readonly vfs?: string }
  readonly info: StorageInfo
  /** Lets go of the files, after the engine was closed. */
  release(): void
}

/**
 * Opens the first kind of storage that is to be had here. A kind that is there and fails is an error: only a kind that
 * is not there is passed over.
 * @throws MillraceError `STORAGE_UNAVAILABLE`, `STORAGE_FULL`, `STORAGE_FAILED`.
 */
export async function openStorage(
  sqlite: Sqlite,
  database: string,
  kinds: readonly StorageType[],
  onBroken: (error: MillraceError) => void,
): Promise<Storage> {
  let missing: MillraceError | undefined
  for (const kind of kinds) {
    if (kind === 'memory') return inMemory(missing)
    try {
      return await onDisk(sqlite, database, onBroken)
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code !== 'STORAGE_UNAVAILABLE') throw error
      missing = error
    }
  }
  throw missing ?? new MillraceError('STORAGE_UNAVAILABLE', 'The list `storage` is empty: name "opfs" in it.')
}

function inMemory(missing: MillraceError | undefined): Storage {
  const why = missing === undefined ? 'as the app asked' : missing.message
  return {
    file: { filename: ':memory:' },
    info: {
      type: 'memory',
      reason: `In memory, and gone when the tab that holds it is closed. Why: ${why}`,
    },
    release() {},
  }
}

async function onDisk(
  sqlite: Sqlite,
  database: string,
  onBroken: (error: MillraceError) => void,
): Promise<Storage> {
  const files = await acquireFiles(database, await openFolder(database))
  const vfs = new FileVfs(database, files, onBroken)
  sqlite.registerVfs(vfs)
  return {
    file: { filename: DATABASE_FILE, vfs: vfs.name },
    info: { type: 'opfs', reason: 'Kept on disk, in the private file system of this site.' },
    release: () => closeFiles(files),
  }
}

async function openFolder(database: string): Promise<FileSystemDirectoryHandle> {
  let root: FileSystemDirectoryHandle
  try {
    root = await navigator.storage.getDirectory()
  } catch (cause) {
    throw unavailable(database, cause)
  }
  try {
    const millrace = await root.getDirectoryHandle('millrace', { create: true })
    return await millrace.getDirectoryHandle(databaseFolder(database), { create: true })
  } catch (cause) {
    throw asStorageError(database, cause)
  }
}

/** Deletes all files of a database that nobody has open. */
export async function deleteDatabase(database: string): Promise<void> {
  const root = await navigator.storage.getDirectory()
  const millrace = await root.getDirectoryHandle('millrace')
  await millrace.removeEntry(databaseFolder(database), { recursive: true })
}

/** Both handles. A worker that is ending may still have them: then again a little later, for some seconds. */
async function acquireFiles(database: string, folder: FileSystemDirectoryHandle): Promise<DatabaseFiles> {
  const start = performance.now()
  for (let wait = 10; ; wait = Math.min(wait * 1.5, 200)) {
    try {
      return await acquireOnce(folder)
    } catch (cause) {
      const held = nameOf(cause) === 'NoModificationAllowedError'
      if (!held || performance.now() - start > HANDLES) throw asStorageError(database, cause)
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
  }
}

async function acquireOnce(folder: FileSystemDirectoryHandle): Promise<DatabaseFiles> {
  const main = await openFile(folder, 'database.sqlite')
  try {
    return { main, journal: await openFile(folder, 'database.sqlite-journal') }
  } catch (error) {
    main.close()
    throw error
  }
}

async function openFile(
  folder: FileSystemDirectoryHandle,
  name: string,
): Promise<FileSystemSyncAccessHandle> {
  const file = await folder.getFileHandle(name, { create: true })
  return file.createSyncAccessHandle()
}

function closeFiles(files: DatabaseFiles): void {
  files.main.close()
  files.journal.close()
}

/** What the browser's own error means. */
function asStorageError(database: string, cause: unknown): MillraceError {
  switch (nameOf(cause)) {
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
        `The file of the database "${database}" is held by a tab that does not let go of it: close other tabs of this site.`,
        { cause },
      )
    default:
      return failed(database, cause)
  }
}

function unavailable(database: string, cause: unknown): MillraceError {
  return new MillraceError(
    'STORAGE_UNAVAILABLE',
    `The database "${database}" cannot be kept on disk, for this browser gives no private file system here (a private window, blocked site data, or an old browser): use a normal window, or allow "memory" in \`storage\`.`,
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

function nameOf(cause: unknown): string | undefined {
  return cause instanceof Error ? cause.name : undefined
}
