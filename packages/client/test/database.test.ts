import {
  type Database,
  type LiveQuery,
  MillraceError,
  open,
  type Snapshot,
  sql,
  type Write,
} from '@millrace/client'
import { enginePort } from '@millrace/engine/node'
import type { ErrorCode, Port, PortSource } from '@millrace/protocol'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { UnsteadyPorts } from './unsteady-port.ts'
import { turns } from './world.ts'

const schema = `
  CREATE TABLE todo (
    id INTEGER PRIMARY KEY NOT NULL, title TEXT NOT NULL UNIQUE CHECK (title <> 'forbidden'),
    done INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE list (name TEXT PRIMARY KEY NOT NULL, n INTEGER DEFAULT 0);
  CREATE TABLE member (
    list TEXT NOT NULL REFERENCES list (name), number INTEGER NOT NULL, note TEXT, PRIMARY KEY (list, number)
  ) WITHOUT ROWID;
  CREATE TABLE bag (x);
  CREATE TABLE shout (id INTEGER PRIMARY KEY NOT NULL, text TEXT, loud TEXT AS (upper(text)));`

interface Row {
  readonly id: number
  readonly title: string
  readonly done: number
}
const titles = sql<Row>`SELECT id, title, done FROM todo ORDER BY id`
const count = sql<{ n: number }>`SELECT count(*) AS n FROM todo`

async function world(timeout?: number) {
  const engine = enginePort({ schema })
  const ports = new UnsteadyPorts(engine)
  const db = await open({ port: ports, ...(timeout === undefined ? {} : { timeout }) })
  onTestFinished(async () => {
    vi.useRealTimers()
    ports.release()
    await db.close()
  })
  return { db, ports, engine: await engine.engine }
}

/** The query in use, with its rows, and every snapshot that its subscriber saw. */
async function shown<R>(db: Database, query: Parameters<typeof db.live<R>>[0]) {
  const live = db.live<R>(query)
  const seen: Snapshot<R>[] = []
  const stop = live.subscribe(() => seen.push(live.snapshot))
  await expect.poll(() => live.snapshot.status).not.toBe('pending')
  seen.length = 0
  return { live, seen, stop }
}

function thrown(run: () => unknown): MillraceError {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(MillraceError)
    return error as MillraceError
  }
  throw new Error('nothing was thrown')
}

const told = ({ code, message }: MillraceError) => `${code}: ${message}`

/** Rejections are heard, so that none is logged. */
function hear(db: Database): MillraceError[] {
  const heard: MillraceError[] = []
  db.onRejected(({ error }) => heard.push(error))
  return heard
}

const list = (live: LiveQuery<Row>) => live.snapshot.data.map(({ id, title }) => `${id} ${title}`)

describe('bad input is told at the call, and everything else goes on', () => {
  // biome-ignore lint/suspicious/noExplicitAny: what TypeScript would refuse
  type Anything = any
  const cases: readonly [string, (db: Database<Anything>) => unknown, string, RegExp][] = [
    ['table', (db) => db.insert('todos', {}), 'SCHEMA_MISMATCH', /no table todos\. The schema has: .*todo/],
    [
      'column',
      (db) => db.insert('todo', { titel: 'a' }),
      'SCHEMA_MISMATCH',
      /todo has no column titel.*id, title, done/,
    ],
    [
      'column of an update',
      (db) => db.update('todo', 1, { x: 1 }),
      'SCHEMA_MISMATCH',
      /todo has no column x/,
    ],
    ['generated', (db) => db.insert('shout', { loud: 'A' }), 'SCHEMA_MISMATCH', /loud of shout is generated/],
    [
      'no row',
      (db) => db.insert('todo', null as never),
      'SCHEMA_MISMATCH',
      /row of todo was expected as an object.*null/,
    ],
    [
      'Date',
      (db) => db.insert('todo', { title: new Date(0) }),
      'INVALID_VALUE',
      /Date .*1970.*todo\.title.*toISOString/,
    ],
    [
      'object',
      (db) => db.update('todo', 1, { title: {} }),
      'INVALID_VALUE',
      /object \(Object\).*todo\.title.*JSON/,
    ],
    ['array', (db) => db.update('todo', 1, { title: [1] }), 'INVALID_VALUE', /an array.*todo\.title.*JSON/],
    [
      'NaN',
      (db) => db.insert('todo', { done: Number.NaN }),
      'INVALID_VALUE',
      /NaN.*todo\.done.*null or a number/,
    ],
    [
      'bigint',
      (db) => db.insert('todo', { id: 2n ** 63n }),
      'INVALID_VALUE',
      /9223372036854775808.*todo\.id.*text/,
    ],
    ['function', (db) => db.insert('todo', { id: () => 1 }), 'INVALID_VALUE', /a function.*todo\.id/],
    [
      'ArrayBuffer',
      (db) => db.insert('bag', { x: new ArrayBuffer(1) }),
      'INVALID_VALUE',
      /bag\.x.*Uint8Array/,
    ],
    [
      'undefined key',
      (db) => db.delete('todo', undefined as never),
      'INVALID_VALUE',
      /undefined.*key todo\.id/,
    ],
    ['Date as key', (db) => db.delete('todo', new Date(0) as never), 'INVALID_VALUE', /Date.*key todo\.id/],
    [
      'key too narrow',
      (db) => db.delete('member', ['a']),
      'SCHEMA_MISMATCH',
      /member has 2 columns \(list, number\), but 1 value was/,
    ],
    [
      'key too wide',
      (db) => db.update('todo', [1, 2], {}),
      'SCHEMA_MISMATCH',
      /todo has 1 column \(id\), but 2 values were/,
    ],
    [
      'key by object without a column',
      (db) => db.delete('member', { list: 'a' }),
      'INVALID_VALUE',
      /undefined.*member\.number/,
    ],
    ['no key', (db) => db.delete('bag', 1), 'SCHEMA_MISMATCH', /bag cannot be named by a key.*exec/],
    [
      'undefined parameter',
      () => sql`SELECT ${undefined as never}`,
      'INVALID_VALUE',
      /undefined.*parameter 1.*null/,
    ],
    [
      'Date parameter',
      (db) => db.live({ sql: 'SELECT ?', parameters: [new Date()] }),
      'INVALID_VALUE',
      /Date.*parameter 1/,
    ],
    ['a text for a query', (db) => db.live('SELECT 1' as never), 'INVALID_SQL', /SELECT 1.*sql tag/],
    ['nothing for a query', (db) => db.live(undefined as never), 'INVALID_SQL', /undefined.*sql tag/],
    [
      'in a transaction',
      (db) => db.write((tx: Anything) => tx.insert('todo', { x: 1 })),
      'SCHEMA_MISMATCH',
      /no column x/,
    ],
    [
      'async write',
      (db) => db.write((async () => {}) as never),
      'INVALID_VALUE',
      /asynchronous.*await what it needs before/,
    ],
  ]

  test.each(cases)('%s', async (_, run, code, message) => {
    const { db } = await world()
    const { live, seen } = await shown(db, titles)
    const error = thrown(() => run(db))
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
    expect(seen).toEqual([])
    await db.insert('todo', { id: 1, title: 'next' }).stored
    expect(list(live)).toEqual(['1 next'])
  })

  const asked: readonly [string, string, readonly unknown[], RegExp][] = [
    ['not SQL', 'SELEKT 1', [], /INVALID_SQL: .*SELEKT/],
    ['no such table', 'SELECT * FROM nowhere', [], /INVALID_SQL: .*no such table: nowhere/],
    ['no such column', 'SELECT wanted FROM todo', [], /INVALID_SQL: .*no such column: wanted/],
    ['too few parameters', 'SELECT ? + ?', [1], /INVALID_SQL: .*2.*1/],
    ['too many parameters', 'SELECT ?', [1, 2], /INVALID_SQL: .*1.*2/],
    ['a write', 'DELETE FROM todo', [], /INVALID_SQL: /],
    ['two statements', 'SELECT 1; SELECT 2', [], /INVALID_SQL: /],
    ['nothing', '', [], /INVALID_SQL: /],
  ]

  test.each(asked)('query and live: %s', async (_, text, parameters, expected) => {
    const { db } = await world()
    await expect(db.query({ sql: text, parameters }).catch(told)).resolves.toMatch(expected)
    const { live } = await shown(db, { sql: text, parameters })
    expect(live.snapshot.status).toBe('error')
    expect(told(live.snapshot.error as MillraceError)).toMatch(expected)
    expect(await db.query(count)).toEqual([{ n: 0 }])
  })

  test('a query that fails from the start shows its rows once the data lets it, and fails again, and recovers', async () => {
    const { db } = await world()
    const write = (title: string | Uint8Array) =>
      db.exec(sql`INSERT OR REPLACE INTO todo (id, title) VALUES (1, ${title})`)
    const bytes = new Uint8Array([1])
    await write(bytes)
    const { live } = await shown(db, sql`SELECT id, json_array(title) AS titles FROM todo`)
    expect(live.snapshot.status).toBe('error')
    expect(live.snapshot.error?.message).toMatch(/JSON cannot hold BLOB/)
    for (const title of ['one', 'two']) {
      await write(title)
      expect(live.snapshot.status).toBe('live')
      expect(live.snapshot.data).toEqual([{ id: 1, titles: JSON.stringify([title]) }])
      await write(bytes)
      expect(live.snapshot.status).toBe('error')
    }
  })

  test('query rejects for what is no query, and does not throw', async () => {
    const { db } = await world()
    await expect(db.query('SELECT 1' as never).catch(told)).resolves.toMatch(/INVALID_SQL/)
    await expect(db.query({ sql: 'SELECT ?', parameters: [Number.NaN] }).catch(told)).resolves.toMatch(
      /INVALID_VALUE.*NaN/,
    )
  })

  test.each<[string, string, readonly unknown[], RegExp]>([
    ['not SQL', 'DELET FROM todo', [], /INVALID_SQL: .*DELET/],
    ['a SELECT', 'SELECT 1', [], /INVALID_SQL: .*exec takes INSERT/],
    ['DDL', 'CREATE TABLE more (id)', [], /INVALID_SQL: .*exec takes INSERT.*schema text/],
    ['a transaction', 'COMMIT', [], /INVALID_SQL: .*exec takes INSERT/],
    ['too few parameters', 'DELETE FROM todo WHERE id = ?', [], /INVALID_SQL: .*1.*0/],
    ['too many parameters', 'DELETE FROM todo', [1], /INVALID_SQL: .*0.*1/],
    [
      'what SQLite cannot hold',
      'DELETE FROM todo WHERE id = ?',
      [new Date(0)],
      /INVALID_VALUE: .*Date.*parameter 1/,
    ],
  ])('exec: %s', async (_, text, parameters, expected) => {
    const { db } = await world()
    hear(db)
    await expect(db.exec({ sql: text, parameters }).catch(told)).resolves.toMatch(expected)
    await db.insert('todo', { id: 1, title: 'next' }).stored
    expect(await db.exec(sql`UPDATE todo SET done = ${1}`)).toMatchObject({ changes: 1 })
  })

  test('a transaction cannot be used after its end, however it ended', async () => {
    const { db } = await world()
    const { live } = await shown(db, titles)
    let kept: { insert(table: string, row: object): void } | undefined
    const leak = (fails: boolean) =>
      db.write((tx) => {
        kept = tx
        tx.insert('todo', { id: 1, title: 'a' })
        if (fails) throw new RangeError('of the app')
      })
    expect(() => leak(true)).toThrow(RangeError)
    expect(thrown(() => kept?.insert('todo', { id: 2, title: 'b' })).message).toMatch(
      /after its write had ended/,
    )
    expect(list(live)).toEqual([])
    await leak(false).stored
    expect(thrown(() => kept?.insert('todo', { id: 2, title: 'b' })).message).toMatch(
      /after its write had ended/,
    )
    expect(await db.query(titles)).toHaveLength(1)
  })

  test('an asynchronous write function is refused, writes nothing, and leaves no rejection behind', async () => {
    const { db } = await world()
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    onTestFinished(() => void process.off('unhandledRejection', unhandled))
    const run = async (tx: { insert(table: string, row: object): void }) => {
      tx.insert('todo', { id: 1, title: 'a' })
      await null
      tx.insert('todo', { id: 2, title: 'b' })
    }
    expect(thrown(() => db.write(run as never)).code).toBe('INVALID_VALUE')
    await turns(3)
    expect(unhandled).not.toHaveBeenCalled()
    expect(await db.query(count)).toEqual([{ n: 0 }])
  })

  test('after close every call says so', async () => {
    const { db } = await world()
    const { live } = await shown(db, titles)
    await db.close()
    await db.close()
    expect(db.connection).toEqual({ status: 'closed' })
    expect(thrown(() => db.insert('todo', { id: 1, title: 'a' })).code).toBe('CLOSED')
    expect(thrown(() => db.update('todo', 1, { title: 'a' })).code).toBe('CLOSED')
    expect(thrown(() => db.delete('todo', 1)).code).toBe('CLOSED')
    expect(thrown(() => db.write(() => {})).code).toBe('CLOSED')
    await expect(db.exec(sql`DELETE FROM todo`).catch(told)).resolves.toMatch(/CLOSED.*open it again/)
    await expect(db.query(titles).catch(told)).resolves.toMatch(/CLOSED/)
    await expect(db.export().catch(told)).resolves.toMatch(/CLOSED/)
    const again = db.live(count)
    again.subscribe(() => {})()
    expect(again.snapshot.error?.code).toBe('CLOSED')
    expect(() => live.subscribe(() => {})()).not.toThrow()
  })
})

describe('refused writes', () => {
  test.each<[string, (db: Database) => { stored: Promise<unknown> }, RegExp]>([
    [
      'UNIQUE',
      (db) => db.insert('todo', { id: 2, title: 'first' }),
      /insert into todo: UNIQUE.*todo\.title.*update that one/,
    ],
    ['a key that is there', (db) => db.insert('todo', { id: 1, title: 'b' }), /UNIQUE.*todo\.id/],
    ['NOT NULL', (db) => db.update('todo', 1, { title: null }), /update todo: NOT NULL.*todo\.title.*Give/],
    ['CHECK', (db) => db.update('todo', 1, { title: 'forbidden' }), /CHECK.*title <> 'forbidden'/],
    [
      'a missing row, update',
      (db) => db.update('todo', 9, { done: 1 }),
      /update the row of todo with the key 9.*none/,
    ],
    [
      'a missing row, delete',
      (db) => db.delete('member', ['a', 1]),
      /delete the row of member with the key a, 1.*none/,
    ],
    [
      'FOREIGN KEY',
      (db) => db.insert('member', { list: 'no', number: 1 }),
      /insert into member: FOREIGN KEY/,
    ],
    [
      'the second of two',
      (db) =>
        db.write((tx) => {
          tx.insert('todo', { id: 3, title: 'third' })
          tx.update('todo', 1, { title: 'forbidden' })
        }),
      /CHECK/,
    ],
  ])('%s: the view goes back, `stored` rejects, onRejected hears', async (_, write, message) => {
    const { db } = await world()
    const heard = hear(db)
    await db.insert('todo', { id: 1, title: 'first' }).stored
    const { live } = await shown(db, titles)
    const error = await write(db).stored.then(
      () => undefined,
      (refused: MillraceError) => refused,
    )
    expect(error).toBeInstanceOf(MillraceError)
    expect(error?.code).toBe('WRITE_REJECTED')
    expect(error?.message).toMatch(message)
    expect(heard).toEqual([error])
    expect(list(live)).toEqual(['1 first'])
    expect(live.snapshot.settling).toBe(false)
    await db.update('todo', 1, { title: 'on' }).stored
    expect(list(live)).toEqual(['1 on'])
  })

  test('later pending writes are predicted anew on what remains', async () => {
    const { db, ports } = await world()
    hear(db)
    await db.insert('todo', { id: 1, title: 'a' }).stored
    const { live, seen } = await shown(db, titles)
    ports.hold()
    const refused = db.update('todo', 1, { title: 'forbidden', done: 1 })
    const later = db.update('todo', 1, { done: 2 })
    const other = db.insert('todo', { id: 2, title: 'b' })
    expect(live.snapshot.data).toEqual([
      { id: 1, title: 'forbidden', done: 2 },
      { id: 2, title: 'b', done: 0 },
    ])
    seen.length = 0
    ports.release()
    await expect(refused.stored).rejects.toThrow(/CHECK/)
    await Promise.all([later.stored, other.stored])
    expect(seen.map(({ data }) => data)).toEqual([
      [
        { id: 1, title: 'a', done: 2 },
        { id: 2, title: 'b', done: 0 },
      ],
    ])
  })

  test('without a listener it is logged as an error, and nobody need await it', async () => {
    const { db } = await world()
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => log.mockRestore())
    db.insert('todo', { id: 1, title: 'forbidden' })
    await db.query(count)
    expect(log.mock.calls).toEqual([[expect.objectContaining({ code: 'WRITE_REJECTED' })]])
    const stop = db.onRejected(() => {})
    db.insert('todo', { id: 1, title: 'forbidden' })
    await db.query(count)
    expect(log).toHaveBeenCalledTimes(1)
    stop()
  })
})

describe('values', () => {
  test.each<[string, unknown, unknown?]>([
    ['2^31', 2 ** 31],
    ['-2^31 - 1', -(2 ** 31) - 1],
    ['2^53 - 1', 2 ** 53 - 1],
    ['2^53', 2n ** 53n],
    ['2^63 - 1', 2n ** 63n - 1n],
    ['-2^63', -(2n ** 63n)],
    ['a small bigint', 7n, 7],
    ['an empty blob', new Uint8Array()],
    ['a blob', new Uint8Array([0, 255, 1])],
    ['text with NUL', 'a\0b\0'],
    ['empty text', ''],
    ['emoji', '😀'],
    ['half a pair', 'a\ud83d', 'a\ufffd'],
    ['true', true, 1],
    ['false', false, 0],
    ['Infinity', Infinity],
    ['-Infinity', -Infinity],
    ['-0', -0, 0],
    ['1e300', 1e300],
    ['5e-324', 5e-324],
    ['null', null],
  ])('%s arrives as it left', async (_, value, expected = value) => {
    const { db } = await world()
    const { live } = await shown(db, sql<{ x: unknown }>`SELECT x FROM bag`)
    await db.insert('bag', { x: value }).stored
    expect(live.snapshot.data).toEqual([{ x: expected }])
    expect(await db.query(sql`SELECT x FROM bag`)).toEqual([{ x: expected }])
    expect(await db.query(sql`SELECT count(*) AS n FROM bag WHERE x IS ${value as string}`)).toEqual([
      { n: 1 },
    ])
    expect(await db.query(sql`SELECT ${value as string} AS x`)).toEqual([{ x: expected }])
  })

  test('columns left out or undefined get their default; names are those of the schema in any case', async () => {
    const { db } = await world()
    const { live } = await shown(db, titles)
    const write = db.insert('ToDo', { ID: 1, Title: 'a', done: undefined })
    expect(live.snapshot.data).toEqual([{ id: 1, title: 'a', done: 0 }])
    await write.stored
    expect(live.snapshot.data).toEqual([{ id: 1, title: 'a', done: 0 }])
  })
})

describe('writes', () => {
  test('several tables in one write show together and are stored together', async () => {
    const { db, engine } = await world()
    const lists = await shown(db, sql`SELECT name FROM list`)
    const members = await shown(db, sql`SELECT list, number FROM member ORDER BY list, number`)
    const { commits } = engine.counters
    const pairs: string[] = []
    const look = () => pairs.push(`${lists.live.snapshot.data.length} ${members.live.snapshot.data.length}`)
    lists.live.subscribe(look)
    members.live.subscribe(look)
    const write = db.write((tx) => {
      tx.insert('list', { name: 'a' })
      tx.insert('member', { list: 'a', number: 1 })
      tx.insert('member', { list: 'a', number: 2 })
      tx.exec(sql`INSERT INTO bag VALUES (${1})`)
    })
    expect(pairs).toEqual(['1 2', '1 2'])
    expect(await write.stored).toMatchObject({ changes: 4 })
    expect(engine.counters.commits).toBe(commits + 1)
    expect(new Set(pairs)).toEqual(new Set(['1 2']))
  })

  test('composite keys: an array in key order, or an object by column', async () => {
    const { db } = await world()
    const { live } = await shown(db, sql`SELECT number, note FROM member ORDER BY number`)
    db.insert('list', { name: 'a' })
    for (const number of [1, 2, 3]) db.insert('member', { list: 'a', number })
    db.update('member', ['a', 1], { note: 'array' })
    db.update('member', { number: 2, list: 'a' }, { note: 'object' })
    const last = db.delete('member', { list: 'a', number: 3 })
    const expected = [
      { number: 1, note: 'array' },
      { number: 2, note: 'object' },
    ]
    expect(live.snapshot.data).toEqual(expected)
    await last.stored
    expect(live.snapshot.data).toEqual(expected)
  })

  test('one notification per write, before it returns, and none when it settles; rows keep their identity', async () => {
    const { db } = await world()
    for (const id of [1, 2]) db.insert('todo', { id, title: `t${id}` })
    const { live, seen } = await shown(db, titles)
    const other = await shown(db, sql`SELECT name FROM list`)
    const [one, two] = live.snapshot.data
    const write = db.update('todo', 1, { done: 1 })
    expect(seen).toHaveLength(1)
    const predicted = live.snapshot
    await write.stored
    await turns(5)
    expect(seen).toEqual([predicted])
    expect(live.snapshot).toBe(predicted)
    expect(live.snapshot.data[0]).not.toBe(one)
    expect(live.snapshot.data[1]).toBe(two)
    expect(other.seen).toEqual([])

    // What changes nothing tells nobody, and an unchanged result keeps its array.
    const { data } = live.snapshot
    await db.update('todo', 1, { done: 1 }).stored
    await db.exec(sql`UPDATE todo SET done = done`)
    expect(live.snapshot.data).toBe(data)
  })

  test('several writes in one task are sent as one and settle in one', async () => {
    const { db, engine } = await world()
    const { commits } = engine.counters
    const writes = [1, 2, 3].map((id) => db.insert('todo', { id, title: `t${id}` }))
    await Promise.all(writes.map(({ stored }) => stored))
    expect(engine.counters.commits).toBe(commits + 1)
  })

  test('query sees the writes made before it', async () => {
    const { db } = await world()
    db.insert('todo', { id: 1, title: 'a' })
    expect(await db.query(count)).toEqual([{ n: 1 }])
  })
})

describe('live queries', () => {
  test('equal queries share one; without subscribers it stays warm for a moment, then leaves the engine', async () => {
    const { db, engine } = await world()
    const first = await shown(db, sql`SELECT * FROM todo WHERE done = ${0}`)
    const second = await shown(db, sql`SELECT * FROM todo WHERE done = ${0}`)
    const third = await shown(db, sql`SELECT * FROM todo WHERE done = ${1}`)
    expect(second.live.snapshot).toBe(first.live.snapshot)
    expect(engine.counters.liveQueries).toBe(2)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    first.stop()
    first.stop()
    await vi.advanceTimersByTimeAsync(5000)
    await turns(3)
    expect(engine.counters.liveQueries).toBe(2)
    second.stop()
    third.stop()
    await vi.advanceTimersByTimeAsync(500)
    await turns(3)
    expect(engine.counters.liveQueries).toBe(2)
    expect(first.live.snapshot.status).toBe('live')
    const again = second.live.subscribe(() => {})
    await vi.advanceTimersByTimeAsync(5000)
    await turns(3)
    expect(engine.counters.liveQueries).toBe(1)
    expect(second.live.snapshot.status).toBe('live')
    again()
    await vi.advanceTimersByTimeAsync(5000)
    await turns(3)
    expect(engine.counters.liveQueries).toBe(0)
    expect(second.live.snapshot).toMatchObject({ status: 'pending', data: [] })
  })

  test.each([
    ['1', '1 as text', 1, '1'],
    ['a bigint', 'its text', 2n ** 60n, String(2n ** 60n)],
    ['a blob', 'other bytes', new Uint8Array([1]), new Uint8Array([2])],
    ['Infinity', 'null', Infinity, null],
    ['Infinity', '-Infinity', Infinity, -Infinity],
  ])('%s and %s are different queries', async (_, __, one, other) => {
    const { db } = await world()
    const a = await shown(db, sql<{ x: unknown }>`SELECT ${one} AS x`)
    const b = await shown(db, sql<{ x: unknown }>`SELECT ${other} AS x`)
    expect(a.live.snapshot.data).toEqual([{ x: one }])
    expect(b.live.snapshot.data).toEqual([{ x: other }])
  })

  test('subscribe, unsubscribe, subscribe in one task is one subscription, and never calls back from within', async () => {
    const { db, engine } = await world()
    const live = db.live(titles)
    const listener = vi.fn()
    live.subscribe(listener)()
    live.subscribe(listener)
    live.subscribe(listener)
    expect(listener).not.toHaveBeenCalled()
    await expect.poll(() => live.snapshot.status).toBe('live')
    expect(listener).toHaveBeenCalledTimes(2)
    expect(engine.counters.liveQueries).toBe(1)
    const late = vi.fn()
    live.subscribe(late)
    await turns(3)
    expect(late).not.toHaveBeenCalled()
  })

  test('a listener that throws does not stop the others, nor the write', async () => {
    const { db } = await world()
    const { live, seen } = await shown(db, titles)
    const uncaught: unknown[] = []
    const queue = globalThis.queueMicrotask
    const spy = vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((run) =>
      queue(() => {
        try {
          run()
        } catch (error) {
          uncaught.push(error)
        }
      }),
    )
    onTestFinished(() => spy.mockRestore())
    live.subscribe(() => {
      throw new Error('of the app')
    })
    const last = vi.fn()
    live.subscribe(last)
    await db.insert('todo', { id: 1, title: 'a' }).stored
    expect(seen).toHaveLength(1)
    expect(last).toHaveBeenCalledTimes(1)
    expect(uncaught).toEqual([new Error('of the app')])
  })

  test('a listener may write and subscribe', async () => {
    const { db } = await world()
    const { live } = await shown(db, titles)
    const counted = db.live(count)
    live.subscribe(() => {
      if (live.snapshot.data.length === 1) db.insert('todo', { id: 2, title: 'b' })
      counted.subscribe(() => {})
    })
    await db.insert('todo', { id: 1, title: 'a' }).stored
    expect(list(live)).toEqual(['1 a', '2 b'])
    await expect.poll(() => counted.snapshot.data).toEqual([{ n: 2 }])
  })

  test('a listener that writes: every listener hears of each change in its order', async () => {
    const { db } = await world()
    const { live } = await shown(db, titles)
    const rows: unknown[] = []
    live.subscribe(() => {
      if (live.snapshot.data.length === 1) db.insert('todo', { id: 0, title: 'first' })
    })
    live.subscribe(({ edits, snapshot }) => {
      for (const edit of edits ?? []) {
        if (edit.type === 'insert') rows.splice(edit.index, 0, edit.row)
        else if (edit.type === 'remove') rows.splice(edit.index, 1)
        else rows[edit.index] = edit.row
      }
      expect(rows).toEqual(snapshot.data)
    })
    await db.insert('todo', { id: 1, title: 'second' }).stored
    expect(rows).toEqual(live.snapshot.data)
    expect(rows).toHaveLength(2)
  })

  test('a batch function that was given twice goes on after one undo', async () => {
    const { db } = await world()
    const { live } = await shown(db, titles)
    live.subscribe(() => {})
    let batches = 0
    const batch = (notify: () => void) => {
      batches++
      notify()
    }
    const undo = db.batchWith(batch)
    db.batchWith(batch)
    undo()
    await db.insert('todo', { id: 1, title: 'a' }).stored
    expect(batches).toBe(1)
  })

  test.each([
    ['json', sql`SELECT json(x) AS j FROM bag ORDER BY rowid`, 'x'],
    ['an overflow', sql`SELECT sum(x) AS s FROM bag`, 2n ** 63n - 1n],
  ])(
    '%s: an error at run time shows with the rows of before, and goes with its cause',
    async (_, query, bad) => {
      const { db } = await world()
      await db.insert('bag', { x: 1 }).stored
      const { live } = await shown(db, query)
      const before = live.snapshot
      expect(before.status).toBe('live')
      await db.exec(sql`INSERT INTO bag VALUES (${bad})`)
      expect(live.snapshot).toMatchObject({ status: 'error', error: { code: 'INVALID_SQL' } })
      expect(live.snapshot.data).toBe(before.data)
      await db.exec(sql`DELETE FROM bag WHERE x = ${bad}`)
      expect(live.snapshot).toMatchObject({ status: 'live', error: undefined, data: before.data })
    },
  )

  test('every snapshot of every subscriber shows list and count at one version', async () => {
    const { db, engine } = await world()
    const rows = await shown(db, titles)
    const counted = await shown(db, count)
    const joined = await shown(
      db,
      sql<{ n: number }>`SELECT (SELECT count(*) FROM todo) AS n, name FROM list`,
    )
    const pairs: string[] = []
    const look = () =>
      pairs.push([rows.live.snapshot.data.length, counted.live.snapshot.data[0]?.n].join(' '))
    for (const { live } of [rows, counted, joined]) live.subscribe(look)
    let batches = 0
    db.batchWith((notify) => {
      batches++
      const before = pairs.length
      notify()
      expect(new Set(pairs.slice(before)).size).toBe(1)
    })
    for (let id = 1; id <= 20; id++) {
      // From elsewhere, and from here.
      if (id % 2 === 0) engine.write([{ type: 'insert', table: 'todo', row: { id, title: `t${id}` } }])
      else db.insert('todo', { id, title: `t${id}` })
      if (id % 5 === 0) db.exec(sql`DELETE FROM todo WHERE id = ${id - 1}`)
      await turns(id % 3)
    }
    await db.query(count)
    await turns(3)
    expect(rows.live.snapshot.data).toHaveLength(16)
    expect(pairs.length).toBeGreaterThan(batches)
    expect(pairs.filter((pair) => !/^(\d+) \1$/.test(pair))).toEqual([])
  })
})

describe('lost ports', () => {
  test('a write without an answer is sent again and applied once', async () => {
    const { db, ports } = await world()
    await db.insert('list', { name: 'a' }).stored
    const { live } = await shown(db, sql`SELECT n FROM list`)
    for (const steps of [0, 1, 2, 3, 4]) {
      ports.hold()
      const write = db.exec(sql`UPDATE list SET n = n + 1`)
      await turns(2)
      for (let i = 0; i < steps; i++) {
        ports.step()
        await turns(3)
      }
      ports.lose()
      expect(await write).toMatchObject({ changes: 1 })
      // What could not be predicted shows when the live query has its rows again.
      await vi.waitFor(() => expect(live.snapshot.settling).toBe(false))
      expect(live.snapshot.data).toEqual([{ n: steps + 1 }])
    }
  })

  test('writes are answered before live queries have their rows again, and show all the while', async () => {
    const engine = enginePort({ schema })
    let connections = 0
    const subscribed: (() => void)[] = []
    const ports = new UnsteadyPorts({
      ...source(async () => {
        const port = await engine.connect()
        connections++
        if (connections === 1) return port
        // The new owner is long about the rows.
        const held = new Promise<void>((resolve) => subscribed.push(resolve))
        const subscribe: typeof port.calls.subscribe = (...query) =>
          held.then(() => port.calls.subscribe(...query))
        return { ...port, calls: { ...port.calls, subscribe } }
      }),
    })
    const db = await open({ port: ports })
    onTestFinished(() => db.close())
    const heard = hear(db)
    const { live, seen } = await shown(db, titles)
    ports.hold()
    const ended: string[] = []
    const tell = (what: string, { stored }: Write) =>
      stored.then(
        () => ended.push(`${what} stored`),
        () => ended.push(`${what} rejected`),
      )
    tell('a', db.insert('todo', { id: 1, title: 'a' }))
    tell('same key', db.insert('todo', { id: 1, title: 'b' }))
    await turns(2)
    ports.lose()
    await vi.waitFor(() => expect(ended).toEqual(['a stored', 'same key rejected']))
    expect(heard.map(({ code }) => code)).toEqual(['WRITE_REJECTED'])
    tell('c', db.insert('todo', { id: 3, title: 'c' }))
    await vi.waitFor(() => expect(ended).toHaveLength(3))
    expect(db.pending.writes).toBe(0)
    expect(list(live)).toEqual(['1 a', '3 c'])
    // And once more, with an answer that only the lost port gave.
    ports.lose()
    await vi.waitFor(() => expect(subscribed).toHaveLength(2))
    expect(list(live)).toEqual(['1 a', '3 c'])
    ;(await engine.engine).write([{ type: 'delete', table: 'todo', key: [3] }])
    for (const go of subscribed) go()
    await vi.waitFor(() => expect(list(live)).toEqual(['1 a']))
    expect(live.snapshot.settling).toBe(false)
    expect(seen.map(({ data }) => data.map(({ id }) => id).join())).toEqual(
      expect.not.arrayContaining(['', '3']),
    )
  })

  test('live queries are renewed without going back, and keep their rows', async () => {
    const { db, ports, engine } = await world()
    await db.insert('todo', { id: 1, title: 'a' }).stored
    const { live, seen } = await shown(db, titles)
    const [kept] = live.snapshot.data
    ports.hold()
    const write = db.insert('todo', { id: 2, title: 'b' })
    await turns(2)
    const states: string[] = []
    db.onConnection(({ status }) => states.push(status))
    ports.lose()
    engine.write([{ type: 'insert', table: 'todo', row: { id: 3, title: 'c' } }])
    await write.stored
    await turns(5)
    expect(states).toEqual(['connecting', 'connected'])
    expect(seen.map(({ status, data }) => `${status} ${data.map(({ id }) => id).join()}`)).toEqual([
      'live 1,2',
      'live 1,2,3',
    ])
    expect(live.snapshot.data[0]).toBe(kept)
    expect(engine.counters.liveQueries).toBe(1)
  })

  test('calls in flight are made again', async () => {
    const { db, ports } = await world()
    ports.hold()
    const asked = db.query(count)
    const file = db.export()
    await turns(2)
    ports.lose()
    expect(await asked).toEqual([{ n: 0 }])
    expect(new TextDecoder().decode((await file).slice(0, 15))).toBe('SQLite format 3')
  })

  test('a change that comes between the renewal of two queries is not missed', async () => {
    const engine = enginePort({ schema })
    const ports = new UnsteadyPorts(engine)
    let held = false
    const db = await open({
      port: source(async () => {
        const port = await ports.connect()
        if (held) ports.hold()
        return port
      }),
    })
    onTestFinished(async () => {
      ports.release()
      await db.close()
    })
    held = true
    ports.lose()
    // Without rows yet, of a table without rows.
    const first = db.live(titles)
    const second = db.live(count)
    first.subscribe(() => {})
    second.subscribe(() => {})
    const stepOnce = async () => {
      ports.step()
      await turns(3)
    }
    await turns(3)
    // hello and its answer, then the first of the two.
    for (let i = 0; i < 3; i++) await stepOnce()
    expect((await engine.engine).counters.liveQueries).toBe(1)
    ;(await engine.engine).write([{ type: 'insert', table: 'todo', row: { id: 1, title: 'a' } }])
    await turns(3)
    ports.release()
    await expect.poll(() => second.snapshot.status).toBe('live')
    expect(second.snapshot.data).toEqual([{ n: 1 }])
    expect(list(first)).toEqual(['1 a'])
  })
})

/** A source that gives the ports that `connect` does; errors pass, unless they are `INVALID_SCHEMA`. */
function source(connect: () => Promise<Port>, closed: () => void = () => {}): PortSource {
  return {
    connect,
    permanent: ({ code }) => code === 'INVALID_SCHEMA',
    close: async () => closed(),
  }
}

describe('open and close', () => {
  test('a permanent error: open rejects with it, and lets go of the source', async () => {
    const closed = vi.fn()
    const error = new MillraceError('INVALID_SCHEMA', 'No.')
    await expect(open({ port: source(() => Promise.reject(error), closed) })).rejects.toBe(error)
    expect(closed).toHaveBeenCalledTimes(1)
    await expect(open({ port: enginePort({ schema: 'CREATE TABEL t (id)' }) }).catch(told)).resolves.toMatch(
      /INVALID_SCHEMA/,
    )
  })

  test('a permanent error later: everything hears of it', async () => {
    const closed = vi.fn()
    const engine = enginePort({ schema })
    const ports = new UnsteadyPorts(engine)
    const error = new MillraceError('INVALID_SCHEMA', 'Another version has changed it.')
    let attempts = 0
    const db = await open({
      port: source(() => (attempts++ === 0 ? ports.connect() : Promise.reject(error)), closed),
    })
    const heard = hear(db)
    const { live } = await shown(db, titles)
    ports.hold()
    const write = db.insert('todo', { id: 1, title: 'a' })
    const asked = db.query(count)
    ports.lose()
    await expect(asked).rejects.toBe(error)
    await expect(write.stored).rejects.toBe(error)
    expect(heard).toEqual([error])
    expect(live.snapshot).toMatchObject({ status: 'error', error, data: [] })
    await expect(db.query(count)).rejects.toBe(error)
    await db.close()
    expect(closed).toHaveBeenCalledTimes(1)
  })

  test('a passing error: open waits and succeeds', async () => {
    const engine = enginePort({ schema })
    let attempts = 0
    const failing = () => Promise.reject(new MillraceError('OWNER_LOST', 'Not yet.'))
    const db = await open({ port: source(() => (attempts++ < 2 ? failing() : engine.connect())) })
    expect(attempts).toBe(3)
    expect(db.connection).toEqual({ status: 'connected' })
    expect(db.storage.type).toBe('memory')
    await db.close()
  })

  const failing = (code: ErrorCode) => () => Promise.reject(new MillraceError(code, 'This is why.'))

  test.each<[string, () => Promise<Port>, RegExp]>([
    ['nobody answers', () => new Promise(() => {}), /^OWNER_LOST: .*did not answer within 100 ms/],
    ['an attempt fails', failing('OWNER_LOST'), /^OWNER_LOST: This is why/],
    ['what is missing fails', failing('WORKER_LOST'), /^WORKER_LOST: This is why/],
  ])('%s: open says why, in time', async (_, connect, why) => {
    const closed = vi.fn()
    const error: MillraceError = await open({ port: source(connect, closed), timeout: 100 }).catch((e) => e)
    expect(told(error)).toMatch(why)
    expect(closed).toHaveBeenCalledTimes(1)
  })

  test.each<ErrorCode>(['STORAGE_FULL', 'STORAGE_FAILED', 'WORKER_LOST', 'ENGINE_LOST', 'INTERNAL'])(
    '%s may stay: open is tried three times, and does not wait until time is up',
    async (code) => {
      let attempts = 0
      const connect = () => {
        attempts++
        return failing(code)()
      }
      const error: MillraceError = await open({ port: source(connect), timeout: 1e9 }).catch((e) => e)
      expect([told(error), attempts]).toEqual([`${code}: This is why.`, 3])
    },
  )

  test('close waits for the writes', async () => {
    const engine = enginePort({ schema })
    const db = await open({ port: { ...source(engine.connect) } })
    const write = db.insert('todo', { id: 1, title: 'a' })
    await db.close()
    await write.stored
    expect((await engine.engine).query('SELECT count(*) FROM todo').rows).toEqual([[1]])
    expect((await engine.engine).counters.liveQueries).toBe(0)
  })

  test('close is bounded, and everything that waits rejects with CLOSED', async () => {
    const { db, ports } = await world()
    const { live } = await shown(db, titles)
    const heard = hear(db)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    ports.hold()
    const write = db.insert('todo', { id: 1, title: 'a' })
    const waiting = [write.stored, db.exec(sql`DELETE FROM todo`), db.query(count), db.export()].map(
      (promise) =>
        promise.then(
          () => 'settled',
          (error: MillraceError) => error.code,
        ),
    )
    const closed = db.close()
    expect(thrown(() => db.insert('todo', { id: 2, title: 'b' })).code).toBe('CLOSED')
    expect(list(live)).toEqual(['1 a'])
    await vi.advanceTimersByTimeAsync(15_000)
    await closed
    expect(await Promise.all(waiting)).toEqual(['CLOSED', 'CLOSED', 'CLOSED', 'CLOSED'])
    expect(heard.map(({ code }) => code)).toEqual(['CLOSED', 'CLOSED'])
  })

  test('close while there is no port is bounded too', async () => {
    const engine = enginePort({ schema })
    const ports = new UnsteadyPorts(engine)
    let attempts = 0
    const db = await open({
      port: source(() => (attempts++ === 0 ? ports.connect() : new Promise<Port>(() => {}))),
    })
    hear(db)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    ports.lose()
    await turns(3)
    expect(db.connection).toMatchObject({ status: 'connecting', error: { code: 'OWNER_LOST' } })
    const write = db.insert('todo', { id: 1, title: 'a' })
    const asked = db.query(count)
    const refused = Promise.all([
      expect(write.stored).rejects.toMatchObject({ code: 'CLOSED' }),
      // A call waits ten seconds for a port by itself.
      expect(asked).rejects.toMatchObject({ code: 'OWNER_LOST' }),
    ])
    const closed = db.close()
    await vi.advanceTimersByTimeAsync(15_000)
    await closed
    await refused
  })
})

describe('a live query with options', () => {
  const endless = sql<{ n: number }>`
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE (SELECT count(*) FROM todo) < 3)
    SELECT count(*) AS n FROM n`

  test('is in error while a run takes longer than its time, and recovers', async () => {
    const { db } = await world()
    const { live } = await shown(db, count)
    const slow = db.live(endless, { timeout: 20 })
    onTestFinished(slow.subscribe(() => {}))
    await expect.poll(() => slow.snapshot.status).toBe('error')
    expect(slow.snapshot.error?.code).toBe('TIMEOUT')
    // The query of that time limit is another one.
    expect(db.live(endless).snapshot.status).toBe('pending')
    for (let id = 1; id <= 6; id++) await db.insert('todo', { id, title: `title ${id}` }).stored
    await expect.poll(() => slow.snapshot.data).toEqual([{ n: 1 }])
    expect(live.snapshot.data).toEqual([{ n: 6 }])
  })

  test('is heard of until its signal aborts', async () => {
    const { db, engine } = await world()
    const controller = new AbortController()
    const live = db.live(count, { signal: controller.signal })
    let heard = 0
    const stop = live.subscribe(() => heard++)
    await expect.poll(() => live.snapshot.data).toEqual([{ n: 0 }])
    const before = heard
    controller.abort()
    db.insert('todo', { id: 1, title: 'not heard of' })
    await turns(5)
    expect(heard).toBe(before)
    stop()
    expect(live.subscribe(() => heard++)).toBeInstanceOf(Function)
    await expect.poll(() => engine.counters.liveQueries, { timeout: 30_000 }).toBe(0)
    expect(heard).toBe(before)
  })

  test('takes no time limit that is none', async () => {
    const { db } = await world()
    expect(told(thrown(() => db.live(count, { timeout: -1 })))).toMatch(/^INVALID_VALUE: .*-1/)
  })
})
