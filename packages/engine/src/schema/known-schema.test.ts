import { createHash } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sqlite } from '../../test/oracle/connect.ts'
import { Database } from '../database/database.ts'
import { FORMAT, openSchema } from './known-schema.ts'

const SCHEMA = `
  CREATE TABLE list (id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT 'new' COLLATE NOCASE UNIQUE, n REAL DEFAULT -1.5);
  CREATE TABLE todo (id TEXT PRIMARY KEY NOT NULL, list INTEGER DEFAULT 1, done INT DEFAULT FALSE, up AS (upper(id)));
  CREATE TABLE tag (todo TEXT, name TEXT, at TEXT DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (todo, name)) WITHOUT ROWID;
  CREATE TABLE child (of INTEGER REFERENCES list (id) ON DELETE CASCADE, x ANY) STRICT;
  CREATE VIRTUAL TABLE words USING fts5(text);
  CREATE UNIQUE INDEX partly ON child (x) WHERE x > 1;
  CREATE TRIGGER touch AFTER INSERT ON child BEGIN UPDATE list SET n = 0; END;
  SELECT crsql_as_crr('todo');`

let database: Database
beforeEach(async () => {
  database = new Database((await sqlite()).open(':memory:'))
})
afterEach(() => database.close())

/** The tables, and the statements that it took to know them. */
function open(schema: string) {
  const before = database.statementsRun
  const { catalog, keep } = openSchema(database, schema)
  return { catalog, keep, statements: database.statementsRun - before }
}

test('a schema that was applied is known the next time, with all its tables', () => {
  const first = open(SCHEMA)
  first.keep()
  const again = open(SCHEMA)
  expect(again.catalog).toEqual(first.catalog)
  expect([...again.catalog.keys()]).toEqual([...first.catalog.keys()])
  expect(again.statements).toBeLessThanOrEqual(3)
  expect(first.statements).toBeGreaterThan(20)
})

test('it is not known any more when the text or the stored schema is another', () => {
  open(SCHEMA).keep()
  expect(open(`${SCHEMA} `).statements).toBeGreaterThan(20)
  open(`${SCHEMA} CREATE INDEX by_list ON todo (list);`).keep()
  expect(open(SCHEMA).statements).toBeGreaterThan(20)
  // Which it had, and this text has not.
  expect(database.get("SELECT 1 FROM sqlite_master WHERE name = 'by_list'")).toBeUndefined()
  open(SCHEMA).keep()
  database.run('CREATE INDEX foreign_one ON list (n)')
  expect(open(SCHEMA).statements).toBeGreaterThan(20)
  expect(database.get("SELECT 1 FROM sqlite_master WHERE name = 'foreign_one'")).toBeUndefined()
})

test('what JSON cannot hold is read anew', () => {
  const schema = "CREATE TABLE item (id INTEGER PRIMARY KEY, data BLOB DEFAULT x'00ff')"
  open(schema).keep()
  expect(open(schema).catalog.get('item')?.columns[1]?.default).toEqual(new Uint8Array([0, 255]))
})

test('FORMAT is changed with what a catalog has', () => {
  const { catalog } = open(SCHEMA)
  const text = JSON.stringify([...catalog])
  // If this fails: count FORMAT up in known-schema.ts, or stored catalogs are taken for new ones, and take the new hash.
  expect({ format: FORMAT, hash: createHash('sha256').update(text).digest('hex').slice(0, 16) }).toEqual({
    format: 3,
    hash: 'fc8067f527ec6cc7',
  })
})
