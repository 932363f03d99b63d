import type { Db } from './database.ts'

/** Here is room for what can be folded. On a narrow page the tools lie over it, so they close after use. */
export const wide = matchMedia('(min-width: 50rem)')

/** Hands the database to the user as the file that it is: any SQLite tool opens it. */
export async function downloadDatabase(db: Db): Promise<void> {
  const bytes = (await db.export()) as Uint8Array<ArrayBuffer>
  const url = URL.createObjectURL(new Blob([bytes], { type: 'application/vnd.sqlite3' }))
  Object.assign(document.createElement('a'), { href: url, download: 'todos.sqlite3' }).click()
  // The download begins after this task.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
