import {
  type ErrorCode,
  type MergeChange,
  MillraceError,
  type OriginVersion,
  type SqlValue,
  toSqlValue,
} from '@millrace/protocol'
import { type Database, quote } from '../database/database.ts'
import { excerpt, storageError } from '../database/errors.ts'
import { SqliteError } from '../database/sqlite.ts'
import { type Catalog, findTable, type Table } from '../schema/catalog.ts'
import { isStoredAsIs, type KeyValue, unpackKey } from './merge-key.ts'

/*
 * The second door for change: rows of `crsql_changes` of another site. They come from outside, and cr-sqlite believes
 * what it is told, so all of them are checked before the first is inserted:
 *
 *     table, column     those of replicated tables, in their exact letter case; key and generated columns are no cells
 *     key               well formed (cr-sqlite ends the WebAssembly at some that are not), of the table's columns, and
 *                       with values that those columns store as they are
 *     siteId            16 bytes: NULL would credit the change to this database
 *     dbVersion         1 … 2^53 − 1, in which a JS number is exact. Only groups and orders: it is not handed on, so that
 *                       no sender can raise this database's own version, and with it all that it makes from then on
 *     colVersion, cl    up to 2^53 − 1, and no more than 2^32 ahead of the cell's or row's clock here. One bound alone
 *                       would let a single change at the bound freeze a cell: the next edit of it, which is one more,
 *                       would be refused by all others. 2^32 is 60 edits a second for two years, and two million such
 *                       leaps are needed to come to the end. A cell that is not known here is only held to 2^53: a new
 *                       database must be able to take over whatever the others have
 *     seq               0 … 2^31 − 1; cr-sqlite counts in 32 bits
 *     val               what SQLite can hold
 *
 * Whether the sender may speak for the site is not known here: that is for the one who holds the line to it.
 * An echo of this database's own changes is harmless, for what is not newer than what is there changes nothing; and it is
 * not left out, because a database that was put back from a copy gets its lost changes that way.
 */

/** The change that kept its version, and those after it, from being merged. */
export interface MergeRefusal {
  /** As it was given. Where the version could not be committed as a whole: the last of it. */
  readonly change: MergeChange
  /** `SCHEMA_MISMATCH`, `INVALID_VALUE`, `WRITE_REJECTED`, or `STORAGE_FULL` and `STORAGE_FAILED`. */
  readonly error: MillraceError
}

/** What became of a merge. */
export interface MergeOutcome {
  /** The versions that are stored, in their order; also those that were known already and changed nothing. */
  readonly applied: readonly OriginVersion[]
  /** Rows changed; one that several versions changed counts in each. */
  readonly changes: number
  /** The version at which it ended. Nothing of it is stored, nor of those after it. Null where all were merged. */
  readonly refused: MergeRefusal | null
}

/** One version with its changes, by seq. Checked. */
export interface MergeVersion extends OriginVersion {
  readonly cells: readonly MergeChange[]
}

/** Versions fit to be merged, in their order, and where they end the one that is not. */
export interface MergePlan {
  readonly versions: readonly MergeVersion[]
  readonly refused: MergeRefusal | null
}

/** Changes in a slice, as far as versions allow: about a tenth of a second. */
const SLICE = 500

const MAX_CLOCK = Number.MAX_SAFE_INTEGER
const MAX_AHEAD = 2 ** 32
const MAX_SEQ = 2 ** 31 - 1
const MAX_KEY_BYTES = 2 ** 16
const ROW_ITSELF = '-1'

/** Groups changes by the version that they were made in, and checks them. Nothing is inserted. */
export function planMerge(database: Database, catalog: Catalog, changes: readonly MergeChange[]): MergePlan {
  if (!Array.isArray(changes)) {
    throw new MillraceError(
      'INVALID_VALUE',
      `merge takes an array of changes, but was given ${show(changes)}: give the rows that changesSince gave.`,
    )
  }
  const fit: MergeVersion[] = []
  // A change whose place is not known may belong to any version: then none can be told to be whole.
  let refused = firstRefusal(changes, checkPlace)
  if (refused !== null) return { versions: fit, refused }
  for (const version of inOrder(changes)) {
    refused = firstRefusal(version.cells, (cell) => checkCell(database, catalog, cell))
    if (refused !== null) break
    fit.push(version)
  }
  return { versions: fit, refused }
}

/** The plan in parts, each of whole versions; what is refused comes with the last. */
export function* slicesOf({ versions, refused }: MergePlan): Generator<MergePlan> {
  let slice: MergeVersion[] = []
  let cells = 0
  for (const version of versions) {
    if (cells + version.cells.length > SLICE && slice.length > 0) {
      yield { versions: slice, refused: null }
      slice = []
      cells = 0
    }
    slice.push(version)
    cells += version.cells.length
  }
  yield { versions: slice, refused }
}

/**
 * Inserts the changes of one version, within the open transaction, and gives the number of rows that they changed.
 * @throws MergeRefused
 */
export function applyVersion(database: Database, { cells }: MergeVersion): number {
  const changed = new Set<string>()
  let won = cellsWon(database)
  for (const cell of cells) {
    insertCell(database, cell)
    const wonNow = cellsWon(database)
    if (wonNow !== won) changed.add(`${cell.table} ${cell.pk.join()}`)
    won = wonNow
  }
  return changed.size
}

/** SQLite refused a change that was fit by all that could be known of it. */
export class MergeRefused extends Error {
  readonly refusal: MergeRefusal

  constructor(refusal: MergeRefusal) {
    super(refusal.error.message)
    this.refusal = refusal
  }
}

/** What SQLite threw at the commit of a version, as the refusal of it; undefined for what it did not throw. */
export function refusedByDatabase(thrown: unknown, { cells }: MergeVersion): MergeRefusal | undefined {
  if (thrown instanceof MergeRefused) return thrown.refusal
  const last = cells.at(-1) as MergeChange
  return thrown instanceof SqliteError ? { change: last, error: databaseError(thrown, last) } : undefined
}

/**
 * All changes of crsql_changes above a version, in the order in which they were made.
 * @throws MillraceError `INVALID_VALUE`
 */
export function readChanges(database: Database, dbVersion: number): MergeChange[] {
  if (!Number.isSafeInteger(dbVersion) || dbVersion < 0) {
    throw new MillraceError(
      'INVALID_VALUE',
      `changesSince takes a version of this database, but was given ${show(dbVersion)}: give the highest dbVersion that it gave before, or 0 for all.`,
    )
  }
  const rows = database.all(
    `SELECT "table", pk, cid, val, typeof(val), col_version, db_version, site_id, cl, seq FROM crsql_changes WHERE db_version > ? ORDER BY db_version, seq`,
    [dbVersion],
  )
  return rows.map(([table, pk, cid, val, type, colVersion, version, siteId, cl, seq]) => ({
    table: table as string,
    pk: pk as Uint8Array,
    cid: cid as string,
    val: val as SqlValue,
    ...(type === 'real' && Number.isInteger(val) ? { real: true } : {}),
    colVersion: Number(colVersion),
    dbVersion: Number(version),
    siteId: siteId as Uint8Array,
    cl: Number(cl),
    seq: Number(seq),
  }))
}

/** Sorted by version, which keeps the order of each sender; versions of several senders do not compare. */
function inOrder(changes: readonly MergeChange[]): MergeVersion[] {
  const versions = new Map<string, MergeChange[]>()
  for (const change of changes) {
    const id = `${hex(change.siteId)} ${change.dbVersion}`
    const cells = versions.get(id)
    if (cells === undefined) versions.set(id, [change])
    else cells.push(change)
  }
  return [...versions.values()]
    .map((cells) => {
      const [{ siteId, dbVersion }] = cells as [MergeChange]
      return { siteId, dbVersion, cells: cells.sort((a, b) => a.seq - b.seq) }
    })
    .sort((a, b) => a.dbVersion - b.dbVersion)
}

function firstRefusal(
  changes: readonly MergeChange[],
  check: (change: MergeChange) => void,
): MergeRefusal | null {
  for (const change of changes) {
    try {
      check(change)
    } catch (error) {
      if (error instanceof MillraceError) return { change, error }
      throw error
    }
  }
  return null
}

/** What says which version a change belongs to, and where in it. */
function checkPlace(change: MergeChange): void {
  if (typeof change !== 'object' || change === null) {
    throw new MillraceError('INVALID_VALUE', `A change to be merged is ${show(change)}: give objects.`)
  }
  const { siteId, dbVersion, seq } = change
  if (!(siteId instanceof Uint8Array) || siteId.length !== 16) {
    throw refuse('INVALID_VALUE', change, `its siteId is ${show(siteId)}`, 'give the 16 bytes of the site')
  }
  checkClock(change, 'dbVersion', dbVersion, 1, MAX_CLOCK)
  checkClock(change, 'seq', seq, 0, MAX_SEQ)
}

function checkCell(database: Database, catalog: Catalog, change: MergeChange): void {
  const table = replicatedTable(catalog, change)
  checkColumn(table, change)
  const key = checkKey(table, change)
  checkClock(change, 'colVersion', change.colVersion, 0, MAX_CLOCK)
  checkClock(change, 'cl', change.cl, 1, MAX_CLOCK)
  checkLife(change)
  checkValue(change)
  if (change.colVersion > MAX_AHEAD || change.cl > MAX_AHEAD) checkAhead(database, table, key, change)
}

function replicatedTable(catalog: Catalog, change: MergeChange): Table {
  const { table: name } = change
  const table = typeof name === 'string' ? findTable(catalog, name) : undefined
  // cr-sqlite's names know letter case.
  if (table?.crr === true && table.name === name) return table
  const known = [...catalog.values()].filter(({ crr }) => crr).map((replicated) => replicated.name)
  throw refuse(
    'SCHEMA_MISMATCH',
    change,
    `no table ${show(name)} is replicated here; these are: ${known.join(', ') || 'none'}`,
    'bring this database to the schema of that site, and merge again',
  )
}

function checkColumn(table: Table, change: MergeChange): void {
  const { cid } = change
  if (cid === ROW_ITSELF) return
  const cells = table.columns.filter(
    ({ name, generated }) => !generated && !table.key.some((column) => column.name === name),
  )
  if (cells.some(({ name }) => name === cid)) return
  throw refuse(
    'SCHEMA_MISMATCH',
    change,
    `${table.name} replicates no column ${show(cid)}; it has: ${cells.map(({ name }) => name).join(', ') || 'none'}`,
    'bring this database to the schema of that site, and merge again',
  )
}

function checkKey(table: Table, change: MergeChange): readonly KeyValue[] {
  const { pk } = change
  const fail = (what: string) =>
    refuse('INVALID_VALUE', change, what, `give the pk as crsql_changes has it for ${table.name}`)
  if (!(pk instanceof Uint8Array)) throw fail(`its pk is ${show(pk)}`)
  if (pk.length > MAX_KEY_BYTES)
    throw fail(`its pk has ${pk.length} bytes, and ${MAX_KEY_BYTES} are the limit`)
  const key = unpackKey(pk)
  if (key === undefined) throw fail(`its pk ${show(pk)} is no packed key`)
  if (key.length !== table.key.length) {
    throw fail(
      `its pk has ${key.length} values, and the key of ${table.name} has ${table.key.length} columns`,
    )
  }
  key.forEach((value, i) => {
    const column = table.columns.find(({ name }) => name === table.key[i]?.name)
    if (value.type === 'null') throw fail(`its key column ${column?.name} is NULL`)
    if (!isStoredAsIs(value, column?.affinity ?? 'BLOB')) {
      throw fail(
        `its key column ${column?.name} is the ${value.type} ${show(value.value)}, which ${column?.type} would convert`,
      )
    }
  })
  return key
}

function checkClock(change: MergeChange, name: string, value: unknown, min: number, max: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) return
  throw refuse(
    'INVALID_VALUE',
    change,
    `its ${name} is ${show(value)}`,
    `give an integer from ${min} to ${max}`,
  )
}

/** Otherwise cr-sqlite would count a row as there that is deleted, or delete it for the sake of a cell. */
function checkLife(change: MergeChange): void {
  const { cid, cl, colVersion } = change
  if (cid === ROW_ITSELF ? colVersion === cl : cl % 2 === 1) return
  throw refuse(
    'INVALID_VALUE',
    change,
    cid === ROW_ITSELF
      ? `its colVersion is ${colVersion} and its cl ${cl}, which are one for a row as such`
      : `its cl is ${cl}, by which the row is deleted and has no cells`,
    'give both as crsql_changes has them',
  )
}

function checkValue(change: MergeChange): void {
  const { table, cid, val, real } = change
  if (toSqlValue(val, `${table}.${cid}`) !== null && cid === ROW_ITSELF) {
    throw refuse('INVALID_VALUE', change, `its val is ${show(val)}`, 'give null where the cid is -1')
  }
  if (real === true && typeof val !== 'number') {
    throw refuse('INVALID_VALUE', change, `its val ${show(val)} is no REAL`, 'leave out real')
  }
}

function checkAhead(database: Database, table: Table, key: readonly KeyValue[], change: MergeChange): void {
  const meets = table.key.map(({ name }) => `p.${quote(name)} IS ?`).join(' AND ')
  const clock = `(SELECT col_version FROM ${quote(`${table.name}__crsql_clock`)} WHERE key = p.__crsql_key AND col_name = ?)`
  const known = database.get(
    `SELECT ${clock}, coalesce(${clock}, 1) FROM ${quote(`${table.name}__crsql_pks`)} AS p WHERE ${meets}`,
    [change.cid, ROW_ITSELF, ...key.map(({ value }) => value)],
  )
  const limit = (clock: SqlValue | undefined) =>
    clock === null || clock === undefined ? MAX_CLOCK : Math.min(Number(clock) + MAX_AHEAD, MAX_CLOCK)
  checkClock(change, 'cl', change.cl, 1, limit(known?.[1]))
  if (change.cid !== ROW_ITSELF) checkClock(change, 'colVersion', change.colVersion, 0, limit(known?.[0]))
}

function insertCell(database: Database, cell: MergeChange): void {
  const { table, pk, cid, real, colVersion, siteId, cl, seq } = cell
  const val = real === true ? 'CAST(? AS REAL)' : '?'
  try {
    database.run(
      `INSERT INTO crsql_changes ("table", pk, cid, val, col_version, db_version, site_id, cl, seq) VALUES (?, ?, ?, ${val}, ?, 0, ?, ?, ?)`,
      [table, pk, cid, stored(cell), colVersion, siteId, cl, seq],
    )
  } catch (error) {
    throw error instanceof SqliteError
      ? new MergeRefused({ change: cell, error: databaseError(error, cell) })
      : error
  }
}

function stored({ cid, val, real }: MergeChange): SqlValue {
  // As a number it would lose its sign on the way to SQLite.
  return real === true && Object.is(val, -0) ? '-0.0' : toSqlValue(val, cid)
}

/** Changes of the open transaction that won over what was there, from some number on: a rollback does not reset it. */
function cellsWon(database: Database): number {
  return database.get('SELECT crsql_rows_impacted()')?.[0] as number
}

/** cr-sqlite keeps SQLite's message to itself: that a constraint failed is all that is known. */
function databaseError(thrown: SqliteError, change: MergeChange): MillraceError {
  return (
    storageError(thrown) ??
    refuse(
      'WRITE_REJECTED',
      change,
      `the database refused the value ${show(change.val)}: ${thrown.message}`,
      'a CHECK, NOT NULL or trigger of this database stands against it; change that, or leave the version out',
      thrown,
    )
  )
}

function refuse(
  code: ErrorCode,
  change: MergeChange,
  what: string,
  todo: string,
  cause?: unknown,
): MillraceError {
  const { table, cid, pk, siteId, dbVersion } = change
  const key = pk instanceof Uint8Array ? unpackKey(pk)?.map(({ value }) => show(value)) : undefined
  const cell = `${show(table)}.${show(cid)}, key ${key?.join(', ') ?? show(pk)}`
  return new MillraceError(
    code,
    `Could not merge version ${show(dbVersion)} of site ${show(siteId)}, nothing of which is stored. In the change of ${cell}, ${what}: ${todo}.`,
    cause === undefined ? undefined : { cause },
  )
}

/** Values of whatever type, for messages. */
function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return excerpt(value)
    case 'object':
      if (value instanceof Uint8Array) return `x'${excerpt(hex(value.subarray(0, 200)))}'`
      return value === null ? 'null' : Array.isArray(value) ? 'an array' : 'an object'
    case 'function':
      return 'a function'
    default:
      return String(value)
  }
}

function hex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}
