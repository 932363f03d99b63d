import type { Durability, Engine } from '@millrace/engine'
import type { Operation } from '@millrace/protocol'
import { describe, expect, test } from 'vitest'
import { FAULTS, type Fault, FaultyDisk, generator } from './faulty-disk.ts'
import { abandon, codeOf, type Opened, open } from './opened.ts'

/*
 * A database on a disk that goes wrong at its k-th operation, for every k of a scenario that opens, makes its schema, runs
 * transactions with checkpoints amid them, and closes. After it the database is opened on what the disk has, and must be
 * that of the first m transactions of a run without faults: to the row and to cr-sqlite's clocks.
 * `npm run test:kill` runs the scenario with 50 transactions and several seeds.
 */

const TRANSACTIONS = Number(process.env.MILLRACE_KILL_TRANSACTIONS ?? 7)
const SEED = Number(process.env.MILLRACE_KILL_SEED ?? 1)
/** Transactions between two checkpoints. */
const CHECKPOINT_EVERY = 4

const SCHEMA = `
  CREATE TABLE entry (id INTEGER PRIMARY KEY NOT NULL, tx INTEGER, text TEXT);
  SELECT crsql_as_crr('entry');
  CREATE TABLE counter (id INTEGER PRIMARY KEY NOT NULL, n INTEGER);
  CREATE INDEX entry_tx ON entry (tx);
`

/** Rows of several pages, updates of what the transactions before wrote, a counter: all of it or nothing. */
function transaction(i: number): Operation[] {
  const large = i % 5 === 0
  const text = (n: number) => `${i} ${n} `.repeat(large ? 400 : 20)
  return [
    {
      type: 'exec',
      sql: 'INSERT INTO counter VALUES (1, 1) ON CONFLICT DO UPDATE SET n = n + 1',
      parameters: [],
    },
    ...Array.from(
      { length: large ? 30 : 3 },
      (_, n): Operation => ({
        type: 'insert',
        table: 'entry',
        row: { id: i * 100 + n, tx: i, text: text(n) },
      }),
    ),
    {
      type: 'exec',
      sql: "UPDATE entry SET text = text || '+' WHERE tx = ? - 1 AND id % 2 = 0",
      parameters: [i],
    },
    { type: 'exec', sql: 'DELETE FROM entry WHERE tx = ? - 7', parameters: [i] },
  ]
}

/** A write that the database refuses after it has done a part. */
const REFUSED: Operation[] = [
  { type: 'insert', table: 'entry', row: { id: 1, tx: -1, text: 'refused' } },
  { type: 'insert', table: 'entry', row: { id: 1, tx: -1, text: 'refused' } },
]

/** All that there is, and how many transactions that is. */
function dump(engine: Engine): { readonly stored: number; readonly text: string } {
  const [[stored] = [0]] = engine.query('SELECT n FROM counter').rows
  expect(engine.query('SELECT integrity_check FROM pragma_integrity_check').rows).toEqual([['ok']])
  const { rows: entries } = engine.query('SELECT * FROM entry ORDER BY id')
  // A transaction that found no room leaves a gap between the versions of those beside it.
  const { rows: changes } = engine.query(`
    SELECT "table", hex(pk), cid, val, col_version, cl, seq, dense_rank() OVER (ORDER BY db_version)
    FROM crsql_changes ORDER BY db_version, seq`)
  return { stored: stored as number, text: JSON.stringify([entries, changes]) }
}

/** Runs the scenario, and opens again where a fault ended the files; gives what was acknowledged. */
function run(files: FaultyDisk, durability: Durability, states: readonly string[] | undefined) {
  let opened: Opened | undefined
  let acknowledged = 0
  const seen: string[] = []
  while (acknowledged < TRANSACTIONS && !files.ended) {
    try {
      if (opened === undefined) {
        opened = open(files, SCHEMA, durability)
        // A write whose end was not told may have been stored.
        const { stored, text } = dump(opened.engine)
        expect(stored).toBeGreaterThanOrEqual(acknowledged)
        if (states !== undefined) expect(text).toBe(states[stored])
        acknowledged = stored
        seen[stored] = text
        continue
      }
      opened.engine.write(transaction(acknowledged + 1))
      acknowledged++
      if (states === undefined) seen[acknowledged] = dump(opened.engine).text
      if (acknowledged % 3 === 0) refused(opened.engine)
      if (acknowledged % CHECKPOINT_EVERY === 0) opened.disk.close()
    } catch (error) {
      if (!files.ended) expect(['STORAGE_FAILED', 'STORAGE_FULL']).toContain(codeOf(error))
    }
    if (opened?.disk.vfs.broken) {
      abandon(opened.engine)
      opened = undefined
    }
  }
  if (opened !== undefined) {
    abandon(opened.engine)
    opened.disk.close()
  }
  return { acknowledged, seen }
}

/** A write that is refused leaves nothing, and says why. */
function refused(engine: Engine): void {
  try {
    engine.write(REFUSED)
  } catch (error) {
    if (codeOf(error) === 'WRITE_REJECTED') return
    throw error
  }
  throw new Error('a write was stored that breaks a constraint')
}

describe.each(['strict', 'relaxed'] as const)(
  '%s: a disk that goes wrong at each of its operations',
  (durability) => {
    test.each([...FAULTS])('%s', (kind: Fault) => {
      const clean = new FaultyDisk(generator(SEED))
      const { seen: states } = run(clean, durability, undefined)
      const { operations } = clean
      expect(states).toHaveLength(TRANSACTIONS + 1)
      for (let at = 0; at < operations; at++) {
        const name = `${kind} at operation ${at} of ${operations}, seed ${SEED}`
        const files = new FaultyDisk(generator(SEED * 7919 + at), { kind, at })
        const { acknowledged } = run(files, durability, states)
        files.heal()
        const { engine } = open(files, SCHEMA, durability)
        const { stored, text } = dump(engine)
        abandon(engine)
        expect(text, name).toBe(states[stored])
        if (durability === 'strict' || kind !== 'cut')
          expect(stored, name).toBeGreaterThanOrEqual(acknowledged)
      }
    })
  },
)
