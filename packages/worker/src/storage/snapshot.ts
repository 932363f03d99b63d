import type { VfsFile } from './file-vfs.ts'
import { LOG_FILE, MAIN_FILE } from './folder.ts'
import { BLOCK } from './log.ts'

/**
 * The database as it was at one time: where each of its blocks is on disk. It is good while it is held, for then neither
 * file is changed where it points to.
 */
export interface Snapshot {
  readonly folder: FileSystemDirectoryHandle
  /** Blocks that are newer in the log than in the database file: where in the log. */
  readonly blocks: ReadonlyMap<number, number>
  /** Bytes of the database. */
  readonly size: number
}

/** Bytes read at once: a read costs the browser as much as some hundred blocks. */
const CHUNK = 256 * 1024
/** Chunks kept in memory. */
const MAX_CHUNKS = 64

/**
 * A snapshot as SQLite sees it, for a worker that does not own the files: the browser gives their content to all, and the
 * right to write to the owner alone. What SQLite writes is kept in memory, for this snapshot.
 */
export class SnapshotFile implements VfsFile {
  #snapshot: Snapshot | null = null
  #main: Chunks | null = null
  #log: Chunks | null = null
  readonly #written = new Map<number, Uint8Array>()
  #size = 0

  /** Between two transactions of SQLite, which finds out by itself whether its pages are the newest. */
  async show(snapshot: Snapshot): Promise<void> {
    const open = async (name: string) =>
      new Chunks(await (await snapshot.folder.getFileHandle(name)).getFile())
    ;[this.#main, this.#log] = await Promise.all([open(MAIN_FILE), open(LOG_FILE)])
    this.#written.clear()
    this.#snapshot = snapshot
    this.#size = snapshot.size
  }

  get size(): number {
    return this.#size
  }

  read(data: Uint8Array, offset: number): number {
    const length = Math.max(0, Math.min(data.byteLength, this.#size - offset))
    forEachBlock(offset, length, (number, within, from, to) =>
      this.#read(number, within, data.subarray(from, to)),
    )
    return length
  }

  write(data: Uint8Array, offset: number): void {
    forEachBlock(offset, data.byteLength, (number, within, from, to) => {
      const block = this.#written.get(number) ?? this.#block(number)
      block.set(data.subarray(from, to), within)
      this.#written.set(number, block)
    })
    this.#size = Math.max(this.#size, offset + data.byteLength)
  }

  truncate(size: number): void {
    this.#size = size
  }

  sync(): void {}

  #block(number: number): Uint8Array {
    const block = new Uint8Array(BLOCK)
    this.#read(number, 0, block)
    return block
  }

  #read(number: number, within: number, data: Uint8Array): void {
    const written = this.#written.get(number)
    const at = this.#snapshot?.blocks.get(number)
    if (written !== undefined) data.set(written.subarray(within, within + data.byteLength))
    else if (at !== undefined) this.#log?.read(data, at + within)
    else this.#main?.read(data, number * BLOCK + within)
  }
}

/** Calls `part` for each block of a range, with the part of the range that lies in it. */
function forEachBlock(
  offset: number,
  length: number,
  part: (number: number, within: number, from: number, to: number) => void,
): void {
  for (let done = 0; done < length; ) {
    const within = (offset + done) % BLOCK
    const to = Math.min(length, done + BLOCK - within)
    part(Math.floor((offset + done) / BLOCK), within, done, to)
    done = to
  }
}

/** A file that is read in chunks, the last of which stay in memory. */
class Chunks {
  readonly #file: File
  readonly #reader = new FileReaderSync()
  /** By number, in order of use. */
  readonly #chunks = new Map<number, Uint8Array>()

  constructor(file: File) {
    this.#file = file
  }

  /** Fills `data`, which lies in one block, with zeros where the file ends before. */
  read(data: Uint8Array, at: number): void {
    const number = Math.floor(at / CHUNK)
    const within = at - number * CHUNK
    const found = this.#chunk(number).subarray(within, within + data.byteLength)
    data.set(found)
    data.fill(0, found.byteLength)
  }

  #chunk(number: number): Uint8Array {
    const known = this.#chunks.get(number)
    const start = number * CHUNK
    const chunk =
      known ?? new Uint8Array(this.#reader.readAsArrayBuffer(this.#file.slice(start, start + CHUNK)))
    this.#chunks.delete(number)
    this.#chunks.set(number, chunk)
    if (this.#chunks.size > MAX_CHUNKS) this.#chunks.delete(this.#chunks.keys().next().value as number)
    return chunk
  }
}
