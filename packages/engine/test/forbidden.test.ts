import { openEngine } from '@millrace/engine/node'
import { expect, test } from 'vitest'

const SCHEMA = `CREATE TABLE todo (id TEXT PRIMARY KEY NOT NULL, title TEXT); SELECT crsql_as_crr('todo');
  CREATE TABLE parent (id INTEGER PRIMARY KEY NOT NULL);
  CREATE TABLE child (id INTEGER PRIMARY KEY NOT NULL, parent INTEGER REFERENCES parent (id))`

const FORBIDDEN = [
  `crsql_after_insert('todo', 'x')`,
  `crsql_after_update('todo', 'x', 'x')`,
  `crsql_after_delete('todo', 'x')`,
  `crsql_fract_as_ordered('todo', 'id', 'title')`,
  `crsql_fract_key_between(NULL, '')`,
  `crsql_as_table('todo')`,
  `crsql_internal_sync_bit(1)`,
  `replicate('0123456789', 429496730)`,
  `padl('x', 4294967297)`,
  `padr('x', 4294967297)`,
  `padc('x', 4294967297)`,
]

test.each(FORBIDDEN)(
  'a query cannot call %s, nor can an exec or a live query; the engine goes on',
  async (call) => {
    const engine = await openEngine({ schema: SCHEMA })
    const refused = expect.objectContaining({ code: 'INVALID_SQL' })
    expect(() => engine.query(`SELECT ${call}`)).toThrow(refused)
    // SQLite gives the name of a CTE or subquery where it gives that of a trigger, and the caller chooses it.
    for (const name of [
      'c',
      'millrace_x',
      'todo__crsql_itrig',
      '"a""b__crsql_itrig"',
      '"a""b"',
      '[a b]',
      'LOGGED',
    ]) {
      const cte = `WITH ${name} AS (SELECT ${call} AS x) SELECT * FROM ${name}`
      expect(() => engine.query(cte), cte).toThrow(refused)
      const subquery = `SELECT * FROM (SELECT ${call} AS x LIMIT 1) AS ${name}`
      expect(() => engine.query(subquery), subquery).toThrow(refused)
    }
    expect(() => engine.subscribe(`SELECT ${call}`, [], () => {})).toThrow(refused)
    const sql = `INSERT INTO todo VALUES ('1', ${call})`
    expect(() => engine.write([{ type: 'exec', sql, parameters: [] }])).toThrow(refused)
    engine.write([{ type: 'insert', table: 'todo', row: { id: '1', title: 'one' } }])
    expect(engine.query('SELECT title FROM todo').rows).toEqual([['one']])
    engine.close()
  },
)

test('a pragma that is refused has not acted while it was prepared', async () => {
  const engine = await openEngine({ schema: SCHEMA })
  expect(() => engine.query('PRAGMA foreign_keys = off')).toThrow(
    expect.objectContaining({ code: 'INVALID_SQL' }),
  )
  const orphan = () => engine.write([{ type: 'insert', table: 'child', row: { id: 1, parent: 7 } }])
  expect(orphan).toThrow(expect.objectContaining({ code: 'WRITE_REJECTED' }))
  engine.close()
})

test.each([
  "CREATE VIEW forged AS SELECT crsql_after_delete('todo', id) AS x FROM todo",
  "CREATE TRIGGER padded AFTER DELETE ON log BEGIN INSERT INTO log VALUES (padl('x', 4294967297)); END",
  'CREATE TRIGGER silent AFTER INSERT ON log BEGIN SELECT crsql_internal_sync_bit(1); END',
  'CREATE TRIGGER quoted AFTER INSERT ON log BEGIN SELECT "replicate" /* so */ (new.title, 9); END',
  'CREATE TABLE made (x TEXT, y TEXT AS (millrace_note(x)))',
  'CREATE INDEX by_pad ON log (padr(title, 9))',
])('a schema that calls what it may not is refused: %s', async (statement) => {
  const opened = openEngine({ schema: `${SCHEMA}; CREATE TABLE log (title TEXT); ${statement}` })
  await expect(opened).rejects.toMatchObject({ code: 'INVALID_SCHEMA' })
})

test('a trigger of the schema may ask whether a merge writes; a column may be called like a function', async () => {
  const engine = await openEngine({
    schema: `${SCHEMA}; CREATE TABLE log (title TEXT, replicate TEXT CHECK (length(replicate) < 9));
      CREATE TRIGGER logged AFTER INSERT ON todo WHEN crsql_internal_sync_bit() = 0
      BEGIN INSERT INTO log (title) VALUES (new.title); END`,
  })
  engine.write([{ type: 'exec', sql: "INSERT INTO todo VALUES ('1', 'one')", parameters: [] }])
  expect(engine.query('SELECT title FROM log').rows).toEqual([['one']])
  engine.close()
})
