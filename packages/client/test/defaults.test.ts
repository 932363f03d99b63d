import { type Database, open, sql } from '@millrace/client'
import { type EnginePort, enginePort } from '@millrace/engine/node'
import { beforeAll, expect, test } from 'vitest'
import { loadOnDemand } from '../src/on-demand.ts'

/* Defaults that are expressions: what shows before the call returns is what is stored. */

beforeAll(loadOnDemand)

const defaults = {
  'DEFAULT CURRENT_TIMESTAMP': 'TEXT NOT NULL',
  'DEFAULT CURRENT_DATE': 'TEXT',
  'DEFAULT CURRENT_TIME': '',
  'DEFAULT (unixepoch())': 'INTEGER',
  "DEFAULT (unixepoch('now') * 1000)": 'INTEGER NOT NULL',
  "DEFAULT (datetime('now', '+1 day'))": 'TEXT',
  "DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))": 'TEXT',
  'DEFAULT (julianday())': 'REAL',
  "DEFAULT ('a' || 'b')": 'TEXT',
  "DEFAULT (upper('x'))": '',
  'DEFAULT (lower(hex(randomblob(16))))': 'TEXT',
  'DEFAULT (random())': 'INTEGER',
  'DEFAULT (abs(random()) % 10)': 'INTEGER',
  'DEFAULT 1': 'TEXT',
  "DEFAULT '7'": 'INTEGER',
  'DEFAULT (2.0)': 'TEXT',
  "DEFAULT (json_array(1, 'x'))": 'TEXT',
}

const opened = async (schema: string): Promise<{ db: Database; port: EnginePort }> => {
  const port = enginePort({ schema })
  return { db: await open({ port }), port }
}

test.each(Object.entries(defaults))('%s of a column %s', async (text, type) => {
  const { db } = await opened(`CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, made ${type} ${text})`)
  const live = db.live(sql`SELECT id, made, typeof(made) AS type FROM t ORDER BY id`)
  live.subscribe(() => {})
  await expect.poll(() => live.snapshot.status).toBe('live')
  const { stored } = db.insert('t', { id: 'k' })
  const shown = live.snapshot
  await stored
  expect(live.snapshot.data).toHaveLength(1)
  expect(shown).toMatchObject({ settling: false, data: live.snapshot.data })
  // What SQLite makes of it itself is of the same form.
  await db.exec(sql`INSERT INTO t (id) VALUES ('sql')`)
  const [ours, theirs] = await db.query<{ made: unknown; type: string }>(
    sql`SELECT made, typeof(made) AS type FROM t ORDER BY id`,
  )
  expect(ours?.type).toBe(theirs?.type)
  const form = (made: unknown) =>
    String(made)
      .replace(/[\da-f]/g, '0')
      .slice(0, 8)
  if (!text.includes('random()')) expect(form(ours?.made)).toBe(form(theirs?.made))
  await db.close()
})

test.each(['DEFAULT (2.0)', 'DEFAULT (sqlite_version())', "DEFAULT (datetime('now', 'localtime'))"])(
  '%s is left to the engine',
  async (text) => {
    const { db } = await opened(`CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, made ${text})`)
    await db.insert('t', { id: 'k' }).stored
    await db.exec(sql`INSERT INTO t (id) VALUES ('sql')`)
    const [ours, theirs] = await db.query<{ type: string }>(
      sql`SELECT typeof(made) AS type FROM t ORDER BY id`,
    )
    expect(ours).toEqual(theirs)
    await db.close()
  },
)

test('a key that is a default is made here, so that the row has it before the call returns; what is given stays', async () => {
  const { db } = await opened(
    'CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL DEFAULT (lower(hex(randomblob(16)))), at TEXT DEFAULT CURRENT_TIMESTAMP)',
  )
  const live = db.live<{ id: string; at: string | null }>(sql`SELECT * FROM t ORDER BY at`)
  live.subscribe(() => {})
  await expect.poll(() => live.snapshot.status).toBe('live')
  const { stored } = db.insert('t', { at: null })
  const shown = live.snapshot.data
  expect(shown).toEqual([{ id: expect.stringMatching(/^[\da-f]{32}$/), at: null }])
  await stored
  expect(live.snapshot.data).toEqual(shown)
  await db.close()
})
