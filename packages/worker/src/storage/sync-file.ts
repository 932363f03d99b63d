/** What is used of the browser's synchronous file handle. */
export type SyncFile = Pick<
  FileSystemSyncAccessHandle,
  'read' | 'write' | 'truncate' | 'flush' | 'getSize' | 'close'
>

/** The disk is full, or the origin's quota is used up. Nothing that was asked for was done. */
export class NoRoom extends Error {}

/** What Chromium's write() returns when the disk is full: base::File::FILE_ERROR_NO_SPACE, as an unsigned number. */
const CHROMIUM_NO_SPACE = -8 >>> 0

/**
 * Fills `data` from the file; gives the number of bytes that were there.
 * @throws Error when the file cannot be read: Chromium answers with an error code in the place of a number of bytes.
 */
export function readFully(file: SyncFile, data: Uint8Array, at: number): number {
  const count = file.read(data, { at })
  if (count > data.byteLength) throw new Error(`read() returned ${count}`)
  return count
}

/** @throws NoRoom when not all of it could be written; a part of it may be in the file. Error for any other fault. */
export function writeFully(file: SyncFile, data: Uint8Array, at: number): void {
  const count = roomOrThrow(() => file.write(data, { at }))
  if (count === data.byteLength) return
  if (count === CHROMIUM_NO_SPACE || count < data.byteLength) throw new NoRoom(`write() returned ${count}`)
  throw new Error(`write() returned ${count}`)
}

/** @throws NoRoom, or Error. */
export function resize(file: SyncFile, size: number): void {
  roomOrThrow(() => file.truncate(size))
  // Chromium's truncate says nothing when there is no room to grow into.
  if (file.getSize() !== size) throw new NoRoom(`truncate(${size}) left ${file.getSize()} bytes`)
}

function roomOrThrow<T>(work: () => T): T {
  try {
    return work()
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'QuotaExceededError') {
      throw new NoRoom(cause.message, { cause })
    }
    throw cause
  }
}
