import { MillraceError } from '@millrace/protocol'
import { NoRoom } from './sync-file.ts'

/*
 * SQLite's files: the database (`DatabaseFile`, or for a reader `SnapshotFile`), and SQLite's rollback journal, which is
 * needed for ROLLBACK alone and lives in memory. There are no others: temporary files are in memory (PRAGMA temp_store),
 * a WAL of SQLite's does not work with cr-sqlite, and nothing is attached. wa-sqlite's AccessHandlePoolVFS is not used,
 * because it
 *
 * - takes a result of read() that is an error code for a full read, so that rows are made of a stale buffer;
 * - reports a full disk as an I/O error;
 * - cannot let go of the handles that it had when it did not get all of them;
 * - opens six handles where two will do, which costs the takeover time, and hides the database behind a header.
 */

// Codes of sqlite3.h.
const SQLITE_OK = 0
const SQLITE_IOERR = 10
const SQLITE_NOTFOUND = 12
const SQLITE_FULL = 13
const SQLITE_CANTOPEN = 14
const SQLITE_IOERR_SHORT_READ = 522
const SQLITE_OPEN_MAIN_DB = 0x100
const SQLITE_OPEN_MAIN_JOURNAL = 0x800
const SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN = 0x800

/** The name to open the database by. */
export const DATABASE_FILE = 'main.db'
const JOURNAL_FILE = `${DATABASE_FILE}-journal`

/** What SQLite does to a file. */
export interface VfsFile {
  readonly size: number
  /** Fills `data`; gives the number of bytes that were there. */
  read(data: Uint8Array, offset: number): number
  write(data: Uint8Array, offset: number): void
  truncate(size: number): void
  sync(): void
}

/**
 * A virtual file system for one connection at a time to one database. After a fault that leaves the file's content in
 * doubt it refuses everything, and says so once: a rollback from such a file would write what was misread.
 */
export class FileVfs {
  readonly name = 'millrace-opfs'
  readonly #database: string
  readonly #main: VfsFile
  readonly #journal: MemoryFile
  readonly #onBroken: (error: MillraceError) => void
  /** By SQLite's file id, which is an address. */
  readonly #open = new Map<number, VfsFile>()

  #broken = false

  /** `journal`: what a version that had SQLite's journal on disk left there. SQLite takes its transaction back. */
  constructor(
    database: string,
    main: VfsFile,
    journal: Uint8Array,
    onBroken: (error: MillraceError) => void,
  ) {
    this.#database = database
    this.#main = main
    this.#journal = new MemoryFile(journal)
    this.#onBroken = onBroken
  }

  /** After a fault nothing is read or written any more. */
  get broken(): boolean {
    return this.#broken
  }

  xOpen(_name: string | null, file: number, flags: number, outFlags: DataView): number {
    const opened = this.#fileFor(flags)
    if (opened === undefined) return SQLITE_CANTOPEN
    this.#open.set(file, opened)
    outFlags.setInt32(0, flags, true)
    return SQLITE_OK
  }

  xClose(file: number): number {
    this.#open.delete(file)
    return SQLITE_OK
  }

  xRead(file: number, data: Uint8Array, offset: number): number {
    return this.#use(file, (opened) => {
      const count = opened.read(data, offset)
      if (count === data.byteLength) return SQLITE_OK
      data.fill(0, count)
      return SQLITE_IOERR_SHORT_READ
    })
  }

  xWrite(file: number, data: Uint8Array, offset: number): number {
    return this.#use(file, (opened) => {
      opened.write(data, offset)
      return SQLITE_OK
    })
  }

  xTruncate(file: number, size: number): number {
    return this.#use(file, (opened) => {
      opened.truncate(size)
      return SQLITE_OK
    })
  }

  xSync(file: number, _flags: number): number {
    return this.#use(file, (opened) => {
      opened.sync()
      return SQLITE_OK
    })
  }

  xFileSize(file: number, outSize: DataView): number {
    return this.#use(file, (opened) => {
      outSize.setBigInt64(0, BigInt(opened.size), true)
      return SQLITE_OK
    })
  }

  /** The journal is deleted by making it empty, which means the same to SQLite. */
  xDelete(name: string, _syncDirectory: number): number {
    if (name === JOURNAL_FILE) this.#journal.truncate(0)
    return SQLITE_OK
  }

  xAccess(name: string, _flags: number, outExists: DataView): number {
    const exists = name === DATABASE_FILE || (name === JOURNAL_FILE && this.#journal.size > 0)
    outExists.setInt32(0, exists ? 1 : 0, true)
    return SQLITE_OK
  }

  // There is one connection, and the Web Lock keeps all others away.
  xLock(_file: number, _level: number): number {
    return SQLITE_OK
  }

  xUnlock(_file: number, _level: number): number {
    return SQLITE_OK
  }

  xCheckReservedLock(_file: number, outReserved: DataView): number {
    outReserved.setInt32(0, 0, true)
    return SQLITE_OK
  }

  xFileControl(_file: number, _operation: number, _argument: DataView): number {
    return SQLITE_NOTFOUND
  }

  xSectorSize(_file: number): number {
    return 4096
  }

  xDeviceCharacteristics(_file: number): number {
    return SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN
  }

  /** Runs what reads or writes the database's files outside of SQLite; a fault ends them here as well. */
  use<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof NoRoom)) this.#break(error)
      throw error
    }
  }

  #fileFor(flags: number): VfsFile | undefined {
    if (flags & SQLITE_OPEN_MAIN_DB) return this.#main
    if (flags & SQLITE_OPEN_MAIN_JOURNAL) return this.#journal
    return undefined
  }

  /** Nothing may be thrown through SQLite's frames. */
  #use(file: number, work: (file: VfsFile) => number): number {
    const opened = this.#open.get(file)
    if (opened === undefined || this.#broken) return SQLITE_IOERR
    try {
      return work(opened)
    } catch (cause) {
      if (cause instanceof NoRoom) return SQLITE_FULL
      this.#break(cause)
      return SQLITE_IOERR
    }
  }

  #break(cause: unknown): void {
    if (this.#broken) return
    this.#broken = true
    this.#onBroken(
      new MillraceError(
        'STORAGE_FAILED',
        `The file of the database "${this.#database}" cannot be read or written any more: the site's data may have been cleared, or the disk is failing. It is opened again.`,
        { cause },
      ),
    )
  }
}

/** A file in memory, which grows as it is written. */
class MemoryFile implements VfsFile {
  #bytes: Uint8Array
  #size: number

  constructor(content: Uint8Array) {
    this.#bytes = content
    this.#size = content.byteLength
  }

  get size(): number {
    return this.#size
  }

  read(data: Uint8Array, offset: number): number {
    const part = this.#bytes.subarray(
      Math.min(offset, this.#size),
      Math.min(offset + data.byteLength, this.#size),
    )
    data.set(part)
    return part.byteLength
  }

  write(data: Uint8Array, offset: number): void {
    const end = offset + data.byteLength
    if (end > this.#bytes.byteLength) {
      const grown = new Uint8Array(Math.max(end, 2 * this.#bytes.byteLength))
      grown.set(this.#bytes.subarray(0, this.#size))
      this.#bytes = grown
    }
    this.#bytes.set(data, offset)
    this.#size = Math.max(this.#size, end)
  }

  truncate(size: number): void {
    this.#size = Math.min(this.#size, size)
    if (size === 0) this.#bytes = new Uint8Array()
  }

  sync(): void {}
}
