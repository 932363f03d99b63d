import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sqlite } from '../../test/oracle/connect.ts'
import { Database, quote } from './database.ts'
import { SqliteError } from './sqlite.ts'

let database: Database
beforeEach(async () => {
  database = new Database((await sqlite()).open(':memory:'))
})
afterEach(() => {
  database.get('SELECT crsql_finalize()')
  database.close()
})

describe('what is counted', () => {
  test('rows read: those that came out of statements', () => {
    const series = 'WITH n(i) AS (VALUES (1), (2), (3)) SELECT i FROM n'
    database.all(series)
    expect(database.rowsRead).toBe(3)
    database.get(series)
    expect(database.rowsRead).toBe(4)
    database.query(series, [])
    expect(database.rowsRead).toBe(7)
  })

  test("instructions of SQLite's machine: the same for the same work, with what is looked at, and only while asked for", () => {
    const steps = (sql: string) => {
      const before = database.connection.vmSteps
      database.all(sql)
      return database.connection.vmSteps - before
    }
    const series = (n: number) =>
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${n}) SELECT max(i) FROM n`
    expect(steps(series(100))).toBe(0)
    database.connection.countSteps(true)
    const hundred = steps(series(100))
    expect(hundred).toBeGreaterThan(100)
    expect(steps(series(100))).toBe(hundred)
    expect(steps(series(1000)) / hundred).toBeCloseTo(10, 0)
    database.connection.countSteps(false)
    expect(steps(series(100))).toBe(0)
  })
})

describe('the statement cache', () => {
  test('has a bound', () => {
    for (let i = 0; i < 1000; i++) expect(database.get(`SELECT ${i}`)).toEqual([i])
    expect(database.prepared).toBe(200)
    expect(database.statementsRun).toBe(1000)
  })

  test('drops what was not used for longest', () => {
    database.get('SELECT -1')
    for (let i = 0; i < 500; i++) {
      database.get(`SELECT ${i}`)
      database.get('SELECT -1')
    }
    const { prepared } = database
    database.get('SELECT -1')
    expect(database.prepared).toBe(prepared)
  })

  test('gives a statement back when it failed, without its values and locks', () => {
    database.run('CREATE TABLE t (a UNIQUE)')
    const insert = 'INSERT INTO t VALUES (?)'
    database.run(insert, [1])
    expect(() => database.run(insert, [1])).toThrowError(SqliteError)
    database.run(insert, [])
    expect(database.all('SELECT a FROM t')).toEqual([[1], [null]])
    database.run('DROP TABLE t')
  })

  test('follows changes of the schema', () => {
    database.run('CREATE TABLE t (a)')
    database.run("INSERT INTO t VALUES ('a')")
    expect(database.all('SELECT a FROM t')).toEqual([['a']])
    database.run('ALTER TABLE t ADD COLUMN b')
    expect(database.all('SELECT a FROM t')).toEqual([['a']])
  })
})

test('one statement at a time: more are refused, comments and semicolons behind it are not', () => {
  expect(() => database.get('SELECT 1; SELECT 2')).toThrowError(/more than one statement: SELECT 2/)
  expect(() => database.get('-- nothing')).toThrowError(/no statement/)
  expect(database.get('SELECT 1; -- the end\n/* of it */ ;')).toEqual([1])
  expect(database.get('SELECT 1; /* not closed')).toEqual([1])
})

test('names are quoted', () => {
  const name = 'a "b" [c] `d`'
  database.run(`CREATE TABLE ${quote(name)} (${quote(name)})`)
  expect(database.query(`SELECT * FROM ${quote(name)}`, []).columns).toEqual([name])
})
