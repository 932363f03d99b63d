import { MillraceError } from '@millrace/protocol'
import { Database } from './database.ts'
import { storageError } from './errors.ts'
import type { Sqlite } from './sqlite.ts'
import { SqliteError } from './sqlite.ts'

/*
 * Why a file could not be opened. cr-sqlite is opened with the file, and says little when it fails; it looks at the main
 * database of a connection alone, so that the file can be looked at as a second one.
 */

/** A file, as SQLite is to open it. */
export interface Place {
  readonly sqlite: Sqlite
  readonly filename: string
  readonly vfs?: string
}

/** cr-sqlite's own tables are there, but not the version that it writes as the last of them. */
const HALF_MADE = /cr-sqlite version 0/

/**
 * Whether opening failed because the very first opening of this database was interrupted between cr-sqlite's own
 * transactions. Such a file has no table of the app; one that has is never said to be half made.
 */
export function isHalfMade(place: Place, thrown: unknown): boolean {
  if (!(thrown instanceof SqliteError) || !HALF_MADE.test(thrown.message)) return false
  return tablesOf(place).every((name) => /^(sqlite_|crsql_|__crsql_)/.test(name))
}

/** What to tell where SQLite refused to open the file. */
export function openingError(place: Place, thrown: unknown): unknown {
  if (!(thrown instanceof SqliteError)) return thrown
  let why = thrown
  try {
    tablesOf(place)
  } catch (error) {
    if (!(error instanceof SqliteError)) return error
    why = error
  }
  return (
    storageError(why) ??
    new MillraceError(
      'STORAGE_FAILED',
      `The file is no database that can be opened here (${why.message}): readDatabaseFile of @millrace/worker/rescue gives its bytes, and deleteDatabase begins anew.`,
      { cause: thrown },
    )
  )
}

function tablesOf({ sqlite, filename, vfs }: Place): string[] {
  const beside = new Database(sqlite.open(':memory:'))
  try {
    const uri = `file:${filename}${vfs === undefined ? '' : `?vfs=${vfs}`}`
    beside.connection.exec(`ATTACH '${uri}' AS found`)
    return beside
      .all("SELECT name FROM found.sqlite_schema WHERE type = 'table'")
      .map(([name]) => String(name))
  } finally {
    beside.close()
  }
}
