import { MillraceError } from '@millrace/protocol'
import { journalClient, ownerLock } from './names.ts'
import { DatabaseFile, FileCut } from './storage/database-file.ts'
import { asStorageError, nameOf } from './storage/errors.ts'
import { LOG_FILE, MAIN_FILE, openFolder, removeFolder } from './storage/folder.ts'
import type { SyncFile } from './storage/sync-file.ts'

/**
 * The bytes of a database's file, with what its write-ahead log has: a file of SQLite, if it is not damaged. For a database
 * that `open` refuses: it reads the files alone, without SQLite. Hand it to the user, or to `sqlite3 file .recover`. Of a
 * database that is open, use `db.export()`. Null where there is no such database.
 * @throws MillraceError (as a rejection) `STORAGE_UNAVAILABLE`, `STORAGE_FAILED`
 */
export async function readDatabaseFile(name: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    const folder = await openFolder(await navigator.storage.getDirectory(), name)
    const [main, log] = await Promise.all([contentOf(folder, MAIN_FILE), contentOf(folder, LOG_FILE)])
    return merged(main, log)
  } catch (cause) {
    if (nameOf(cause) === 'NotFoundError') return null
    throw asStorageError(name, cause)
  }
}

/**
 * Deletes a database: its files, and the writes that pages have kept for it. Whether there was one.
 * @throws MillraceError (as a rejection) `STORAGE_FAILED` where a tab has it open; `STORAGE_UNAVAILABLE`
 */
export async function deleteDatabase(name: string): Promise<boolean> {
  return navigator.locks.request(ownerLock(name), { ifAvailable: true }, async (lock) => {
    if (lock === null) {
      throw new MillraceError(
        'STORAGE_FAILED',
        `The database "${name}" is open, in this tab or another, and was not deleted: close it there.`,
      )
    }
    for (const key of Object.keys(localStorage)) {
      if (journalClient(name, key) !== undefined) localStorage.removeItem(key)
    }
    try {
      await removeFolder(name)
      return true
    } catch (cause) {
      if (nameOf(cause) === 'NotFoundError') return false
      throw asStorageError(name, cause)
    }
  })
}

async function contentOf(folder: FileSystemDirectoryHandle, name: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const file = await (await folder.getFileHandle(name)).getFile()
    return new Uint8Array(await file.arrayBuffer())
  } catch (error) {
    if (nameOf(error) === 'NotFoundError') return new Uint8Array()
    throw error
  }
}

function merged(main: Uint8Array<ArrayBuffer>, log: Uint8Array): Uint8Array<ArrayBuffer> {
  let file: DatabaseFile
  try {
    file = new DatabaseFile({ main: readOnly(main), log: readOnly(log) }, 'strict', () => {})
  } catch (error) {
    // What is left of it.
    if (error instanceof FileCut) return main
    throw error
  }
  const content = new Uint8Array(file.size)
  file.read(content, 0)
  return content
}

function readOnly(content: Uint8Array): SyncFile {
  const refuse = (): never => {
    throw new Error('The copy of a file is read only.')
  }
  return {
    read(target, { at = 0 } = {}) {
      const part = content.subarray(at, at + target.byteLength)
      ;(target as Uint8Array).set(part)
      return part.byteLength
    },
    getSize: () => content.byteLength,
    ...{ write: refuse, truncate: refuse, flush: refuse, close: refuse },
  }
}
