import { databaseFolder } from '../names.ts'

/** Deletes all files of a database that nobody has open. */
export async function removeFiles(database: string): Promise<void> {
  const root = await navigator.storage.getDirectory()
  const millrace = await root.getDirectoryHandle('millrace')
  await millrace.removeEntry(databaseFolder(database), { recursive: true })
}
