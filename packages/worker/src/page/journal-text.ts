import type { WriteRequest } from '@millrace/protocol'

/*
 * Writes as the text that localStorage takes: a JSON array, oldest write first. JSON has no blobs, no bigints and no
 * Infinity; they are objects with the one key below, which is no name of a column, for SQLite's names end at NUL.
 */

const TAG = '\0'

/** Of each write once, as they are written again while they wait; null: longer than the limit. */
const texts = new WeakMap<WriteRequest, string | null>()

/** The first of the writes, as many as fit into `limit` characters, and how many these are. Order is kept: none is passed over. */
export function encodeWrites(
  writes: Iterable<WriteRequest>,
  limit: number,
): { readonly text: string; readonly count: number } {
  const parts: string[] = []
  let length = 2
  for (const write of writes) {
    const part = textOf(write, limit)
    if (part === null || length + part.length + 1 > limit) break
    parts.push(part)
    length += part.length + 1
  }
  return { text: `[${parts.join()}]`, count: parts.length }
}

/** @throws where the text is not one that `encodeWrites` made */
export function decodeWrites(text: string): WriteRequest[] {
  const writes = JSON.parse(text, (_, value) => {
    const tagged: unknown = value?.[TAG]
    return typeof tagged === 'string' ? decodeValue(tagged) : value
  }) as WriteRequest[]
  if (!writes.every(({ id, operations }) => Number.isSafeInteger(id) && Array.isArray(operations)))
    throw new TypeError('no writes')
  return writes
}

function textOf(write: WriteRequest, limit: number): string | null {
  let text = texts.get(write)
  if (text === undefined) {
    text = encode(write, limit)
    texts.set(write, text)
  }
  return text
}

/** Null where it is too long: then what is large in it need not be looked at. */
function encode(write: WriteRequest, limit: number): string | null {
  let length = 0
  try {
    return JSON.stringify(write, (_, value) => {
      if (typeof value === 'string' || value instanceof Uint8Array) length += value.length
      if (length > limit) throw tooLong
      return encodeValue(value)
    })
  } catch (error) {
    if (error === tooLong) return null
    throw error
  }
}

const tooLong = new RangeError('too long')

function encodeValue(value: unknown): unknown {
  if (typeof value === 'bigint') return { [TAG]: `i${value}` }
  if (typeof value === 'number' && !Number.isFinite(value)) return { [TAG]: `n${value}` }
  if (value instanceof Uint8Array) return { [TAG]: `b${toBase64(value)}` }
  return value
}

function decodeValue(tagged: string): unknown {
  const rest = tagged.slice(1)
  switch (tagged[0]) {
    case 'i':
      return BigInt(rest)
    case 'n':
      return Number(rest)
    default:
      return Uint8Array.from(atob(rest), (char) => char.charCodeAt(0))
  }
}

/** In parts: one call takes no more than some ten thousand arguments. */
function toBase64(bytes: Uint8Array): string {
  let binary = ''
  for (let at = 0; at < bytes.length; at += 8192)
    binary += String.fromCharCode(...bytes.subarray(at, at + 8192))
  return btoa(binary)
}
