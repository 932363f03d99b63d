import { type ClientId, PROTOCOL_VERSION, type QueryId, type WriteId } from '@millrace/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Engine, LiveChange, Reader } from '../src/index.ts'
import { openEngine } from '../src/node.ts'

const ENDLESS = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n'
/** Takes about as many steps as the square of the rows. */
const PAIRS = 'SELECT count(*) AS n FROM item a, item b WHERE a.x + b.x > -1 AND random() IS NOT NULL'

let engine: Engine
beforeEach(async () => {
  engine = await openEngine({
    schema: 'CREATE TABLE item (id INTEGER PRIMARY KEY NOT NULL, x INTEGER)',
    limits: { query: 500_000, live: 500_000, write: 2_000_000 },
  })
})
afterEach(() => engine.close())

const exec = (sql: string) => engine.write([{ type: 'exec', sql, parameters: [] }])
const fill = (count: number) =>
  exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
    INSERT INTO item (x) SELECT i FROM n`)

test('a query without an end is interrupted, says so, and the engine goes on', () => {
  expect(() => engine.query(ENDLESS)).toThrow(expect.objectContaining({ code: 'TIMEOUT' }))
  expect(engine.query('SELECT 1').rows).toEqual([[1]])
  // The next has a limit of its own.
  fill(1000)
  for (let i = 0; i < 5; i++) expect(engine.query('SELECT count(*) FROM item').rows).toEqual([[1000]])
})

test('a query is interrupted when its time is over, and the watch ends with it', async () => {
  const patient = await openEngine({ schema: 'CREATE TABLE item (x)' })
  expect(() => patient.query(ENDLESS, [], 20)).toThrow(expect.objectContaining({ code: 'TIMEOUT' }))
  const counted = ENDLESS.replace('FROM n)', 'FROM n WHERE i < 2000000)')
  expect(patient.query(counted).rows).toEqual([[2_000_000]])
  patient.close()
})

test('a write without an end is interrupted, and nothing of it is stored', () => {
  const endless =
    'INSERT INTO item (x) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n'
  expect(() => exec(endless)).toThrow(expect.objectContaining({ code: 'TIMEOUT' }))
  expect(engine.query('SELECT count(*) FROM item').rows).toEqual([[0]])
  fill(3)
})

test('writes that are long together, but not each by itself, are all stored', async () => {
  const calls = engine.connect(() => {})
  await calls.hello({ protocol: PROTOCOL_VERSION, client: 'one' as ClientId })
  const long = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
    INSERT INTO item (x) SELECT count(*) FROM n`
  const operations = [{ type: 'exec', sql: long, parameters: [] }] as const
  await calls.write(
    [1, 2, 3, 4].map((id) => ({ id: id as WriteId, operations })),
    0 as WriteId,
  )
  engine.countSteps(true)
  engine.flush()
  // Else this test would prove nothing.
  expect(engine.counters.vmSteps).toBeGreaterThan(2_000_000)
  expect(engine.query('SELECT x FROM item').rows).toEqual(Array(4).fill([60_000]))
})

test('a live query over its limit says so, rests, and recovers', () => {
  const heard: LiveChange[] = []
  engine.subscribe(PAIRS, [], (change) => heard.push(change))
  fill(2000)
  expect(heard.at(-1)).toMatchObject({ type: 'error', error: { code: 'TIMEOUT' } })
  engine.countSteps(true)
  const costs = Array.from({ length: 16 }, () => {
    const before = engine.counters.vmSteps
    exec('UPDATE item SET x = x + 1 WHERE id = 1')
    return engine.counters.vmSteps - before
  })
  // Tried again after one commit, then after three more, then after seven.
  expect(costs.flatMap((cost, i) => (cost > 400_000 ? [i] : []))).toEqual([1, 5, 13])
  exec('DELETE FROM item WHERE id > 10')
  for (let i = 0; i < 20; i++) exec('UPDATE item SET x = x + 1 WHERE id = 1')
  expect(heard.at(-1)).toMatchObject({ type: 'rows', rows: [[100]] })
})

test('a query whose turn has not come is dropped when it is cancelled, or its client ends', async () => {
  const calls = engine.connect(() => {})
  await calls.hello({
    protocol: PROTOCOL_VERSION,
    client: 'one' as ClientId,
  })
  const ids = [1, 2, 3, 4] as QueryId[]
  const before = engine.counters.statementsRun
  const answers = ids.map((id) =>
    calls.query(id, `SELECT ${id}`, []).then(
      ({ rows }) => rows[0]?.[0],
      ({ code }) => code,
    ),
  )
  void calls.cancel(2 as QueryId)
  void calls.write(
    [{ id: 1 as WriteId, operations: [{ type: 'insert', table: 'item', row: { x: 1 } }] }],
    0 as WriteId,
  )
  expect(await Promise.all([answers[0], answers[1]])).toEqual([1, 'ABORTED'])
  await answers[2]
  void calls.close()
  expect(await Promise.all(answers)).toEqual([1, 'ABORTED', 3, expect.anything()])
  expect(engine.counters.statementsRun).toBeGreaterThan(before)
})

test('a query of a client that is long goes on in the reader, and a short one does not', async () => {
  const asked: string[] = []
  const reader: Reader = {
    async query(sql, _parameters, { timeout }) {
      asked.push(sql)
      // Where there can be none, the engine runs it to its own limit.
      return timeout === Number.POSITIVE_INFINITY ? { columns: ['from'], rows: [['reader']] } : null
    },
  }
  const beside = await openEngine({
    schema: 'CREATE TABLE item (x)',
    reader,
    limits: { short: 500_000, query: 3_000_000 },
  })
  const calls = beside.connect(() => {})
  const count = (n: number) => ENDLESS.replace('FROM n)', `FROM n WHERE i < ${n})`)
  const rowsOf = async (sql: string, timeout?: number) =>
    (await calls.query(next++ as QueryId, sql, [], timeout)).rows
  let next = 1
  expect(await rowsOf(count(1000))).toEqual([[1000]])
  expect(asked).toEqual([])
  expect(await rowsOf(count(100_000))).toEqual([['reader']])
  expect(await rowsOf(count(100_000), 60_000)).toEqual([[100_000]])
  await expect(rowsOf(ENDLESS, 60_000)).rejects.toMatchObject({ code: 'TIMEOUT' })
  expect(asked).toHaveLength(3)
  // Its time was over before the reader was asked.
  await expect(rowsOf(ENDLESS, 0)).rejects.toMatchObject({ code: 'TIMEOUT' })
  expect(asked).toHaveLength(3)
  beside.close()
})

test('what waits for the reader ends with its client, or when it is taken back', async () => {
  const signals: AbortSignal[] = []
  const reader: Reader = {
    query: (_sql, _parameters, { signal }) => {
      signals.push(signal)
      return new Promise(() => {})
    },
  }
  const beside = await openEngine({ schema: 'CREATE TABLE item (x)', reader, limits: { short: 500_000 } })
  const calls = beside.connect(() => {})
  const takenBack = calls.query(1 as QueryId, ENDLESS, [])
  await Promise.resolve()
  await calls.cancel(1 as QueryId)
  await expect(takenBack).rejects.toMatchObject({ code: 'ABORTED' })
  const closed = calls.query(2 as QueryId, ENDLESS, [])
  await new Promise(setImmediate)
  await calls.close()
  await expect(closed).rejects.toMatchObject({ code: 'CLOSED' })
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
  beside.close()
})
