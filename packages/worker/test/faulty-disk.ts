import type { SyncFile } from '../src/storage/sync-file.ts'

/** Bytes that a disk writes as one. */
const SECTOR = 512
/** Operations for which a full disk stays full. */
const FULL_FOR = 4

export const FAULTS = [
  /** The process ends before the operation; the operating system keeps what was written before. */
  'stop',
  /** The process ends while half of a write is done. */
  'tear',
  /** The power is cut: of the sectors that were not flushed some are on the disk, by chance. */
  'cut',
  /** The operation is not done, and throws; later ones work. */
  'fail',
  /** The operation is done, and throws; later ones work. */
  'fail late',
  /** There is no room, for this and the next operations. */
  'full',
] as const

/** What happens at one operation of a disk. */
export type Fault = (typeof FAULTS)[number]

/** What the process that ended would have met, had it gone on. */
class Ended extends Error {}

type Change = { readonly at: number; readonly data: Uint8Array } | { readonly size: number }

interface Content {
  /** What the operating system has. */
  now: Uint8Array
  /** What survives a power cut for sure. */
  durable: Uint8Array
  /** Since the last flush. */
  changes: Change[]
}

/** Does an operation; with `share`, that part of it. */
type Run = (share?: number) => void

/** A disk whose k-th operation goes wrong. Operations are the reads, writes, flushes and truncations of all its files. */
export class FaultyDisk {
  readonly #files = new Map<string, Content>()
  readonly #random: () => number
  #fault: { readonly kind: Fault; readonly at: number } | undefined
  #ended = false
  #operations = 0
  #writes = 0
  #flushes = 0

  constructor(random: () => number, fault?: { readonly kind: Fault; readonly at: number }) {
    this.#random = random
    this.#fault = fault
  }

  /** Nothing goes wrong any more: a new process finds what there is. */
  heal(): void {
    this.#fault = undefined
    this.#ended = false
  }

  /** So many operations go well, and the next goes wrong. */
  failAfter(operations: number, kind: Fault): void {
    this.#fault = { kind, at: this.#operations + operations }
  }

  /** Whether the process has ended. */
  get ended(): boolean {
    return this.#ended
  }

  get operations(): number {
    return this.#operations
  }

  /** Writes and flushes since the last call. */
  takeCounts(): { readonly writes: number; readonly flushes: number } {
    const counts = { writes: this.#writes, flushes: this.#flushes }
    this.#writes = this.#flushes = 0
    return counts
  }

  /** Null where there is no such file. */
  found(name: string): SyncFile | null {
    return this.#files.has(name) ? this.file(name) : null
  }

  file(name: string): SyncFile {
    let content = this.#files.get(name)
    if (content === undefined) {
      content = { now: new Uint8Array(), durable: new Uint8Array(), changes: [] }
      this.#files.set(name, content)
    }
    return this.#open(content)
  }

  #open(file: Content): SyncFile {
    return {
      read: (data, { at = 0 } = {}) => {
        this.#operate(() => {})
        const part = file.now.subarray(Math.min(at, file.now.length), at + data.byteLength)
        bytes(data).set(part)
        return part.length
      },
      write: (data, { at = 0 } = {}) => {
        let written = 0
        this.#writes++
        this.#operate((share = 1) => {
          written = Math.floor(data.byteLength * share)
          change(file, { at, data: bytes(data).slice(0, written) })
        }, true)
        return written
      },
      truncate: (size) => {
        this.#operate((share = 1) => {
          if (share === 1) change(file, { size })
        }, size > file.now.length)
      },
      flush: () => {
        this.#flushes++
        this.#operate(() => {
          file.durable = file.now.slice()
          file.changes = []
        })
      },
      getSize: () => file.now.length,
      close() {},
    }
  }

  /** `writes`: it may need room. */
  #operate(run: Run, writes = false): void {
    if (this.#ended) throw new Ended('the process has ended')
    const number = this.#operations++
    const { kind, at = Number.POSITIVE_INFINITY } = this.#fault ?? {}
    if (kind === 'full' && writes && number >= at && number < at + FULL_FOR)
      run(this.#random() < 0.5 ? 0 : 0.6)
    else if (number !== at || kind === 'full') run()
    else this.#goWrong(kind, run, writes)
  }

  #goWrong(kind: Fault | undefined, run: Run, writes: boolean): void {
    if (kind === 'tear' && writes) run(0.5)
    if (kind === 'cut') for (const content of this.#files.values()) this.#cut(content)
    if (kind === 'fail late') run()
    if (kind === 'fail' || kind === 'fail late') throw new Error(`the disk had a fault: ${kind}`)
    this.#ended = true
    throw new Ended('the process ends')
  }

  #cut(file: Content): void {
    const ends = file.changes.map((each) => ('size' in each ? each.size : each.at + each.data.length))
    const bytes = new Uint8Array(Math.max(file.durable.length, ...ends))
    bytes.set(file.durable)
    let size = file.durable.length
    const kept = this.#random()
    for (const each of file.changes) {
      if ('size' in each) {
        if (this.#random() >= kept) continue
        size = each.size
        bytes.fill(0, size)
        continue
      }
      for (let start = 0; start < each.data.length; start += SECTOR) {
        if (this.#random() >= kept) continue
        const sector = each.data.subarray(start, start + SECTOR)
        bytes.set(sector, each.at + start)
        size = Math.max(size, each.at + start + sector.length)
      }
    }
    file.now = file.durable = bytes.slice(0, size)
    file.changes = []
  }
}

function change(file: Content, each: Change): void {
  file.changes.push(each)
  const size = 'size' in each ? each.size : Math.max(file.now.length, each.at + each.data.length)
  if (size !== file.now.length || file.now === file.durable) {
    const next = new Uint8Array(size)
    next.set(file.now.subarray(0, size))
    file.now = next
  }
  if ('data' in each) file.now.set(each.data, each.at)
}

function bytes(data: AllowSharedBufferSource): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data as ArrayBuffer)
}

/** mulberry32 */
export function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
