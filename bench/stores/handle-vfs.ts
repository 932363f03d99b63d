// Codes of sqlite3.h.
const SQLITE_OK = 0
const SQLITE_NOTFOUND = 12
const SQLITE_IOERR_SHORT_READ = 522
const SQLITE_OPEN_MAIN_DB = 0x100
const SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN = 0x800

/**
 * SQLite's files on OPFS, as plainly as can be: each call is a call of an access handle, and nothing is caught. What is
 * built in packages/worker is measured against it.
 */
export class HandleVfs {
  readonly name = 'handles'
  readonly #main: FileSystemSyncAccessHandle
  readonly #journal: FileSystemSyncAccessHandle
  /** By SQLite's file id, which is an address. */
  readonly #open = new Map<number, FileSystemSyncAccessHandle>()

  private constructor(main: FileSystemSyncAccessHandle, journal: FileSystemSyncAccessHandle) {
    this.#main = main
    this.#journal = journal
  }

  static async open(database: string): Promise<HandleVfs> {
    return new HandleVfs(await openHandle(database), await openHandle(`${database}-journal`))
  }

  close(): void {
    this.#main.close()
    this.#journal.close()
  }

  xOpen(_name: string | null, file: number, flags: number, outFlags: DataView): number {
    this.#open.set(file, flags & SQLITE_OPEN_MAIN_DB ? this.#main : this.#journal)
    outFlags.setInt32(0, flags, true)
    return SQLITE_OK
  }

  xClose(file: number): number {
    this.#open.delete(file)
    return SQLITE_OK
  }

  xRead(file: number, data: Uint8Array, offset: number): number {
    const count = this.#handle(file).read(data, { at: offset })
    if (count === data.byteLength) return SQLITE_OK
    data.fill(0, count)
    return SQLITE_IOERR_SHORT_READ
  }

  xWrite(file: number, data: Uint8Array, offset: number): number {
    this.#handle(file).write(data, { at: offset })
    return SQLITE_OK
  }

  xTruncate(file: number, size: number): number {
    this.#handle(file).truncate(size)
    return SQLITE_OK
  }

  xSync(file: number): number {
    this.#handle(file).flush()
    return SQLITE_OK
  }

  xFileSize(file: number, outSize: DataView): number {
    outSize.setBigInt64(0, BigInt(this.#handle(file).getSize()), true)
    return SQLITE_OK
  }

  /** Only the journal is ever deleted: an empty one means the same. */
  xDelete(): number {
    this.#journal.truncate(0)
    this.#journal.flush()
    return SQLITE_OK
  }

  xAccess(name: string, _flags: number, outExists: DataView): number {
    const size = name.endsWith('-journal') ? this.#journal.getSize() : 0
    outExists.setInt32(0, size > 0 ? 1 : 0, true)
    return SQLITE_OK
  }

  xLock(): number {
    return SQLITE_OK
  }

  xUnlock(): number {
    return SQLITE_OK
  }

  xCheckReservedLock(_file: number, outReserved: DataView): number {
    outReserved.setInt32(0, 0, true)
    return SQLITE_OK
  }

  xFileControl(): number {
    return SQLITE_NOTFOUND
  }

  xSectorSize(): number {
    return 4096
  }

  xDeviceCharacteristics(): number {
    return SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN
  }

  #handle(file: number): FileSystemSyncAccessHandle {
    return this.#open.get(file) as FileSystemSyncAccessHandle
  }
}

/** In the origin's private file system. */
export async function openHandle(name: string): Promise<FileSystemSyncAccessHandle> {
  const root = await navigator.storage.getDirectory()
  const file = await root.getFileHandle(name, { create: true })
  return file.createSyncAccessHandle()
}
