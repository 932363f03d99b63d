import { openEngine } from '@millrace/engine/node'
import type { MillraceError } from '@millrace/protocol'
import { expect, test } from 'vitest'

const SCHEMA = 'CREATE TABLE note (id INTEGER PRIMARY KEY NOT NULL, text TEXT, data BLOB)'

/** Overflows the stack of the WebAssembly: each view of the next, ten thousand deep. */
const FATAL = `WITH v0 AS (SELECT 1 AS x)${Array.from({ length: 10_000 }, (_, i) => `, v${i + 1} AS (SELECT x FROM v${i})`).join('')} SELECT x FROM v10000`

function thrown(call: () => unknown): MillraceError {
  try {
    call()
  } catch (error) {
    return error as MillraceError
  }
  throw new Error('nothing was thrown')
}

test('an exception out of the WebAssembly: the call has ENGINE_LOST, and nothing more is run', async () => {
  const engine = await openEngine({ schema: SCHEMA })
  engine.write([{ type: 'insert', table: 'note', row: { id: 1, text: 'kept' } }])
  const first = thrown(() => engine.query(FATAL))
  expect(first.code).toBe('ENGINE_LOST')
  expect(String(first.cause)).toMatch(/RangeError|RuntimeError/)
  expect(engine.failure).toBe(first)
  expect(await engine.lost).toBe(first)

  const { statementsRun } = engine.counters
  const later = [
    () => engine.query('SELECT 1'),
    () => engine.write([{ type: 'insert', table: 'note', row: { id: 2 } }]),
    () => engine.subscribe('SELECT * FROM note', [], () => {}),
    () => engine.merge([]),
    () => engine.changesSince(0),
    () => engine.export(),
  ].map(thrown)
  expect(later.map(({ code }) => code)).toEqual(later.map(() => 'ENGINE_LOST'))
  // Another error, by which it is known that they are not what SQLite failed in.
  expect(later).not.toContain(first)
  expect(engine.counters.statementsRun).toBe(statementsRun)
  engine.close()
})

test('a write, a live query: the same', async () => {
  const write = await openEngine({ schema: SCHEMA })
  const fatal = { type: 'exec', sql: `INSERT INTO note (text) ${FATAL}`, parameters: [] } as const
  expect(thrown(() => write.write([fatal])).code).toBe('ENGINE_LOST')
  expect(thrown(() => write.query('SELECT 1')).code).toBe('ENGINE_LOST')
  write.close()

  const live = await openEngine({ schema: SCHEMA })
  expect(thrown(() => live.subscribe(FATAL, [], () => {})).code).toBe('ENGINE_LOST')
  live.close()
})

test('no memory for a parameter: OUT_OF_MEMORY, nothing is overwritten, and data in memory stays', async () => {
  const engine = await openEngine({ schema: SCHEMA })
  engine.write([{ type: 'insert', table: 'note', row: { id: 1, text: 'kept' } }])
  const text = 'A'.repeat(300e6)
  const big = [text, `${text}b`, new Uint8Array(400e6)]
  expect(thrown(() => engine.query('SELECT length(?), length(?), length(?)', big)).code).toBe('OUT_OF_MEMORY')
  expect(engine.failure).toBeUndefined()
  expect(engine.query('SELECT * FROM note').rows).toEqual([[1, 'kept', null]])
  engine.close()
}, 60_000)

test('a value longer than a string can be is refused', async () => {
  const engine = await openEngine({ schema: SCHEMA })
  expect(thrown(() => engine.query('SELECT length(zeroblob(0x1fffffe9))')).code).toBe('INVALID_SQL')
  expect(engine.query('SELECT length(zeroblob(0x1fffffe8))').rows).toEqual([[0x1fffffe8]])
  engine.close()
})

test('a list too long for the compiler is live by running again', async () => {
  const engine = await openEngine({ schema: SCHEMA })
  engine.write([{ type: 'insert', table: 'note', row: { id: 1, text: 'kept' } }])
  let rows: unknown
  engine.subscribe(`SELECT id FROM note WHERE id IN (${'1,'.repeat(20_000)}1)`, [], (change) => {
    if (change.type === 'rows') rows = change.rows
  })
  expect(rows).toEqual([[1]])
  engine.close()
})
