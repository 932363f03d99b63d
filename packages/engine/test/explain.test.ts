import { openEngine } from '@millrace/engine/node'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { LiveText } from './strategies/query.ts'
import { RERUN } from './strategies/rerun.ts'
import { INDEXES, TABLES } from './strategies/schema.ts'
import { TODOS } from './strategies/todos.ts'
import { TRACKER } from './strategies/tracker.ts'
import { TRAPS } from './strategies/traps.ts'

async function opened(schema: string) {
  const engine = await openEngine({ schema })
  onTestFinished(() => engine.close())
  return engine
}

const adviceOf = async (schema: string, sql: string) => (await opened(schema)).explain(sql).advice

const indexIn = (advice: string): string[] => /CREATE INDEX .*$/.exec(advice)?.slice() ?? []

describe('an index is advised for what is scanned', () => {
  const SCHEMA = `
    CREATE TABLE list (id INTEGER PRIMARY KEY, name TEXT, owner TEXT);
    CREATE TABLE todo (id TEXT PRIMARY KEY NOT NULL, list INTEGER, title TEXT COLLATE NOCASE, done INTEGER, "order" REAL);
    CREATE TABLE tag (name TEXT, todo TEXT, PRIMARY KEY (name, todo)) WITHOUT ROWID;`
  const cases: [string, string, string[]][] = [
    [
      'a join',
      'SELECT t.id, l.name FROM todo t JOIN list l ON l.id = t.list',
      ['CREATE INDEX todo_list ON todo (list)'],
    ],
    [
      'USING',
      'SELECT * FROM tag JOIN (SELECT id AS todo, done FROM todo) AS t USING (todo)',
      ['CREATE INDEX tag_todo ON tag (todo)'],
    ],
    [
      'a subquery, with the constant behind the column that it is joined by',
      'SELECT name FROM list WHERE EXISTS (SELECT 1 FROM todo WHERE list = list.id AND done = 0)',
      ['CREATE INDEX todo_list_done ON todo (list, done)'],
    ],
    [
      'a derived table in a subquery, as Drizzle writes it',
      'SELECT (SELECT json_group_array(id) FROM (SELECT * FROM todo "t" WHERE "t".list = list.id LIMIT 3) "t") FROM list',
      ['CREATE INDEX todo_list ON todo (list)'],
    ],
    [
      'a list that is looked into',
      'SELECT name FROM list WHERE owner IN (SELECT title FROM todo)',
      ['CREATE INDEX list_owner ON list (owner)'],
    ],
    [
      'a group that is run again',
      'SELECT list, max(title) FROM todo GROUP BY list',
      ['CREATE INDEX todo_list ON todo (list)'],
    ],
    [
      'the collation by which it is compared',
      'SELECT t.id FROM todo t JOIN list l ON l.name = t.title',
      ['CREATE INDEX list_name ON list (name)', 'CREATE INDEX todo_title ON todo (title COLLATE BINARY)'],
    ],
    [
      'a name that is a word of SQL',
      'SELECT count(*) FROM list l JOIN todo t ON t."order" = l.id',
      ['CREATE INDEX "todo_order" ON "todo" ("order")'],
    ],
  ]
  test.for(cases)('%s', async ([, sql, indexes]) => {
    const advice = await adviceOf(SCHEMA, sql)
    expect(advice.flatMap(indexIn)).toEqual(indexes)
    expect(advice).toHaveLength(indexes.length)
    expect(await adviceOf(`${SCHEMA}${indexes.join(';')}`, sql)).toEqual([])
  })

  test('or why none would serve', async () => {
    expect(await adviceOf(SCHEMA, 'SELECT t.id FROM todo t JOIN list l ON l.id = t.title')).toEqual([
      'A change of list scans todo, and no index would serve: todo.title and list.id are of different types, and one is converted for each comparison. Declare them alike.',
    ])
    expect(await adviceOf(SCHEMA, 'SELECT id FROM todo WHERE id NOT IN (SELECT todo FROM tag)')).toEqual([
      expect.stringMatching(/^A change of tag scans todo, and no index would serve: .*NOT EXISTS/),
    ])
  })
})

describe('what runs again', () => {
  const SCHEMA = 'CREATE TABLE a (id INTEGER PRIMARY KEY, x, y); CREATE TABLE b (id INTEGER PRIMARY KEY, x);'
  const cases: [string, RegExp, RegExp][] = [
    ['SELECT id, row_number() OVER (ORDER BY x) FROM a', /window functions/, /Without the window function/],
    ['SELECT x FROM a UNION SELECT x FROM b', /UNION/, /UNION ALL is followed row by row/],
    ['SELECT count(*) FROM a UNION ALL SELECT count(*) FROM b', /UNION ALL of groups/, /Each part by itself/],
    ['SELECT (SELECT count(*) FROM a) AS n', /no FROM/, /Each of its subqueries/],
    [
      'SELECT * FROM (SELECT id FROM a ORDER BY x LIMIT 5) JOIN b USING (id)',
      /LIMIT/,
      /As a query of its own/,
    ],
    ["SELECT id FROM a WHERE x < datetime('now')", /current time/, /give it as a parameter/],
    ['SELECT id FROM a WHERE x < random()', /random\(\)/, /give it as a parameter/],
    ['SELECT a.id, b.id FROM a FULL JOIN b ON a.x = b.x', /FULL JOIN/, /A LEFT JOIN, and UNION ALL/],
    ['SELECT a.id, j.value FROM a, json_each(a.x) AS j', /table-valued function/, /a table of its own/],
    ['SELECT id FROM a ORDER BY x LIMIT 10 OFFSET 1000000', /LIMIT and OFFSET/, /Go on from the last row/],
  ]
  test.for(cases)('%s', async ([sql, why, advice]) => {
    const explanation = (await opened(SCHEMA)).explain(sql)
    expect(explanation.strategy).toBe('rerun')
    expect(explanation.why).toMatch(why)
    expect(explanation.advice).toEqual([expect.stringMatching(advice)])
    expect(new Set(explanation.wokenBy.map(({ action }) => action)).size).toBeLessThan(2)
  })

  test('one row of aggregates that cannot be moved', async () => {
    expect(await adviceOf(SCHEMA, 'SELECT max(x) FROM a')).toEqual([
      'A change of a runs the query again: only count, and sum, total and avg of integers, can be moved by the rows that changed.',
    ])
  })
})

test.for([
  ['SELECT id FROM a WHERE x = ?', 'x = ?1'],
  ["SELECT id FROM a WHERE x IN (1, 'it''s', x'0aff')", "x IN (1, 'it''s', x'0aff')"],
  ['SELECT id FROM a WHERE x IS NULL', 'x IS NULL'],
  ['SELECT id FROM a WHERE x > ? AND x <= 5', 'x > ?1 AND x <= 5'],
  ['SELECT id FROM a WHERE abs(x) = 1', ''],
] as const)('rows that wake it: %s', async ([sql, where]) => {
  const engine = await opened('CREATE TABLE a (id INTEGER PRIMARY KEY, x);')
  const parameters = sql.includes('?') ? [1] : []
  expect(engine.explain(sql, parameters).wokenBy).toMatchObject([{ table: 'a', where }])
})

test('each query is explained in words; with the indexes that were advised none is advised again', async () => {
  const texts: readonly LiveText[] = [...TRACKER, ...TODOS, ...RERUN, ...TRAPS]
  const advise = async (schema: string) => {
    const engine = await opened(schema)
    return texts.map(({ name, sql, parameters }) => ({
      name,
      advice: engine.explain(sql, parameters).advice,
    }))
  }
  const first = await advise(TABLES)
  for (const { name, advice } of first) expect(new Set(advice).size, name).toBe(advice.length)
  const indexes = new Set(first.flatMap(({ advice }) => advice.flatMap(indexIn)))
  expect(indexes.size).toBeGreaterThan(10)
  const again = await advise(`${TABLES}${[...indexes].map((index) => `${index};`).join('\n')}`)
  expect(again.filter(({ advice }) => advice.flatMap(indexIn).length > 0)).toEqual([])
  // Advised in vain: where the query itself says in which order its tables are read.
  const inVain = again.filter(({ advice }) => advice.join().includes('in spite of its index'))
  expect(inVain.map(({ name }) => name)).toEqual([
    'cross join: who may get which label',
    'who leads whom, and what',
    'right join first: all labels and where they stick',
    'latest comment: joined to its issue',
  ])
  expect((await advise(TABLES + INDEXES)).flatMap(({ advice }) => advice).join('')).not.toMatch(/undefined/)
})
