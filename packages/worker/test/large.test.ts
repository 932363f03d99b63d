import type { Operation } from '@millrace/protocol'
import { describe, expect, test } from 'vitest'
import { FAULTS, type Fault, FaultyDisk, generator } from './faulty-disk.ts'
import { abandon, codeOf, type Opened, open } from './opened.ts'

/* Transactions that are too large for the memory of the file layer, or for the page cache of SQLite: they spill into the log. */

const SCHEMA = 'CREATE TABLE item (id INTEGER PRIMARY KEY NOT NULL, data BLOB, twice INTEGER UNIQUE)'

const exec = (sql: string): Operation => ({ type: 'exec', sql, parameters: [] })
const count = ({ engine }: Opened) => engine.query('SELECT count(*) FROM item').rows[0]?.[0]
const check = ({ engine }: Opened) =>
  engine.query('SELECT integrity_check FROM pragma_integrity_check').rows[0]?.[0]

/** Rows of 100 kB with random bytes. */
const insert = (rows: number) =>
  exec(`INSERT INTO item (data) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
    SELECT randomblob(100000) FROM n`)

function attempt(write: () => void): string {
  try {
    write()
    return 'stored'
  } catch (error) {
    return codeOf(error)
  }
}

/** A small table, and then 12 MB in one transaction, on a disk that goes wrong in it. */
function run(files: FaultyDisk, fault?: { readonly kind: Fault; readonly after: number }) {
  const opened = open(files, SCHEMA, 'strict')
  opened.engine.write([insert(1)])
  const before = files.operations
  if (fault !== undefined) files.failAfter(fault.after, fault.kind)
  const outcome = attempt(() => opened.engine.write([insert(120)]))
  return { opened, outcome, operations: files.operations - before }
}

describe('a transaction of 12 MB on a disk that goes wrong at each of its operations is there as a whole or not at all', () => {
  test.each([...FAULTS])(
    '%s',
    (kind: Fault) => {
      const clean = run(new FaultyDisk(generator(1)))
      expect(clean.outcome).toBe('stored')
      // Else nothing was spilled.
      expect(clean.operations).toBeGreaterThan(2)
      for (let after = 0; after < clean.operations; after++) {
        const files = new FaultyDisk(generator(after))
        const { opened, outcome } = run(files, { kind, after })
        const ended = files.ended || opened.disk.vfs.broken
        if (!ended && outcome !== 'stored') {
          expect(outcome).toBe('STORAGE_FULL')
          expect(count(opened)).toBe(1)
          while (attempt(() => opened.engine.write([insert(1)])) === 'STORAGE_FULL');
        }
        abandon(opened.engine)
        files.heal()
        const again = open(files, SCHEMA, 'strict')
        const allowed = ended ? [1, 121] : outcome === 'stored' ? [121] : [2]
        expect(allowed, `${kind} after ${after} of ${clean.operations}`).toContain(count(again))
        expect(check(again)).toBe('ok')
        abandon(again.engine)
        again.disk.close()
        const moved = open(files, SCHEMA, 'strict')
        expect(check(moved)).toBe('ok')
        expect(allowed).toContain(count(moved))
        abandon(moved.engine)
      }
    },
    300_000,
  )
})

test('a transaction of 50 MB that is rejected at its end leaves nothing, and the file takes the next', () => {
  const files = new FaultyDisk(generator(1))
  const opened = open(files, SCHEMA, 'strict')
  opened.engine.write([insert(3)])
  const twice = exec('INSERT INTO item (twice) VALUES (1), (1)')
  files.takeCounts()
  expect(attempt(() => opened.engine.write([insert(500), twice]))).toBe('WRITE_REJECTED')
  // Else SQLite kept it all in its cache.
  expect(files.takeCounts().writes).toBeGreaterThan(0)
  expect(count(opened)).toBe(3)
  opened.engine.write([insert(2)])
  expect([count(opened), check(opened)]).toEqual([5, 'ok'])
  abandon(opened.engine)
  opened.disk.close()
  // The 50 MB are not in the database file.
  expect(files.found('main')?.getSize()).toBeLessThan(2_000_000)
  const again = open(files, SCHEMA, 'strict')
  expect([count(again), check(again)]).toEqual([5, 'ok'])
  abandon(again.engine)
}, 300_000)

describe('room is given back on a disk that goes wrong in it', () => {
  /** 12 MB of rows deleted, but for ten, and the room given back. */
  const give = (files: FaultyDisk, fault?: { readonly kind: Fault; readonly after: number }) => {
    const opened = open(files, SCHEMA, 'strict')
    opened.engine.write([insert(120)])
    opened.engine.write([exec('DELETE FROM item WHERE id > 10')])
    const before = files.operations
    if (fault !== undefined) files.failAfter(fault.after, fault.kind)
    // Its errors are the engine's own affair.
    for (let step = 0; step < 5; step++) opened.runDelayed()
    const operations = files.operations - before
    attempt(() => opened.disk.close())
    return { opened, operations }
  }

  test.each(FAULTS)(
    '%s: every row is there, and the file is sound',
    (kind) => {
      const clean = give(new FaultyDisk(generator(1)))
      expect(clean.operations).toBeGreaterThan(5)
      abandon(clean.opened.engine)
      for (let after = 0; after < clean.operations + 20; after += 3) {
        const files = new FaultyDisk(generator(after))
        const { opened } = give(files, { kind, after })
        abandon(opened.engine)
        files.heal()
        const again = open(files, SCHEMA, 'strict')
        expect([count(again), check(again)], `${kind} after ${after}`).toEqual([10, 'ok'])
        abandon(again.engine)
      }
    },
    300_000,
  )
})
