import { type Destination, open, sql } from '@millrace/client'
import { enginePort } from '@millrace/engine/node'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'

const schema = 'CREATE TABLE item (id INTEGER PRIMARY KEY, rank INTEGER, name TEXT);'

interface Item {
  readonly id: number
  readonly rank: number
  readonly name: string
}

/** A list, and how often it was told something. */
class Recorder implements Destination<Item> {
  rows: Item[] = []
  operations = 0
  resets = 0

  reset(rows: readonly Item[]) {
    this.rows = [...rows]
    this.resets++
  }
  insert(index: number, row: Item) {
    this.operations++
    this.rows.splice(index, 0, row)
  }
  remove(index: number) {
    this.operations++
    this.rows.splice(index, 1)
  }
  replace(index: number, row: Item) {
    this.operations++
    expect(this.rows[index]?.id).toBe(row.id)
    this.rows[index] = row
  }
}

async function world() {
  const db = await open({ port: enginePort({ schema }) })
  onTestFinished(() => db.close())
  const live = db.live(sql<Item>`SELECT * FROM item WHERE rank < 50 ORDER BY rank, id`)
  const list = new Recorder()
  live.orderInto(list)
  await expect.poll(() => live.snapshot.status).toBe('live')
  return { db, live, list }
}

test('a destination follows the rows: at most two operations for each row that changed', async () => {
  const operation = fc.oneof(
    fc.record({ type: fc.constant('insert' as const), rank: fc.nat(60) }),
    fc.record({ type: fc.constant('update' as const), id: fc.nat(20), rank: fc.nat(60), name: fc.string() }),
    fc.record({ type: fc.constant('delete' as const), id: fc.nat(20) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(operation, { maxLength: 4 }), { maxLength: 12 }), async (writes) => {
      const { db, live, list } = await world()
      let next = 100
      db.onRejected(() => {})
      await db.write((tx) => {
        for (let id = 0; id < 20; id++) tx.insert('item', { id, rank: id * 3, name: `item ${id}` })
      }).stored
      for (const operations of writes) {
        const before = new Map(live.snapshot.data.map((row) => [row.id, row]))
        list.operations = 0
        const { stored } = db.write((tx) => {
          for (const one of operations) {
            if (one.type === 'insert') tx.insert('item', { id: next++, rank: one.rank, name: 'new' })
            else if (one.type === 'update') tx.update('item', one.id, { rank: one.rank, name: one.name })
            else tx.delete('item', one.id)
          }
        })
        expect(list.rows).toEqual(live.snapshot.data)
        const after = new Map(live.snapshot.data.map((row) => [row.id, row]))
        const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
          (id) => before.get(id) !== after.get(id),
        )
        expect(list.operations).toBeLessThanOrEqual(2 * changed.length)
        await stored.catch(() => {})
        expect(list.rows).toEqual(live.snapshot.data)
      }
      expect(list.rows.every((row, i) => row === live.snapshot.data[i])).toBe(true)
    }),
    {
      numRuns: 25,
    },
  )
})

test('it is filled at once where there are rows already, and anew where all changed', async () => {
  const { db, live, list } = await world()
  await db.exec(sql`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
    INSERT INTO item SELECT i, i % 50, 'item' FROM n`)
  expect(list.rows).toHaveLength(1000)
  const resets = list.resets
  const other = new Recorder()
  const undo = live.orderInto(other)
  expect(other.rows).toEqual(list.rows)
  await db.exec(sql`UPDATE item SET name = 'other', rank = 49 - rank`)
  expect(list.resets).toBe(resets + 1)
  expect([list.rows, other.rows]).toEqual([live.snapshot.data, live.snapshot.data])
  undo()
  db.delete('item', 1)
  expect(other.rows).toHaveLength(1000)
  expect(list.rows).toHaveLength(999)
})

test('a window follows a part of the rows: what happens elsewhere costs it nothing, and moving it only what is new', async () => {
  const { db, live } = await world()
  await db.exec(sql`WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 399)
    INSERT INTO item SELECT i, i % 40, 'item' FROM n`)
  const part = new Recorder()
  const window = live.windowInto(part, 100, 120)
  let [start, end] = [100, 120]
  const check = (most: number) => {
    expect(part.rows).toEqual(live.snapshot.data.slice(start, end))
    expect(part.rows.every((row, i) => row === live.snapshot.data[start + i])).toBe(true)
    expect(part.operations).toBeLessThanOrEqual(most)
    part.operations = 0
    expect(window.length).toBe(live.snapshot.data.length)
  }
  check(20)
  const [first, , third] = part.rows as [Item, Item, Item]
  const writes = [
    // In it, behind it, in front of it, into it and out of it.
    [() => db.update('item', third.id, { name: 'other' }), 1],
    [() => db.insert('item', { id: 1000, rank: 39, name: 'behind' }), 0],
    [() => db.delete('item', 0), 2],
    [() => db.insert('item', { id: 1001, rank: -1, name: 'in front' }), 2],
    [() => db.update('item', first.id, { rank: 39 }), 2],
    [() => db.insert('item', { id: 1002, rank: third.rank, name: 'into' }), 2],
  ] as const
  for (const [write, most] of writes) {
    const { stored } = write()
    check(most)
    await stored
    check(0)
  }
  ;[start, end] = [105, 125]
  window.move(start, end)
  check(10)
  ;[start, end] = [390, 500]
  window.move(start, end)
  check(200)
  expect(part.rows.length).toBe(live.snapshot.data.length - 390)
  for (const [from, to] of [
    [-1, 5],
    [5, 4],
    [0.5, 2],
  ] as const)
    expect(() => window.move(from, to)).toThrow(/A window from row/)
  expect(() => live.windowInto(part, 2, 1)).toThrow(/A window from row 2 to 1/)
  check(0)
  window.end()
  const gone = part.rows.length
  await db.delete('item', part.rows[0]?.id ?? 0).stored
  expect(part.rows.length).toBe(gone)
})
