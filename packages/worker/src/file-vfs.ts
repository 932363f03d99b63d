import { MillraceError } from '@millrace/protocol'

/*
 * SQLite's files on two OPFS access handles: the database, and its rollback journal. There are no others: temporary
 * files are in memory (PRAGMA temp_store), a WAL does not work with cr-sqlite, and nothing is attached. wa-sqlite's
 * AccessHandlePoolVFS is not used, because it
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

/** What Chromium's write() returns when the disk is full: base::File::FILE_ERROR_NO_SPACE, as an unsigned number. */
const CHROMIUM_NO_SPACE = -8 >>> 0

/** The exclusive handles of one database. */
export interface DatabaseFiles {
  readonly main: FileSystemSyncAccessHandle
  readonly journal: FileSystemSyncAccessHandle
}

/** The name to open the database by. */
export const DATABASE_FILE = 'main.db'
const JOURNAL_FILE = `${DATABASE_FILE}-journal`

/**
 * A virtual file system for one connection to one database. After a fault that leaves the file's content in doubt it
 * refuses everything, and says so once: a rollback from such a file would write what was misread.
 */
export class FileVfs {
  readonly name = 'millrace-opfs'
  readonly #database: string
  readonly #files: DatabaseFiles
  readonly #onBroken: (error: MillraceError) => void
  /** By SQLite's file id, which is an address. */
  readonly #open = new Map<number, FileSystemSyncAccessHandle>()

  #broken = false

  constructor(database: string, files: DatabaseFiles, onBroken: (error: MillraceError) => void) {
    this.#database = database
    this.#files = files
    this.#onBroken = onBroken
  }

  xOpen(_name: string | null, file: number, flags: number, outFlags: DataView): number {
    const handle = this.#handleFor(flags)
    if (handle === undefined) return SQLITE_CANTOPEN
    this.#open.set(file, handle)
    outFlags.setInt32(0, flags, true)
    return SQLITE_OK
  }

  xClose(file: number): number {
    this.#open.delete(file)
    return SQLITE_OK
  }

  xRead(file: number, data: Uint8Array, offset: number): number {
    return this.#use(file, (handle) => {
      const count = handle.read(data, { at: offset })
      if (count === data.byteLength) return SQLITE_OK
      if (count > data.byteLength) return this.#break(`read() returned ${count}`)
      data.fill(0, count)
      return SQLITE_IOERR_SHORT_READ
    })
  }

  xWrite(file: number, data: Uint8Array, offset: number): number {
    return this.#use(file, (handle) => {
      const count = handle.write(data, { at: offset })
      if (count === data.byteLength) return SQLITE_OK
      if (count === CHROMIUM_NO_SPACE || count < data.byteLength) return SQLITE_FULL
      return this.#break(`write() returned ${count}`)
    })
  }

  xTruncate(file: number, size: number): number {
    return this.#use(file, (handle) => {
      handle.truncate(size)
      return SQLITE_OK
    })
  }

  xSync(file: number, _flags: number): number {
    return this.#use(file, (handle) => {
      handle.flush()
      return SQLITE_OK
    })
  }

  xFileSize(file: number, outSize: DataView): number {
    return this.#use(file, (handle) => {
      outSize.setBigInt64(0, BigInt(handle.getSize()), true)
      return SQLITE_OK
    })
  }

  /** The journal is deleted by making it empty, which means the same to SQLite. */
  xDelete(name: string, _syncDirectory: number): number {
    if (name !== JOURNAL_FILE) return SQLITE_OK
    return this.#guard(() => {
      this.#files.journal.truncate(0)
      this.#files.journal.flush()
      return SQLITE_OK
    })
  }

  xAccess(name: string, _flags: number, outExists: DataView): number {
    return this.#guard(() => {
      const exists = name === DATABASE_FILE || (name === JOURNAL_FILE && this.#files.journal.getSize() > 0)
      outExists.setInt32(0, exists ? 1 : 0, true)
      return SQLITE_OK
    })
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

  #handleFor(flags: number): FileSystemSyncAccessHandle | undefined {
    if (flags & SQLITE_OPEN_MAIN_DB) return this.#files.main
    if (flags & SQLITE_OPEN_MAIN_JOURNAL) return this.#files.journal
    return undefined
  }

  #use(file: number, work: (handle: FileSystemSyncAccessHandle) => number): number {
    const handle = this.#open.get(file)
    if (handle === undefined) return SQLITE_IOERR
    return this.#guard(() => work(handle))
  }

  /** Nothing may be thrown through SQLite's frames. */
  #guard(work: () => number): number {
    if (this.#broken) return SQLITE_IOERR
    try {
      return work()
    } catch (cause) {
      if (cause instanceof DOMException && cause.name === 'QuotaExceededError') return SQLITE_FULL
      return this.#break(cause)
    }
  }

  #break(cause: unknown): number {
    this.#broken = true
    this.#onBroken(
      new MillraceError(
        'STORAGE_FAILED',
        `The file of the database "${this.#database}" cannot be read or written any more: the site's data may have been cleared, or the disk is failing. It is opened again.`,
        { cause },
      ),
    )
    return SQLITE_IOERR
  }
}
