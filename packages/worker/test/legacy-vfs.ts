import type { SyncFile } from '../src/storage/sync-file.ts'
import type { FaultyDisk } from './faulty-disk.ts'

const OK = 0
const IOERR = 10
const NOTFOUND = 12
const SHORT_READ = 522
const MAIN_DB = 0x100

/** The files as versions without a log had them: the database, and SQLite's rollback journal beside it. */
export class LegacyVfs {
  readonly name: string
  readonly #disk: FaultyDisk
  readonly #open = new Map<number, SyncFile>()

  constructor(name: string, disk: FaultyDisk) {
    this.name = name
    this.#disk = disk
  }

  xOpen(_name: string | null, file: number, flags: number, outFlags: DataView): number {
    this.#open.set(file, this.#disk.file(flags & MAIN_DB ? 'main' : 'journal'))
    outFlags.setInt32(0, flags, true)
    return OK
  }

  xClose(file: number): number {
    this.#open.delete(file)
    return OK
  }

  xRead(file: number, data: Uint8Array, at: number): number {
    return this.#use(file, (opened) => {
      const count = opened.read(data, { at })
      data.fill(0, count)
      return count === data.length ? OK : SHORT_READ
    })
  }

  xWrite(file: number, data: Uint8Array, at: number): number {
    return this.#use(file, (opened) => (opened.write(data, { at }) === data.length ? OK : IOERR))
  }

  xTruncate(file: number, size: number): number {
    return this.#use(file, (opened) => {
      opened.truncate(size)
      return OK
    })
  }

  xSync(file: number): number {
    return this.#use(file, (opened) => {
      opened.flush()
      return OK
    })
  }

  xFileSize(file: number, outSize: DataView): number {
    return this.#use(file, (opened) => {
      outSize.setBigInt64(0, BigInt(opened.getSize()), true)
      return OK
    })
  }

  xDelete(): number {
    const journal = this.#disk.file('journal')
    try {
      journal.truncate(0)
      journal.flush()
      return OK
    } catch {
      return IOERR
    }
  }

  xAccess(name: string, _flags: number, outExists: DataView): number {
    const exists = !name.endsWith('-wal') && (this.#disk.found('journal')?.getSize() ?? 0) > 0
    outExists.setInt32(0, exists ? 1 : 0, true)
    return OK
  }

  xLock(): number {
    return OK
  }

  xUnlock(): number {
    return OK
  }

  xCheckReservedLock(_file: number, outReserved: DataView): number {
    outReserved.setInt32(0, 0, true)
    return OK
  }

  xFileControl(): number {
    return NOTFOUND
  }

  xSectorSize(): number {
    return 4096
  }

  xDeviceCharacteristics(): number {
    return 0x800
  }

  #use(file: number, work: (file: SyncFile) => number): number {
    try {
      return work(this.#open.get(file) as SyncFile)
    } catch {
      return IOERR
    }
  }
}
