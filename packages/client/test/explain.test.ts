import { open, sql } from '@millrace/client'
import { enginePort } from '@millrace/engine/node'
import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'

const schema = `
  CREATE TABLE list (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
  CREATE TABLE todo (id TEXT PRIMARY KEY NOT NULL, list INTEGER NOT NULL, title TEXT, done INTEGER NOT NULL DEFAULT 0);`

async function opened(more = '') {
  const port = enginePort({ schema: schema + more })
  const db = await open({ port })
  onTestFinished(() => db.close())
  return { db, engine: await port.engine }
}

test('rows: by the keys of what changed', async () => {
  const { db, engine } = await opened()
  const explanation = await db.explain(sql`SELECT title FROM todo WHERE list = ${7} AND done = 0`)
  expect(explanation).toEqual({
    strategy: 'restrict',
    why: '',
    sql: expect.stringMatching(/^SELECT title .* FROM todo WHERE list = \?1 AND done = 0 ORDER BY /),
    wokenBy: [
      {
        table: 'todo',
        columns: expect.arrayContaining(['title', 'list', 'done']),
        where: 'list = ?1',
        action: 'restrict by its key',
      },
    ],
    advice: [],
  })
  expect(engine.counters.liveQueries).toBe(0)
})

test('a window', async () => {
  const { db } = await opened()
  const { strategy, sql: text } = await db.explain(sql`SELECT id FROM todo ORDER BY title LIMIT ${50}`)
  expect(strategy).toBe('window')
  expect(text).toMatch(/ORDER BY .* LIMIT \?1$/)
})

test('a rerun: why it is one, and what to write instead', async () => {
  const { db } = await opened()
  expect(await db.explain(sql`SELECT id, rank() OVER (ORDER BY title) FROM todo`)).toMatchObject({
    strategy: 'rerun',
    why: 'window functions look at other rows',
    wokenBy: [{ table: 'todo', where: '', action: 'run again' }],
    advice: [expect.stringContaining('Without the window function')],
  })
})

test('an index that is missing, once for all that need it; and not when it is there', async () => {
  const query = sql`
    SELECT l.name, t.title FROM list l LEFT JOIN todo t ON t.list = l.id
    WHERE EXISTS (SELECT 1 FROM todo AS other WHERE other.list = l.id)`
  const { db } = await opened()
  const { advice } = await db.explain(query)
  const index = 'CREATE INDEX todo_list ON todo (list)'
  expect(advice).toEqual([expect.stringMatching(/^A change of list or todo scans todo\. /)])
  expect(advice[0]?.endsWith(`: ${index}`)).toBe(true)
  const { db: better } = await opened(`${index};`)
  expect((await better.explain(query)).advice).toEqual([])
})

test('a query of Kysely', async () => {
  const { db } = await opened()
  const kysely = new Kysely<{ todo: { id: string; list: number } }>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (of) => new SqliteIntrospector(of),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  })
  const query = kysely.selectFrom('todo').select('list').where('list', '=', 7)
  expect(await db.explain(query)).toMatchObject({ wokenBy: [{ where: 'list = ?1' }] })
})

test.for([
  ['SELECT wanted FROM todo', /no such column: wanted/],
  ['DELETE FROM todo', /must be a SELECT/],
  ['SELECT ?', /takes 1 parameter, but 0 were/],
] as const)('what is no query is refused: %s', async ([text, message]) => {
  const { db } = await opened()
  await expect(db.explain({ sql: text, parameters: [] })).rejects.toMatchObject({
    code: 'INVALID_SQL',
    message: expect.stringMatching(message),
  })
  await expect(db.explain(text as never)).rejects.toMatchObject({ code: 'INVALID_SQL' })
  expect((await db.explain(sql`SELECT id FROM todo`)).strategy).toBe('restrict')
})
