import { loadSqlite } from '@millrace/engine'
import wasmAddress from '@vlcn.io/wa-sqlite/dist/crsqlite-sync.wasm?url'
import { expose } from 'comlink'
import { HandleVfs } from './handle-vfs.ts'
import type { OpenStore } from './in-worker.ts'
import { INSERT, SCHEMA, SELECT_FIRST, type Todo, values } from './store.ts'

type Connection = ReturnType<Awaited<ReturnType<typeof loadSqlite>>['open']>
type Statement = ReturnType<Connection['prepare']>

/** Of SQLite itself, not of our engine, which may change its own: strict, with a rollback journal that is truncated. */
const PRAGMAS = `
  PRAGMA temp_store = memory;
  PRAGMA locking_mode = exclusive;
  PRAGMA journal_mode = truncate;
  PRAGMA synchronous = full;
  PRAGMA cache_size = -32000;`

let vfs: HandleVfs
let connection: Connection
let begin: Statement
let statement: Statement
let commit: Statement

const store: OpenStore = {
  async open(name) {
    const sqlite = await loadSqlite({ locateFile: () => new URL(wasmAddress, location.origin).href })
    vfs = await HandleVfs.open(name)
    sqlite.registerVfs(vfs)
    connection = sqlite.open(name, { vfs: vfs.name })
    connection.exec(`${PRAGMAS} ${SCHEMA}`)
    begin = connection.prepare('BEGIN')
    statement = connection.prepare(INSERT)
    commit = connection.prepare('COMMIT')
  },
  async insert(row) {
    insert(row)
  },
  async load(rows) {
    run(begin)
    for (const row of rows) insert(row)
    run(commit)
  },
  async first() {
    const select = connection.prepare(SELECT_FIRST)
    const rows: Todo[] = []
    while (select.step()) {
      const [id, list, title, done] = select.row() as [string, string, string, number]
      rows.push({ id, list, title, done })
    }
    select.finalize()
    return rows
  },
  /** The connection goes with the worker. */
  async close() {
    vfs.close()
  },
}
expose(store)

function insert(row: Todo): void {
  statement.bind(values(row))
  run(statement)
}

function run(statement: Statement): void {
  statement.step()
  statement.reset()
}
