import type { Row } from './query.ts'
import type { Entry } from './result.ts'

/** Rows of one chunk. Large enough that a list of 100,000 has few of them, small enough to be copied in no time. */
const CHUNK = 256

/** What comes before what. Total: 0 is for one and the same row alone. */
export type Compare = (a: Entry, b: Entry) => number

/** A run of entries. Immutable. */
export class Chunk {
  readonly entries: readonly Entry[]
  #rows: readonly Row[] | undefined

  private constructor(entries: readonly Entry[], rows?: readonly Row[]) {
    this.entries = entries
    this.#rows = rows
  }

  static of(entries: readonly Entry[]): Chunk {
    return new Chunk(entries)
  }

  /** What users see of them; made when it is first asked for, and copied from then on: a copy is faster. */
  get rows(): readonly Row[] {
    this.#rows ??= this.entries.map(({ row }) => row)
    return this.#rows
  }

  with(index: number, entry: Entry): Chunk {
    return new Chunk(this.entries.with(index, entry), this.#rows?.with(index, entry.row))
  }

  inserted(index: number, entry: Entry): Chunk {
    return new Chunk(this.entries.toSpliced(index, 0, entry), this.#rows?.toSpliced(index, 0, entry.row))
  }

  removed(index: number): Chunk {
    return new Chunk(this.entries.toSpliced(index, 1), this.#rows?.toSpliced(index, 1))
  }

  halves(): readonly [Chunk, Chunk] {
    const half = this.entries.length >> 1
    return [
      new Chunk(this.entries.slice(0, half), this.#rows?.slice(0, half)),
      new Chunk(this.entries.slice(half), this.#rows?.slice(half)),
    ]
  }
}

/**
 * The entries of a result in order, immutable: a change makes a new one that shares all but one chunk of 256 with the one
 * before. So replacing one row of 100,000 copies a few hundred references, and a snapshot that nobody reads costs nothing.
 */
export class Sequence {
  readonly #chunks: readonly Chunk[]
  readonly length: number
  /** Where each chunk begins; made when it is first asked for. */
  #starts: readonly number[] | undefined

  private constructor(chunks: readonly Chunk[], length: number, starts?: readonly number[]) {
    this.#chunks = chunks
    this.length = length
    this.#starts = starts
  }

  static from(entries: readonly Entry[]): Sequence {
    const chunks: Chunk[] = []
    for (let i = 0; i < entries.length; i += CHUNK) chunks.push(Chunk.of(entries.slice(i, i + CHUNK)))
    return new Sequence(chunks, entries.length)
  }

  at(index: number): Entry | undefined {
    if (index < 0 || index >= this.length) return undefined
    const chunk = this.#chunkAt(index)
    return this.#entriesOf(chunk)[index - this.#startOf(chunk)]
  }

  /** Those from `start` on and before `end`. */
  slice(start: number, end: number): readonly Entry[] {
    const [only] = this.#chunks
    if (only !== undefined && end <= only.entries.length) return only.entries.slice(start, end)
    const part: Entry[] = []
    let first = 0
    for (const { entries } of this.#chunks) {
      if (first >= end) break
      for (let i = Math.max(start - first, 0); i < entries.length && first + i < end; i++)
        part.push(entries[i] as Entry)
      first += entries.length
    }
    return part
  }

  toArray(): Entry[] {
    return ([] as Entry[]).concat(...this.#chunks.map(({ entries }) => entries))
  }

  /** What users see of them, as an array of its own. */
  rows(): Row[] {
    return ([] as Row[]).concat(...this.#chunks.map(({ rows }) => rows))
  }

  /** The first position whose entry does not come before this one. */
  lowerBound(entry: Entry, compare: Compare): number {
    let low = 0
    let high = this.#chunks.length
    while (low < high) {
      const middle = (low + high) >> 1
      const entries = this.#entriesOf(middle)
      if (compare(entries[entries.length - 1] as Entry, entry) < 0) low = middle + 1
      else high = middle
    }
    if (low === this.#chunks.length) return this.length
    const entries = this.#entriesOf(low)
    let from = 0
    let to = entries.length
    while (from < to) {
      const middle = (from + to) >> 1
      if (compare(entries[middle] as Entry, entry) < 0) from = middle + 1
      else to = middle
    }
    return this.#startOf(low) + from
  }

  /** Where the entry with this key is; −1 where it is not. Found by its order if there is one, else by looking. */
  indexOf(entry: Entry, compare: Compare | null): number {
    if (compare !== null) {
      const index = this.lowerBound(entry, compare)
      // A value that JS orders otherwise than SQLite would be a mistake of ours, but no reason to lose a row.
      if (this.at(index)?.key === entry.key) return index
    }
    let start = 0
    for (const { entries } of this.#chunks) {
      const found = entries.findIndex(({ key }) => key === entry.key)
      if (found !== -1) return start + found
      start += entries.length
    }
    return -1
  }

  with(index: number, entry: Entry): Sequence {
    const chunk = this.#chunkAt(index)
    const fresh = this.#chunk(chunk).with(index - this.#startOf(chunk), entry)
    return new Sequence(this.#chunks.with(chunk, fresh), this.length, this.#starts)
  }

  inserted(index: number, entry: Entry): Sequence {
    if (this.#chunks.length === 0) return Sequence.from([entry])
    const chunk = this.#chunkAt(Math.min(index, this.length - 1))
    const fresh = this.#chunk(chunk).inserted(index - this.#startOf(chunk), entry)
    const chunks =
      fresh.entries.length > CHUNK
        ? this.#chunks.toSpliced(chunk, 1, ...fresh.halves())
        : this.#chunks.with(chunk, fresh)
    return new Sequence(chunks, this.length + 1)
  }

  removed(index: number): Sequence {
    const chunk = this.#chunkAt(index)
    const fresh = this.#chunk(chunk).removed(index - this.#startOf(chunk))
    const chunks =
      fresh.entries.length === 0 ? this.#chunks.toSpliced(chunk, 1) : this.#chunks.with(chunk, fresh)
    return new Sequence(chunks, this.length - 1)
  }

  #chunk(chunk: number): Chunk {
    return this.#chunks[chunk] as Chunk
  }

  #entriesOf(chunk: number): readonly Entry[] {
    return this.#chunk(chunk).entries
  }

  #startOf(chunk: number): number {
    return chunk === 0 ? 0 : (this.#startsOfAll()[chunk] as number)
  }

  /** The chunk that an index lies in. */
  #chunkAt(index: number): number {
    if (this.#chunks.length === 1) return 0
    const starts = this.#startsOfAll()
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((starts[middle] as number) <= index) low = middle
      else high = middle - 1
    }
    return low
  }

  #startsOfAll(): readonly number[] {
    if (this.#starts === undefined) {
      const starts: number[] = []
      let start = 0
      for (const { entries } of this.#chunks) {
        starts.push(start)
        start += entries.length
      }
      this.#starts = starts
    }
    return this.#starts
  }
}
