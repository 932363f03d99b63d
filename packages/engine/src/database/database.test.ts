import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sqlite } from '../../test/oracle/check.ts'
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
