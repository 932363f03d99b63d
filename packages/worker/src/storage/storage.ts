import type { Disk, Durability, Sqlite } from '@millrace/engine'
import { MillraceError, type StorageInfo } from '@millrace/protocol'
import type { StorageType } from '../messages.ts'
import { FILES, HANDLES } from '../time-limits.ts'
import { asStorageError, cleared, nameOf, unavailable } from './errors.ts'
import { type DiskFiles, FileDisk } from './file-disk.ts'
import { DATABASE_FILE } from './file-vfs.ts'
import { LOG_FILE, MAIN_FILE, openFolder } from './folder.ts'
import type { Snapshot } from './snapshot.ts'

/** SQLite's own journal, which is in memory now. */
const JOURNAL = 'database.sqlite-journal'

/** The place of a database, ours alone, as the engine opens it. */
export interface Storage {
  readonly file: { readonly filename: string; readonly vfs?: string }
  readonly info: StorageInfo
  /** Null in memory. */
  readonly disk: Disk | null
  /** Null in memory. */
  readonly snapshots: Snapshots | null
  /** Lets go of the files, after the engine was closed. */
  release(): void
}

/** Gives the committed content of the files to readers beside their owner. */
export interface Snapshots {
  /**
   * What it points to stays as it is until `release`.
   * @throws MillraceError `STORAGE_FAILED`
   */
  hold(): Snapshot
  release(): void
}

/**
 * Opens the first kind of storage that is to be had here. A kind that is there and fails is an error: only a kind that
 * is not there is passed over. `onCleared`: the files were removed from outside, some time after this.
 * @throws MillraceError `STORAGE_UNAVAILABLE`, `STORAGE_FULL`, `STORAGE_FAILED`.
 */
export async function openStorage(
  sqlite: Sqlite,
  database: string,
  kinds: readonly StorageType[],
  durability: Durability,
  onBroken: (error: MillraceError) => void,
  onCleared: (error: MillraceError) => void = () => {},
): Promise<Storage> {
  let missing: MillraceError | undefined
  for (const kind of kinds) {
    if (kind === 'memory') return inMemory(missing)
    try {
      return await onDisk(sqlite, database, durability, onBroken, onCleared)
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code !== 'STORAGE_UNAVAILABLE') throw error
      missing = error
    }
  }
  throw missing ?? new MillraceError('STORAGE_UNAVAILABLE', 'The list `storage` is empty: name "opfs" in it.')
}

function inMemory(missing: MillraceError | undefined): Storage {
  const why = missing === undefined ? 'as the app asked' : missing.message
  return {
    file: { filename: ':memory:' },
    info: {
      type: 'memory',
      reason: `In memory, and gone when the tab that holds it is closed. Why: ${why}`,
    },
    disk: null,
    snapshots: null,
    release() {},
  }
}

async function onDisk(
  sqlite: Sqlite,
  database: string,
  durability: Durability,
  onBroken: (error: MillraceError) => void,
  onCleared: (error: MillraceError) => void,
): Promise<Storage> {
  const room = readRoom()
  const folder = await makeFolder(database)
  const files = await acquireFiles(database, folder)
  try {
    const disk = new FileDisk(database, files, durability, onBroken)
    sqlite.registerVfs(disk.vfs)
    const watch = watchFiles(database, folder, disk, onCleared)
    return {
      file: { filename: DATABASE_FILE, vfs: disk.vfs.name },
      info: {
        type: 'opfs',
        reason: 'Kept on disk, in the private file system of this site.',
        ...(await room),
      },
      disk,
      snapshots: {
        hold: () => ({ ...disk.hold(), folder }),
        release: () => disk.release(),
      },
      release() {
        clearInterval(watch)
        disk.close()
        closeFiles(files)
        // What it spoke of was taken back. Empty, it does no harm where it cannot be removed.
        if (files.journal !== null) void folder.removeEntry(JOURNAL).catch(() => {})
      },
    }
  } catch (error) {
    closeFiles(files)
    throw error
  }
}

/**
 * Who has files open goes on with them when they are removed: the user has cleared the site's data, or the browser has
 * taken it, for want of room. Nothing more may be acknowledged then. Looks after commits only.
 */
function watchFiles(
  database: string,
  folder: FileSystemDirectoryHandle,
  disk: FileDisk,
  onCleared: (error: MillraceError) => void,
): ReturnType<typeof setInterval> {
  let seen = disk.commits
  const watch = setInterval(async () => {
    const { commits } = disk
    if (commits === seen) return
    seen = commits
    try {
      await Promise.all([MAIN_FILE, LOG_FILE].map((name) => folder.getFileHandle(name)))
    } catch (cause) {
      if (nameOf(cause) !== 'NotFoundError') return
      clearInterval(watch)
      onCleared(cleared(database, cause))
    }
  }, FILES)
  return watch
}

/** How much there is, and whether it stays. Browsers need not say. */
async function readRoom(): Promise<Pick<StorageInfo, 'persisted' | 'quota' | 'usage'>> {
  const { storage } = navigator
  const [persisted, estimate] = await Promise.all([
    storage.persisted?.().catch(() => undefined),
    storage.estimate?.().catch(() => undefined),
  ])
  const { quota, usage } = estimate ?? {}
  return {
    ...(persisted === undefined ? {} : { persisted }),
    ...(quota === undefined ? {} : { quota }),
    ...(usage === undefined ? {} : { usage }),
  }
}

async function makeFolder(database: string): Promise<FileSystemDirectoryHandle> {
  let origin: FileSystemDirectoryHandle
  try {
    origin = await navigator.storage.getDirectory()
  } catch (cause) {
    throw unavailable(database, cause)
  }
  try {
    return await openFolder(origin, database, { create: true })
  } catch (cause) {
    throw asStorageError(database, cause)
  }
}

/** The open files of one database. */
interface Handles extends DiskFiles {
  readonly main: FileSystemSyncAccessHandle
  readonly log: FileSystemSyncAccessHandle
  readonly journal: FileSystemSyncAccessHandle | null
}

/** All handles. A worker that is ending may still have them: then again a little later, for some seconds. */
async function acquireFiles(database: string, folder: FileSystemDirectoryHandle): Promise<Handles> {
  const start = performance.now()
  for (let wait = 10; ; wait = Math.min(wait * 1.5, 200)) {
    try {
      return await acquireOnce(folder)
    } catch (cause) {
      const held = nameOf(cause) === 'NoModificationAllowedError'
      if (!held || performance.now() - start > HANDLES) throw asStorageError(database, cause)
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
  }
}

async function acquireOnce(folder: FileSystemDirectoryHandle): Promise<Handles> {
  const opening = [
    openFile(folder, MAIN_FILE, { create: true }),
    openFile(folder, LOG_FILE, { create: true }),
    openFile(folder, JOURNAL, { create: false }).catch((error) => {
      if (nameOf(error) === 'NotFoundError') return null
      throw error
    }),
  ] as const
  try {
    const [main, log, journal] = await Promise.all(opening)
    return { main, log, journal }
  } catch (error) {
    for (const each of await Promise.allSettled(opening)) {
      if (each.status === 'fulfilled') each.value?.close()
    }
    throw error
  }
}

async function openFile(
  folder: FileSystemDirectoryHandle,
  name: string,
  options: FileSystemGetFileOptions,
): Promise<FileSystemSyncAccessHandle> {
  const file = await folder.getFileHandle(name, options)
  return file.createSyncAccessHandle()
}

function closeFiles({ main, log, journal }: Handles): void {
  main.close()
  log.close()
  journal?.close()
}
