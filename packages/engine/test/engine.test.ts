import type { Engine, LiveChange } from '@millrace/engine'
import { openEngine } from '@millrace/engine/node'
import type { QueryId } from '@millrace/protocol'
import { MillraceError, type Operation, type SqlValue } from '@millrace/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Replay, show } from './oracle/replay.ts'

const exec = (sql: string, ...parameters: SqlValue[]): Operation => ({ type: 'exec', sql, parameters })

const SCHEMA = `
  CREATE TABLE todo (id TEXT PRIMARY KEY NOT NULL, list INTEGER NOT NULL DEFAULT 1, title TEXT, done INTEGER DEFAULT 0);
  CREATE TABLE pair (a TEXT COLLATE NOCASE NOT NULL, b INTEGER NOT NULL, v, PRIMARY KEY (a, b)) WITHOUT ROWID;
  CREATE TABLE loose (x);
  CREATE TABLE crr (id TEXT PRIMARY KEY NOT NULL, v);
  SELECT crsql_as_crr('crr');
  CREATE TABLE rules (id INTEGER PRIMARY KEY, u UNIQUE, n INTEGER CHECK (n < 10), g AS (n + 1));
  CREATE VIRTUAL TABLE words USING fts5 (text);
  CREATE VIEW open AS SELECT * FROM todo WHERE done = 0;
  CREATE TRIGGER open_insert INSTEAD OF INSERT ON open BEGIN INSERT INTO todo (id, title) VALUES (NEW.id, NEW.title); END;
  CREATE TRIGGER never BEFORE DELETE ON rules WHEN OLD.n = 9 BEGIN SELECT RAISE(ABORT, 'nine stays'); END;`

let engine: Engine
beforeEach(async () => {
  engine = await openEngine({ schema: SCHEMA })
})
afterEach(() => engine.close())

function live(sql: string, ...parameters: SqlValue[]): Replay {
  const replay = new Replay()
  engine.subscribe(sql, parameters, replay.listen)
  return replay
}
const insert = (id: string, title = id): Operation => ({ type: 'insert', table: 'todo', row: { id, title } })
const titles = () => show(engine.query('SELECT title FROM todo ORDER BY id').rows)

describe('bad input: a MillraceError at the call, with the values and what to do; all else goes on', () => {
  const ask =
    (sql: string, ...parameters: unknown[]) =>
    () =>
      engine.query(sql, parameters as SqlValue[])
  const subscribe =
    (sql: string, ...parameters: unknown[]) =>
    () =>
      engine.subscribe(sql, parameters as SqlValue[], () => {})
  const write =
    (...operations: unknown[]) =>
    () =>
      engine.write(operations as Operation[])
  const given = (sql: string, ...parameters: unknown[]) => write({ type: 'exec', sql, parameters })
  const row = (values: object) => write({ type: 'insert', table: 'todo', row: values })
  const cases: [string, () => void, string, RegExp][] = [
    ['not SQL', subscribe('SELEKT 1'), 'INVALID_SQL', /near "SELEKT".*It reads: SELEKT 1/],
    ['not SQL in exec', given('DELETE FORM todo'), 'INVALID_SQL', /near "FORM"/],
    ['an unknown table', ask('SELECT * FROM tod'), 'INVALID_SQL', /no such table: tod/],
    ['an unknown column', subscribe('SELECT titel FROM todo'), 'INVALID_SQL', /no such column: titel/],
    [
      "a function of the engine's own",
      ask('SELECT millrace_note(1)'),
      'INVALID_SQL',
      /a call of millrace_note/,
    ],
    ['too few parameters', subscribe('SELECT ?, ?', 1), 'INVALID_SQL', /takes 2 parameters, but 1 was given/],
    ['too many parameters', ask('SELECT 1', 1), 'INVALID_SQL', /takes 0 parameters, but 1 was given/],
    [
      'too few parameters in exec',
      given('DELETE FROM todo WHERE id = ?'),
      'INVALID_SQL',
      /takes 1 parameter, but 0 were given/,
    ],
    [
      'a Date as a parameter',
      ask('SELECT ?', new Date(0)),
      'INVALID_VALUE',
      /Date.*parameter 1.*toISOString/,
    ],
    ['NaN as a parameter', subscribe('SELECT ?', Number.NaN), 'INVALID_VALUE', /NaN.*parameter 1/],
    [
      'an object as a parameter of exec',
      given('DELETE FROM todo WHERE id = ?', {}),
      'INVALID_VALUE',
      /object.*parameter 1.*JSON\.stringify/,
    ],
    [
      'undefined in a row',
      row({ id: 'x', title: undefined }),
      'INVALID_VALUE',
      /undefined.*todo\.title.*null/,
    ],
    ['a Date in a row', row({ id: new Date(0) }), 'INVALID_VALUE', /todo\.id/],
    [
      'NaN in a patch',
      write({ type: 'update', table: 'todo', key: ['here'], patch: { done: Number.NaN } }),
      'INVALID_VALUE',
      /todo\.done/,
    ],
    [
      'an object in a key',
      write({ type: 'delete', table: 'todo', key: [{}] }),
      'INVALID_VALUE',
      /key id of todo/,
    ],
    ['a bigint beyond 64 bits', row({ id: 2n ** 64n }), 'INVALID_VALUE', /64 bits/],
    [
      'a write to a missing table',
      write({ type: 'insert', table: 'tood', row: {} }),
      'SCHEMA_MISMATCH',
      /no table tood\. The schema has: .*todo/,
    ],
    [
      'a write to a missing column',
      row({ id: 'x', titel: 'a' }),
      'SCHEMA_MISMATCH',
      /todo has no column titel\. It has: id, list, title, done/,
    ],
    [
      'a write to a table of ours',
      write({ type: 'delete', table: 'millrace_epoch', key: [1] }),
      'SCHEMA_MISMATCH',
      /no table millrace_epoch/,
    ],
    [
      'a write to a generated column',
      write({ type: 'insert', table: 'rules', row: { g: 1 } }),
      'SCHEMA_MISMATCH',
      /column g of rules is generated/,
    ],
    [
      'a write to a view',
      write({ type: 'insert', table: 'open', row: { id: 'x' } }),
      'SCHEMA_MISMATCH',
      /no table open/,
    ],
    [
      'a missing row',
      write({ type: 'update', table: 'todo', key: ['gone'], patch: { done: 1 } }),
      'WRITE_REJECTED',
      /row of todo with the key gone: there is none/,
    ],
    [
      'a missing row to delete',
      write({ type: 'delete', table: 'pair', key: ['x', 1] }),
      'WRITE_REJECTED',
      /pair with the key x, 1/,
    ],
    [
      'a key too short',
      write({ type: 'delete', table: 'pair', key: ['x'] }),
      'SCHEMA_MISMATCH',
      /key of pair has 2 columns \(a, b\), but 1 values/,
    ],
    [
      'a row without a key',
      write({ type: 'delete', table: 'loose', key: [1] }),
      'SCHEMA_MISMATCH',
      /loose cannot be named by a key.*exec/,
    ],
    [
      'NOT NULL',
      row({ id: 'x', list: null }),
      'WRITE_REJECTED',
      /insert into todo: NOT NULL constraint failed: todo\.list\. Give/,
    ],
    [
      'the key twice',
      row({ id: 'here' }),
      'WRITE_REJECTED',
      /UNIQUE constraint failed: todo\.id.*update that one/,
    ],
    [
      'UNIQUE',
      given('INSERT INTO rules (u) VALUES (1), (1)'),
      'WRITE_REJECTED',
      /UNIQUE constraint failed: rules\.u/,
    ],
    [
      'CHECK',
      given('INSERT INTO rules (n) VALUES (10)'),
      'WRITE_REJECTED',
      /CHECK constraint failed.*rule of the schema/,
    ],
    [
      'RAISE',
      write(exec('INSERT INTO rules (id, n) VALUES (9, 9)'), { type: 'delete', table: 'rules', key: [9] }),
      'WRITE_REJECTED',
      /delete from rules: nine stays/,
    ],
    [
      'text for an INTEGER key',
      write({ type: 'insert', table: 'rules', row: { id: 'x' } }),
      'WRITE_REJECTED',
      /datatype mismatch/,
    ],
    [
      'the key of a replicated row',
      write({ type: 'update', table: 'crr', key: ['a'], patch: { id: 'b' } }),
      'WRITE_REJECTED',
      /key id of the replicated table crr cannot be changed/,
    ],
    [
      'the key of a replicated row by exec',
      given("UPDATE crr SET id = 'b'"),
      'WRITE_REJECTED',
      /delete the row and insert it anew/,
    ],
    [
      'the key of a replicated row by upsert',
      given("INSERT INTO crr VALUES ('a', 1) ON CONFLICT DO UPDATE SET id = 'b'"),
      'WRITE_REJECTED',
      /cannot be changed/,
    ],
    ['exec of a SELECT', given('SELECT 1'), 'INVALID_SQL', /changes nothing: read with query/],
    ['exec of nothing', given(''), 'INVALID_SQL', /no statement/],
    [
      'exec of two statements',
      given('DELETE FROM todo; DELETE FROM todo'),
      'INVALID_SQL',
      /more than one statement/,
    ],
    ['exec of a CREATE', given('CREATE TABLE x (a)'), 'INVALID_SQL', /this is CREATE TABLE: .*schema text/],
    ['exec of a COMMIT', given('COMMIT'), 'INVALID_SQL', /transactions by themselves/],
    ['exec of a PRAGMA', given('PRAGMA foreign_keys = off'), 'INVALID_SQL', /PRAGMA/],
    [
      'exec on tables of ours',
      given('DELETE FROM millrace_write'),
      'INVALID_SQL',
      /millrace_write is not the app's/,
    ],
    [
      'exec on the changes of other sites',
      given("INSERT INTO crsql_changes (\"table\", pk) VALUES ('crr', x'')"),
      'INVALID_SQL',
      /crsql_changes is not the app's to change: give .* to merge/,
    ],
    ['exec that unmakes them', given('DELETE FROM crsql_changes'), 'INVALID_SQL', /to merge, which checks/],
    [
      'exec that unpacks a key',
      given("INSERT INTO loose SELECT cell FROM crsql_unpack_columns(x'')"),
      'INVALID_SQL',
      /crsql_unpack_columns is not for apps/,
    ],
    [
      'a query that unpacks a key',
      ask("SELECT count(*) FROM crsql_unpack_columns(x'')"),
      'INVALID_SQL',
      /crsql_unpack_columns is not for apps/,
    ],
    ['exec on tables of cr-sqlite', given('DELETE FROM crr__crsql_clock'), 'INVALID_SQL', /not the app's/],
    [
      'exec of a function of cr-sqlite',
      given("INSERT INTO loose SELECT crsql_as_table('crr')"),
      'INVALID_SQL',
      /crsql_as_table/,
    ],
    ['a query that writes', ask('DELETE FROM todo'), 'INVALID_SQL', /must be a SELECT/],
    [
      'a query that writes and returns',
      subscribe('INSERT INTO loose VALUES (1) RETURNING x'),
      'INVALID_SQL',
      /must be a SELECT/,
    ],
    [
      'an error of a query once it runs',
      ask('SELECT abs(-9223372036854775807 - 1)'),
      'INVALID_SQL',
      /integer overflow/,
    ],
  ]
  test.for(cases)('%s', ([, call, code, message]) => {
    engine.write([insert('here')])
    const all = live('SELECT id, done FROM todo')
    const before = all.heard
    const { liveQueries, commits } = engine.counters
    let error: unknown
    try {
      call()
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(MillraceError)
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
    expect(all.heard).toBe(before)
    expect(engine.counters).toMatchObject({ liveQueries, commits })
    engine.write([insert('next')])
    expect(show(all.rows)).toBe('"here" | 0\n"next" | 0')
  })

  test('of several operations none is stored when one is refused', () => {
    expect(() => engine.write([insert('a'), insert('b'), insert('a')])).toThrowError(/UNIQUE/)
    expect(titles()).toBe('')
    expect(engine.write([insert('a'), insert('b')])).toMatchObject({ changes: 2 })
  })
})

describe('values arrive as they left', () => {
  test.for<[string, unknown, SqlValue]>([
    ['2^31', 2 ** 31, 2 ** 31],
    ['-2^31 - 1', -(2 ** 31) - 1, -(2 ** 31) - 1],
    ['2^53', 2n ** 53n, 2n ** 53n],
    ['2^63 - 1', 2n ** 63n - 1n, 2n ** 63n - 1n],
    ['no bytes', new Uint8Array(), new Uint8Array()],
    ['text with a NUL', 'a\0b', 'a\0b'],
    ['a boolean', true, 1],
    ['infinity', Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  ])('%s, by insert, by parameter and in a live query', ([, value, back]) => {
    const rows = live('SELECT v FROM crr')
    engine.write([{ type: 'insert', table: 'crr', row: { id: 'a', v: value as SqlValue } }])
    engine.write([exec("INSERT INTO crr VALUES ('b', ?)", value as SqlValue)])
    expect(rows.rows).toEqual([[back], [back]])
    expect(engine.query('SELECT count(*) FROM crr WHERE v IS ?', [value as SqlValue]).rows).toEqual([[2]])
  })
})

describe('a listener', () => {
  test('hears rows before subscribe returns, then deltas, then nothing', () => {
    const heard: LiveChange[] = []
    engine.write([insert('a', 'A')])
    const end = engine.subscribe('SELECT title AS t FROM todo', [], (change) => heard.push(change))
    engine.write([insert('b', 'B'), { type: 'delete', table: 'todo', key: ['a'] }])
    end()
    engine.write([insert('c')])
    expect(heard).toEqual([
      { type: 'rows', columns: ['t'], keys: ['t1:a'], rows: [['A']] },
      { type: 'delta', remove: ['t1:a'], put: [{ at: 0, key: 't1:b', row: ['B'] }] },
    ])
    expect(engine.counters.liveQueries).toBe(0)
    end()
  })

  test('that throws does not keep others from hearing; the write is stored, and its caller hears of it', () => {
    const heard: string[] = []
    const listener = (name: string) => (change: LiveChange) => {
      heard.push(`${name} ${change.type}`)
      if (change.type === 'delta') throw new Error(`from ${name}`)
    }
    engine.subscribe('SELECT id FROM todo', [], listener('one'))
    engine.subscribe('SELECT count(*) FROM todo', [], listener('two'))
    expect(() => engine.write([insert('a')])).toThrowError('from one')
    expect(heard).toEqual(['one rows', 'two rows', 'one delta', 'two delta'])
    expect(titles()).toBe('"a"')
    expect(() => engine.write([insert('b')])).toThrowError('from one')
    expect(titles()).toBe('"a"\n"b"')
  })

  test('that throws at its first rows is not subscribed', () => {
    expect(() =>
      engine.subscribe('SELECT 1', [], () => {
        throw new Error('no')
      }),
    ).toThrowError('no')
    expect(engine.counters.liveQueries).toBe(0)
  })

  test('may write: every listener still hears of every commit, in order', () => {
    const count = live('SELECT count(*) FROM todo')
    const seen: string[] = []
    engine.subscribe('SELECT id FROM todo', [], (change) => {
      if (change.type !== 'delta') return
      const ids = change.put.map(({ row }) => row[0])
      seen.push(`one ${ids}`)
      if (ids[0] === 'a') {
        expect(engine.write([insert('b')])).toMatchObject({ changes: 1 })
        expect(titles()).toBe('"a"\n"b"')
      }
      if (ids[0] === 'b') expect(() => engine.write([insert('a')])).toThrowError(/UNIQUE/)
    })
    engine.subscribe('SELECT id FROM todo', [], (change) => {
      if (change.type === 'delta') seen.push(`two ${change.put.map(({ row, at }) => `${row[0]}@${at}`)}`)
    })
    engine.write([insert('a')])
    expect(seen).toEqual(['one a', 'two a@0', 'one b', 'two b@1'])
    expect(show(count.rows)).toBe('2')
    engine.write([insert('c')])
    expect(show(count.rows)).toBe('3')
  })

  test('may subscribe, end others, and end itself', () => {
    const inner = new Replay()
    let heard = 0
    let endLast = () => {}
    const endFirst = engine.subscribe('SELECT id FROM todo', [], (change) => {
      if (change.type !== 'delta') return
      engine.subscribe('SELECT id FROM todo', [], inner.listen)
      endLast()
      endFirst()
    })
    endLast = engine.subscribe('SELECT id FROM todo', [], () => heard++)
    engine.write([insert('a')])
    engine.write([insert('b')])
    expect(show(inner.rows)).toBe('"a"\n"b"')
    expect(heard).toBe(1)
  })

  test('may close the engine', () => {
    let heard = 0
    engine.subscribe('SELECT id FROM todo', [], (change) => change.type === 'delta' && engine.close())
    engine.subscribe('SELECT id FROM todo', [], () => heard++)
    engine.write([insert('a')])
    expect(heard).toBe(1)
    expect(() => engine.write([insert('b')])).toThrowError(/open the database again/)
  })
})

describe('which queries run again', () => {
  const woken = (...operations: Operation[]) => engine.write(operations).woken

  test('those that read a column that changed, or rows that came or went', () => {
    engine.write([insert('a'), insert('b')])
    live('SELECT title FROM todo')
    live('SELECT count(*) FROM todo')
    live('SELECT v FROM pair')
    live('SELECT id FROM open')
    expect(woken({ type: 'update', table: 'todo', key: ['a'], patch: { title: 'x' } })).toBe(2)
    expect(woken({ type: 'update', table: 'todo', key: ['a'], patch: { done: 1 } })).toBe(1)
    expect(woken({ type: 'update', table: 'todo', key: ['a'], patch: { done: 1 } })).toBe(0)
    expect(woken(exec('UPDATE todo SET list = list'))).toBe(0)
    expect(woken(insert('c'))).toBe(3)
    expect(woken(insert('d'), { type: 'delete', table: 'todo', key: ['d'] })).toBe(0)
    expect(woken(exec('INSERT INTO loose VALUES (1)'))).toBe(0)
    expect(woken(exec("INSERT INTO open (id, title) VALUES ('e', 'E')"))).toBe(3)
  })

  test('equal text with equal parameters is one query, 1 and "1" are two', () => {
    live('SELECT id FROM todo WHERE list = ?', 1)
    live('SELECT id FROM todo WHERE list = ?', 1)
    live('SELECT id FROM todo WHERE list = ?', '1')
    live('SELECT id FROM todo WHERE list = ?', new Uint8Array([1]))
    expect(engine.counters.liveQueries).toBe(3)
  })

  test('full text search follows its table, by a view and by MATCH', () => {
    const found = live("SELECT text FROM words WHERE words MATCH 'ber*' ORDER BY text")
    engine.write([exec("INSERT INTO words VALUES ('bergen'), ('oslo')")])
    expect(show(found.rows)).toBe('"bergen"')
    engine.write([exec("UPDATE words SET text = 'berlin' WHERE words MATCH 'oslo'")])
    expect(show(found.rows)).toBe('"bergen"\n"berlin"')
    engine.write([exec("DELETE FROM words WHERE words MATCH 'bergen'")])
    expect(show(found.rows)).toBe('"berlin"')
  })

  test('queries over the internals of cr-sqlite follow it', () => {
    const changes = live('SELECT count(*) FROM crsql_changes')
    const clocks = live('SELECT count(*) FROM crr__crsql_clock')
    engine.write([exec("INSERT INTO crr VALUES ('a', 1), ('b', 2)")])
    expect([show(changes.rows), show(clocks.rows)]).toEqual(['2', '2'])
  })

  test('RETURNING in exec is run to its end', () => {
    const all = live('SELECT x FROM loose')
    expect(engine.write([exec('INSERT INTO loose VALUES (1), (2), (3) RETURNING x')])).toMatchObject({
      changes: 3,
    })
    expect(show(all.rows)).toBe('1\n2\n3')
  })

  test('an error at run time is told once, and rows when it is gone', () => {
    const sums = live('SELECT sum(x) FROM loose')
    engine.write([exec('INSERT INTO loose VALUES (9223372036854775807)')])
    engine.write([exec('INSERT INTO loose VALUES (1)')])
    expect(sums.error).toMatchObject({
      code: 'INVALID_SQL',
      message: expect.stringContaining('integer overflow'),
    })
    const { heard } = sums
    engine.write([exec('INSERT INTO loose VALUES (2)')])
    expect(sums.heard).toBe(heard)
    engine.write([exec('DELETE FROM loose WHERE x > 2')])
    expect(sums.error).toBeNull()
    expect(show(sums.rows)).toBe('3')
  })
})

describe('operations', () => {
  test('name rows by key, by its collation, whatever its case', () => {
    engine.write([{ type: 'insert', table: 'PAIR', row: { A: 'x', b: 1, v: 1 } }])
    engine.write([{ type: 'update', table: 'pair', key: ['X', 1], patch: { V: 2 } }])
    expect(engine.query('SELECT * FROM pair').rows).toEqual([['x', 1, 2]])
    engine.write([{ type: 'update', table: 'pair', key: ['x', 1], patch: { a: 'y' } }])
    engine.write([{ type: 'delete', table: 'pair', key: ['Y', 1] }])
    expect(engine.query('SELECT * FROM pair').rows).toEqual([])
  })

  test('insert with no columns stores the defaults, update with none changes nothing', () => {
    engine.write([{ type: 'insert', table: 'rules', row: {} }])
    expect(engine.query('SELECT id FROM rules').rows).toEqual([[1]])
    expect(engine.write([{ type: 'update', table: 'rules', key: [1], patch: {} }])).toMatchObject({
      changes: 0,
    })
  })
})

test('versions grow with commits that stored something', () => {
  const { commit } = engine.version
  engine.write([insert('a')])
  expect(engine.version.commit).toBe(commit + 1)
  expect(() => engine.write([insert('a')])).toThrow()
  expect(engine.version.commit).toBe(commit + 1)
})

test('the statements of many different queries are let go of', () => {
  for (let i = 0; i < 1200; i++) engine.subscribe(`SELECT ${i} FROM todo`, [], () => {})()
  expect(engine.counters.statementsPrepared).toBeLessThanOrEqual(200)
  expect(engine.counters.liveQueries).toBe(0)
})

test('export is a SQLite file with all that was written', () => {
  engine.write([insert('a')])
  const bytes = engine.export()
  expect(new TextDecoder().decode(bytes.slice(0, 15))).toBe('SQLite format 3')
  engine.write([insert('b')])
  expect(engine.export().byteLength).toBeGreaterThan(0)
  expect(titles()).toBe('"a"\n"b"')
})

describe('after close', () => {
  test('every call says so', async () => {
    const calls = engine.connect(() => {})
    engine.close()
    engine.close()
    for (const call of [
      () => engine.write([]),
      () => engine.query('SELECT 1'),
      () => engine.subscribe('SELECT 1', [], () => {}),
      () => engine.export(),
    ]) {
      expect(call).toThrowError(expect.objectContaining({ code: 'CLOSED' }))
    }
    await expect(calls.query(1 as QueryId, 'SELECT 1', [])).rejects.toMatchObject({ code: 'CLOSED' })
    engine = await openEngine({ schema: '' })
  })
})
