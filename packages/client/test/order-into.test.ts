import { type Destination, open, sql } from '@millrace/client'
import { enginePort } from '@millrace/engine/node'
import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'

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
  await vi.waitFor(() => expect(live.snapshot.status).toBe('live'))
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
      ...(process.env.MILLRACE_SEED === undefined ? {} : { seed: Number(process.env.MILLRACE_SEED) }),
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
