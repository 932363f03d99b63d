import type { Engine } from '@millrace/engine'
import { openEngine } from '@millrace/engine/node'
import type { Operation, SqlValue } from '@millrace/protocol'
import { afterEach, describe, expect, test } from 'vitest'
import { Dice } from './oracle/dice.ts'
import { Replay, show } from './oracle/replay.ts'

/*
 * Live queries of FTS5 tables: true after every write, and woken only by writes that can change what they show. An FTS5
 * table has no triggers of its own, so what stands behind it is watched (impact/sources.ts).
 */

const NOTE = 'CREATE TABLE note (id INTEGER PRIMARY KEY, title TEXT, body TEXT, done INTEGER DEFAULT 0);'

/** The triggers of FTS5's manual, which keep an index of another table's rows. */
const copying = (fts: string) => `
  CREATE TRIGGER ${fts}_insert AFTER INSERT ON note BEGIN
    INSERT INTO ${fts} (rowid, title, body) VALUES (new.id, new.title, new.body);
  END;
  CREATE TRIGGER ${fts}_delete AFTER DELETE ON note BEGIN
    INSERT INTO ${fts} (${fts}, rowid, title, body) VALUES ('delete', old.id, old.title, old.body);
  END;
  CREATE TRIGGER ${fts}_update AFTER UPDATE ON note BEGIN
    INSERT INTO ${fts} (${fts}, rowid, title, body) VALUES ('delete', old.id, old.title, old.body);
    INSERT INTO ${fts} (rowid, title, body) VALUES (new.id, new.title, new.body);
  END;`

/** The same for a table whose rows can be taken out by rowid. */
const replacing = (fts: string) => `
  CREATE TRIGGER ${fts}_insert AFTER INSERT ON note BEGIN
    INSERT OR REPLACE INTO ${fts} (rowid, title, body) VALUES (new.id, new.title, new.body);
  END;
  CREATE TRIGGER ${fts}_delete AFTER DELETE ON note BEGIN DELETE FROM ${fts} WHERE rowid = old.id; END;
  CREATE TRIGGER ${fts}_update AFTER UPDATE OF id, title, body ON note BEGIN
    DELETE FROM ${fts} WHERE rowid = old.id;
    INSERT INTO ${fts} (rowid, title, body) VALUES (new.id, new.title, new.body);
  END;`

/** Each way to have an index `f` of the notes' titles and bodies. */
const KINDS = {
  'its own content': `${NOTE} CREATE VIRTUAL TABLE f USING fts5 (title, body);
    CREATE TRIGGER f_insert AFTER INSERT ON note BEGIN
      INSERT OR REPLACE INTO f (rowid, title, body) VALUES (new.id, new.title, new.body);
    END;
    CREATE TRIGGER f_delete AFTER DELETE ON note BEGIN DELETE FROM f WHERE rowid = old.id; END;
    CREATE TRIGGER f_update AFTER UPDATE ON note BEGIN
      DELETE FROM f WHERE rowid = old.id;
      INSERT INTO f (rowid, title, body) VALUES (new.id, new.title, new.body);
    END;`,
  'external content': `${NOTE} CREATE VIRTUAL TABLE f USING fts5 (title, body, content = 'note', content_rowid = 'id'); ${copying('f')}`,
  'the content of a view': `${NOTE} CREATE VIEW text AS SELECT id, title, body FROM note;
    CREATE VIRTUAL TABLE f USING fts5 (title, body, content = [text], content_rowid = "id"); ${copying('f')}`,
  contentless: `${NOTE} CREATE VIRTUAL TABLE f USING fts5 (title, body, content = ''); ${copying('f')}`,
  'contentless with delete': `${NOTE} CREATE VIRTUAL TABLE f USING fts5 (title, body, content = '', contentless_delete = 1); ${replacing('f')}`,
} as const

type Kind = keyof typeof KINDS
const kinds = Object.keys(KINDS) as Kind[]

let engine: Engine
afterEach(() => engine.close())

const exec = (sql: string, ...parameters: SqlValue[]): Operation => ({ type: 'exec', sql, parameters })
const woken = (...statements: string[]) => engine.write(statements.map((sql) => exec(sql))).woken

interface Live {
  readonly sql: string
  readonly replay: Replay
}

function live(sql: string): Live {
  const replay = new Replay()
  engine.subscribe(sql, [], replay.listen)
  return { sql, replay }
}

function check({ sql, replay }: Live, when: string): void {
  expect(replay.error, `${sql} ${when}`).toBe(null)
  expect(show(replay.rows), `${sql} ${when}`).toBe(show(engine.query(sql).rows))
}

describe('woken by what is indexed', () => {
  const queries = [
    "SELECT rowid FROM f WHERE f MATCH 'one' ORDER BY rowid",
    "SELECT rowid, bm25(f) FROM f WHERE f MATCH 'one' ORDER BY rank, rowid",
    "SELECT note.* FROM f JOIN note ON note.rowid = f.rowid WHERE f MATCH 'one' ORDER BY note.id",
    "SELECT id, title FROM note WHERE id IN (SELECT rowid FROM f WHERE f MATCH 'one') ORDER BY id",
  ]

  test.for(kinds)('%s', async (kind) => {
    engine = await openEngine({ schema: `${KINDS[kind]} CREATE TABLE other (id INTEGER PRIMARY KEY, n);` })
    woken(
      "INSERT INTO note (id, title, body) VALUES (1, 'one', 'a b'), (2, 'two', 'one one'), (3, 'three', 'c')",
    )
    const [byMatch, byRank, joined, within] = queries.map(live) as [Live, Live, Live, Live]
    const all = [byMatch, byRank, joined, within]
    const expectWoken = (count: number, ...statements: string[]) => {
      expect(woken(...statements), statements.join('; ')).toBe(count)
      for (const each of all) check(each, `after ${statements.join('; ')}`)
    }
    expectWoken(0, 'INSERT INTO other VALUES (1, 1)')
    // Of the row that is shown it is read by one of them; the index is written anew and stays as it is.
    expectWoken(1, 'UPDATE note SET done = 1')
    expectWoken(0, 'UPDATE note SET done = 1')
    // FTS5 3.44 counts what is put in again, and does not subtract what was taken out by rowid: bm25 says another number.
    const rewritten = kind === 'contentless with delete' ? 4 : 0
    expectWoken(rewritten, 'UPDATE note SET title = title')
    expectWoken(
      rewritten,
      "UPDATE note SET title = 'x' WHERE id = 3",
      "UPDATE note SET title = 'three' WHERE id = 3",
    )
    // As many tokens of as many bytes as before.
    expectWoken(4, "UPDATE note SET title = 'six' WHERE id = 2")
    expectWoken(4, "UPDATE note SET title = 'one' WHERE id = 2")
    expectWoken(4, "INSERT INTO note (id, title) VALUES (4, 'one two')")
    expectWoken(4, 'DELETE FROM note WHERE id = 1')
    expectWoken(rewritten, "INSERT INTO note (id, title) VALUES (9, 'one')", 'DELETE FROM note WHERE id = 9')
    expectWoken(4, 'UPDATE note SET id = 7 WHERE id = 4')
    expectWoken(4, "INSERT INTO f (f, rank) VALUES ('rank', 'bm25(10.0, 1.0)')")
    expectWoken(0, 'UPDATE other SET n = 2', 'DELETE FROM other')
  })

  test('a row that is replaced by its like: the index counts it twice, as bm25 shows', async () => {
    engine = await openEngine({ schema: KINDS['external content'] })
    woken("INSERT INTO note VALUES (1, 'one', 'a', 0), (2, 'two', 'a', 0)")
    const ranked = live(queries[1] as string)
    const before = show(ranked.replay.rows)
    expect(woken("REPLACE INTO note VALUES (1, 'one', 'a', 0)")).toBe(1)
    expect(show(ranked.replay.rows)).not.toBe(before)
    check(ranked, 'after REPLACE')
  })

  test('a column that is only stored', async () => {
    engine = await openEngine({ schema: 'CREATE VIRTUAL TABLE f USING fts5 (title, ref UNINDEXED);' })
    woken("INSERT INTO f VALUES ('one', 'a'), ('two', 'b')")
    const found = live("SELECT ref, snippet(f, 0, '<', '>', '…', 4) FROM f WHERE f MATCH 'one'")
    expect(woken("UPDATE f SET ref = 'c' WHERE f MATCH 'one'")).toBe(1)
    check(found, 'after another ref')
    expect(woken("UPDATE f SET title = 'one', ref = 'c' WHERE f MATCH 'one'")).toBe(0)
    expect(engine.write([{ type: 'insert', table: 'f', row: { title: 'one' } }]).woken).toBe(1)
    check(found, 'after an insert')
  })
})

describe('woken also where the text in the index may be another than the rows say', () => {
  const STATEMENTS: [string, string[]][] = [
    ['rebuild', ["INSERT INTO f (f) VALUES ('rebuild')"]],
    ['delete-all', ["INSERT INTO f (f) VALUES ('delete-all')"]],
    [
      'a text of the same length',
      [
        "INSERT INTO f (f, rowid, title, body) VALUES ('delete', 1, 'one', 'a')",
        "INSERT INTO f (rowid, title, body) VALUES (1, 'six', 'a')",
      ],
    ],
  ]

  test.for(STATEMENTS)('by a statement that names it: %s', async ([, statements]) => {
    engine = await openEngine({ schema: KINDS['external content'] })
    woken("INSERT INTO note VALUES (1, 'one', 'a', 0)")
    const found = live("SELECT rowid FROM f WHERE f MATCH 'six OR one'")
    const six = live("SELECT rowid FROM f WHERE f MATCH 'six'")
    // Twice: what was learned of a text the first time holds.
    for (let i = 0; i < 2; i++) {
      expect(woken(...statements)).toBe(2)
      check(found, `after ${statements}`)
      check(six, `after ${statements}`)
    }
  })

  test('a refused statement wakes nobody', async () => {
    engine = await openEngine({ schema: KINDS['external content'] })
    live("SELECT rowid FROM f WHERE f MATCH 'one'")
    expect(() =>
      woken("INSERT INTO f (f) VALUES ('rebuild')", 'INSERT INTO note (id) VALUES (1), (1)'),
    ).toThrow()
    expect(woken('UPDATE note SET done = 1')).toBe(0)
  })

  const external = "CREATE VIRTUAL TABLE f USING fts5 (title, body, content = 'note', content_rowid = 'id'"
  const SCHEMAS: [string, string][] = [
    ['the sizes of rows are not kept', `${external}, columnsize = 0); ${copying('f')}`],
    [
      'a trigger has a condition',
      `${external}); ${copying('f').replace('UPDATE ON note', 'UPDATE ON note WHEN new.done = 1')}`,
    ],
    [
      'a trigger writes what it reckons',
      `${external}); ${copying('f').replaceAll('new.body', "coalesce(new.body, '')")}`,
    ],
    [
      'an update does not take out what it puts in',
      `${external}); ${copying('f').replaceAll('old.body);\n    INSERT', "'');\n    INSERT")}`,
    ],
  ]

  test.for(SCHEMAS)('%s: by every write to the index, and by no other', async ([, schema]) => {
    engine = await openEngine({ schema: `${NOTE} CREATE TABLE other (id INTEGER PRIMARY KEY); ${schema}` })
    woken("INSERT INTO note VALUES (1, 'one', 'a', 0), (2, 'two', 'one', 0)")
    const found = live("SELECT rowid, bm25(f) FROM f WHERE f MATCH 'one' ORDER BY rowid")
    expect(woken('INSERT INTO other VALUES (1)')).toBe(0)
    expect(woken('UPDATE note SET done = 1 WHERE id = 1')).toBe(1)
    check(found, 'after the index was written')
    expect(woken("UPDATE note SET title = 'six' WHERE id = 1")).toBe(1)
    check(found, 'after another title')
    expect(woken("INSERT INTO note VALUES (3, '', '', 0)")).toBe(1)
    check(found, 'after a row without words')
    expect(woken('DELETE FROM other')).toBe(0)
  })

  test('the index behind its rows: what a condition held back comes later', async () => {
    const update = copying('f').replace('UPDATE ON note', 'UPDATE ON note WHEN new.done = 1')
    engine = await openEngine({ schema: `${NOTE} ${external}); ${update}` })
    woken("INSERT INTO note VALUES (1, 'one', 'a', 0)")
    const six = live("SELECT rowid FROM f WHERE f MATCH 'six'")
    woken("UPDATE note SET title = 'six'")
    check(six, 'while it is behind')
    woken('UPDATE note SET done = 1')
    check(six, 'when it was written')
    expect(six.replay.rows).toEqual([[1]])
  })

  test('a table of another module, or over nothing: after every commit', async () => {
    engine = await openEngine({
      schema: `${KINDS['its own content']} CREATE TABLE other (id INTEGER PRIMARY KEY);
        CREATE VIRTUAL TABLE words USING fts5vocab (f, 'row');
        CREATE VIRTUAL TABLE void USING fts5 (a, content = 'nothing');
        CREATE VIRTUAL TABLE itself USING fts5 (a, content = 'itself');`,
    })
    const vocabulary = live('SELECT term, doc, cnt FROM words ORDER BY term')
    live("SELECT rowid FROM void WHERE void MATCH 'a'")
    live("SELECT rowid FROM itself WHERE itself MATCH 'a'")
    expect(woken("INSERT INTO note VALUES (1, 'one', 'a', 0)")).toBe(3)
    check(vocabulary, 'after an insert')
    expect(woken('INSERT INTO other VALUES (1)')).toBe(3)
  })
})

describe('rowid', () => {
  const DOC = 'CREATE TABLE doc (id TEXT PRIMARY KEY NOT NULL, text TEXT, n INTEGER);'

  test('a query that reads it is woken by any write to its table, and by no other', async () => {
    engine = await openEngine({ schema: `${DOC} CREATE TABLE other (id INTEGER PRIMARY KEY, n);` })
    woken("INSERT INTO doc VALUES ('a', 'one', 1), ('b', 'two', 2)")
    const rows = live('SELECT rowid, id FROM doc ORDER BY id')
    expect(woken('INSERT INTO other VALUES (1, 1)')).toBe(0)
    expect(woken("REPLACE INTO doc VALUES ('a', 'one', 1)")).toBe(1)
    check(rows, 'after REPLACE by the like')
    expect(rows.replay.rows).toEqual([
      [3, 'a'],
      [2, 'b'],
    ])
    const others = live('SELECT n FROM other')
    expect(woken('UPDATE other SET n = 2')).toBe(1)
    check(others, 'after an update')
    expect(woken('UPDATE other SET n = 2')).toBe(0)
    expect(woken('UPDATE doc SET rowid = rowid + 10')).toBe(1)
    check(rows, 'after other rowids')
  })

  test('of rows without a key it is the key', async () => {
    engine = await openEngine({ schema: 'CREATE TABLE log (text);' })
    woken("INSERT INTO log VALUES ('a'), ('b')")
    const rows = live('SELECT rowid FROM log ORDER BY rowid')
    expect(woken("UPDATE log SET text = 'c'")).toBe(0)
    expect(woken('UPDATE log SET rowid = rowid + 10')).toBe(1)
    check(rows, 'after other rowids')
  })

  test('by which an index knows its rows', async () => {
    engine = await openEngine({
      schema: `${DOC} CREATE TABLE other (id INTEGER PRIMARY KEY);
        CREATE VIRTUAL TABLE f USING fts5 (text, content = 'doc');
        CREATE TRIGGER f_insert AFTER INSERT ON doc BEGIN INSERT INTO f (rowid, text) VALUES (new.rowid, new.text); END;`,
    })
    woken("INSERT INTO doc VALUES ('a', 'one', 1)")
    const found = live("SELECT doc.id, f.text FROM f JOIN doc ON doc.rowid = f.rowid WHERE f MATCH 'one'")
    expect(woken('INSERT INTO other VALUES (1)')).toBe(0)
    expect(woken("REPLACE INTO doc VALUES ('a', 'one', 1)")).toBe(1)
    check(found, 'after REPLACE by the like')
  })
})

describe('a random history', () => {
  const WORDS = ['one', 'two', 'six', 'ten', 'three', 'seven']
  const SEED = Number(process.env.MILLRACE_SEED ?? 1)
  const matching = (columns: string, match: string, order: string) =>
    `SELECT ${columns} FROM f WHERE f MATCH '${match}' ORDER BY ${order}`
  const QUERIES = [
    'SELECT count(*) FROM f',
    matching('rowid', 'one', 'rowid'),
    matching('rowid, bm25(f, 2.0, 1.0)', 'one OR two', 'rank, rowid'),
    matching('rowid', 'title: six AND body: te*', 'rank, rowid LIMIT 3'),
    `SELECT note.id, note.title, done FROM f JOIN note ON note.rowid = f.rowid WHERE f MATCH 'one NOT six' ORDER BY note.id`,
    `SELECT count(*) FROM note WHERE id IN (SELECT rowid FROM f WHERE f MATCH 'NEAR(one two)')`,
  ]
  /** Those that need the text. */
  const SHOWING = [
    'SELECT rowid, title, body FROM f ORDER BY rowid',
    matching(`rowid, highlight(f, 0, '[', ']'), snippet(f, 1, '<', '>', '…', 2)`, 'one OR six', 'rowid'),
  ]

  function step(dice: Dice, kind: Kind): string[] {
    const text = () => `'${Array.from({ length: dice.between(0, 3) }, () => dice.pick(WORDS)).join(' ')}'`
    const id = () => dice.between(1, 12)
    // Without delete and insert in its triggers, REPLACE leaves the old text in an index that cannot look it up.
    const replaces = kind === 'its own content' || kind === 'contentless with delete'
    return dice.weighted<string[]>([
      [5, () => [`INSERT OR IGNORE INTO note (id, title, body) VALUES (${id()}, ${text()}, ${text()})`]],
      [3, () => [`UPDATE note SET title = ${text()} WHERE id = ${id()}`]],
      [3, () => [`UPDATE note SET body = ${text()} WHERE id <= ${id()}`]],
      [3, () => [`UPDATE note SET done = 1 - done WHERE id <= ${id()}`]],
      [2, () => [`DELETE FROM note WHERE id = ${id()}`]],
      [1, () => [`UPDATE note SET id = id + 12 WHERE id = ${id()}`, 'DELETE FROM note WHERE id > 12']],
      [1, () => [...step(dice, kind), ...step(dice, kind)]],
      [
        replaces ? 2 : 0,
        () => [`REPLACE INTO note (id, title, body) VALUES (${id()}, ${text()}, ${text()})`],
      ],
      [1, () => [`INSERT INTO f (f) VALUES ('${kind.startsWith('contentless') ? 'optimize' : 'rebuild'}')`]],
      [1, () => ["INSERT INTO f (f, rank) VALUES ('rank', 'bm25(10.0, 5.0)')"]],
      [1, () => ['INSERT INTO other (n) VALUES (1)']],
    ])
  }

  test.for(kinds)('%s: every query is true after each of 150 steps', async (kind) => {
    const dice = new Dice(SEED)
    engine = await openEngine({ schema: `${KINDS[kind]} CREATE TABLE other (id INTEGER PRIMARY KEY, n);` })
    const queries = [...QUERIES, ...(kind.startsWith('contentless') ? [] : SHOWING)].map(live)
    for (let i = 1; i <= 150; i++) {
      const statements = step(dice, kind)
      const count = woken(...statements)
      for (const query of queries) {
        check(query, `(seed ${SEED}, step ${i}: ${statements.join('; ')})`)
        expect(query.replay.excess).toBe('')
      }
      if (statements.every((sql) => sql.includes('INTO other'))) expect(count).toBe(0)
    }
    expect(queries.reduce((heard, { replay }) => heard + replay.heard, 0)).toBeGreaterThan(100)
  })
})
