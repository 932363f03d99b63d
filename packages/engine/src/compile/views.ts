import { parseStmt } from 'sqlite3-parser'
import type { Database } from '../database/database.ts'
import { textOf } from './edits.ts'
import { inlineViews } from './normalize.ts'

/** The SELECT behind each view, by lower-case name, other views written out. Views whose columns are named anew are left out. */
export function readViews(database: Database): ReadonlyMap<string, string> {
  const asked = new Map<string, string>()
  for (const [name, sql] of database.all(`SELECT name, sql FROM sqlite_master WHERE type = 'view'`)) {
    const parsed = parseStmt(String(sql))
    if (parsed.status !== 'ok' || parsed.root.type !== 'CreateViewStmt') continue
    const { columns, select } = parsed.root
    if (columns === undefined) asked.set(String(name).toLowerCase(), textOf(String(sql), select))
  }
  return inlineViews(asked)
}
