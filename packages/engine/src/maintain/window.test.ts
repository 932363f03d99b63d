import type { SqlValue } from '@millrace/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sqlite } from '../../test/oracle/connect.ts'
import { compile } from '../compile/compile.ts'
import { AccessRecorder } from '../database/authorizer.ts'
import { Database } from '../database/database.ts'
import type { Catalog } from '../schema/catalog.ts'
import { applySchema } from '../schema/schema.ts'
import { windowOf } from './window.ts'

const SCHEMA = `
  CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER);
  CREATE TABLE u (id INTEGER PRIMARY KEY, t INTEGER);`

let database: Database
let recorder: AccessRecorder
let catalog: Catalog
beforeAll(async () => {
  database = new Database((await sqlite()).open(':memory:'))
  recorder = new AccessRecorder(database.connection)
  catalog = applySchema(database, SCHEMA)
})
afterAll(() => {
  database.get('SELECT crsql_finalize()')
  database.close()
})

const windowIn = (sql: string, parameters: readonly SqlValue[] = [], forClient = true) =>
  windowOf(compile(database, recorder, catalog, sql), parameters, forClient)

/** `start…end` of the rows that are told, and what the client's plan says of them. */
function notation(sql: string, parameters: readonly SqlValue[] = [], forClient = true) {
  const window = windowIn(sql, parameters, forClient)
  const { plan } = window
  const told = window.type === 'part' ? `${window.start}…${window.end}` : window.type
  return [told, plan === null ? null : plan.type === 'rows' ? plan.window : plan.type]
}

/** Of which the client has no plan. */
const JOIN = 'SELECT t.id FROM u RIGHT JOIN t ON u.t = t.id'
const GROUPS = 'SELECT a, max(id) FROM t GROUP BY a'
const MAX = Number.MAX_SAFE_INTEGER

describe('by LIMIT and OFFSET, with a margin for the client that can predict', () => {
  test.for([
    ['SELECT id FROM t', [], 'all', null],
    ['SELECT id FROM t LIMIT 5', [], '0…13', { limit: 5, margin: 8, offset: 0 }],
    ['SELECT id FROM t LIMIT 2, 5', [], '2…15', { limit: 5, margin: 8, offset: 2 }],
    ['SELECT id FROM t LIMIT 0', [], '0…8', { limit: 0, margin: 8, offset: 0 }],
    ['SELECT id FROM t WHERE a = ? LIMIT ? OFFSET ?', [1, 5, 2], '2…15', { limit: 5, margin: 8, offset: 2 }],
    ['SELECT id FROM t WHERE a = :a LIMIT :n', [1, 0], '0…8', { limit: 0, margin: 8, offset: 0 }],
    ['SELECT id FROM t WHERE a > ?1 LIMIT ?1', [3], '0…11', { limit: 3, margin: 8, offset: 0 }],
    // A negative OFFSET is none, a negative LIMIT no limit.
    ['SELECT id FROM t LIMIT 5 OFFSET -2', [], '0…13', { limit: 5, margin: 8, offset: 0 }],
    ['SELECT id FROM t LIMIT ?', [-1], 'all', null],
    ['SELECT id FROM t LIMIT -1 OFFSET ?', [-1], 'all', null],
    ['SELECT u.id FROM u JOIN t ON t.id = u.t LIMIT 5', [], '0…13', { limit: 5, margin: 8, offset: 0 }],
    // Nothing is predicted of these: no margin.
    [`${JOIN} LIMIT 5`, [], '0…5', null],
    [`${GROUPS} LIMIT 5 OFFSET 1`, [], '1…6', null],
    ['SELECT DISTINCT a FROM t LIMIT 3', [], '0…3', null],
    ['SELECT id FROM t UNION ALL SELECT id FROM u LIMIT 1, 2', [], '1…3', null],
  ] as const)('%s %j: %s', ([sql, parameters, told, window]) => {
    expect(notation(sql, parameters)).toEqual([told, window])
  })

  test('of one that is not asked by a client: no margin, whatever its plan', () => {
    expect(notation('SELECT id FROM t LIMIT 5', [], false)[0]).toBe('0…5')
    expect(notation('SELECT id FROM t', [], false)).toEqual(['all', null])
  })
})

describe('what SQLite makes of it, only SQLite says', () => {
  test.for([
    ['SELECT id FROM t LIMIT ?', ['5']],
    ['SELECT id FROM t LIMIT ?', [5n]],
    ['SELECT id FROM t LIMIT ?', [null]],
    ['SELECT id FROM t LIMIT ?', [1.5]],
    ['SELECT id FROM t LIMIT 1 OFFSET ?', ['0']],
    ['SELECT id FROM t LIMIT ? OFFSET ?', [MAX, 1]],
    // Rows behind the window from some row on, all of them: not held for one query.
    ['SELECT id FROM t LIMIT -1 OFFSET 2', []],
  ] as const)('%s %s', ([sql, parameters]) => {
    expect(windowIn(sql, parameters)).toEqual({ type: 'unknown', plan: null })
  })
})

describe('a window far down', () => {
  test('of rows it is run again rather than held from the first row on', () => {
    expect(notation('SELECT id FROM t LIMIT 100 OFFSET 9900')[0]).toBe('unknown')
    expect(notation('SELECT id FROM t LIMIT 92 OFFSET 9900')[0]).toBe('9900…10000')
    expect(notation('SELECT id FROM t LIMIT ?', [MAX])[0]).toBe('unknown')
    expect(notation(`${JOIN} LIMIT 100 OFFSET 9900`)[0]).toBe('9900…10000')
    expect(notation(`${JOIN} LIMIT 100 OFFSET 9901`)[0]).toBe('unknown')
  })

  test('of groups it is cut out of all of them, which are held as it is', () => {
    expect(notation(`${GROUPS} LIMIT 100 OFFSET 20000`)[0]).toBe('20000…20100')
    expect(notation(`${GROUPS} LIMIT -1 OFFSET 3`)[0]).toBe(`3…${MAX}`)
  })
})
