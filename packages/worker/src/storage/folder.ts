import { databaseFolder } from '../names.ts'

/** The files of a database in its folder. */
export const MAIN_FILE = 'database.sqlite'
export const LOG_FILE = 'database.sqlite-log'

const ROOT = 'millrace'

/**
 * The folder of a database in the origin's private file system, whose root is `origin`.
 * @throws DOMException `NotFoundError` where there is none, and `create` is not set
 */
export async function openFolder(
  origin: FileSystemDirectoryHandle,
  database: string,
  options?: FileSystemGetDirectoryOptions,
): Promise<FileSystemDirectoryHandle> {
  const root = await origin.getDirectoryHandle(ROOT, options)
  return root.getDirectoryHandle(databaseFolder(database), options)
}

/**
 * Deletes all files of a database that nobody has open.
 * @throws DOMException `NotFoundError` where there are none
 */
export async function removeFolder(database: string): Promise<void> {
  const origin = await navigator.storage.getDirectory()
  const root = await origin.getDirectoryHandle(ROOT)
  await root.removeEntry(databaseFolder(database), { recursive: true })
}
