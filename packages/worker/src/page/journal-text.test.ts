import type { Operation, WriteId, WriteRequest } from '@millrace/protocol'
import { expect, test } from 'vitest'
import { decodeWrites, encodeWrites } from './journal-text.ts'

const write = (id: number, ...operations: Operation[]): WriteRequest => ({ id: id as WriteId, operations })
const insert = (row: Extract<Operation, { type: 'insert' }>['row']): Operation => ({
  type: 'insert',
  table: 'item',
  row,
})
const ample = 1_000_000

test('every value that SQLite holds comes back as it was', () => {
  const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => i % 256)
  const values = [
    ...[null, 0, -1.5, 5e-324, Number.MAX_VALUE, Infinity, -Infinity, 2 ** 53 - 1],
    ...[9223372036854775807n, -9223372036854775808n, '', 'ä\u0000"\u2028😀', new Uint8Array(), bytes],
  ]
  const writes = [
    write(1, ...values.map((x) => insert({ x }))),
    write(7, { type: 'exec', sql: 'UPDATE item SET x = ?', parameters: values }),
    write(
      8,
      { type: 'update', table: 'item', key: values, patch: {} },
      { type: 'delete', table: 'a', key: [] },
    ),
  ]
  const { text, count } = encodeWrites(writes, ample)
  expect(count).toBe(3)
  expect(decodeWrites(text)).toEqual(writes)
})

test('columns that are called like what marks a value, or like what objects have, are columns', () => {
  const row = JSON.parse('{"b": "x", "i": "1", "\\\\0": "b", "__proto__": "p", "toJSON": "t", "u0000": null}')
  const { text } = encodeWrites([write(1, insert(row))], ample)
  const [decoded] = decodeWrites(text)
  expect(decoded?.operations).toEqual([insert(row)])
})

test('what does not fit is left out with all that comes behind it, for their order counts', () => {
  const writes = [1, 2, 3, 4].map((id) => write(id, insert({ x: 'x'.repeat(id === 3 ? 500 : 10) })))
  const all = encodeWrites(writes, ample)
  expect(all.count).toBe(4)
  // To the character.
  expect(encodeWrites(writes, all.text.length + 1)).toEqual(all)
  expect(encodeWrites(writes, all.text.length - 1).count).toBe(3)
  const some = encodeWrites(writes, 400)
  expect(decodeWrites(some.text)).toEqual(writes.slice(0, 2))
  expect(some.count).toBe(2)
  expect(encodeWrites(writes.slice(2), 400)).toEqual({ text: '[]', count: 0 })
})

test('of a blob that is too long not one byte is encoded', () => {
  const bytes = new Uint8Array(1000)
  let read = 0
  const watched = new Proxy(bytes, {
    get(target, name) {
      if (name === 'subarray') read++
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  expect(encodeWrites([write(1, insert({ x: watched }))], 900)).toEqual({ text: '[]', count: 0 })
  expect(read).toBe(0)
})

test.each(['', '{', '{}', '[1]', '[{"id":"1","operations":[]}]', '[{"id":1}]'])(
  '%s is no journal',
  (text) => {
    expect(() => decodeWrites(text)).toThrow()
  },
)
