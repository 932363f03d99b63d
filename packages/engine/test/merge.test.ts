import type { Engine, MergeChange, MergeResult } from '@millrace/engine'
import { openEngine } from '@millrace/engine/node'
import {
  type ClientId,
  MillraceError,
  type Operation,
  PROTOCOL_VERSION,
  type QueryId,
  type SqlValue,
  type WriteId,
} from '@millrace/protocol'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ask, openBoth, sqlite } from './oracle/connect.ts'
import { Replay, show } from './oracle/replay.ts'

const SCHEMA = `
  CREATE TABLE todo (id TEXT PRIMARY KEY NOT NULL, title TEXT, done INTEGER NOT NULL DEFAULT 0 CHECK (done < 10), upper AS (upper(title)));
  CREATE TABLE item (id INTEGER PRIMARY KEY NOT NULL, a, b REAL);
  CREATE TABLE pair (v TEXT COLLATE NOCASE, b TEXT NOT NULL, a INT NOT NULL, PRIMARY KEY (a, b)) WITHOUT ROWID;
  CREATE TABLE tag (id BLOB PRIMARY KEY NOT NULL);
  CREATE TABLE own (id INTEGER PRIMARY KEY, x);
  CREATE TABLE child (of INTEGER REFERENCES own (id) DEFERRABLE INITIALLY DEFERRED);
  SELECT crsql_as_crr('todo');
  SELECT crsql_as_crr('item');
  SELECT crsql_as_crr('pair');
  SELECT crsql_as_crr('tag');`

const exec = (sql: string, ...parameters: SqlValue[]): Operation => ({ type: 'exec', sql, parameters })
const run = (engine: Engine, sql: string, ...parameters: SqlValue[]) =>
  engine.write([exec(sql, ...parameters)])
const rows = (engine: Engine, sql: string) => show(engine.query(sql).rows)
const dbVersion = (engine: Engine) => engine.query('SELECT crsql_db_version()').rows[0]?.[0]
const titles = (engine: Engine) => rows(engine, 'SELECT id, title, done FROM todo ORDER BY id')

let here: Engine
let there: Engine
const engines: Engine[] = []
async function open(schema = SCHEMA): Promise<Engine> {
  const engine = await openEngine({ schema })
  engines.push(engine)
  return engine
}
beforeEach(async () => {
  here = await open()
  there = await open()
})
afterEach(() => {
  for (const engine of engines.splice(0)) engine.close()
})

function live(engine: Engine, sql: string): Replay {
  const replay = new Replay()
  engine.subscribe(sql, [], replay.listen)
  return replay
}

/** What a site would send: of all that it has, or of what came after a version. */
const merge = (to: Engine, from: Engine, after = 0): MergeResult => to.merge(from.changesSince(after))

/** Row contents to the storage class, and all that replication knows of them. */
function state(engine: Engine): string {
  return [
    ...['todo', 'item', 'pair', 'tag'].map((table) => rows(engine, `SELECT * FROM ${table} ORDER BY 1`)),
    rows(engine, 'SELECT id, typeof(a), typeof(b) FROM item ORDER BY id'),
    rows(engine, 'SELECT "table", hex(pk), cid, quote(val), cl FROM crsql_changes ORDER BY 1, 2, 3'),
  ].join('\n--\n')
}

const SITE = new Uint8Array(16).fill(7)
/** A change that is fit: the title of a todo 'a' that nobody has yet. */
const GOOD: MergeChange = {
  table: 'todo',
  pk: new Uint8Array([1, 0x0b, 1, 0x61]),
  cid: 'title',
  val: 'Wash',
  colVersion: 1,
  dbVersion: 2,
  siteId: SITE,
  cl: 1,
  seq: 5,
}
const bytes = (...values: number[]) => new Uint8Array(values)

describe('what another site wrote', () => {
  test('is stored and told: once, when all of its versions are there', () => {
    run(there, "INSERT INTO todo (id, title) VALUES ('a', 'Wash'), ('b', 'Buy')")
    run(there, "UPDATE todo SET title = 'Sell' WHERE id = 'b'")
    run(there, "INSERT INTO tag VALUES (x'00ff')")
    const open = live(here, 'SELECT title FROM todo ORDER BY id')
    const count = live(here, 'SELECT count(*) FROM todo')
    const other = live(here, 'SELECT * FROM own')
    const result = merge(here, there)
    expect(result).toMatchObject({ changes: 4, woken: 2, refused: null })
    expect(result.applied.map(({ dbVersion }) => dbVersion)).toEqual([1, 2, 3])
    expect(result.version).toEqual(here.version)
    expect(show(open.rows)).toBe(show([['Wash'], ['Sell']]))
    expect(show(count.rows)).toBe('2')
    expect([open.heard, count.heard, other.heard]).toEqual([2, 2, 1])
    expect(here.counters.commits).toBe(3)
    expect(state(here)).toBe(state(there))
  })

  test('changes nothing a second time, and wakes nobody', () => {
    run(there, "INSERT INTO todo (id, title) VALUES ('a', 'Wash')")
    run(there, "INSERT INTO todo (id) VALUES ('b')")
    run(there, "DELETE FROM todo WHERE id = 'b'")
    merge(here, there)
    const open = live(here, 'SELECT * FROM todo')
    const before = [state(here), dbVersion(here), here.version, here.counters.commits]
    expect(merge(here, there)).toMatchObject({ changes: 0, woken: 0, refused: null, applied: [{}, {}] })
    expect([state(here), dbVersion(here), here.version, here.counters.commits]).toEqual(before)
    expect(open.heard).toBe(1)
    run(here, "INSERT INTO todo (id) VALUES ('c')")
    expect(dbVersion(here)).toBe((before[1] as number) + 1)
  })

  test('that this database sent out itself changes nothing, whatever happened meanwhile', () => {
    run(here, "INSERT INTO item VALUES (1, 1.0, 2.0), (2, '1', NULL), (3, x'', 9223372036854775807)")
    run(here, "INSERT INTO todo (id) VALUES ('a'), ('b')")
    const early = here.changesSince(0)
    run(here, "DELETE FROM todo WHERE id = 'b'")
    run(here, "UPDATE todo SET title = 'x'")
    merge(there, here)
    const before = [state(here), dbVersion(here)]
    expect(here.merge(early).changes).toBe(0)
    expect(merge(here, there).changes).toBe(0)
    expect([state(here), dbVersion(here)]).toEqual(before)
  })

  test('comes in its order, however it was sent', async () => {
    const logging = await open(
      `${SCHEMA} CREATE TRIGGER log AFTER INSERT ON todo BEGIN INSERT INTO own (x) VALUES (NEW.id); END;`,
    )
    run(there, "INSERT INTO todo (id) VALUES ('b'), ('c'), ('a')")
    run(there, 'INSERT INTO item VALUES (1, 2, 3.5)')
    run(there, 'UPDATE todo SET title = id')
    const result = logging.merge(there.changesSince(0).reverse())
    expect(result.applied.map(({ dbVersion }) => dbVersion)).toEqual([1, 2, 3])
    expect(state(logging)).toBe(state(there))
    expect(logging.query('SELECT x FROM own').rows).toEqual([['b'], ['c'], ['a']])
  })

  test('at the same version of two databases is two transactions', () => {
    const elsewhere = { ...GOOD, pk: bytes(1, 0x0b, 1, 0x62), siteId: new Uint8Array(16).fill(8) }
    expect(here.merge([GOOD, elsewhere]).applied).toEqual([
      { siteId: SITE, dbVersion: 2 },
      { siteId: elsewhere.siteId, dbVersion: 2 },
    ])
    expect(here.counters.commits).toBe(2)
  })

  test('of a site behind the sender keeps its site', async () => {
    run(there, "INSERT INTO todo (id) VALUES ('a')")
    const third = await open()
    run(third, "INSERT INTO todo (id) VALUES ('b')")
    merge(there, third)
    const result = merge(here, there)
    expect(result.applied).toHaveLength(2)
    expect(rows(here, 'SELECT hex(site_id) FROM crsql_changes ORDER BY pk')).toBe(
      rows(there, 'SELECT hex(site_id) FROM crsql_changes ORDER BY pk'),
    )
    expect(new Set(result.applied.map(({ siteId }) => siteId.join())).size).toBe(2)
  })

  test('goes on from the highest version that came', () => {
    run(there, "INSERT INTO todo (id) VALUES ('a')")
    const first = merge(here, there).applied.at(-1)?.dbVersion as number
    run(there, "UPDATE todo SET title = 'x'")
    expect(there.changesSince(first).map(({ cid }) => cid)).toEqual(['title'])
    expect(merge(here, there, first).changes).toBe(1)
    expect(state(here)).toBe(state(there))
  })

  test('does not raise the version of this database beyond one a version', () => {
    run(there, "INSERT INTO todo (id) VALUES ('a')")
    const far = there.changesSince(0).map((change) => ({ ...change, dbVersion: Number.MAX_SAFE_INTEGER }))
    expect(here.merge(far)).toMatchObject({ changes: 1, refused: null })
    expect(dbVersion(here)).toBe(1)
  })

  test('is not committed together with local writes that wait', async () => {
    run(there, "INSERT INTO todo (id, done) VALUES ('b', 1)")
    const [id] = there.changesSince(0).filter(({ cid }) => cid === 'done')
    const session = here.connect(() => {})
    await session.hello({ protocol: PROTOCOL_VERSION, client: 'c' as ClientId })
    const operations: Operation[] = [{ type: 'insert', table: 'todo', row: { id: 'a' } }]
    const written = session.write([{ id: 1 as WriteId, operations }], 0 as WriteId)
    expect(here.merge([{ ...(id as MergeChange), val: 99 }]).refused).not.toBeNull()
    await written
    expect(titles(here)).toBe(show([['a', null, 0]]))
    expect(dbVersion(here)).toBe(1)
  })

  test('can be merged, written upon and subscribed to by a listener', () => {
    run(there, "INSERT INTO todo (id) VALUES ('a')")
    const heard: string[] = []
    here.subscribe('SELECT count(*) FROM own', [], () => {
      heard.push(`own ${rows(here, 'SELECT count(*) FROM own')}`)
      if (heard.length === 3) merge(here, there)
    })
    here.subscribe('SELECT count(*) FROM todo', [], () => {
      heard.push(`todo ${rows(here, 'SELECT count(*) FROM todo')}`)
    })
    run(here, 'INSERT INTO own (x) VALUES (1)')
    expect(heard).toEqual(['own 0', 'todo 0', 'own 1', 'todo 1'])
  })
})

describe('a change that is not fit is refused, and nothing of its version is stored', () => {
  const before: MergeChange = { ...GOOD, pk: bytes(1, 0x0b, 1, 0x62), dbVersion: 1 }
  const sibling: MergeChange = { ...GOOD, pk: bytes(1, 0x0b, 1, 0x63), seq: 0 }
  const after: MergeChange = { ...GOOD, pk: bytes(1, 0x0b, 1, 0x64), dbVersion: 3 }
  const row = { cid: '-1', val: null }

  /** Those whose place is known: the version before is stored. */
  const cases: [string, { readonly [K in keyof MergeChange]?: unknown }, string, RegExp][] = [
    [
      'an unknown table',
      { table: 'tod' },
      'SCHEMA_MISMATCH',
      /no table tod is replicated here; these are: .*todo.*schema/,
    ],
    ['a table in another letter case', { table: 'Todo' }, 'SCHEMA_MISMATCH', /no table Todo/],
    ['a table that is not replicated', { table: 'own' }, 'SCHEMA_MISMATCH', /no table own/],
    ['a table of cr-sqlite', { table: 'todo__crsql_clock' }, 'SCHEMA_MISMATCH', /todo__crsql_clock/],
    ['a table that is no name', { table: Object.create(null) }, 'SCHEMA_MISMATCH', /no table an object/],
    ['an unknown column', { cid: 'titel' }, 'SCHEMA_MISMATCH', /no column titel; it has: title, done/],
    ['a column in another letter case', { cid: 'TITLE' }, 'SCHEMA_MISMATCH', /no column TITLE/],
    ['a key column', { cid: 'id' }, 'SCHEMA_MISMATCH', /no column id/],
    ['a generated column', { cid: 'upper' }, 'SCHEMA_MISMATCH', /no column upper/],
    ['a column that is no name', { cid: null }, 'SCHEMA_MISMATCH', /no column null/],
    ['a key of no bytes, which ends the wasm', { pk: bytes() }, 'INVALID_VALUE', /pk x'' is no packed key/],
    [
      'an integer of nine bytes, which does too',
      { pk: bytes(1, 0x49, 0, 0, 0, 0, 0, 0, 0, 0, 1) },
      'INVALID_VALUE',
      /no packed key/,
    ],
    [
      'a key that ends early',
      { pk: bytes(1, 0x0b, 2, 0x61) },
      'INVALID_VALUE',
      /x'010b0261' is no packed key/,
    ],
    ['a key that goes on', { pk: bytes(1, 0x0b, 1, 0x61, 0) }, 'INVALID_VALUE', /no packed key/],
    ['a key that is no UTF-8', { pk: bytes(1, 0x0b, 1, 0xff) }, 'INVALID_VALUE', /no packed key/],
    ['a key that is not bytes', { pk: 'a' }, 'INVALID_VALUE', /its pk is a:/],
    ['too long a key', { pk: new Uint8Array(65_537) }, 'INVALID_VALUE', /65537 bytes, and 65536/],
    [
      'too many values in the key',
      { pk: bytes(2, 0x0b, 1, 0x61, 1) },
      'INVALID_VALUE',
      /pk has 2 values.*todo has 1/,
    ],
    ['too few', { table: 'pair', cid: 'v' }, 'INVALID_VALUE', /pk has 1 values.*pair has 2/],
    ['NULL in the key', { pk: bytes(1, 5) }, 'INVALID_VALUE', /key column id is NULL/],
    [
      'a number in a key of text',
      { pk: bytes(1, 9, 1) },
      'INVALID_VALUE',
      /key column id is the integer 1, which TEXT would convert/,
    ],
    [
      'text in a key of numbers',
      { table: 'item', cid: 'a', pk: bytes(1, 0x0b, 1, 0x35) },
      'INVALID_VALUE',
      /the text 5, which INTEGER/,
    ],
    ['a colVersion that is no integer', { colVersion: 1.5 }, 'INVALID_VALUE', /colVersion is 1\.5/],
    ['one that is a bigint', { colVersion: 1n }, 'INVALID_VALUE', /colVersion is 1:/],
    [
      'one below 0',
      { colVersion: -1 },
      'INVALID_VALUE',
      /colVersion is -1: give an integer from 0 to 9007199254740991/,
    ],
    ['one of 2^53', { colVersion: 2 ** 53 }, 'INVALID_VALUE', /colVersion is 9007199254740992/],
    ['a cl of 0', { cl: 0 }, 'INVALID_VALUE', /cl is 0: give an integer from 1/],
    [
      'a cl of 2^53',
      { ...row, cl: 2 ** 53, colVersion: 2 ** 53 },
      'INVALID_VALUE',
      /olVersion is 9007199254740992/,
    ],
    ['a cell of a deleted row', { cl: 2 }, 'INVALID_VALUE', /cl is 2, by which the row is deleted/],
    [
      'a row whose two clocks differ',
      { ...row, cl: 2, colVersion: 3 },
      'INVALID_VALUE',
      /colVersion is 3 and its cl 2/,
    ],
    ['a value for the row as such', { cid: '-1' }, 'INVALID_VALUE', /its val is Wash: give null/],
    ['a value that SQLite cannot hold', { val: Number.NaN }, 'INVALID_VALUE', /NaN, given for todo\.title/],
    ['a real that is none', { real: true }, 'INVALID_VALUE', /Wash is no REAL/],
    [
      'NULL where NOT NULL is declared',
      { cid: 'done', val: null },
      'WRITE_REJECTED',
      /todo\.done, key a, the database refused the value null: .*constraint failed.*NOT NULL/,
    ],
    [
      'what a CHECK refuses',
      { cid: 'done', val: 11 },
      'WRITE_REJECTED',
      /version 2 of site x'0707.*todo\.done, key a, the database refused the value 11.*CHECK/,
    ],
  ]
  test.for(cases)('%s', ([, patch, code, message]) => {
    const open = live(here, 'SELECT id FROM todo')
    const bad = { ...GOOD, ...patch } as MergeChange
    const result = here.merge([bad, before, sibling, after])
    expect(result).toMatchObject({
      applied: [{ dbVersion: 1, siteId: SITE }],
      changes: 1,
      refused: { error: { code } },
    })
    expect(result.refused?.error).toBeInstanceOf(MillraceError)
    expect(result.refused?.error.message).toMatch(message)
    expect(result.refused?.change).toBe(bad)
    expect(open.rows).toEqual([['b']])
    expect(titles(here)).toBe(show([['b', 'Wash', 0]]))
    expect(rows(here, 'SELECT count(*), max(db_version) FROM crsql_changes')).toBe('1 | 1')
    expect(dbVersion(here)).toBe(1)
    expect(here.counters.commits).toBe(1)
    // Mended, or left out, all goes on.
    expect(here.merge([GOOD, sibling, after])).toMatchObject({ changes: 3, refused: null })
    run(here, "INSERT INTO todo (id) VALUES ('z')")
    expect(dbVersion(here)).toBe(4)
  })

  /** Those that may belong to any version: nothing at all is stored. */
  const homeless: [string, unknown, RegExp][] = [
    ['no site', { siteId: null }, /siteId is null: give the 16 bytes/],
    ['a short site', { siteId: SITE.subarray(1) }, /siteId is x'(07){15}':/],
    ['a site as text', { siteId: 'a'.repeat(16) }, /siteId is aaaa/],
    ['a dbVersion of 0', { dbVersion: 0 }, /dbVersion is 0: give an integer from 1 to 9007199254740991/],
    ['a dbVersion near 2^63', { dbVersion: 2n ** 63n - 1n }, /dbVersion is 9223372036854775807/],
    ['a dbVersion of 2^53', { dbVersion: 2 ** 53 }, /dbVersion is 9007199254740992/],
    ['a dbVersion that is text', { dbVersion: '2' }, /dbVersion is 2:/],
    ['a seq below 0', { seq: -1 }, /seq is -1/],
    ['a seq beyond 32 bits', { seq: 2 ** 31 }, /seq is 2147483648: give an integer from 0 to 2147483647/],
  ]
  test.for(homeless)('%s', ([, patch, message]) => {
    const result = here.merge([before, { ...GOOD, ...(patch as object) }])
    expect(result).toMatchObject({
      applied: [],
      changes: 0,
      woken: 0,
      refused: { error: { code: 'INVALID_VALUE' } },
    })
    expect(result.refused?.error.message).toMatch(message)
    expect([titles(here), dbVersion(here)]).toEqual(['', 0])
  })

  test('what is no change, and no list of changes', () => {
    const result = here.merge([before, null] as unknown as MergeChange[])
    expect(result.refused?.error.message).toMatch(/is null: give objects/)
    expect(titles(here)).toBe('')
    expect(() => here.merge(undefined as unknown as MergeChange[])).toThrow(
      /array of changes, but was given undefined/,
    )
    expect(here.merge([])).toMatchObject({ applied: [], changes: 0, woken: 0, refused: null })
    here.close()
    expect(() => here.merge([])).toThrow(/closed/)
  })
})

describe('clocks ahead', () => {
  const AHEAD = 2 ** 32
  const clocks = (engine: Engine) =>
    rows(engine, "SELECT cid, col_version, cl FROM crsql_changes WHERE pk = x'010b0161'")

  test('a cell that is known moves by 2^32 at most, however the rest of the merge tries', () => {
    here.merge([GOOD])
    const leap = { ...GOOD, val: 'Leap', colVersion: 1 + AHEAD, dbVersion: 3 }
    const beyond = { ...leap, val: 'Beyond', colVersion: 2 + AHEAD, dbVersion: 4 }
    const result = here.merge([leap, beyond])
    expect(result.applied).toHaveLength(1)
    expect(result.refused?.error.message).toMatch(
      /colVersion is 4294967298: give an integer from 0 to 4294967297/,
    )
    expect(clocks(here)).toBe(show([['title', 1 + AHEAD, 1]]))
    expect(here.merge([beyond]).refused).toBeNull()
  })

  test('a row that is known lives and dies 2^32 times at most', () => {
    here.merge([GOOD])
    const gone = { ...GOOD, cid: '-1', val: null, cl: 2 + AHEAD, colVersion: 2 + AHEAD, dbVersion: 3 }
    expect(here.merge([gone]).refused?.error.message).toMatch(/cl is 4294967298/)
    const again = { ...GOOD, cl: 3 + AHEAD, dbVersion: 3 }
    expect(here.merge([again]).refused?.error.message).toMatch(/cl is 4294967299/)
    expect(clocks(here)).toBe(show([['title', 1, 1]]))
    expect(here.merge([{ ...gone, cl: AHEAD, colVersion: AHEAD }]).changes).toBe(1)
    expect(titles(here)).toBe('')
  })

  test('what is not known here is taken over as it is, so that a new database can join', () => {
    here.merge([{ ...GOOD, cid: 'done', val: 1, dbVersion: 1 }])
    const far = { ...GOOD, colVersion: Number.MAX_SAFE_INTEGER }
    expect(here.merge([far])).toMatchObject({ changes: 1, refused: null })
    run(here, "UPDATE todo SET title = 'on'")
    expect(rows(here, "SELECT col_version FROM crsql_changes WHERE cid = 'title'")).toBe('9007199254740992n')
  })
})

describe('what the schema refuses while a version is merged leaves nothing of it', () => {
  const cases: [string, string][] = [
    ['RAISE(ABORT)', "CREATE TRIGGER no AFTER UPDATE ON todo BEGIN SELECT RAISE(ABORT, 'no'); END;"],
    ['RAISE(FAIL)', "CREATE TRIGGER no AFTER UPDATE ON todo BEGIN SELECT RAISE(FAIL, 'no'); END;"],
    ['RAISE(ROLLBACK)', "CREATE TRIGGER no AFTER UPDATE ON todo BEGIN SELECT RAISE(ROLLBACK, 'no'); END;"],
    [
      'a foreign key at the commit',
      'CREATE TRIGGER no AFTER UPDATE ON todo BEGIN INSERT INTO child VALUES (77); END;',
    ],
    [
      'a unique local table',
      'CREATE TABLE once (n UNIQUE); CREATE TRIGGER no AFTER INSERT ON todo BEGIN INSERT INTO once VALUES (1); INSERT INTO once VALUES (1); END;',
    ],
  ]
  test.for(cases)('%s', async ([, ddl]) => {
    const strict = await open(SCHEMA + ddl)
    const log = live(
      strict,
      'SELECT (SELECT count(*) FROM todo), (SELECT count(*) FROM child), (SELECT count(*) FROM tag)',
    )
    run(there, "INSERT INTO tag VALUES (x'01')")
    there.write([
      exec("INSERT INTO tag VALUES (x'02')"),
      exec("INSERT INTO todo (id, title) VALUES ('a', 'Wash')"),
    ])
    run(there, "INSERT INTO tag VALUES (x'03')")
    const result = merge(strict, there)
    expect(result).toMatchObject({
      changes: 1,
      refused: { error: { code: 'WRITE_REJECTED' }, change: { table: 'todo' } },
    })
    expect(result.applied.map(({ dbVersion }) => dbVersion)).toEqual([1])
    expect(show(log.rows)).toBe('0 | 0 | 1')
    expect(dbVersion(strict)).toBe(1)
    expect(rows(strict, 'SELECT count(*) FROM crsql_changes')).toBe('1')
    // The one who called may leave the version out.
    expect(strict.merge(there.changesSince(2))).toMatchObject({ changes: 1, refused: null })
    run(strict, "INSERT INTO tag VALUES (x'ff')")
    expect(dbVersion(strict)).toBe(3)
    expect(show(log.rows)).toBe('0 | 0 | 3')
  })
})

describe('sites that exchange all that they have come to the same rows', () => {
  /** Each key kind, and columns that convert nothing, so that 1 and 1.0 are two. */
  const TABLES: Record<
    string,
    { readonly keys: readonly string[]; readonly insert: string; readonly where: string }
  > = {
    todo: { keys: ["'a'", "'B'", "'b'", "''"], insert: 'todo (id, title, done)', where: 'id = ' },
    item: { keys: ['1', '-1', '4294967296', '9007199254740993'], insert: 'item (id, a, b)', where: 'id = ' },
    pair: { keys: ["'x', 1", "'X', 1", "'x', 2"], insert: 'pair (b, a, v)', where: '(b, a) = ' },
    tag: { keys: ["x''", "x'00'", "x'0001'"], insert: 'tag (id)', where: 'id = ' },
  }
  const VALUES = [
    'NULL',
    '0',
    '1',
    '1.0',
    '1.5',
    "'1'",
    "'a'",
    "'A'",
    "'9'",
    "'10'",
    "''",
    "x''",
    "x'61'",
    '9007199254740993',
    '1e300',
    '-0.0',
    '9e999',
  ]
  const value = fc.constantFrom(...VALUES)
  const COLUMNS: Record<string, readonly string[]> = { todo: ['title'], item: ['a', 'b'], pair: ['v'] }

  const statement: fc.Arbitrary<string> = fc
    .record({
      table: fc.constantFrom(...Object.keys(TABLES)),
      key: fc.nat(3),
      kind: fc.constantFrom(
        'insert',
        'insert',
        'replace',
        'upsert',
        'update',
        'update',
        'touch',
        'delete',
        'clear',
      ),
      one: value,
      two: value,
      done: fc.nat(9),
    })
    .map(({ table, key, kind, one, two, done }) => {
      const { keys, insert, where } = TABLES[table] as (typeof TABLES)[string]
      const at = keys[key % keys.length] as string
      const columns = COLUMNS[table] ?? []
      const rest = { todo: `, ${one}, ${done}`, item: `, ${one}, ${two}`, pair: `, ${one}`, tag: '' }[table]
      const match = `WHERE ${where}(${at})`
      const column = columns[done % columns.length]
      switch (kind) {
        case 'insert':
          return `INSERT OR IGNORE INTO ${insert} VALUES (${at}${rest})`
        case 'replace':
          return `INSERT OR REPLACE INTO ${insert} VALUES (${at}${rest})`
        case 'upsert':
          return `INSERT INTO ${insert} VALUES (${at}${rest}) ON CONFLICT DO ${column === undefined ? 'NOTHING' : `UPDATE SET ${column} = excluded.${column}`}`
        case 'update':
          return column === undefined
            ? `DELETE FROM ${table} ${match}`
            : `UPDATE ${table} SET ${column} = ${two} ${match}`
        case 'touch':
          return `UPDATE todo SET done = 9 - done${table === 'todo' ? ` ${match}` : ''}`
        case 'delete':
          return `DELETE FROM ${table} ${match}`
        default:
          return `DELETE FROM ${table}`
      }
    })

  type Step =
    | { readonly type: 'write'; readonly site: number; readonly statements: readonly string[] }
    /** `order` shuffles the versions of all that one site has, each merged by itself; null: as one call, from where the last left off. */
    | {
        readonly type: 'merge'
        readonly from: number
        readonly to: number
        readonly order: readonly number[] | null
      }
  const site = fc.nat(2)
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      arbitrary: fc.record({
        type: fc.constant('write' as const),
        site,
        statements: fc.array(statement, { minLength: 1, maxLength: 4 }),
      }),
      weight: 3,
    },
    {
      arbitrary: fc.record({
        type: fc.constant('merge' as const),
        from: site,
        to: site,
        order: fc.option(fc.array(fc.nat(1000), { minLength: 1, maxLength: 8 })),
      }),
      weight: 2,
    },
  )

  const QUERIES = [
    'SELECT * FROM todo ORDER BY id',
    'SELECT id, typeof(a), a, b FROM item WHERE a IS NOT NULL ORDER BY a, id',
    'SELECT done, count(*), max(title) FROM todo GROUP BY done ORDER BY done',
    'SELECT p.b, p.a, p.v, i.id FROM pair p LEFT JOIN item i ON i.a = p.a ORDER BY p.a, p.b, i.id',
    'SELECT hex(id) FROM tag ORDER BY id LIMIT 2',
    'SELECT count(*), sum(b) FROM item',
  ]

  class Site {
    readonly engine: Engine
    readonly #ask: (sql: string) => string
    readonly #live: { readonly sql: string; readonly replay: Replay }[]
    /** Where the last pull from another site ended. */
    readonly cursors = new Map<Site, number>()

    constructor(loaded: Awaited<ReturnType<typeof sqlite>>) {
      const { engine, connection } = openBoth(loaded, SCHEMA)
      this.engine = engine
      this.#ask = (sql) => show(ask(connection, sql))
      this.#live = QUERIES.map((sql) => ({ sql, replay: live(engine, sql) }))
    }

    merge(changes: readonly MergeChange[], tally: { won: number }): void {
      const result = this.engine.merge(changes)
      expect(result.refused?.error.message).toBeUndefined()
      tally.won += result.changes
      this.compare()
    }

    pull(from: Site, tally: { won: number }): void {
      const changes = from.engine.changesSince(this.cursors.get(from) ?? 0)
      this.merge(changes, tally)
      this.cursors.set(
        from,
        Math.max(this.cursors.get(from) ?? 0, ...changes.map(({ dbVersion }) => dbVersion)),
      )
    }

    compare(): void {
      for (const { sql, replay } of this.#live) expect(show(replay.rows), sql).toBe(this.#ask(sql))
    }
  }

  /** The versions of `changes` in an order of their own, each by itself. */
  function shuffled(changes: readonly MergeChange[], order: readonly number[]): MergeChange[][] {
    const versions = [...new Set(changes.map(({ dbVersion }) => dbVersion))]
    const place = new Map(versions.map((version, i) => [version, order[i % order.length] as number]))
    return versions
      .sort((a, b) => (place.get(a) as number) - (place.get(b) as number))
      .map((version) => changes.filter(({ dbVersion }) => dbVersion === version))
  }

  test('whatever they wrote, and in whatever order the versions came; live queries follow', {
    timeout: 60_000,
  }, async () => {
    const loaded = await sqlite()
    const tally = { won: 0 }
    fc.assert(
      fc.property(fc.array(step, { minLength: 4, maxLength: 14, size: 'max' }), (steps) => {
        const sites = [new Site(loaded), new Site(loaded), new Site(loaded)] as const
        try {
          for (const step of steps) {
            if (step.type === 'write') {
              const { engine } = sites[step.site] as Site
              engine.write(step.statements.map((sql) => exec(sql)))
              continue
            }
            const [from, to] = [sites[step.from] as Site, sites[step.to] as Site]
            if (step.order === null) to.pull(from, tally)
            else
              for (const version of shuffled(from.engine.changesSince(0), step.order))
                to.merge(version, tally)
          }
          const [a, b, c] = sites
          for (const [from, to] of [
            [a, b],
            [b, c],
            [c, b],
            [b, a],
          ] as const)
            to.pull(from, tally)
          expect(state(b.engine)).toBe(state(a.engine))
          expect(state(c.engine)).toBe(state(a.engine))
          // What they have now changes nothing any more.
          for (const to of sites)
            for (const from of sites)
              expect(merge(to.engine, from.engine)).toMatchObject({ changes: 0, woken: 0 })
        } finally {
          for (const { engine } of sites) engine.close()
        }
      }),
      { numRuns: 60 },
    )
    expect(tally.won).toBeGreaterThan(500)
  })
})

test('a long merge of a client goes slice by slice: writes and queries of others go between', async () => {
  for (let i = 0; i < 1200; i++) run(there, 'INSERT INTO todo (id, title) VALUES (?, ?)', `t${i}`, 'far')
  const changes = there.changesSince(0)
  const calls = here.connect(() => {})
  await calls.hello({ protocol: PROTOCOL_VERSION, client: 'one' as ClientId })
  const order: string[] = []
  const merging = calls.merge(changes).then((answer) => {
    order.push('merged')
    return answer
  })
  const counts: SqlValue[] = []
  const others = (async () => {
    for (let i = 1; i <= 2; i++) {
      const operations = [exec('INSERT INTO own VALUES (?, 1)', i)]
      await calls.write([{ id: i as WriteId, operations }], 0 as WriteId)
      const { rows } = await calls.query(
        i as QueryId,
        'SELECT count(*), (SELECT count(*) FROM own) FROM todo',
        [],
      )
      counts.push(...(rows[0] ?? []))
      order.push('asked')
    }
  })()
  const { applied, changes: changed, refused } = await merging
  await others
  expect(order).toEqual(['asked', 'asked', 'merged'])
  // In between, each version was there as a whole or not at all, and the writes were.
  expect(counts[0]).toBeGreaterThan(0)
  expect(counts[2]).toBeLessThan(1200)
  expect([counts[1], counts[3]]).toEqual([1, 2])
  expect([applied.length, changed, refused]).toEqual([1200, 1200, null])
  expect(titles(here)).toEqual(titles(there))
})

test('a merge in slices ends at what is refused, and what came before it stays', async () => {
  for (let i = 0; i < 900; i++) run(there, 'INSERT INTO todo (id, title) VALUES (?, ?)', `t${i}`, 'far')
  const changes = there
    .changesSince(0)
    .map((change) => (change.dbVersion === 700 ? { ...change, cl: 0 } : change))
  const { applied, changes: changed, refused } = await here.connect(() => {}).merge(changes)
  expect(refused).toMatchObject({ change: { dbVersion: 700 }, error: { code: 'INVALID_VALUE' } })
  expect([applied.length, changed]).toEqual([699, 699])
  expect(here.query('SELECT count(*) FROM todo').rows).toEqual([[699]])
})
