import { MemoryVFS } from '@vlcn.io/wa-sqlite/src/examples/MemoryVFS.js'
import type { Database } from './database.ts'
import type { Sqlite } from './sqlite.ts'

const FILE = '/export.sqlite3'
/** One memory file system per loaded SQLite: a VFS cannot be registered twice. */
const exporters = new WeakMap<Sqlite, MemoryVFS>()

/**
 * The database as the bytes of a SQLite file, compacted: VACUUM INTO a file in memory. Whatever file system the
 * database lies in, what comes out is one whole transaction.
 */
export function exportDatabase(sqlite: Sqlite, database: Database): Uint8Array {
  let memory = exporters.get(sqlite)
  if (memory === undefined) {
    memory = new MemoryVFS()
    sqlite.registerVfs(memory)
    exporters.set(sqlite, memory)
  }
  memory.mapNameToFile.clear()
  database.run(`VACUUM INTO 'file:${FILE}?vfs=${memory.name}'`)
  const [file] = memory.mapNameToFile.values()
  if (file === undefined) throw new Error('VACUUM INTO wrote no file')
  memory.mapNameToFile.clear()
  return new Uint8Array(file.data.slice(0, file.size))
}
