import {
  type ClientId,
  type Durability,
  type EngineMessage,
  PROTOCOL_VERSION,
  type WriteId,
} from '@millrace/protocol'
import { expect, test } from 'vitest'
import { FaultyDisk, generator } from './faulty-disk.ts'
import { LegacyVfs } from './legacy-vfs.ts'
import { abandon, codeOf, open, sqlite } from './opened.ts'

const SCHEMA = "CREATE TABLE item (id INTEGER PRIMARY KEY NOT NULL, text TEXT); SELECT crsql_as_crr('item')"
const LEGACY = 'PRAGMA temp_store = memory; PRAGMA locking_mode = exclusive; PRAGMA journal_mode = truncate;'

const items = (engine: ReturnType<typeof open>['engine']) =>
  engine.query('SELECT id FROM item ORDER BY id').rows
const insert = (id: number) => ({ type: 'insert', table: 'item', row: { id, text: `item ${id}` } }) as const

test('a database is made, opened and written with the fewest writes and flushes', () => {
  const files = new FaultyDisk(generator(1))
  const first = open(files, SCHEMA, 'strict')
  // The beginning of the log, and all that makes the database.
  expect(files.takeCounts()).toEqual({ writes: 2, flushes: 2 })
  first.engine.write([insert(1)])
  expect(files.takeCounts()).toEqual({ writes: 1, flushes: 1 })
  abandon(first.engine)

  const relaxed = open(files, SCHEMA, 'relaxed')
  relaxed.engine.write([insert(2)])
  relaxed.engine.write([insert(3)])
  expect(files.takeCounts()).toEqual({ writes: 2, flushes: 0 })
  relaxed.engine.sync()
  relaxed.engine.sync()
  expect(files.takeCounts()).toEqual({ writes: 0, flushes: 1 })
  abandon(relaxed.engine)

  const second = open(files, SCHEMA, 'strict')
  expect(items(second.engine)).toEqual([[1], [2], [3]])
  expect(files.takeCounts()).toEqual({ writes: 0, flushes: 0 })
  abandon(second.engine)
  second.disk.close()
  files.takeCounts()
  expect(files.found('main')?.getSize()).toBeGreaterThan(4096)

  const third = open(files, SCHEMA, 'strict')
  expect(items(third.engine)).toEqual([[1], [2], [3]])
  expect(files.takeCounts()).toEqual({ writes: 0, flushes: 0 })
  abandon(third.engine)
})

test('one strict write makes its group strict, and what was relaxed before it', async () => {
  const files = new FaultyDisk(generator(1))
  const { engine } = open(files, SCHEMA, 'relaxed')
  const calls = engine.connect(() => {})
  await calls.hello({ protocol: PROTOCOL_VERSION, client: 'one' as ClientId })
  const write = (id: number, durability?: Durability) =>
    calls.write(
      [{ id: id as WriteId, operations: [insert(id)], ...(durability === undefined ? {} : { durability }) }],
      0 as WriteId,
    )
  files.takeCounts()
  await write(1)
  engine.flush()
  expect(files.takeCounts()).toEqual({ writes: 1, flushes: 0 })
  await Promise.all([write(2), write(3, 'strict')])
  engine.flush()
  expect(files.takeCounts()).toEqual({ writes: 1, flushes: 1 })
  await calls.flush()
  expect(files.takeCounts()).toEqual({ writes: 0, flushes: 0 })
  abandon(engine)
})

test.each(['fail', 'fail late'] as const)(
  'a write that a disk hides the end of is not answered, and applied once when it is sent again: %s',
  async (fault) => {
    const files = new FaultyDisk(generator(1))
    const send = async ({ engine }: ReturnType<typeof open>) => {
      const messages: EngineMessage[] = []
      const calls = engine.connect((message) => messages.push(message))
      await calls.hello({ protocol: PROTOCOL_VERSION, client: 'one' as ClientId })
      await calls.write([{ id: 1 as WriteId, operations: [insert(1)] }], 0 as WriteId)
      engine.flush()
      return messages
    }
    const first = open(files, SCHEMA, 'strict')
    files.failAfter(0, fault)
    expect(await send(first)).toEqual([])
    abandon(first.engine)
    files.heal()
    const second = open(files, SCHEMA, 'strict')
    expect(await send(second)).toMatchObject([{ type: 'commit', settled: [{ id: 1 }], rejected: [] }])
    expect(items(second.engine)).toEqual([[1]])
    abandon(second.engine)
  },
)

test('each opening that stores something has a version of its own', () => {
  const files = new FaultyDisk(generator(1))
  const epochs = [1, 2, 3].map((id) => {
    const { engine } = open(files, SCHEMA, 'strict')
    if (id !== 2) engine.write([insert(id)])
    abandon(engine)
    return engine.version.epoch
  })
  expect(epochs).toEqual([1, 2, 2])
})

test('a schema that is refused leaves the file as it was', () => {
  const files = new FaultyDisk(generator(1))
  const refused = 'CREATE TABLE item (id INTEGER); CREATE TABLE bad (x INTEGER CHECK (nothing(x)))'
  expect(() => open(files, refused, 'strict')).toThrow()
  expect(files.takeCounts()).toEqual({ writes: 0, flushes: 0 })
})

test('a file that was cut or emptied from outside is not opened as a new one', () => {
  const files = new FaultyDisk(generator(1))
  const { engine, disk } = open(files, SCHEMA, 'strict')
  engine.write([insert(1)])
  abandon(engine)
  disk.close()
  files.file('main').truncate(0)
  let code = 'opened'
  try {
    open(files, SCHEMA, 'strict')
  } catch (error) {
    code = codeOf(error)
  }
  expect(code).toBe('STORAGE_FAILED')
})

/** What a version without a log leaves when its process ends at one of its operations. */
function legacy(at: number): { readonly files: FaultyDisk; readonly acknowledged: number } {
  const files = new FaultyDisk(generator(at), { kind: 'stop', at })
  const vfs = new LegacyVfs(`legacy-${at}`, files)
  sqlite.registerVfs(vfs)
  let acknowledged = 0
  try {
    const connection = sqlite.open('main.db', { vfs: vfs.name })
    try {
      connection.exec(LEGACY)
      connection.exec('CREATE TABLE item (id INTEGER PRIMARY KEY NOT NULL, text TEXT)')
      connection.exec("SELECT crsql_as_crr('item')")
      for (let id = 1; id <= 3; id++) {
        connection.exec(`INSERT INTO item VALUES (${id}, 'item ${id}')`)
        acknowledged = id
      }
      connection.exec('SELECT crsql_finalize()')
    } finally {
      connection.close()
    }
  } catch {
    // Here its process ended.
  }
  files.heal()
  return { files, acknowledged }
}

test('what a version without a log left behind, wherever it was interrupted, is opened with all its rows', () => {
  const { files: whole } = legacy(Number.POSITIVE_INFINITY)
  let halfMade = 0
  for (let at = 0; at < whole.operations; at++) {
    const { files, acknowledged } = legacy(at)
    try {
      new LegacyProbe(files, at).open()
    } catch (error) {
      if (/version 0/.test(String(error))) halfMade++
    }
    const { engine, disk } = open(files, SCHEMA, 'strict')
    const stored = items(engine).length
    expect(stored, `ended at ${at}`).toBeGreaterThanOrEqual(acknowledged)
    engine.write([insert(9)])
    expect(items(engine)).toHaveLength(stored + 1)
    expect(engine.query('SELECT integrity_check FROM pragma_integrity_check').rows).toEqual([['ok']])
    abandon(engine)
    disk.close()
    expect(files.found('journal')?.getSize() ?? 0).toBe(0)
    const again = open(files, SCHEMA, 'strict')
    expect(items(again.engine)).toHaveLength(stored + 1)
    abandon(again.engine)
  }
  // Else this test would prove nothing.
  expect(halfMade).toBeGreaterThan(5)
}, 300_000)

/** Opens a copy as a version without a log did. */
class LegacyProbe {
  readonly #vfs: LegacyVfs

  constructor(files: FaultyDisk, at: number) {
    const copy = new FaultyDisk(generator(0))
    for (const name of ['main', 'journal']) {
      const content = new Uint8Array(files.found(name)?.getSize() ?? 0)
      files.found(name)?.read(content, { at: 0 })
      copy.file(name).write(content, { at: 0 })
    }
    this.#vfs = new LegacyVfs(`probe-${at}`, copy)
    sqlite.registerVfs(this.#vfs)
  }

  open(): void {
    sqlite.open('main.db', { vfs: this.#vfs.name }).close()
  }
}

test.each([
  ['a file of something else', 'This is no database'],
  ['a file that begins like one', 'SQLite format 3\0'],
])('%s is refused as STORAGE_FAILED, and left as it is', (_, text) => {
  const files = new FaultyDisk(generator(1))
  const content = new TextEncoder().encode(text.padEnd(8192, '.'))
  files.file('main').write(content, { at: 0 })
  const attempt = () => {
    try {
      return open(files, SCHEMA, 'strict')
    } catch (error) {
      return codeOf(error)
    }
  }
  expect(attempt()).toBe('STORAGE_FAILED')
  const found = new Uint8Array(8192)
  files.file('main').read(found, { at: 0 })
  expect(found).toEqual(content)
})

test('a merge of many versions is flushed once', () => {
  const there = open(new FaultyDisk(generator(1)), SCHEMA, 'strict')
  for (let id = 1; id <= 20; id++) there.engine.write([insert(id)])
  const changes = there.engine.changesSince(0)
  abandon(there.engine)
  const files = new FaultyDisk(generator(2))
  const here = open(files, SCHEMA, 'strict')
  files.takeCounts()
  expect(here.engine.merge(changes)).toMatchObject({ changes: 20, refused: null })
  expect(files.takeCounts()).toEqual({ writes: 20, flushes: 1 })
  abandon(here.engine)
})

test('what most rows leave behind is given back to the disk, step by step', () => {
  const files = new FaultyDisk(generator(3))
  const opened = open(files, SCHEMA, 'relaxed')
  const { engine } = opened
  engine.write([
    {
      type: 'exec',
      sql: `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
        INSERT INTO item SELECT i, hex(randomblob(200)) FROM n`,
      parameters: [],
    },
  ])
  const sizes: number[] = []
  const size = () => {
    opened.disk.close()
    sizes.push(files.found('main')?.getSize() ?? 0)
  }
  opened.runDelayed()
  size()
  engine.write([{ type: 'exec', sql: 'DELETE FROM item WHERE id > 100', parameters: [] }])
  for (let step = 0; step < 20; step++) opened.runDelayed()
  size()
  const [full = 0, shrunk = 0] = sizes
  expect(full).toBeGreaterThan(20_000_000)
  expect(shrunk).toBeLessThan(full / 3)
  expect(
    engine.query('SELECT count(*), (SELECT integrity_check FROM pragma_integrity_check) FROM item').rows,
  ).toEqual([[100, 'ok']])
  // Nothing more is put off once there is little to give back.
  expect(opened.runDelayed()).toBe(0)
  abandon(engine)
})

test('a database that is closed just after its rows were deleted is small when it is opened again', () => {
  const files = new FaultyDisk(generator(4))
  const { engine, disk } = open(files, SCHEMA, 'strict')
  const exec = (sql: string) => engine.write([{ type: 'exec', sql, parameters: [] }])
  exec('INSERT INTO item VALUES (1, hex(zeroblob(10000000)))')
  exec('DELETE FROM item')
  engine.close()
  disk.close()
  expect(files.found('main')?.getSize()).toBeLessThan(2_000_000)
})
