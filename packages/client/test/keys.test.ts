import { open, sql } from '@millrace/client'
import { enginePort } from '@millrace/engine/node'
import { expect, test } from 'vitest'

const schema = `
  CREATE TABLE note (id INTEGER PRIMARY KEY, title TEXT);
  CREATE TABLE log (n INTEGER PRIMARY KEY, what TEXT);
  CREATE TABLE named (id TEXT PRIMARY KEY NOT NULL);
  CREATE VIRTUAL TABLE found USING fts5 (title);
  CREATE TRIGGER logged AFTER INSERT ON note BEGIN
    INSERT INTO log VALUES (1000 + new.id, new.title);
    INSERT INTO found (rowid, title) VALUES (5000 + new.id, new.title);
  END;`

test('the keys that SQLite made are told, in the order of the inserts', async () => {
  const db = await open({ port: enginePort({ schema }) })
  await db.insert('note', { id: 41, title: 'given' }).stored
  expect((await db.insert('note', { title: 'one' }).stored).keys).toEqual([[42]])
  const { stored } = db.write((tx) => {
    tx.insert('note', { title: 'two' })
    tx.insert('named', { id: 'its own' })
    tx.insert('note', { id: 7, title: 'given' })
    tx.insert('note', { title: 'three' })
    tx.update('note', 41, { title: 'changed' })
  })
  expect((await stored).keys).toEqual([[43], [44]])
  expect((await db.insert('named', { id: 'other' }).stored).keys).toEqual([])
  expect(await db.query(sql`SELECT id FROM note ORDER BY id`)).toEqual(
    [7, 41, 42, 43, 44].map((id) => ({ id })),
  )
  await db.close()
})
