import { loadSqlite, ReadConnection } from '@millrace/engine'
import { encodeError, MillraceError } from '@millrace/protocol'
import type { FromReader, ToReader } from '../messages.ts'
import { DATABASE_FILE, FileVfs } from '../storage/file-vfs.ts'
import { SnapshotFile } from '../storage/snapshot.ts'

/** A worker of the owner's: it reads for it what takes long. It has no lock and no handle, and can be ended at any time. */
export class ReaderWorker {
  readonly #tell: (message: FromReader) => void
  readonly #file = new SnapshotFile()
  #connection: ReadConnection | undefined

  constructor(tell: (message: FromReader) => void) {
    this.#tell = tell
  }

  async read({ module, snapshot, sql, parameters, timeout }: ToReader): Promise<void> {
    try {
      await this.#file.show(snapshot)
      this.#connection ??= await this.#connect(module)
      this.#tell({ type: 'answer', result: this.#connection.query(sql, parameters, timeout) })
    } catch (error) {
      this.#tell({ type: 'refused', error: encodeError(error) })
    }
  }

  async #connect(module: WebAssembly.Module | undefined): Promise<ReadConnection> {
    if (module === undefined) throw new MillraceError('INTERNAL', 'A reader was asked before it had SQLite.')
    const sqlite = await loadSqlite({ module })
    // That its file fails is told by what fails with it.
    const vfs = new FileVfs('', this.#file, new Uint8Array(), () => {})
    sqlite.registerVfs(vfs)
    return new ReadConnection(sqlite, DATABASE_FILE, vfs.name)
  }
}
