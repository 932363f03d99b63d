import { createEngine, type Sqlite } from '@millrace/engine'
import { MillraceError } from '@millrace/protocol'
import type { Settings } from '../messages.ts'
import { removeFolder } from './folder.ts'
import { openStorage, type Storage } from './storage.ts'

/**
 * For `onSchemaMismatch: 'reset'`: deletes the database that could not be opened because its schema is not the app's,
 * and says in the console what was in it. `sqlite` is one that has nothing open.
 * @throws the error itself, when it is about something else. What the schema is refused for, when it would be refused by
 * an empty database as well: a typing error must not delete anything.
 */
export async function resetDatabase(sqlite: Sqlite, settings: Settings, error: unknown): Promise<void> {
  if (!(error instanceof MillraceError)) throw error
  if (error.code !== 'SCHEMA_MISMATCH' && error.code !== 'INVALID_SCHEMA') throw error
  checkSchema(sqlite, settings.schema)
  const rows = await countRows(sqlite, settings)
  await removeFolder(settings.name)
  console.warn(
    `Millrace has deleted the database "${settings.name}" and makes it anew, for the schema was changed, and onSchemaMismatch is 'reset'. Lost: ${rows}. ${error.message}`,
  )
}

/** @throws MillraceError `INVALID_SCHEMA` */
function checkSchema(sqlite: Sqlite, schema: string): void {
  const storage = { type: 'memory', reason: '' } as const
  createEngine({ sqlite, filename: ':memory:', schema, storage }).close()
}

async function countRows(sqlite: Sqlite, { name }: Settings): Promise<string> {
  const storage = await openStorage(sqlite, name, ['opfs'], 'strict', () => {})
  try {
    return tablesWithRows(sqlite, storage)
  } finally {
    storage.release()
  }
}

function tablesWithRows(sqlite: Sqlite, { file: { filename, vfs } }: Storage): string {
  const connection = sqlite.open(filename, vfs === undefined ? {} : { vfs })
  const texts = (sql: string): string[] => {
    const statement = connection.prepare(sql)
    try {
      const found: string[] = []
      while (statement.step()) found.push(String(statement.row()[0]))
      return found
    } finally {
      statement.finalize()
    }
  }
  try {
    const counts =
      texts(`SELECT format('SELECT ''%w: '' || count(*) || '' rows'' FROM "%w"', replace(name, '''', ''''''), name)
      FROM pragma_table_list WHERE schema = 'main' AND type = 'table'
      AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '*crsql_*' AND name NOT GLOB 'millrace_*'`)
    return counts.flatMap(texts).join(', ') || 'no table'
  } finally {
    // cr-sqlite has statements of its own.
    texts('SELECT crsql_finalize()')
    connection.close()
  }
}
