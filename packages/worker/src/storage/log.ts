import { NoRoom, readFully, resize, type SyncFile, writeFully } from './sync-file.ts'

/*
 * The write-ahead log: a file of its own beside the database, to which each transaction is appended as one group of
 * blocks, with one write. A group counts when its checksum is right, and the checksum of a group goes on from that of
 * the group before (as in SQLite's own WAL, sqlite.org/fileformat2.html#the_write_ahead_log). So what is read after a
 * power cut is a prefix of what was written, also where the disk kept later writes and lost earlier ones.
 *
 *   block 0:  magic, version, salt (2), size of the database file when the log was begun (2), checksum (2)
 *   groups:   magic, 1 if a transaction ends here, number of blocks, size of the database then (2), checksum (2),
 *             the number of each block; padded to whole blocks; then the blocks
 *
 * All are 32-bit little-endian words. A new beginning changes the salt, which every checksum begins from: groups that an
 * earlier beginning left in the file are not taken for new ones.
 */

/** Bytes in a block: the page size of SQLite's files, and what disks write as one. */
export const BLOCK = 4096

const WORDS = BLOCK / 4
const VERSION = 1
const MAGIC = 0x6c72696d // "mirl"
const GROUP_MAGIC = 0x70_75_72_67 // "grup"
/** Words of a group before its block numbers. */
const GROUP_HEAD = 7
/** Where a head has its checksum. */
const SUM_AT = { header: 6, group: 5 } as const
/** More blocks than this are written as several groups: a limit of memory. */
const MAX_BLOCKS = 1024

type Sum = readonly [number, number]

/** Where the log ends, and the checksum there. */
interface End {
  readonly at: number
  readonly sum: Sum
}

/** What a log has of a database: the blocks that are newer than the database file's. */
export interface LogContent {
  /** By the number of the block in the database: where it is in the log. */
  readonly blocks: Map<number, number>
  /** Bytes of the database; null where the log is empty. */
  size: number | null
}

/** A log file. After an error that is not `NoRoom` it must not be used any more. */
export class Log {
  readonly #file: SyncFile
  /** The salt, while the file has a valid first block. */
  #begun: { readonly databaseSize: number } | null = null
  #committed: End = { at: BLOCK, sum: [0, 0] }
  #tail: End = this.#committed
  #flushed = true

  constructor(file: SyncFile) {
    this.#file = file
  }

  /** Bytes that the groups take. */
  get length(): number {
    return this.#tail.at - BLOCK
  }

  /** Whether all that was appended survives a power cut. */
  get flushed(): boolean {
    return this.#flushed
  }

  /** The size of the database file when this log was begun; undefined where there is no log yet. */
  get databaseSize(): number | undefined {
    return this.#begun?.databaseSize
  }

  /** Reads what the file has: all transactions up to the first that is not whole. Writes nothing. */
  recover(): LogContent {
    const content: LogContent = { blocks: new Map(), size: null }
    const header = this.#readBlocks(0, 1)
    if (header === undefined || header[0] !== MAGIC || header[1] !== VERSION) return content
    const [, , salt0 = 0, salt1 = 0, low = 0, high = 0] = header
    if (!hasSum(header, SUM_AT.header, [salt0, salt1])) return content
    this.#begun = { databaseSize: low + high * 2 ** 32 }
    this.#committed = this.#tail = { at: BLOCK, sum: [salt0, salt1] }
    // Whether the last owner flushed is not known here.
    this.#flushed = false

    let open = new Map<number, number>()
    for (;;) {
      const group = this.#readGroup(this.#tail)
      if (group === undefined) break
      group.numbers.forEach((number, i) => {
        open.set(number, group.first + i * BLOCK)
      })
      this.#tail = group.end
      if (!group.last) continue
      this.#committed = group.end
      content.size = group.size
      for (const [number, at] of open) content.blocks.set(number, at)
      dropBeyond(content.blocks, group.size)
      open = new Map()
    }
    this.#tail = this.#committed
    return content
  }

  /**
   * Appends blocks of a transaction; `last` when it ends here, with the size of the database in bytes. Gives where each
   * is. Not flushed.
   * @throws NoRoom when the log is as it was before the call.
   */
  append(blocks: ReadonlyMap<number, Uint8Array>, size: number, last: boolean): Map<number, number> {
    const before = this.#tail
    const places = new Map<number, number>()
    try {
      const all = [...blocks]
      let start = 0
      do {
        const part = all.slice(start, start + MAX_BLOCKS)
        start += MAX_BLOCKS
        this.#appendGroup(part, size, last && start >= all.length, places)
      } while (start < all.length)
    } catch (error) {
      if (error instanceof NoRoom) {
        this.#tail = before
        // What was written of it must not be found: it is told as not stored.
        resize(this.#file, before.at)
      }
      throw error
    }
    if (last) this.#committed = this.#tail
    return places
  }

  /** Forgets what was appended since the last transaction ended. */
  discard(): void {
    this.#tail = this.#committed
  }

  /** @throws Error when the block is not there as it was written. */
  read(at: number, data: Uint8Array): void {
    if (readFully(this.#file, data, at) !== data.byteLength) throw new Error('the log was cut')
  }

  /** After it what was appended survives a power cut. */
  flush(): void {
    if (this.#flushed) return
    this.#file.flush()
    this.#flushed = true
  }

  /** Begins anew, once all of it is in the database file. The file keeps its room, for less than `keep` bytes. */
  reset(databaseSize: number, keep: number): void {
    this.#begun = { databaseSize }
    const salt = crypto.getRandomValues(new Uint32Array(2))
    const header = new Uint32Array(WORDS)
    const sum: Sum = [salt[0] as number, salt[1] as number]
    header.set([MAGIC, VERSION, ...sum, databaseSize % 2 ** 32, Math.floor(databaseSize / 2 ** 32)])
    setSum(header, SUM_AT.header, sum)
    if (this.#file.getSize() > keep) resize(this.#file, BLOCK)
    writeFully(this.#file, bytes(header), 0)
    // Else a disk that writes in another order could keep the new groups with the old beginning.
    this.#file.flush()
    this.#flushed = true
    this.#committed = this.#tail = { at: BLOCK, sum }
  }

  #appendGroup(
    blocks: readonly (readonly [number, Uint8Array])[],
    size: number,
    last: boolean,
    places: Map<number, number>,
  ): void {
    const head = headBlocks(blocks.length)
    const words = new Uint32Array((head + blocks.length) * WORDS)
    words.set([GROUP_MAGIC, last ? 1 : 0, blocks.length, size % 2 ** 32, Math.floor(size / 2 ** 32)])
    const data = bytes(words)
    blocks.forEach(([number, block], i) => {
      words[GROUP_HEAD + i] = number
      data.set(block, (head + i) * BLOCK)
    })
    const sum = setSum(words, SUM_AT.group, this.#tail.sum)
    const { at } = this.#tail
    this.#flushed = false
    writeFully(this.#file, data, at)
    blocks.forEach(([number], i) => {
      places.set(number, at + (head + i) * BLOCK)
    })
    this.#tail = { at: at + data.byteLength, sum }
  }

  #readGroup({ at, sum }: End) {
    const first = this.#readBlocks(at, 1)
    const [magic, last, count = 0, low = 0, high = 0] = first ?? []
    if (magic !== GROUP_MAGIC || count > MAX_BLOCKS) return undefined
    const head = headBlocks(count)
    const words = this.#readBlocks(at, head + count)
    if (words === undefined || !hasSum(words, SUM_AT.group, sum)) return undefined
    return {
      last: last === 1,
      numbers: words.subarray(GROUP_HEAD, GROUP_HEAD + count),
      first: at + head * BLOCK,
      size: low + high * 2 ** 32,
      end: {
        at: at + words.byteLength,
        sum: [words[SUM_AT.group] as number, words[SUM_AT.group + 1] as number] as Sum,
      },
    }
  }

  /** Undefined where the file ends before. */
  #readBlocks(at: number, count: number): Uint32Array | undefined {
    const words = new Uint32Array(count * WORDS)
    return readFully(this.#file, bytes(words), at) === words.byteLength ? words : undefined
  }
}

/** Forgets the blocks that a database of this size does not have. */
export function dropBeyond(blocks: Map<number, unknown>, size: number): void {
  const count = Math.ceil(size / BLOCK)
  for (const number of blocks.keys()) if (number >= count) blocks.delete(number)
}

const bytes = (words: Uint32Array) => new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
const headBlocks = (count: number) => Math.ceil(((GROUP_HEAD + count) * 4) / BLOCK)

/** The checksum of SQLite's WAL; it goes on from `from`. The words have zeros where it will stand. */
function sumOf(words: Uint32Array, [from0, from1]: Sum): Sum {
  let sum0 = from0 | 0
  let sum1 = from1 | 0
  for (let i = 0; i < words.length; i += 2) {
    sum0 = (sum0 + (words[i] as number) + sum1) | 0
    sum1 = (sum1 + (words[i + 1] as number) + sum0) | 0
  }
  return [sum0 >>> 0, sum1 >>> 0]
}

function setSum(words: Uint32Array, at: number, from: Sum): Sum {
  const sum = sumOf(words, from)
  words.set(sum, at)
  return sum
}

function hasSum(words: Uint32Array, at: number, from: Sum): boolean {
  const [sum0, sum1] = words.slice(at, at + 2)
  words.fill(0, at, at + 2)
  const sum = setSum(words, at, from)
  return sum[0] === sum0 && sum[1] === sum1
}
