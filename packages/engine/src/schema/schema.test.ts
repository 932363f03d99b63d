/// <reference path="../database/wa-sqlite.d.ts" />
import { MemoryVFS } from '@vlcn.io/wa-sqlite/src/examples/MemoryVFS.js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sqlite } from '../../test/oracle/connect.ts'
import { Database } from '../database/database.ts'
import { createEngine } from '../engine.ts'
import { findTable } from './catalog.ts'
import { applySchema } from './schema.ts'

let database: Database
beforeEach(async () => {
  database = new Database((await sqlite()).open(':memory:'))
})
afterEach(() => {
  database.get('SELECT crsql_finalize()')
  database.close()
})

const stored = () =>
  database
    .all("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'crsql%' ORDER BY rowid")
    .map(String)
const apply = (text: string) => applySchema(database, text)

/** Each is refused, says why with its names, and what to do; and the database is as it was. */
describe('a schema that loses data, or that cr-sqlite refuses', () => {
  const columns = (count: number) => Array.from({ length: count }, (_, i) => `c${i}`).join(', ')
  const crr = (table: string) => `CREATE TABLE ${table}; SELECT crsql_as_crr('t');`
  const cases: [string, string, RegExp][] = [
    ['no key', crr('t (a)'), /The table t cannot be replicated: it has no primary key: declare one/],
    [
      'a key that may be NULL',
      crr('t (id TEXT PRIMARY KEY)'),
      /its key column id may be NULL: declare id NOT NULL/,
    ],
    ['INTEGER PRIMARY KEY without NOT NULL', crr('t (id INTEGER PRIMARY KEY)'), /id may be NULL/],
    [
      'a column of a composite key that may be NULL',
      crr('t (a TEXT NOT NULL, b, PRIMARY KEY (a, b))'),
      /key column b may be NULL/,
    ],
    ['a unique column', crr('t (id TEXT PRIMARY KEY NOT NULL, u UNIQUE)'), /unique index.*leave UNIQUE out/],
    [
      'a unique index made later',
      `${crr('t (id TEXT PRIMARY KEY NOT NULL, u)')} CREATE UNIQUE INDEX i ON t (u);`,
      /unique index/,
    ],
    [
      'a unique index on an expression',
      `${crr('t (id TEXT PRIMARY KEY NOT NULL, u)')} CREATE UNIQUE INDEX i ON t (lower(u));`,
      /unique index/,
    ],
    [
      'a partial unique index',
      `${crr('t (id TEXT PRIMARY KEY NOT NULL, u)')} CREATE UNIQUE INDEX i ON t (u) WHERE u > 1;`,
      /unique index/,
    ],
    ['AUTOINCREMENT', crr('t (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL)'), /AUTOINCREMENT.*randomUUID/],
    [
      'a foreign key',
      crr('t (id TEXT PRIMARY KEY NOT NULL, p REFERENCES t)'),
      /foreign keys.*leave REFERENCES out/,
    ],
    [
      'a foreign key to a replicated table',
      `${crr('t (id TEXT PRIMARY KEY NOT NULL)')} CREATE TABLE child (p REFERENCES t);`,
      /The table child has a foreign key to the replicated table t/,
    ],
    [
      'NOT NULL without a default',
      crr('t (id TEXT PRIMARY KEY NOT NULL, a NOT NULL)'),
      /a is NOT NULL without a default.*DEFAULT/,
    ],
    [
      '64 columns',
      crr(`t (id TEXT PRIMARY KEY NOT NULL, ${columns(63)})`),
      /64 columns, and cr-sqlite's limit is 63: split/,
    ],
    ['a key with NOCASE', crr('t (id TEXT COLLATE NOCASE PRIMARY KEY NOT NULL)'), /collation/],
    [
      'another letter case',
      `CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL); SELECT crsql_as_crr('T');`,
      /crsql_as_crr\('T'\) differs in letter case from the table t.*crsql_as_crr\('t'\)/,
    ],
    [
      'a table that is not there',
      "SELECT crsql_as_crr('t');",
      /names the table t, which the schema does not create/,
    ],
    [
      'a view replicated',
      "CREATE VIEW t AS SELECT 1; SELECT crsql_as_crr('t');",
      /which the schema does not create/,
    ],
    ['not SQL', 'CREATE TABEL t (a)', /no valid SQL/],
    ['SQL that SQLite refuses', 'CREATE TABLE t (a, a)', /duplicate column name: a/],
    [
      'an index on a missing column',
      'CREATE TABLE t (a); CREATE INDEX i ON t (b)',
      /no such column: b: correct it/,
    ],
    ['a table twice', 'CREATE TABLE t (a); CREATE VIEW T AS SELECT 1', /T is declared twice: leave one out/],
    ['rows', 'CREATE TABLE t (a); INSERT INTO t VALUES (1)', /Only CREATE.*db\.write/],
    ['a pragma', 'PRAGMA journal_mode = wal', /Only CREATE.*options of open/],
    ['a drop', 'DROP TABLE t', /Only CREATE/],
    ['another function of cr-sqlite', "SELECT crsql_automigrate('')", /Only CREATE/],
    ['a temporary table', 'CREATE TEMP TABLE t (a)', /leave out TEMP/],
    ['a table made of a query', 'CREATE TABLE t AS SELECT 1', /declare the columns/],
    ['a name of ours', 'CREATE TABLE millrace_x (a)', /taken \(millrace_x\): choose another/],
    ['a name of cr-sqlite', 'CREATE TABLE crsql_x (a)', /taken \(crsql_x\)/],
    [
      'no key, and all names of the rowid taken',
      'CREATE TABLE t (rowid, _rowid_, oid)',
      /rows cannot be told apart: declare a primary key/,
    ],
  ]
  test.for(cases)('%s', ([, text, message]) => {
    const before = stored()
    let error: unknown
    try {
      apply(`CREATE TABLE first (id TEXT PRIMARY KEY NOT NULL); ${text}`)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({
      name: 'MillraceError',
      code: 'INVALID_SCHEMA',
      message: expect.stringMatching(message),
    })
    expect(stored()).toEqual(before)
    expect(database.connection.autocommit).toBe(true)
    apply('CREATE TABLE first (id TEXT PRIMARY KEY NOT NULL)')
  })

  test('63 columns, generated columns and defaults are taken', () => {
    apply(
      `CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, g AS (id), n NOT NULL DEFAULT 0, ${columns(60)}); SELECT crsql_as_crr('t');`,
    )
    database.run("INSERT INTO t (id) VALUES ('a')")
    database.run('UPDATE t SET c1 = 1')
    expect(database.get('SELECT count(*) FROM crsql_changes')?.[0]).toBeGreaterThan(0)
  })
})

describe('a schema applied again', () => {
  const SCHEMA = `CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, a INTEGER DEFAULT 1);
    CREATE INDEX i ON t (a); CREATE VIEW v AS SELECT a FROM t;
    CREATE TRIGGER tr AFTER INSERT ON t BEGIN UPDATE t SET a = 2 WHERE id = NEW.id; END;
    CREATE TABLE r (id INTEGER PRIMARY KEY NOT NULL, a); SELECT crsql_as_crr('r');
    CREATE VIRTUAL TABLE f USING fts5 (text);`

  test('changes nothing, and keeps the rows', () => {
    apply(SCHEMA)
    database.run("INSERT INTO t (id) VALUES ('a')")
    database.run('INSERT INTO r VALUES (1, 1)')
    const before = stored()
    const version = database.get('SELECT crsql_db_version()')
    apply(SCHEMA)
    expect(stored()).toEqual(before)
    expect(database.all('SELECT * FROM t')).toEqual([['a', 2]])
    expect(database.get('SELECT crsql_db_version()')).toEqual(version)
  })

  test('is the same in other letter case, white space, comments, with IF NOT EXISTS and main', () => {
    apply(SCHEMA)
    const before = stored()
    apply(`create  table IF NOT EXISTS main.t (ID text primary key not null, -- the key
      a integer /* a */ default 1) ; create index if not exists I on T (a);
      CREATE VIEW IF NOT EXISTS v AS SELECT a FROM t;
      CREATE TRIGGER IF NOT EXISTS tr AFTER INSERT ON t BEGIN UPDATE t SET a = 2 WHERE id = NEW.id; END;
      CREATE TABLE r (id INTEGER PRIMARY KEY NOT NULL, a); select CRSQL_AS_CRR('r');
      CREATE VIRTUAL TABLE IF NOT EXISTS f USING fts5 (text)`)
    expect(stored()).toEqual(before)
  })

  test('makes what is new, and remakes views, indexes and triggers that differ', () => {
    apply(SCHEMA)
    database.run("INSERT INTO t (id) VALUES ('a')")
    apply(
      `${SCHEMA.replace('ON t (a)', 'ON t (a, id)').replace('SELECT a FROM t', 'SELECT a AS b FROM t').replace('a = 2', 'a = 3')}
       CREATE TABLE more (x); CREATE VIEW w AS SELECT b FROM v;`,
    )
    database.run("INSERT INTO t (id) VALUES ('b')")
    expect(database.all('SELECT b FROM w')).toEqual([[2], [3]])
    expect(database.all("SELECT name FROM pragma_index_info('i')")).toEqual([['a'], ['id']])
  })

  test.for([
    ['a column more', 'a INTEGER DEFAULT 1', 'a INTEGER DEFAULT 1, b'],
    ['another type', 'a INTEGER DEFAULT 1', 'a TEXT DEFAULT 1'],
    ['another default, in letter case only', 'a INTEGER DEFAULT 1', "a INTEGER DEFAULT 'X'"],
    ['no longer replicated', "SELECT crsql_as_crr('r');", ''],
    [
      'a view in place of a table',
      'CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, a INTEGER DEFAULT 1)',
      'CREATE VIEW t AS SELECT 1 AS a',
    ],
  ])('but a table that differs is a mismatch: %s', ([, from, to]) => {
    apply(SCHEMA)
    database.run("INSERT INTO t (id) VALUES ('a')")
    const before = stored()
    let error: unknown
    try {
      apply(`CREATE TABLE early (x); ${SCHEMA.replace(from as string, to as string)}`)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({
      code: 'SCHEMA_MISMATCH',
      message: expect.stringMatching(/The table [tr] .*(put|copy)/),
    })
    expect(stored()).toEqual(before)
    expect(database.all('SELECT * FROM t')).toEqual([['a', 2]])
  })

  test('views, indexes and triggers that are not in it any more go, and the tables keep their rows', () => {
    const table = 'CREATE TABLE t (id INTEGER PRIMARY KEY NOT NULL, a);'
    apply(`${table} CREATE UNIQUE INDEX i ON t (a); CREATE VIEW v AS SELECT a FROM t;
      CREATE TRIGGER g INSTEAD OF INSERT ON v BEGIN INSERT INTO t (a) VALUES (NEW.a); END;`)
    database.run('INSERT INTO v VALUES (1)')
    apply(table)
    database.run('INSERT INTO t (a) VALUES (1)')
    expect(database.all('SELECT a FROM t')).toEqual([[1], [1]])
    expect(database.all("SELECT name FROM sqlite_master WHERE name IN ('i', 'v', 'g')")).toEqual([])

    apply(`${table} SELECT crsql_as_crr('t');`)
    const before = stored()
    apply(`${table} SELECT crsql_as_crr('t');`)
    expect(stored(), "cr-sqlite's own stay").toEqual(before)
  })

  test.each([
    `SELECT crsql_as_crr('t'), crsql_as_crr('u')`,
    `SELECT crsql_as_crr('t', 'u')`,
    `SELECT crsql_as_crr('t') WHERE 1`,
    `SELECT crsql_as_crr(name) FROM sqlite_master`,
    `SELECT crsql_as_crr('t') UNION SELECT crsql_as_crr('u')`,
  ])('%s would be carried out in part, and is refused', (statement) => {
    const tables =
      'CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL); CREATE TABLE u (id TEXT PRIMARY KEY NOT NULL);'
    expect(() => apply(`${tables} ${statement};`)).toThrow(
      expect.objectContaining({ code: 'INVALID_SCHEMA' }),
    )
  })

  test('a unique index that comes later on a replicated table is refused', () => {
    apply(SCHEMA)
    const before = stored()
    expect(() => apply(`${SCHEMA} CREATE UNIQUE INDEX u ON r (a);`)).toThrowError(/unique index/)
    expect(stored()).toEqual(before)
  })

  test('a table becomes replicated with its rows', () => {
    apply('CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, a)')
    database.run("INSERT INTO t VALUES ('a', 1)")
    expect(
      findTable(apply("CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, a); SELECT crsql_as_crr('t')"), 't')
        ?.crr,
    ).toBe(true)
    expect(database.get('SELECT count(*) FROM crsql_changes')).toEqual([1])
  })
})

test('a file opened again has its rows, and a higher epoch', async () => {
  const loaded = await sqlite()
  const vfs = new MemoryVFS()
  loaded.registerVfs(vfs)
  const open = (schema: string) =>
    createEngine({
      sqlite: loaded,
      filename: 'again.db',
      vfs: vfs.name,
      schema,
      storage: { type: 'memory', reason: 'a test' },
    })
  const schema =
    "CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, a); SELECT crsql_as_crr('t'); CREATE VIEW v AS SELECT a FROM t;"
  const first = open(schema)
  first.write([{ type: 'insert', table: 't', row: { id: 'a', a: 1 } }])
  const { epoch } = first.version
  first.close()

  const second = open(`${schema} CREATE TABLE u (id INTEGER PRIMARY KEY);`)
  expect(second.version.epoch).toBe(epoch + 1)
  expect(second.query('SELECT id, a FROM t').rows).toEqual([['a', 1]])
  second.write([{ type: 'update', table: 't', key: ['a'], patch: { a: 2 } }])
  second.close()

  expect(() => open('CREATE TABLE t (id INTEGER PRIMARY KEY)')).toThrowError(
    /The table t in the database is not the one/,
  )
  const third = open(schema)
  expect(third.query('SELECT a FROM v').rows).toEqual([[2]])
  expect(third.query('PRAGMA integrity_check').rows).toEqual([['ok']])
  third.close()
})

describe('what is told of a table', () => {
  const info = (text: string, name = 't') => findTable(apply(text), name)?.info
  test('columns: affinity, collation, NOT NULL, defaults as they are stored', () => {
    expect(
      info(`CREATE TABLE t (id INTEGER PRIMARY KEY, "Two Words" NVARCHAR(20) COLLATE nocase NOT NULL DEFAULT 'x', r DOUBLE DEFAULT -1,
        n DECIMAL(10, 2) DEFAULT '5', s TEXT DEFAULT 5, x DEFAULT (1 + 1), now DATETIME DEFAULT CURRENT_TIMESTAMP, yes DEFAULT TRUE, b BLOB DEFAULT x'01', none)`)
        ?.columns,
    ).toEqual([
      {
        name: 'id',
        affinity: 'INTEGER',
        collation: 'BINARY',
        notNull: false,
        generated: null,
        default: null,
      },
      {
        name: 'Two Words',
        affinity: 'TEXT',
        collation: 'NOCASE',
        notNull: true,
        generated: null,
        default: 'x',
      },
      { name: 'r', affinity: 'REAL', collation: 'BINARY', notNull: false, generated: null, default: -1 },
      {
        name: 'n',
        affinity: 'NUMERIC',
        collation: 'BINARY',
        notNull: false,
        generated: null,
        defaultExpr: { type: 'value', value: '5' },
      },
      {
        name: 's',
        affinity: 'TEXT',
        collation: 'BINARY',
        notNull: false,
        generated: null,
        defaultExpr: { type: 'value', value: 5 },
      },
      {
        name: 'x',
        affinity: 'BLOB',
        collation: 'BINARY',
        notNull: false,
        generated: null,
        defaultExpr: {
          type: 'call',
          name: '+',
          args: [
            { type: 'value', value: 1 },
            { type: 'value', value: 1 },
          ],
          collation: 'BINARY',
        },
      },
      {
        name: 'now',
        affinity: 'NUMERIC',
        collation: 'BINARY',
        notNull: false,
        generated: null,
        defaultExpr: {
          type: 'call',
          name: 'datetime',
          args: [{ type: 'parameter', index: 0 }],
          collation: 'BINARY',
        },
      },
      { name: 'yes', affinity: 'BLOB', collation: 'BINARY', notNull: false, generated: null, default: 1 },
      {
        name: 'b',
        affinity: 'BLOB',
        collation: 'BINARY',
        notNull: false,
        generated: null,
        default: new Uint8Array([1]),
      },
      {
        name: 'none',
        affinity: 'BLOB',
        collation: 'BINARY',
        notNull: false,
        generated: null,
        default: null,
      },
    ])
  })

  test.for([
    ['t (id INTEGER PRIMARY KEY)', [0], true],
    ['t (id INTEGER, PRIMARY KEY (id))', [0], true],
    ['t (id INT PRIMARY KEY NOT NULL)', [0], false],
    ['t (id INTEGER PRIMARY KEY DESC)', [], false],
    ['t (id TEXT PRIMARY KEY)', [], false],
    ['t (id TEXT PRIMARY KEY) WITHOUT ROWID', [0], false],
    ['t (a, b TEXT NOT NULL, c NOT NULL, PRIMARY KEY (c, b))', [2, 1], false],
    ['t (a, b NOT NULL, PRIMARY KEY (a, b))', [], false],
    ['t (a)', [], false],
  ] as const)('the key of %s is %j, made up by SQLite: %s', ([table, key, autoKey]) => {
    expect(info(`CREATE TABLE ${table}`)).toMatchObject({ key, autoKey })
  })

  test.for([
    ['CREATE TABLE t (id INTEGER PRIMARY KEY, a)', false],
    ['CREATE TABLE t (id INTEGER PRIMARY KEY, a NOT NULL ON CONFLICT REPLACE DEFAULT 5)', true],
    ['CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE ON CONFLICT IGNORE)', true],
  ] as const)('%s: a write may take other rows away, or not be done: %s', ([text, replaces]) => {
    expect(info(text)?.replaces).toBe(replaces)
  })

  const TABLES = `CREATE TABLE t (id INTEGER PRIMARY KEY, a, b);
    CREATE TABLE log (n INTEGER PRIMARY KEY, what TEXT);
    CREATE TABLE tally (of TEXT PRIMARY KEY NOT NULL, n INTEGER);`

  test.for([
    ['AFTER UPDATE ON t BEGIN INSERT INTO log (what) VALUES (new.a); END', [['update', null, ['log']]]],
    ['AFTER UPDATE OF b, A ON t BEGIN DELETE FROM log; END', [['update', [2, 1], ['log']]]],
    ["BEFORE INSERT ON t BEGIN SELECT RAISE(ABORT, 'no'); END", []],
    [
      'AFTER DELETE ON t BEGIN UPDATE [Log] SET what = 1; DELETE FROM t; END',
      [['delete', null, ['t', 'log']]],
    ],
    [
      `AFTER INSERT ON t BEGIN INSERT INTO log (what) VALUES (1); END;
        CREATE TRIGGER more AFTER INSERT ON log BEGIN UPDATE tally SET n = n + 1; END;
        CREATE TRIGGER not_this AFTER DELETE ON log BEGIN UPDATE t SET a = 1; END`,
      [['insert', null, ['log', 'tally']]],
    ],
    [
      `AFTER INSERT ON t BEGIN UPDATE log SET what = 1; END;
        CREATE TRIGGER other AFTER UPDATE OF n ON log BEGIN UPDATE tally SET n = n + 1; END`,
      [['insert', null, ['log']]],
    ],
  ] as const)('what the trigger %s changes', ([text, effects]) => {
    const { sideEffects = [] } = info(`${TABLES} CREATE TRIGGER one ${text}`) ?? {}
    expect(sideEffects.map(({ on, of, tables }) => [on, of, tables])).toEqual(effects)
  })

  test('a trigger that updates a table whose conflicts replace rows may delete rows of it', () => {
    const text = `CREATE TABLE t (id INTEGER PRIMARY KEY);
      CREATE TABLE named (id INTEGER PRIMARY KEY, name UNIQUE ON CONFLICT REPLACE);
      CREATE TABLE child (id INTEGER PRIMARY KEY, named REFERENCES named ON DELETE CASCADE);
      CREATE TRIGGER rename AFTER INSERT ON t BEGIN UPDATE named SET name = new.id; END;`
    expect(info(text)?.sideEffects.map(({ tables }) => tables.toSorted())).toEqual([['child', 'named']])
  })

  test('a foreign key of two columns is one rule', () => {
    const text = `CREATE TABLE t (a NOT NULL, b NOT NULL, c, PRIMARY KEY (a, b));
      CREATE TABLE child (id INTEGER PRIMARY KEY, x, y, FOREIGN KEY (x, y) REFERENCES t ON UPDATE CASCADE);`
    expect(info(text)?.sideEffects).toEqual([{ on: 'update', of: [0, 1], when: null, tables: ['child'] }])
  })

  test('what foreign keys change, one after the other', () => {
    const text = `CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT UNIQUE);
      CREATE TABLE child (id INTEGER PRIMARY KEY, t REFERENCES t ON DELETE CASCADE);
      CREATE TABLE grandchild (id INTEGER PRIMARY KEY, child REFERENCES child ON DELETE SET NULL);
      CREATE TABLE coded (id INTEGER PRIMARY KEY, code REFERENCES t (code) ON UPDATE CASCADE);`
    expect(info(text)?.sideEffects).toEqual([
      { on: 'update', of: [1], when: null, tables: ['coded'] },
      { on: 'delete', of: null, when: null, tables: ['child', 'grandchild'] },
    ])
  })
})
