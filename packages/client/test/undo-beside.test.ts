import { type Database, open } from '@millrace/client'
import { enginePort } from '@millrace/engine/node'
import type { SqlValue } from '@millrace/protocol'
import { expect, test } from 'vitest'
import { randomFrom } from './random.ts'

/* What a write takes away besides the row that it names, its undo puts back. */

const schema = `
  CREATE TABLE list (id INTEGER PRIMARY KEY NOT NULL, code TEXT UNIQUE, parent INTEGER REFERENCES list ON DELETE CASCADE);
  CREATE TABLE todo (id INTEGER PRIMARY KEY NOT NULL, list INTEGER REFERENCES list ON DELETE CASCADE,
    loud AS (upper(title)), title TEXT, after INTEGER REFERENCES todo ON DELETE SET NULL);
  CREATE TABLE note (id INTEGER PRIMARY KEY NOT NULL, list INTEGER DEFAULT 1 REFERENCES list ON DELETE SET DEFAULT,
    code TEXT REFERENCES list (code) ON UPDATE SET NULL ON DELETE SET NULL);
  CREATE TABLE tag (todo INTEGER NOT NULL REFERENCES todo ON DELETE CASCADE, tag TEXT NOT NULL COLLATE NOCASE,
    list INTEGER REFERENCES list ON DELETE CASCADE, PRIMARY KEY (todo, tag)) WITHOUT ROWID;
  CREATE TABLE keyless (todo INTEGER REFERENCES todo ON DELETE CASCADE, text TEXT);
  CREATE TABLE one (id INTEGER PRIMARY KEY NOT NULL ON CONFLICT REPLACE, name TEXT COLLATE NOCASE UNIQUE ON CONFLICT REPLACE, size INTEGER);
  CREATE TABLE part (id INTEGER PRIMARY KEY NOT NULL, one INTEGER REFERENCES one ON DELETE CASCADE);
  CREATE TABLE first (id INTEGER PRIMARY KEY NOT NULL, name TEXT UNIQUE ON CONFLICT IGNORE);
  CREATE TABLE kept (id INTEGER PRIMARY KEY NOT NULL, name TEXT);
  CREATE TRIGGER no_update BEFORE UPDATE ON kept BEGIN SELECT RAISE(IGNORE); END;
  CREATE TRIGGER no_delete BEFORE DELETE ON kept BEGIN SELECT RAISE(IGNORE); END;`

const tables = ['list', 'todo', 'note', 'tag', 'keyless', 'one', 'part', 'first', 'kept']

const everything = (db: Database) =>
  Promise.all(
    tables.map(async (table) => {
      const rows = await db.query({ sql: `SELECT * FROM ${table}`, parameters: [] })
      return [table, rows.map((row) => JSON.stringify(row)).sort()]
    }),
  )

test.each([1, 2, 3, 4, 5, 6, 7, 8])('all is as it was: seed %d', async (seed) => {
  const random = randomFrom(seed)
  const db = await open({ port: enginePort({ schema }) })
  db.onRejected(() => {})
  const some = (of: number): number | null => (random(4) === 0 ? null : 1 + random(of))
  const text = () => 'abcABC'.charAt(random(6))
  const rows: Record<string, () => Record<string, SqlValue>> = {
    list: () => ({ id: 1 + random(5), code: random(3) === 0 ? null : text(), parent: some(5) }),
    todo: () => ({ id: 1 + random(6), list: some(5), title: text(), after: some(6) }),
    note: () => ({ id: 1 + random(4), list: some(5), code: text() }),
    tag: () => ({ todo: 1 + random(6), tag: text(), list: some(5) }),
    keyless: () => ({ todo: some(6), text: text() }),
    one: () => ({ id: 1 + random(4), name: text(), size: random(3) }),
    part: () => ({ id: 1 + random(4), one: some(4) }),
    first: () => ({ id: 1 + random(4), name: text() }),
    kept: () => ({ id: 1 + random(3), name: text() }),
  }
  let undone = 0
  for (let step = 0; step < 500; step++) {
    const table = tables[random(tables.length)] as string
    const row = (rows[table] as () => Record<string, SqlValue>)()
    const key = table === 'tag' ? [row.todo, row.tag] : [row.id]
    const type = table === 'keyless' ? 0 : random(3)
    const { id: _, todo: __, tag: ___, ...patch } = row
    const before = await everything(db)
    const write =
      type === 0
        ? db.insert(table, row)
        : type === 1
          ? db.update(table, key as SqlValue[], patch)
          : db.delete(table, key as SqlValue[])
    if (
      !(await write.stored.then(
        () => true,
        () => false,
      ))
    )
      continue
    // Its trigger lets nobody delete a row, nor what undoes an insert.
    if (random(2) === 0 || (table === 'kept' && type === 0)) continue
    const what = `step ${step}: ${['insert', 'update', 'delete'][type]} ${table} ${JSON.stringify(row)}`
    const end = await write.undo().stored.then(
      () => 'stored',
      (error: Error) => error.message,
    )
    // A row without a key is not to be named.
    if (end !== 'stored') expect(table === 'keyless' && end, what).toMatch(/cannot be undone/)
    else {
      expect(await everything(db), what).toEqual(before)
      undone++
    }
  }
  expect(undone).toBeGreaterThan(20)
  await db.close()
})

test('SQL text of which SQLite counts no changed row is not undone by nothing', async () => {
  const db = await open({
    port: enginePort({
      schema: `CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT);
        CREATE VIEW texts AS SELECT text FROM note;
        CREATE TRIGGER written INSTEAD OF INSERT ON texts BEGIN INSERT INTO note (text) VALUES (new.text); END;`,
    }),
  })
  db.onRejected(() => {})
  const write = db.write((tx) => tx.exec({ sql: "INSERT INTO texts VALUES ('a')", parameters: [] }))
  await write.stored
  await expect(write.undo().stored).rejects.toThrow(/cannot be undone/)
  expect(await db.query({ sql: 'SELECT text FROM note', parameters: [] })).toEqual([{ text: 'a' }])
  await db.close()
})
