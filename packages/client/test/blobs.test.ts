import { open, sql } from '@millrace/client'
import { enginePort } from '@millrace/engine/node'
import { expect, test } from 'vitest'

const SCHEMA = 'CREATE TABLE file (id INTEGER PRIMARY KEY NOT NULL, bytes BLOB)'

test('bytes are those of the call, whatever becomes of the buffer afterwards', async () => {
  const db = await open({ port: enginePort({ schema: SCHEMA }) })
  const inserted = new Uint8Array([1, 2, 3])
  const executed = new Uint8Array([4, 5, 6])
  const asked = new Uint8Array([1, 2, 3])
  const writes = [
    db.insert('file', { id: 1, bytes: inserted }).stored,
    db.exec(sql`INSERT INTO file VALUES (2, ${executed})`),
  ]
  const found = db.query(sql`SELECT id FROM file WHERE bytes = ${asked}`)
  for (const bytes of [inserted, executed, asked]) bytes.fill(9)
  await Promise.all(writes)
  expect(await found).toEqual([{ id: 1 }])
  expect(await db.query(sql`SELECT hex(bytes) AS hex FROM file ORDER BY id`)).toEqual([
    { hex: '010203' },
    { hex: '040506' },
  ])
  await db.close()
})

test('a live query by a blob is told from one by other bytes', async () => {
  const db = await open({ port: enginePort({ schema: SCHEMA }) })
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte)
  await db.insert('file', { id: 1, bytes: all }).stored
  for (let byte = 0; byte < 256; byte++) {
    const other = new Uint8Array(all)
    other[byte] = (byte + 1) % 256
    const live = db.live(sql`SELECT id FROM file WHERE bytes = ${other}`)
    const undo = live.subscribe(() => {})
    // Every 50 ms would be most of what this test takes.
    await expect.poll(() => live.snapshot.status, { interval: 1 }).toBe('live')
    expect(live.snapshot.data).toEqual([])
    undo()
  }
  await db.close()
})
