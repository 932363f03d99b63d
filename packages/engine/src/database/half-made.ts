import { Database } from './database.ts'
import type { Sqlite } from './sqlite.ts'
import { SqliteError } from './sqlite.ts'

/** cr-sqlite's own tables are there, but not the version that it writes as the last of them. */
const HALF_MADE = /cr-sqlite version 0/

/**
 * Whether opening failed because the very first opening of this database was interrupted between cr-sqlite's own
 * transactions. Such a file has no table of the app; one that has is never said to be half made.
 */
export function isHalfMade(
  { sqlite, filename, vfs }: { readonly sqlite: Sqlite; readonly filename: string; readonly vfs?: string },
  thrown: unknown,
): boolean {
  if (!(thrown instanceof SqliteError) || !HALF_MADE.test(thrown.message)) return false
  // cr-sqlite looks at the main database of a connection alone.
  const beside = new Database(sqlite.open(':memory:'))
  try {
    const uri = `file:${filename}${vfs === undefined ? '' : `?vfs=${vfs}`}`
    beside.connection.exec(`ATTACH '${uri}' AS found`)
    const names = beside.all("SELECT name FROM found.sqlite_schema WHERE type = 'table'")
    return names.every(([name]) => /^(sqlite_|crsql_|__crsql_)/.test(String(name)))
  } finally {
    beside.close()
  }
}
