import type { SqlValue } from '@millrace/protocol'
import { afterEach, describe, expect, test } from 'vitest'
import { sqlite } from '../../test/oracle/connect.ts'
import { Database } from '../database/database.ts'
import { type Catalog, findTable, type Table } from '../schema/catalog.ts'
import { applySchema } from '../schema/schema.ts'
import { Capture, type RowChange, type TableChange } from './capture.ts'

/** One connection with everything of it watched. */
class Scene {
  readonly database: Database
  readonly capture: Capture
  readonly #catalog: Catalog

  constructor(database: Database, schema: string) {
    this.database = database
    this.#catalog = applySchema(database, schema)
    this.capture = new Capture(database)
    for (const table of this.#catalog.values()) this.capture.watch(table)
  }

  table(name: string): Table {
    return findTable(this.#catalog, name) ?? expect.fail(`no table ${name}`)
  }

  /** What capture sees of t in one transaction: `key: before → after`. */
  seen(script: string, table = 't'): string[] {
    return this.#transaction(script, () => this.rows(table).map(showChange).sort())
  }

  /** As a query hears of it: the columns that differ in rows that stayed, and whether rows came or went. */
  summary(script: string): string[] {
    return this.#transaction(script, () => this.capture.changes().map(summaryOf))
  }

  /** The changed rows of a table, of which there are not too many. */
  rows(table: string): readonly RowChange[] {
    const change = this.capture.changes().find((one) => one.table === this.table(table))
    if (change?.type === 'bulk') expect.fail(`${table} changed in bulk`)
    return change?.rows ?? []
  }

  #transaction(script: string, look: () => string[]): string[] {
    this.database.run('BEGIN')
    this.database.connection.exec(script)
    this.database.run('COMMIT')
    const undone = /ROLLBACK/.test(script)
    const seen = undone ? [] : look()
    // What is read again is what was noted.
    this.capture.doubt()
    const readAgain = look()
    if (!undone) expect(readAgain).toEqual(seen)
    this.capture.clear()
    return readAgain
  }
}

const showChange = ({ key, before, after }: RowChange) => `${show(key)}: ${show(before)} → ${show(after)}`

function summaryOf(change: TableChange): string {
  const changed =
    change.type === 'bulk' ? change.columns : new Set(change.rows.flatMap((row) => [...row.changed]))
  const came =
    change.type === 'bulk'
      ? changed === 'all'
      : change.rows.some(({ before, after }) => before === null || after === null)
  const names = change.table.columns.flatMap(({ name }, i) =>
    changed !== 'all' && changed.has(i) ? [name] : [],
  )
  const bulk = change.type === 'bulk' ? ['in bulk'] : []
  return [change.table.name, ...bulk, ...(came ? ['rows'] : []), ...names].join(' ')
}

const show = (row: readonly SqlValue[] | null) =>
  row === null
    ? '∅'
    : row
        .map((value) =>
          value instanceof Uint8Array ? `x${value.join('.')}` : value === null ? 'NULL' : String(value),
        )
        .join(' ')

let opened: Database | undefined
async function scene(schema: string): Promise<Scene> {
  opened = new Database((await sqlite()).open(':memory:'))
  opened.connection.exec('PRAGMA foreign_keys = on')
  return new Scene(opened, schema)
}
afterEach(() => {
  opened?.get('SELECT crsql_finalize()')
  opened?.close()
  opened = undefined
})

const T = 'CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT UNIQUE, v);'

describe('the traps of capture, as numbered in engine-notes', () => {
  test('1. a conflict clause of the statement does not override that of the note', async () => {
    const s = await scene(T)
    s.seen("INSERT INTO t VALUES (1, 'a', 1)")
    expect(
      s.seen(
        "UPDATE t SET v = 2; INSERT OR REPLACE INTO t VALUES (1, 'a', 3); INSERT OR IGNORE INTO t VALUES (1, 'b', 4)",
      ),
    ).toEqual(['1: 1 a 1 → 1 a 3'])
  })

  test('2. an update replaces rows too: by its clause, and by the rule of the table', async () => {
    const s = await scene(
      `${T} CREATE TABLE r (id INTEGER PRIMARY KEY, u TEXT COLLATE NOCASE UNIQUE ON CONFLICT REPLACE);`,
    )
    s.seen("INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2)")
    expect(s.seen("UPDATE OR REPLACE t SET u = 'b' WHERE id = 1")).toEqual([
      '1: 1 a 1 → 1 b 1',
      '2: 2 b 2 → ∅',
    ])
    s.seen("INSERT INTO r VALUES (1, 'a'), (2, 'b')")
    expect(s.seen("UPDATE r SET u = 'B' WHERE id = 1", 'r')).toEqual(['1: 1 a → 1 B', '2: 2 b → ∅'])
    expect(s.seen("INSERT INTO r VALUES (3, 'b')", 'r')).toEqual(['1: 1 B → ∅', '3: ∅ → 3 b'])
  })

  test('2. by a unique index with a collation that the column has not', async () => {
    const s = await scene(
      'CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT); CREATE UNIQUE INDEX i ON t (u COLLATE NOCASE);',
    )
    s.seen("INSERT INTO t VALUES (1, 'a')")
    expect(s.seen("INSERT OR REPLACE INTO t VALUES (2, 'A')")).toEqual(['1: 1 a → ∅', '2: ∅ → 2 A'])
  })

  test('2. by a partial unique index, into which the row comes by another column', async () => {
    const s = await scene(
      'CREATE TABLE t (id INTEGER PRIMARY KEY, u, live); CREATE UNIQUE INDEX i ON t (u) WHERE live;',
    )
    s.seen("INSERT INTO t VALUES (1, 'a', 1), (2, 'a', 0)")
    expect(s.seen('UPDATE OR REPLACE t SET live = 1 WHERE id = 2')).toEqual([
      '1: 1 a 1 → ∅',
      '2: 2 a 0 → 2 a 1',
    ])
  })

  test('3. a key changed as rowid, and an index on a generated column', async () => {
    const s = await scene('CREATE TABLE t (id INTEGER PRIMARY KEY, b, g AS (b * 2) UNIQUE);')
    s.seen('INSERT INTO t (id, b) VALUES (1, 1), (2, 2)')
    expect(s.seen('UPDATE OR REPLACE t SET rowid = 2 WHERE id = 1')).toEqual([
      '1: 1 1 2 → ∅',
      '2: 2 2 4 → 2 1 2',
    ])
    s.seen('INSERT INTO t (id, b) VALUES (5, 5)')
    expect(s.seen('UPDATE OR REPLACE t SET b = 5 WHERE id = 2')).toEqual([
      '2: 2 1 2 → 2 5 10',
      '5: 5 5 10 → ∅',
    ])
  })

  test('4. a unique index on an expression: the table is watched as a whole', async () => {
    const s = await scene(
      'CREATE TABLE t (id INTEGER PRIMARY KEY, u); CREATE UNIQUE INDEX i ON t (lower(u));',
    )
    expect(s.table('t').coarse).toBe(true)
    s.summary("INSERT INTO t VALUES (1, 'a')")
    expect(s.summary("INSERT OR REPLACE INTO t VALUES (2, 'A')")).toEqual(['t in bulk rows'])
    expect(s.summary('UPDATE t SET u = u')).toEqual(['t in bulk rows'])
  })

  test('5. keys that may be NULL, or are not there: by rowid, under a name that no column takes', async () => {
    const s = await scene(`CREATE TABLE t (id TEXT PRIMARY KEY, v); CREATE TABLE none (rowid, oid);
      CREATE TABLE w (id TEXT PRIMARY KEY, v) WITHOUT ROWID; CREATE TABLE d (id INTEGER PRIMARY KEY DESC);`)
    expect(['t', 'none', 'w', 'd'].map((name) => s.table(name).byRowid)).toEqual([
      'rowid',
      '_rowid_',
      null,
      'rowid',
    ])
    expect(s.seen('INSERT INTO t VALUES (NULL, 1), (NULL, 2)')).toEqual(['1: ∅ → NULL 1', '2: ∅ → NULL 2'])
    expect(s.seen('DELETE FROM t WHERE v = 1')).toEqual(['1: NULL 1 → ∅'])
    expect(s.seen("INSERT INTO none VALUES ('x', 'y'), ('x', 'y')", 'none')).toEqual([
      '1: ∅ → x y',
      '2: ∅ → x y',
    ])
    s.seen("INSERT INTO t VALUES ('a', 3)")
    expect(s.seen("INSERT OR REPLACE INTO t VALUES ('a', 4)")).toEqual(['3: a 3 → ∅', '4: ∅ → a 4'])
  })

  test('6. what `IS` does not see is a change: 1 and 1.0, a and A', async () => {
    const s = await scene('CREATE TABLE t (id INTEGER PRIMARY KEY, v, n TEXT COLLATE NOCASE);')
    s.seen("INSERT INTO t VALUES (1, 1, 'a')")
    expect(s.summary('UPDATE t SET v = 1.0')).toEqual(['t v'])
    expect(s.summary("UPDATE t SET n = 'A'")).toEqual(['t n'])
    expect(s.summary("UPDATE t SET v = 1.0, n = 'A'")).toEqual([])
    expect(s.summary("UPDATE t SET v = '1'")).toEqual(['t v'])
    expect(s.summary("UPDATE t SET v = x'31'")).toEqual(['t v'])
  })

  test('7. keys that SQLite holds equal are one row', async () => {
    const s = await scene(
      'CREATE TABLE t (id PRIMARY KEY NOT NULL, v); CREATE TABLE n (id TEXT COLLATE NOCASE PRIMARY KEY NOT NULL);',
    )
    s.seen('INSERT INTO t VALUES (1, 1)')
    expect(s.summary('REPLACE INTO t VALUES (1.0, 1)')).toEqual(['t id'])
    expect(s.summary('DELETE FROM t; INSERT INTO t VALUES (1, 2)')).toEqual(['t id v'])
    s.seen("INSERT INTO n VALUES ('a')", 'n')
    expect(s.seen("UPDATE n SET id = 'A'", 'n')).toEqual(['a: a → A'])
  })

  test('8. notes have the affinity and collation of their columns', async () => {
    const s = await scene(
      'CREATE TABLE t (id TEXT COLLATE NOCASE, k INTEGER, r REAL, b, PRIMARY KEY (id, k)) WITHOUT ROWID;',
    )
    s.seen("INSERT INTO t VALUES ('a', '1', 1, 1)")
    expect(s.seen("UPDATE t SET b = 2 WHERE id = 'A' AND k = '1'")).toEqual(['a 1: a 1 1 1 → a 1 1 2'])
  })

  test('9. triggers of the schema that touch the same row', async () => {
    const s = await scene(`${T}
      CREATE TRIGGER a AFTER INSERT ON t WHEN NEW.v = 1 BEGIN UPDATE t SET v = 10 WHERE id = NEW.id; END;
      CREATE TRIGGER b AFTER INSERT ON t WHEN NEW.v = 2 BEGIN DELETE FROM t WHERE id = NEW.id; END;
      CREATE TRIGGER c BEFORE INSERT ON t WHEN NEW.v = 3 BEGIN DELETE FROM t WHERE id = 1; END;
      CREATE TRIGGER d BEFORE UPDATE ON t WHEN NEW.v = 4 BEGIN UPDATE t SET u = 'before' WHERE id = OLD.id; END;
      CREATE TRIGGER e AFTER DELETE ON t WHEN OLD.v = 5 BEGIN INSERT INTO t VALUES (OLD.id, 'again', 0); END;`)
    expect(s.seen("INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2)")).toEqual(['1: ∅ → 1 a 10'])
    expect(s.seen("INSERT INTO t VALUES (3, 'c', 3)")).toEqual(['1: 1 a 10 → ∅', '3: ∅ → 3 c 3'])
    expect(s.seen('UPDATE t SET v = 4')).toEqual(['3: 3 c 3 → 3 before 4'])
    expect(s.seen('UPDATE t SET v = 5')).toEqual(['3: 3 before 4 → 3 before 5'])
    expect(s.seen('DELETE FROM t')).toEqual(['3: 3 before 5 → 3 again 0'])
  })

  describe('10. what needs no care', () => {
    test('upsert, by the key and by another index', async () => {
      const s = await scene(T)
      s.seen("INSERT INTO t VALUES (1, 'a', 1)")
      expect(
        s.seen("INSERT INTO t VALUES (1, 'x', 9) ON CONFLICT (id) DO UPDATE SET v = excluded.v"),
      ).toEqual(['1: 1 a 1 → 1 a 9'])
      expect(
        s.seen("INSERT INTO t VALUES (2, 'a', 8) ON CONFLICT (u) DO UPDATE SET v = excluded.v, id = 7"),
      ).toEqual(['1: 1 a 9 → ∅', '7: ∅ → 7 a 8'])
      expect(s.seen("INSERT INTO t VALUES (7, 'a', 8) ON CONFLICT DO NOTHING")).toEqual([])
    })

    test('INSERT OR FAIL, half applied', async () => {
      const s = await scene(T)
      s.seen("INSERT INTO t VALUES (2, 'b', 2)")
      s.database.run('BEGIN')
      expect(() =>
        s.database.run("INSERT OR FAIL INTO t VALUES (1, 'a', 1), (2, 'x', 0), (3, 'c', 3)"),
      ).toThrow()
      expect(s.rows('t').map(({ key }) => key)).toEqual([[1]])
      s.database.run('COMMIT')
    })

    test('a swap of keys, and of rows by keys', async () => {
      const s = await scene(T)
      s.seen("INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2)")
      expect(s.seen('UPDATE t SET id = -id; UPDATE t SET id = 3 + id')).toEqual([
        '1: 1 a 1 → 1 b 2',
        '2: 2 b 2 → 2 a 1',
      ])
    })

    test('UPDATE FROM, INSERT from itself, DELETE of all', async () => {
      const s = await scene(T)
      s.seen("INSERT INTO t VALUES (1, 'a', 1)")
      expect(s.seen('INSERT INTO t SELECT id + 1, u || u, v FROM t')).toEqual(['2: ∅ → 2 aa 1'])
      expect(s.seen('UPDATE t SET v = o.id FROM t AS o WHERE o.id = t.id + 1')).toEqual(['1: 1 a 1 → 1 a 2'])
      expect(s.seen('DELETE FROM t')).toEqual(['1: 1 a 2 → ∅', '2: 2 aa 1 → ∅'])
    })

    test('cascades: delete, update, SET NULL, a tree in itself, and out of a REPLACE', async () => {
      const s = await scene(`CREATE TABLE p (id INTEGER PRIMARY KEY);
        CREATE TABLE t (id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE ON UPDATE CASCADE);
        CREATE TABLE n (id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE SET NULL);
        CREATE TABLE tree (id INTEGER PRIMARY KEY, up REFERENCES tree ON DELETE CASCADE);`)
      s.seen(
        'INSERT INTO p VALUES (1), (2); INSERT INTO t VALUES (10, 1), (11, 2); INSERT INTO n VALUES (20, 1)',
      )
      expect(s.seen('UPDATE p SET id = 3 WHERE id = 2')).toEqual(['11: 11 2 → 11 3'])
      expect(s.seen('DELETE FROM p WHERE id = 1')).toEqual(['10: 10 1 → ∅'])
      expect(s.seen('REPLACE INTO p VALUES (3)')).toEqual(['11: 11 3 → ∅'])
      expect(s.database.all('SELECT * FROM n')).toEqual([[20, null]])
      s.seen('INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2)')
      expect(s.seen('DELETE FROM tree WHERE id = 1', 'tree')).toHaveLength(3)
    })

    test('a savepoint that is rolled back takes its notes along', async () => {
      const s = await scene(T)
      s.seen("INSERT INTO t VALUES (1, 'a', 1)")
      expect(
        s.seen(
          "UPDATE t SET v = 2; SAVEPOINT s; UPDATE t SET v = 3; INSERT INTO t VALUES (2, 'b', 2); ROLLBACK TO s; RELEASE s",
        ),
      ).toEqual(['1: 1 a 1 → 1 a 2'])
      s.database.run('BEGIN')
      s.database.run('DELETE FROM t')
      s.database.run('ROLLBACK')
      s.capture.doubt()
      expect(s.seen('')).toEqual([])
    })

    test('what came and went, or is as it was, is no change', async () => {
      const s = await scene(T)
      s.seen("INSERT INTO t VALUES (1, 'a', 1)")
      expect(
        s.seen(
          "INSERT INTO t VALUES (2, 'b', 1); DELETE FROM t WHERE id = 2; UPDATE t SET v = 5; UPDATE t SET v = 1",
        ),
      ).toEqual([])
      expect(s.summary("DELETE FROM t; INSERT INTO t VALUES (1, 'a', 1)")).toEqual([])
    })

    test('blob and composite keys, generated columns', async () => {
      const s = await scene(
        'CREATE TABLE t (b BLOB NOT NULL, k NOT NULL, v, g AS (v || v), PRIMARY KEY (k, b));',
      )
      expect(s.seen("INSERT INTO t (b, k, v) VALUES (x'01', 1, 'v'), (x'', 1, 'w')")).toEqual([
        '1 x1: ∅ → x1 1 v vv',
        '1 x: ∅ → x 1 w ww',
      ])
      expect(s.summary("UPDATE t SET v = 'z' WHERE b = x''")).toEqual(['t v g'])
    })

    test('recursive_triggers on', async () => {
      const s = await scene(T)
      s.database.connection.exec('PRAGMA recursive_triggers = on')
      s.seen("INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2)")
      expect(s.seen("REPLACE INTO t VALUES (1, 'b', 3)")).toEqual(['1: 1 a 1 → 1 b 3', '2: 2 b 2 → ∅'])
    })
  })
})

test('rows that are merged through crsql_changes', async () => {
  const schema = "CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, a, b); SELECT crsql_as_crr('t');"
  const loaded = await sqlite()
  const other = new Database(loaded.open(':memory:'))
  applySchema(other, schema)
  const s = await scene(schema)
  let sent = 0
  /** All that the other site wrote since the last time, cell by cell. */
  const merge = () => {
    const changes = other.all(
      'SELECT "table", pk, cid, val, col_version, db_version, site_id, cl, seq FROM crsql_changes WHERE db_version > ?',
      [sent],
    )
    sent = other.get('SELECT crsql_db_version()')?.[0] as number
    s.database.run('BEGIN')
    for (const change of changes)
      s.database.run('INSERT INTO crsql_changes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)', change)
    s.database.run('COMMIT')
    const rows = s.rows('t').map(showChange)
    s.capture.clear()
    return rows
  }
  other.run("INSERT INTO t VALUES ('x', 1, 2)")
  expect(merge()).toEqual(['x: ∅ → x 1 2'])
  other.run('UPDATE t SET a = 5')
  other.run("INSERT INTO t VALUES ('y', 3, 4)")
  expect(merge()).toEqual(['x: x 1 2 → x 5 2', 'y: ∅ → y 3 4'])
  other.run("DELETE FROM t WHERE id = 'x'")
  expect(merge()).toEqual(['x: x 5 2 → ∅'])
  other.run('UPDATE t SET a = a')
  expect(merge()).toEqual([])
  other.get('SELECT crsql_finalize()')
  other.close()
})

test('temp triggers fire before those of the schema, which SQLite does not promise', async () => {
  const s = await scene(`${T} CREATE TABLE log (what);`)
  s.database.connection.exec(`
    CREATE TRIGGER main.late BEFORE INSERT ON t BEGIN INSERT INTO log VALUES ('main'); END;
    CREATE TEMP TRIGGER early BEFORE INSERT ON main.t BEGIN INSERT INTO log VALUES ('temp'); END;`)
  s.database.run("INSERT INTO t VALUES (1, 'a', 1)")
  expect(s.database.all('SELECT what FROM log')).toEqual([['temp'], ['main']])
})

test('more columns than one call takes', async () => {
  const columns = Array.from({ length: 150 }, (_, i) => `c${i}`)
  const s = await scene(`CREATE TABLE t (id INTEGER PRIMARY KEY, ${columns.join(', ')});`)
  s.seen('INSERT INTO t (id, c0, c149) VALUES (1, 1, 2), (2, 1, 2)')
  expect(s.summary('UPDATE t SET c149 = 2.0 WHERE id = 1')).toEqual(['t c149'])
  s.database.run("UPDATE OR REPLACE t SET id = 2, c77 = 'x' WHERE id = 1")
  const rows = s.rows('t')
  expect(rows.map(({ key, before, after }) => [key, before?.[150], after?.[78]])).toEqual([
    [[2], 2, 'x'],
    [[1], 2, undefined],
  ])
})

test('text that is no UTF-8 reads as another: which rows changed is then not known', async () => {
  const s = await scene('CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, v);')
  expect(s.summary("INSERT INTO t VALUES (CAST(x'ff' AS TEXT), 1)")).toEqual(['t in bulk rows'])
  s.database.run("INSERT INTO t VALUES ('\ufffd', 1)")
  expect(s.rows('t').map(showChange)).toEqual(['\ufffd: ∅ → \ufffd 1'])
})

test('a rowid beside the key that is set: the row that had it may be gone', async () => {
  const s = await scene('CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, v);')
  s.seen("INSERT INTO t VALUES ('a', 1), ('b', 2)")
  expect(s.summary("UPDATE OR REPLACE t SET rowid = 2 WHERE id = 'a'")).toEqual(['t in bulk rows'])
  expect(s.database.all('SELECT id FROM t')).toEqual([['a']])
})

test('odd names are quoted', async () => {
  const s = await scene('CREATE TABLE "a ""b" ("k ""1" TEXT PRIMARY KEY NOT NULL, "group", "v\'") ;')
  expect(s.seen(`INSERT INTO "a ""b" VALUES ('x', 1, 2)`, 'a "b')).toEqual(['x: ∅ → x 1 2'])
})

test('1 that becomes 1.0, one number in JS, is told of each column that can hold both', async () => {
  const s = await scene('CREATE TABLE t (id INTEGER PRIMARY KEY, v, n NUMERIC, r REAL, k);')
  s.seen('INSERT INTO t VALUES (1, 1, 1, 1, 1)')
  s.database.run('UPDATE t SET v = 1.0, n = 1.0, r = 1')
  // A NUMERIC column makes an integer of 1.0, as a REAL one makes 1.0 of 1.
  expect(s.rows('t').map(({ changed }) => [...changed])).toEqual([[1]])
  s.database.run('UPDATE t SET v = 1, k = 1.0')
  expect(s.rows('t').map(({ changed }) => [...changed])).toEqual([[4]])
})

describe('more rows than are looked at one by one', () => {
  const MANY = 1001
  const filled = async () => {
    const s = await scene('CREATE TABLE t (id INTEGER PRIMARY KEY, u, v);')
    s.database.run(numbersTo(MANY))
    s.capture.clear()
    return s
  }
  const numbersTo = (count: number) => `
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
    INSERT INTO t SELECT i, i, i FROM n`

  test('a thousand are told', async () => {
    const s = await filled()
    s.database.run('UPDATE t SET v = 0 WHERE id <= 1000')
    expect(s.rows('t')).toHaveLength(1000)
  })

  test('where all of them stay: the columns that differ in any', async () => {
    const s = await filled()
    expect(s.summary('UPDATE t SET v = v + 1')).toEqual(['t in bulk v'])
    expect(s.summary('UPDATE t SET v = 1.0 * v, u = CASE WHEN id = 7 THEN 0 ELSE u END')).toEqual([
      't in bulk u v',
    ])
  })

  test('where one came or went: all columns', async () => {
    const s = await filled()
    expect(s.summary('UPDATE t SET v = 0; DELETE FROM t WHERE id = 7')).toEqual(['t in bulk rows'])
    expect(s.summary('UPDATE t SET v = 1; INSERT INTO t VALUES (7, 7, 7)')).toEqual(['t in bulk rows'])
    expect(s.summary('DELETE FROM t')).toEqual(['t in bulk rows'])
    expect(s.summary(numbersTo(MANY))).toEqual(['t in bulk rows'])
  })

  test('many that are as they were are none', async () => {
    const s = await filled()
    expect(s.summary('UPDATE t SET u = u')).toEqual([])
    expect(s.summary('UPDATE t SET u = u; UPDATE t SET v = 0 WHERE id = 1')).toEqual(['t in bulk v'])
  })

  test('of rows that are not held it is told what was written, not what came of it', async () => {
    const s = await filled()
    expect(s.summary('UPDATE t SET v = v + 1; UPDATE t SET v = v - 1')).toEqual(['t in bulk v'])
  })

  test('each column with what the rows have and had, up to a number', async () => {
    const s = await filled()
    s.database.run("UPDATE t SET v = id % 3, u = 'x'")
    const [change] = s.capture.changes()
    const cells = (column: number) => (change?.type === 'bulk' ? change.cells(column) : undefined)
    expect(new Set(cells(2))).toEqual(new Set([...Array(MANY + 1).keys()]))
    s.database.run(numbersTo(6000).replace('INSERT', 'INSERT OR REPLACE').replace('i, i, i', 'i, i, 7'))
    const [more] = s.capture.changes()
    expect(more?.type === 'bulk' && more.columns).toBe('all')
    expect(more?.type === 'bulk' && more.cells(0)).toBe(null)
    expect(more?.type === 'bulk' && more.cells(2)?.length).toBe(MANY + 1)
  })
})

describe('notes live until they are cleared', () => {
  test('they are read as often as is asked, also after COMMIT, and fold over transactions', async () => {
    const s = await scene(T)
    s.seen("INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2)")
    s.database.run('UPDATE t SET v = 5 WHERE id = 1')
    expect(s.rows('t').map(showChange)).toEqual(['1: 1 a 1 → 1 a 5'])
    expect(s.rows('t').map(showChange)).toEqual(['1: 1 a 1 → 1 a 5'])
    s.database.run('UPDATE t SET v = 6 WHERE id = 1')
    s.database.run('DELETE FROM t WHERE id = 2')
    s.database.run("INSERT INTO t VALUES (3, 'c', 3)")
    expect(s.rows('t').map(showChange)).toEqual(['1: 1 a 1 → 1 a 6', '2: 2 b 2 → ∅', '3: ∅ → 3 c 3'])
    s.database.run('DELETE FROM t WHERE id = 3')
    s.database.run("INSERT INTO t VALUES (2, 'b', 2)")
    s.database.run('UPDATE t SET v = 1 WHERE id = 1')
    expect(s.capture.changes()).toEqual([])
  })

  test('of each table that changed, and of no other', async () => {
    const s = await scene(
      `${T} CREATE TABLE r (id INTEGER PRIMARY KEY); CREATE TABLE q (id INTEGER PRIMARY KEY);`,
    )
    s.database.run('INSERT INTO q VALUES (1)')
    s.database.run("INSERT INTO t VALUES (1, 'a', 1)")
    expect(s.capture.changes().map(summaryOf).sort()).toEqual(['q rows', 't rows'])
    s.capture.clear()
    expect(s.capture.changes()).toEqual([])
  })

  test('a table that is watched twice, or is virtual, does no harm', async () => {
    const s = await scene(`${T} CREATE VIRTUAL TABLE f USING fts5 (text);`)
    s.capture.watch(s.table('t'))
    s.database.run("INSERT INTO f VALUES ('a')")
    expect(s.summary("INSERT INTO t VALUES (1, 'a', 1)")).toEqual(['t rows'])
  })
})

test('columns of a user that are named like those of the notes', async () => {
  const s = await scene(
    'CREATE TABLE t (k0 TEXT PRIMARY KEY NOT NULL, had, c0 UNIQUE, k1, n, "millrace:had");',
  )
  expect(s.seen("INSERT INTO t VALUES ('x', 0, 1, 2, 3, 4)")).toEqual(['x: ∅ → x 0 1 2 3 4'])
  expect(s.seen('UPDATE t SET had = 1, c0 = 5')).toEqual(['x: x 0 1 2 3 4 → x 1 5 2 3 4'])
  expect(s.summary('UPDATE t SET "millrace:had" = 0')).toEqual(['t millrace:had'])
  expect(s.seen("REPLACE INTO t VALUES ('y', NULL, 5, 2, 3, 4)")).toEqual([
    'x: x 1 5 2 3 0 → ∅',
    'y: ∅ → y NULL 5 2 3 4',
  ])
})
