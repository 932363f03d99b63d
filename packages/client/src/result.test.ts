import type { RowKey, Shape, SqlValue, WireRow } from '@millrace/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Row } from './query.ts'
import { Decoder, type Entry, editsBetween, merge, renewedRows } from './result.ts'
import type { Edit } from './types.ts'

/** A key and one value, both visible. */
const shape: Shape = {
  columns: ['k', 'v'],
  key: [{ column: 0, collation: 'BINARY' }],
  tables: ['t'],
  order: null,
  plan: null,
}
const decoder = new Decoder(shape)
/** `a1 b2`: the rows a and b with the values 1 and 2. */
const entriesOf = (notation: string, known: readonly Entry[] = []) =>
  notation.split(' ').flatMap((row) => {
    if (row === '') return []
    const values = [row.charAt(0), Number(row.slice(1))]
    return [
      decoder.entry(
        values,
        known.filter(({ key }) => key === decoder.keyOf(values)),
      ),
    ]
  })
const show = (entries: readonly Entry[]) => entries.map(({ row }) => `${row.k}${row.v}`).join(' ')

/** Rows with distinct keys, in any order. */
const list = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...'abcdefghijkl'), fc.integer({ min: 0, max: 2 })), {
    selector: ([name]) => name,
    maxLength: 12,
  })
  .map((rows) => rows.map(([name, value]) => `${name}${value}`).join(' '))

function applyEdits(rows: readonly Row[], edits: readonly Edit[]): Row[] {
  const result = [...rows]
  for (const edit of edits) {
    if (edit.type === 'insert') result.splice(edit.index, 0, edit.row)
    else if (edit.type === 'remove') result.splice(edit.index, 1)
    else result[edit.index] = edit.row
  }
  return result
}

/** By trying all: the most rows of both lists that can stay where they are. */
function mostThatStay(before: readonly RowKey[], after: readonly RowKey[]): number {
  const lengths = Array.from({ length: before.length + 1 }, () => new Array<number>(after.length + 1).fill(0))
  const at = (i: number, j: number) => lengths[i]?.[j] ?? 0
  for (let i = 1; i <= before.length; i++) {
    for (let j = 1; j <= after.length; j++) {
      const row = lengths[i] as number[]
      row[j] = before[i - 1] === after[j - 1] ? at(i - 1, j - 1) + 1 : Math.max(at(i - 1, j), at(i, j - 1))
    }
  }
  return at(before.length, after.length)
}

describe('Decoder', () => {
  test('lends the row object of a known entry where the visible columns are the same', () => {
    const wide = new Decoder({ ...shape, columns: ['k'] })
    const known = wide.entry(['a', 1])
    expect(known.row).toEqual({ k: 'a' })
    const hidden = wide.entry(['a', 2], [known])
    expect(hidden.row).toBe(known.row)
    expect(hidden.values).toEqual(['a', 2])
    expect(wide.entry(['b', 1], [known]).row).not.toBe(known.row)
  })

  test.each<[SqlValue, SqlValue]>([
    [1, '1'],
    [null, 0],
    ['', new Uint8Array()],
    [9007199254740993n, 9007199254740992],
    [new Uint8Array([1]), new Uint8Array([2])],
  ])('%s and %s do not look the same', (one, other) => {
    expect(decoder.entry(['a', other], [decoder.entry(['a', one])]).row.v).toBe(other)
  })

  test('bytes that are equal look the same', () => {
    const known = decoder.entry(['a', new Uint8Array([1, 2])])
    expect(decoder.entry(['a', new Uint8Array([1, 2])], [known]).row).toBe(known.row)
  })

  test('keys are equal by their collation', () => {
    const folded = new Decoder({ ...shape, key: [{ column: 0, collation: 'NOCASE' }] })
    expect(folded.keyOf(['A'])).toBe(folded.keyOf(['a']))
    expect(decoder.keyOf(['A'])).not.toBe(decoder.keyOf(['a']))
  })

  test('a column may be called like what objects inherit', () => {
    const odd = new Decoder({ ...shape, columns: ['k', 'constructor'] })
    expect(Object.entries(odd.entry(['a', 1]).row)).toEqual([
      ['k', 'a'],
      ['constructor', 1],
    ])
  })
})

test('merge puts entries at their places, and beyond the end at the end', () => {
  const merged = (kept: string, put: string, at: number[]) => show(merge(entriesOf(kept), entriesOf(put), at))
  expect(merged('a1 b1 c1', 'x0 y0', [0, 2])).toBe('x0 a1 y0 b1 c1')
  expect(merged('a1', 'x0 y0', [1, 2])).toBe('a1 x0 y0')
  expect(merged('', 'x0 y0', [0, 1])).toBe('x0 y0')
  expect(merged('a1', 'x0', [7])).toBe('a1 x0')
  expect(merged('a1 b1', '', [])).toBe('a1 b1')
})

describe('editsBetween', () => {
  const notation = (edits: readonly Edit[] | null) =>
    edits === null
      ? 'all'
      : edits
          .map((edit) =>
            edit.type === 'remove'
              ? `-${edit.index}`
              : `${edit.type === 'insert' ? '+' : '='}${edit.index}${edit.row.k}${edit.row.v}`,
          )
          .join(' ')
  const between = (before: string, after: string) => {
    const entries = entriesOf(before)
    return notation(editsBetween(entries, entriesOf(after, entries)))
  }

  test.each([
    ['nothing', 'a1 b2', 'a1 b2', ''],
    ['one more', 'a1 c3', 'a1 b2 c3', '+1b2'],
    ['one less', 'a1 b2 c3', 'a1 c3', '-1'],
    ['another value', 'a1 b2 c3', 'a1 b9 c3', '=1b9'],
    ['one moves down', 'a1 b2 c3 d4', 'b2 c3 d4 a1', '-0 +3a1'],
    ['one moves up', 'a1 b2 c3 d4', 'd4 a1 b2 c3', '-3 +0d4'],
    ['one moves and changes', 'a1 b2 c3', 'b2 c3 a9', '=0a9 -0 +2a9'],
    ['another one in its place', 'a1 b2', 'a1 c3', '-1 +1c3'],
    ['all new', 'a1 b2', 'c3 d4', '-1 -0 +0c3 +1d4'],
  ])('%s', (_, before, after, edits) => {
    expect(between(before, after)).toBe(edits)
  })

  test('law: the edits lead from before to after; rows that are the same stay the same; as few move as can be', () => {
    fc.assert(
      fc.property(list, list, (one, other) => {
        const before = entriesOf(one)
        const after = entriesOf(other, before)
        const edits = editsBetween(before, after) as Edit[]
        const rows = applyEdits(
          before.map(({ row }) => row),
          edits,
        )
        expect(rows.map((row, i) => row === after[i]?.row)).toEqual(after.map(() => true))
        const count = (type: Edit['type']) => edits.filter((edit) => edit.type === type).length
        const most = mostThatStay(
          before.map((entry) => entry.key),
          after.map((entry) => entry.key),
        )
        expect([count('remove'), count('insert')]).toEqual([before.length - most, after.length - most])
        expect(count('update')).toBe(renewedRows(before, after, { has: () => true }).length)
      }),
    )
  })

  const many = (count: number, value: number): Entry[] =>
    Array.from({ length: count }, (_, i): WireRow => [i, value]).map((values) => decoder.entry(values))

  test('too many changes are told as all, and renewedRows then tells which rows went on', () => {
    const before = many(501, 1)
    const after = many(501, 2)
    expect(editsBetween(before, after)).toBeNull()
    expect(renewedRows(before, after, { has: () => true })).toEqual(
      before.map(({ row }, i) => [row, after[i]?.row]),
    )
    const some = new Set([before[7]?.row, after[8]?.row])
    expect(renewedRows(before, after, some)).toEqual([[before[7]?.row, after[7]?.row]])
    expect(editsBetween(before.slice(1), after.slice(1))).toHaveLength(500)
  })

  test('few changes in many rows are told one by one', () => {
    const before = many(10_000, 1)
    const entry = decoder.entry([700, 2])
    expect(notation(editsBetween(before, before.toSpliced(700, 1, entry)))).toBe('=7007002')
    expect(editsBetween(before, before.slice())).toEqual([])
  })
})
