import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createEngine, type Engine, loadSqlite, type Sqlite } from '@millrace/engine'
import type { SqlValue } from '@millrace/protocol'
import type { Connection } from '../../src/database/sqlite.ts'
import type { Row } from './replay.ts'

let loaded: Promise<Sqlite> | undefined

/** SQLite, loaded once for a test file: a case opens and closes connections of its own. */
export function sqlite(): Promise<Sqlite> {
  loaded ??= (async () => {
    const path = createRequire(import.meta.url).resolve('@vlcn.io/wa-sqlite/dist/crsqlite-sync.wasm')
    return await loadSqlite({ wasmBinary: await readFile(path), locateFile: (file) => file })
  })()
  return loaded
}

/** An engine, and the connection below it, to ask SQLite past the engine. */
export function openBoth(sqlite: Sqlite, schema: string): { engine: Engine; connection: Connection } {
  let connection: Connection | undefined
  const engine = createEngine({
    sqlite: Object.create(sqlite, {
      open: {
        value: (...values: Parameters<Sqlite['open']>) => {
          connection = sqlite.open(...values)
          return connection
        },
      },
    }),
    filename: ':memory:',
    schema,
    storage: { type: 'memory', reason: 'a test' },
  })
  return { engine, connection: connection as Connection }
}

/** Runs a SELECT past everything of the engine's: prepared, run and thrown away. */
export function ask(connection: Connection, sql: string, parameters: readonly SqlValue[] = []): Row[] {
  const statement = connection.prepare(sql)
  try {
    statement.bind(parameters)
    const rows: Row[] = []
    while (statement.step()) rows.push(statement.row())
    return rows
  } finally {
    statement.finalize()
  }
}
