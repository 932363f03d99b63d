import type { Disk, Durability } from '@millrace/engine'
import type { MillraceError } from '@millrace/protocol'
import { DatabaseFile, type DatabaseFiles } from './database-file.ts'
import { asStorageError } from './errors.ts'
import { FileVfs } from './file-vfs.ts'
import { NoRoom, readFully, type SyncFile } from './sync-file.ts'

/** Milliseconds for which a relaxed commit waits for others to share its flush. */
const FLUSH_AFTER = 1000
/** Milliseconds until a checkpoint is tried again that found no room. */
const ROOM_AFTER = 10_000

/** The files that a database may have. */
export interface DiskFiles extends DatabaseFiles {
  /** SQLite's own journal, where a version of Millrace left one that had it on disk. */
  readonly journal: SyncFile | null
}

/** A database's files as the engine has them, and what is done for them between its calls. */
export class FileDisk implements Disk {
  readonly vfs: FileVfs
  readonly #database: string
  readonly #file: DatabaseFile
  readonly #journal: SyncFile | null
  #commits = 0
  #flush: ReturnType<typeof setTimeout> | undefined
  #checkpoint: ReturnType<typeof setTimeout> | undefined

  /**
   * Writes nothing. After `onBroken` nothing is read or written any more.
   * @throws MillraceError `STORAGE_FAILED`
   */
  constructor(
    database: string,
    files: DiskFiles,
    durability: Durability,
    onBroken: (error: MillraceError) => void,
  ) {
    this.#database = database
    this.#journal = files.journal
    try {
      this.#file = new DatabaseFile(files, durability, () => {
        this.#commits++
        this.#schedule()
      })
      this.vfs = new FileVfs(database, this.#file, contentOf(files.journal), onBroken)
    } catch (cause) {
      throw asStorageError(database, cause)
    }
  }

  set durability(durability: Durability) {
    this.#file.durability = durability
  }

  get broken(): boolean {
    return this.vfs.broken
  }

  /** The number of commits since the disk was opened. */
  get commits(): number {
    return this.#commits
  }

  empty(): void {
    this.#file.truncate(0)
  }

  opened(): void {
    this.#use(() => {
      this.#file.commitOpening()
      // What it spoke of was taken back, and that is stored: it must never be read again.
      if (this.#journal === null) return
      this.#journal.truncate(0)
      this.#journal.flush()
    })
  }

  flush(): void {
    this.#use(() => this.#file.flush())
  }

  /** See `DatabaseFile`. @throws MillraceError `STORAGE_FAILED` */
  hold(): ReturnType<DatabaseFile['hold']> {
    // Who reads beside us sees what is flushed, in every browser.
    this.flush()
    return this.#file.hold()
  }

  release(): void {
    this.#file.release()
    this.#schedule()
  }

  /** All goes into the database file, as far as that can be. */
  close(): void {
    clearTimeout(this.#flush)
    clearTimeout(this.#checkpoint)
    while (this.#step() === false);
  }

  #schedule(): void {
    if (this.#file.needsFlush) this.#flush ??= setTimeout(() => this.#flushLate(), FLUSH_AFTER)
    if (this.#file.needsCheckpoint) this.#checkpoint ??= setTimeout(() => this.#checkpointLate(), 0)
  }

  #flushLate(): void {
    this.#flush = undefined
    this.#attempt(() => this.#file.flush())
  }

  #checkpointLate(): void {
    this.#checkpoint = undefined
    const done = this.#step()
    if (done === true) return
    this.#checkpoint = setTimeout(() => this.#checkpointLate(), done === false ? 0 : ROOM_AFTER)
  }

  #step(): boolean | undefined {
    return this.#attempt(() => this.#file.checkpoint())
  }

  /** Undefined where there is no room; the log has all, for the next time. A fault ends the files, which the VFS tells. */
  #attempt<T>(work: () => T): T | true | undefined {
    if (this.vfs.broken) return true
    try {
      return this.vfs.use(work)
    } catch (error) {
      return error instanceof NoRoom ? undefined : true
    }
  }

  #use(work: () => void): void {
    try {
      this.vfs.use(work)
    } catch (cause) {
      throw asStorageError(this.#database, cause)
    }
  }
}

function contentOf(file: SyncFile | null): Uint8Array {
  const content = new Uint8Array(file?.getSize() ?? 0)
  if (file !== null && readFully(file, content, 0) !== content.byteLength)
    throw new Error('the journal was cut')
  return content
}
