import type { Database } from './database.ts'

/** Pages given back in one step: some 15 ms. */
const STEP = 1000
/** What the pragma auto_vacuum says of a file whose room can be given back. */
const INCREMENTAL = 2
/** Free pages below which nothing is done: 2 MB. */
const FEW = 500

/*
 * Room that rows left behind goes back to the disk, in steps, where a quarter of the file is free
 * (sqlite.org/pragma.html#pragma_incremental_vacuum). SQLite can do that only in a file that was made for it.
 */

/** For a database that has no tables yet. */
export function makeShrinkable(database: Database): void {
  const [mode] = database.get('PRAGMA auto_vacuum') as [number]
  if (mode === INCREMENTAL) return
  const [tables] = database.get(
    "SELECT count(*) FROM sqlite_master WHERE name NOT LIKE '%crsql\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
  ) as [number]
  // cr-sqlite has made its own before anything can be set, so that the file must be written anew: eight pages.
  if (tables === 0) database.connection.exec('PRAGMA auto_vacuum = incremental; VACUUM')
}

/** Makes one step, if there is much to give back. Whether there was. Not within a transaction. */
export function giveBackSpace(database: Database): boolean {
  const [free] = database.get('PRAGMA freelist_count') as [number]
  const [pages] = database.get('PRAGMA page_count') as [number]
  if (free < FEW || free < pages / 4) return false
  database.all(`PRAGMA incremental_vacuum(${STEP})`)
  return true
}
