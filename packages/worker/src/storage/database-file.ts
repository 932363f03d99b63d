import type { Durability } from '@millrace/engine'
import { BLOCK, dropBeyond, Log } from './log.ts'
import { NoRoom, readFully, resize, type SyncFile, writeFully } from './sync-file.ts'

/** Bytes of log from which on it is moved into the database file. */
const LONG_LOG = 4 << 20
/** Blocks of one transaction that are held in memory; more go to the log before it ends. */
const MAX_CACHED_BLOCKS = 2048
/** Blocks moved in one step of a checkpoint. */
const STEP_BLOCKS = 1024
/** Adjacent blocks written with one call. */
const RUN_BLOCKS = 64

/** The files of one database. */
export interface DatabaseFiles {
  readonly main: SyncFile
  readonly log: SyncFile
}

/** What is not committed yet. */
interface Transaction {
  /** By number. */
  readonly blocks: Map<number, Uint8Array>
  /** Where the log has what was too much for memory. */
  readonly spilled: Map<number, number>
  /** Bytes of the database. */
  size: number
  /** The log had no room: from then on nothing is spilled, and SQLite takes back what it wrote. */
  full: boolean
}

/** The file was emptied or cut by somebody else while it was closed. */
export class FileCut extends Error {}

/**
 * The database as SQLite sees it: one file that is read, written and synced. What is written is held in memory until it
 * is synced, which is where a transaction of SQLite ends; then it goes to the log as one piece, with one flush. Reads
 * find the newest: of the transaction, of the log, of the database file. A checkpoint moves the log into the database
 * file, at times when nobody waits.
 *
 * Opening is one transaction: until `commitOpening` syncs write nothing, so that a database is made whole or not at all.
 *
 * After an error that is not `NoRoom` the file must not be used any more: what is on disk is in doubt until it is
 * opened anew.
 */
export class DatabaseFile {
  /** For the commits to come. */
  durability: Durability

  readonly #main: SyncFile
  readonly #log: Log
  readonly #onCommit: () => void
  /** Blocks that are newer in the log than in the database file: where. */
  readonly #logged: Map<number, number>
  /** Of these, the ones that a checkpoint under way has moved: from where. */
  readonly #checkpointed = new Map<number, number>()
  /** Snapshots that are read now. */
  #held = 0
  #size: number
  #transaction: Transaction
  #opening = true

  /**
   * Writes nothing. `onCommit` is called when a transaction was stored, for it is then that upkeep may be due.
   * @throws FileCut, or Error when the files cannot be read.
   */
  constructor(files: DatabaseFiles, durability: Durability, onCommit: () => void) {
    this.durability = durability
    this.#onCommit = onCommit
    this.#main = files.main
    this.#log = new Log(files.log)
    const { blocks, size } = this.#log.recover()
    const mainSize = files.main.getSize()
    const { databaseSize } = this.#log
    if (databaseSize !== undefined && mainSize < databaseSize) {
      throw new FileCut(`its file has ${mainSize} bytes, but had ${databaseSize} when it was last written`)
    }
    this.#logged = blocks
    this.#size = size ?? databaseSize ?? mainSize
    this.#transaction = this.#begin()
  }

  /** Bytes, with what is not committed yet. */
  get size(): number {
    return this.#transaction.size
  }

  /** Whether it is time for a checkpoint. */
  get needsCheckpoint(): boolean {
    return this.#held === 0 && this.#log.length >= LONG_LOG
  }

  /** Whether a power cut could take commits away. */
  get needsFlush(): boolean {
    return !this.#log.flushed
  }

  /** Fills `data`; gives the number of bytes that were there. */
  read(data: Uint8Array, offset: number): number {
    const length = Math.max(0, Math.min(data.byteLength, this.size - offset))
    for (let done = 0; done < length; ) {
      const within = (offset + done) % BLOCK
      const part = Math.min(BLOCK - within, length - done)
      this.#read(Math.floor((offset + done) / BLOCK), within, data.subarray(done, done + part))
      done += part
    }
    return length
  }

  /** @throws NoRoom when the transaction is too large for memory, and the log has no room for it. */
  write(data: Uint8Array, offset: number): void {
    const { blocks } = this.#transaction
    this.#transaction.size = Math.max(this.size, offset + data.byteLength)
    for (let done = 0; done < data.byteLength; ) {
      const number = Math.floor((offset + done) / BLOCK)
      const within = (offset + done) % BLOCK
      const part = data.subarray(done, done + BLOCK - within)
      const held = blocks.get(number)
      if (held !== undefined) held.set(part, within)
      else if (part.byteLength === BLOCK) blocks.set(number, part.slice())
      else {
        const block = new Uint8Array(BLOCK)
        this.#read(number, 0, block)
        block.set(part, within)
        blocks.set(number, block)
      }
      done += part.byteLength
    }
    if (blocks.size > MAX_CACHED_BLOCKS && !this.#transaction.full) this.#spill()
  }

  truncate(size: number): void {
    const { blocks, spilled } = this.#transaction
    // SQLite cuts the file after the sync of the transaction that made it smaller.
    const isAfterSync = blocks.size + spilled.size === 0 && !this.#opening
    this.#transaction.size = size
    dropBeyond(blocks, size)
    dropBeyond(spilled, size)
    if (isAfterSync) this.#commitSize()
  }

  /**
   * The end of a transaction, or of a rollback: what was written goes to the log.
   * @throws NoRoom when it was not stored; what was written is there until SQLite has taken it back.
   */
  sync(): void {
    if (!this.#opening) this.#commit(this.durability)
  }

  /** The end of opening: all that it wrote is stored, or nothing is. */
  commitOpening(): void {
    this.#commit('strict')
    this.#opening = false
  }

  /** After it every commit survives a power cut. */
  flush(): void {
    this.#log.flush()
  }

  /** Where the blocks of what is committed are. They stay there until `release`. */
  hold(): { readonly blocks: ReadonlyMap<number, number>; readonly size: number } {
    this.#held++
    return { blocks: new Map(this.#logged), size: this.#size }
  }

  release(): void {
    this.#held--
  }

  /**
   * Moves some of the log into the database file; true when all is there.
   * @throws NoRoom when the database file cannot grow: the log stays, and nothing is lost.
   */
  checkpoint(): boolean {
    // What a transaction has spilled lies behind the part that is to be given up.
    if (this.#held > 0 || this.#transaction.spilled.size > 0 || this.#log.length === 0) return true
    // The database file must never be ahead of the log on disk.
    this.#log.flush()
    const numbers = [...this.#logged.keys()].filter(
      (each) => this.#checkpointed.get(each) !== this.#logged.get(each),
    )
    numbers.sort((a, b) => a - b)
    this.#move(numbers.slice(0, STEP_BLOCKS))
    if (numbers.length > STEP_BLOCKS) return false
    if (this.#main.getSize() < this.#size) resize(this.#main, this.#size)
    this.#main.flush()
    this.#log.reset(this.#size, 2 * LONG_LOG)
    // Not before: the file is never shorter than its log says, or it was cut by somebody else.
    if (this.#main.getSize() > this.#size) resize(this.#main, this.#size)
    this.#logged.clear()
    this.#checkpointed.clear()
    return true
  }

  #begin(): Transaction {
    return { blocks: new Map(), spilled: new Map(), size: this.#size, full: false }
  }

  #commit(durability: Durability): void {
    const { blocks, spilled, size, full } = this.#transaction
    if ((full || spilled.size > 0) && this.#isRolledBack()) {
      this.#log.discard()
      this.#transaction = this.#begin()
      return
    }
    if (blocks.size + spilled.size === 0 && size === this.#size) return
    const places = this.#append(true)
    if (durability === 'strict') this.#log.flush()
    for (const [number, at] of spilled) this.#logged.set(number, at)
    for (const [number, at] of places) this.#logged.set(number, at)
    if (size < this.#size) {
      dropBeyond(this.#logged, size)
      dropBeyond(this.#checkpointed, size)
    }
    this.#size = size
    this.#transaction = this.#begin()
    this.#onCommit()
  }

  /** That transaction is stored, whatever becomes of this: without room it goes with the next. */
  #commitSize(): void {
    try {
      this.#commit('relaxed')
    } catch (error) {
      if (!(error instanceof NoRoom)) throw error
      this.#transaction.full = false
    }
  }

  #spill(): void {
    const { blocks, spilled } = this.#transaction
    for (const [number, at] of this.#append(false)) spilled.set(number, at)
    blocks.clear()
  }

  #append(last: boolean): Map<number, number> {
    const { blocks, size } = this.#transaction
    try {
      if (this.#log.databaseSize === undefined) this.#log.reset(this.#main.getSize(), 2 * LONG_LOG)
      return this.#log.append(blocks, size, last)
    } catch (error) {
      if (error instanceof NoRoom) this.#transaction.full = true
      throw error
    }
  }

  /** Whether the transaction leaves all as it was: a rollback writes back what was there. */
  #isRolledBack(): boolean {
    const { blocks, spilled, size } = this.#transaction
    if (size !== this.#size) return false
    const now = new Uint8Array(BLOCK)
    const before = new Uint8Array(BLOCK)
    // The first block has SQLite's counter of changes: a commit ends the search there.
    const numbers = [...new Set([...blocks.keys(), ...spilled.keys()])].sort((a, b) => a - b)
    return numbers.every((number) => {
      this.#read(number, 0, now)
      this.#readCommitted(number, 0, before)
      return now.every((byte, i) => byte === before[i])
    })
  }

  #read(number: number, within: number, data: Uint8Array): void {
    const held = this.#transaction.blocks.get(number)
    const spilled = this.#transaction.spilled.get(number)
    if (held !== undefined) data.set(held.subarray(within, within + data.byteLength))
    else if (spilled !== undefined) this.#log.read(spilled + within, data)
    else this.#readCommitted(number, within, data)
  }

  #readCommitted(number: number, within: number, data: Uint8Array): void {
    const at = this.#logged.get(number)
    if (at !== undefined) this.#log.read(at + within, data)
    // SQLite does not write the pages that it leaves free: the file may end before.
    else data.fill(0, readFully(this.#main, data, number * BLOCK + within))
  }

  #move(numbers: readonly number[]): void {
    const buffer = new Uint8Array(RUN_BLOCKS * BLOCK)
    for (let start = 0; start < numbers.length; ) {
      const first = numbers[start] as number
      let count = 0
      for (; count < RUN_BLOCKS && numbers[start + count] === first + count; count++) {
        this.#log.read(this.#logged.get(first + count) as number, blockOf(buffer, count))
      }
      writeFully(this.#main, buffer.subarray(0, count * BLOCK), first * BLOCK)
      for (let i = first; i < first + count; i++) this.#checkpointed.set(i, this.#logged.get(i) as number)
      start += count
    }
  }
}

const blockOf = (buffer: Uint8Array, i: number) => buffer.subarray(i * BLOCK, (i + 1) * BLOCK)
