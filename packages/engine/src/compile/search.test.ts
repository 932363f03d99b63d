import type { SqlValue } from '@millrace/protocol'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sqlite } from '../../test/oracle/connect.ts'
import { Capture } from '../capture/capture.ts'
import { Database } from '../database/database.ts'
import { type Catalog, findTable, type Table } from '../schema/catalog.ts'
import { applySchema } from '../schema/schema.ts'
import { bind } from './bind.ts'
import type { Bound, Item } from './levels.ts'
import { normalize } from './normalize.ts'
import { keyOf, type Path, Searcher, searchStatement } from './search.ts'

/** Customers, their invoices, the lines of those. */
const SCHEMA = `
  CREATE TABLE c (id INTEGER PRIMARY KEY, v INTEGER, name TEXT COLLATE NOCASE);
  CREATE TABLE i (id INTEGER PRIMARY KEY, cust INTEGER, v INTEGER);
  CREATE TABLE l (id INTEGER PRIMARY KEY, inv INTEGER, v INTEGER);`

let database: Database
let catalog: Catalog
let capture: Capture
beforeAll(async () => {
  database = new Database((await sqlite()).open(':memory:'))
  catalog = applySchema(database, SCHEMA)
  capture = new Capture(database)
  for (const table of catalog.values()) capture.watch(table)
})
afterAll(() => {
  database.get('SELECT crsql_finalize()')
  database.close()
})

/** A query, and the ways in it. */
class Ways {
  readonly bound: Bound
  readonly searcher: Searcher

  constructor(sql: string) {
    const normal = normalize(sql, new Map()) ?? expect.fail('not normal')
    this.bound = bind(normal.body, catalog)
    this.searcher = new Searcher(normal.sql, this.bound)
  }

  /** The table by the name that the query gives it, the outermost one of that name. */
  item(alias: string): Item {
    return this.bound.tables.find((item) => item.alias === alias) ?? expect.fail(`no ${alias}`)
  }

  path(from: string, to: readonly string[], all: boolean): Path | undefined {
    return this.searcher.path(this.item(from), new Set(to.map((alias) => this.item(alias))), all)
  }

  /** `l → i → d: conditions`, tables by the query's names. */
  show(from: string, to: readonly string[], all = false): string {
    const path = this.path(from, to, all)
    if (path === undefined) return 'no way'
    const names = [path.from, ...path.steps].map(({ alias }) => alias).join(' → ')
    return `${names}: ${path.conditions.map((condition) => this.#named(condition)).join(' AND ')}`
  }

  conditions(alias: string): string[] {
    return this.searcher.conditionsOf(this.item(alias)).map(({ sql }) => this.#named(sql))
  }

  #named(sql: string): string {
    return sql.replace(/m(\d+)\."(\w+)"/g, (_, id, column) => {
      const item = this.bound.tables.find((one) => one.id === Number(id))
      return `${item?.alias}.${column}`
    })
  }
}

/** The way from a table to the rows of d. */
const toD = (sql: string, from: string) => new Ways(sql).show(from, ['d'])

describe('the way from a changed row to those that it can touch', () => {
  test.for([
    [
      'SELECT d.id FROM c AS d WHERE EXISTS (SELECT 1 FROM i WHERE i.cust = d.id)',
      'i',
      'i → d: (i.cust = d.id)',
    ],
    [
      'SELECT d.id FROM c AS d WHERE NOT EXISTS (SELECT 1 FROM i WHERE d.id = cust)',
      'i',
      'i → d: (d.id = i.cust)',
    ],
    [
      'SELECT d.id FROM c AS d WHERE EXISTS (SELECT 1 FROM i JOIN l ON l.inv = i.id WHERE i.cust = d.id)',
      'l',
      'l → i → d: (l.inv = i.id) AND (i.cust = d.id)',
    ],
    // Two deep, and in the select list.
    [
      'SELECT d.id, (SELECT count(*) FROM i WHERE i.cust = d.id AND EXISTS (SELECT 1 FROM l WHERE l.inv = i.id AND l.v > 2)) FROM c AS d',
      'l',
      'l → i → d: (l.inv = i.id) AND (l.v > 2) AND (i.cust = d.id)',
    ],
    // What is asked of the driving row holds for it, and narrows the search.
    [
      'SELECT d.id FROM c AS d WHERE d.v = ? AND EXISTS (SELECT 1 FROM i WHERE i.cust = d.id AND i.v < ?)',
      'i',
      'i → d: (i.cust = d.id) AND (i.v < ?2) AND (d.v = ?1)',
    ],
    [
      'SELECT d.id FROM c AS d WHERE d.v = 1 OR EXISTS (SELECT 1 FROM i WHERE i.cust = d.id)',
      'i',
      'i → d: (i.cust = d.id)',
    ],
    ['SELECT d.id FROM c AS d WHERE d.id IN (SELECT cust FROM i)', 'i', 'i → d: (d.id) = (i.cust)'],
    [
      'SELECT d.id FROM c AS d WHERE d.v = 1 OR d.id IN (SELECT cust FROM i)',
      'i',
      'i → d: (d.id) = (i.cust)',
    ],
    [
      'SELECT d.id FROM c AS d WHERE d.id NOT IN (SELECT cust FROM i)',
      'i',
      'i → d: ((d.id) = (i.cust) OR (d.id) IS NULL OR (i.cust) IS NULL)',
    ],
    [
      'SELECT d.id, d.id IN (SELECT cust FROM i) FROM c AS d',
      'i',
      'i → d: ((d.id) = (i.cust) OR (d.id) IS NULL OR (i.cust) IS NULL)',
    ],
    [
      'SELECT d.id FROM c AS d WHERE (d.id IN (SELECT cust FROM i)) = 0',
      'i',
      'i → d: ((d.id) = (i.cust) OR (d.id) IS NULL OR (i.cust) IS NULL)',
    ],
    [
      'SELECT d.id FROM c AS d WHERE d.v IN (SELECT i.v FROM i WHERE i.cust = d.id AND i.id IN (SELECT inv FROM l))',
      'l',
      'l → i → d: (i.id) = (l.inv) AND (i.cust = d.id) AND (d.v) = (i.v)',
    ],
    // A left join by its own ON; what WHERE asks of a row that is missing says nothing of one that is there.
    [
      'SELECT d.id FROM c AS d LEFT JOIN i ON i.cust = d.id WHERE i.id IS NULL',
      'i',
      'i → d: (i.cust = d.id)',
    ],
    [
      'SELECT d.id FROM c AS d LEFT JOIN i ON i.cust = d.id AND i.v = 1 WHERE i.id = 5',
      'i',
      'i → d: (i.cust = d.id) AND (i.v = 1) AND (i.id = 5)',
    ],
    ['SELECT d.id FROM i RIGHT JOIN c AS d ON i.cust = d.id', 'i', 'i → d: (i.cust = d.id)'],
    ['SELECT d.id FROM c AS d LEFT JOIN i USING (v)', 'i', 'i → d: d.v = i.v'],
    ['SELECT d.id FROM c AS d LEFT JOIN i ON i.cust > d.v + 1', 'i', 'i → d: (i.cust > d.v + 1)'],
    // Across a nullable side only by a link that a missing row does not meet.
    [
      'SELECT d.id FROM c AS d LEFT JOIN i ON i.cust = d.id LEFT JOIN l ON l.inv = i.id',
      'l',
      'l → i → d: (l.inv = i.id) AND (i.cust = d.id)',
    ],
    ['SELECT d.id FROM c AS d LEFT JOIN i ON i.cust = d.id LEFT JOIN l ON l.inv IS i.id', 'l', 'no way'],
    [
      'SELECT d.id FROM c AS d LEFT JOIN i ON i.cust = d.id LEFT JOIN l ON coalesce(i.v, 2) = l.v',
      'l',
      'no way',
    ],
    [
      'SELECT d.id FROM c AS d JOIN i ON i.cust = d.id LEFT JOIN l ON coalesce(i.v, 2) = l.v',
      'l',
      'l → i → d: (coalesce(i.v, 2) = l.v) AND (i.cust = d.id)',
    ],
    // Through derived tables: their rows are rows of their tables.
    [
      'SELECT d.id FROM c AS d LEFT JOIN (SELECT cust AS k, v FROM i WHERE v > 1) AS x ON x.k = d.id',
      'i',
      'i → d: (i.v > 1) AND (i.cust = d.id)',
    ],
    [
      'SELECT d.id FROM c AS d LEFT JOIN (SELECT v + 1 AS k FROM i) AS x ON x.k = d.id',
      'i',
      'i → d: ((i.v + 1) = d.id)',
    ],
    [
      'SELECT d.id, (SELECT json_group_array(x.v) FROM (SELECT v FROM i WHERE i.cust = d.id ORDER BY id LIMIT 3) AS x) FROM c AS d',
      'i',
      'i → d: (i.cust = d.id)',
    ],
    // Of a grouped one only what it is grouped by.
    [
      'SELECT d.id FROM c AS d LEFT JOIN (SELECT cust, count(*) AS n FROM i GROUP BY cust) AS x ON x.cust = d.id AND x.n = d.v',
      'i',
      'i → d: (i.cust = d.id)',
    ],
    [
      'SELECT d.id FROM c AS d LEFT JOIN (SELECT cust, count(*) AS n FROM i GROUP BY cust) AS x ON x.n = d.v',
      'i',
      'no way',
    ],
    ['SELECT d.id FROM c AS d LEFT JOIN (SELECT cust FROM i LIMIT 3) AS x ON x.cust = d.id', 'i', 'no way'],
    ['SELECT d.id FROM c AS d LEFT JOIN (SELECT max(cust) AS m FROM i) AS x ON x.m = d.id', 'i', 'no way'],
    [
      'SELECT d.id FROM c AS d WHERE d.id IN (SELECT cust FROM i GROUP BY cust HAVING count(*) > 1)',
      'i',
      'i → d: (d.id) = (i.cust)',
    ],
    ['SELECT d.id FROM c AS d WHERE d.id IN (SELECT max(cust) FROM i)', 'i', 'no way'],
    ['SELECT d.id FROM c AS d WHERE d.v > (SELECT max(v) FROM i)', 'i', 'no way'],
    ['SELECT d.id FROM c AS d WHERE EXISTS (SELECT 1 FROM i)', 'i', 'no way'],
    // The latest of each.
    [
      'SELECT d.id FROM c AS d LEFT JOIN i ON i.id = (SELECT x.id FROM i AS x WHERE x.cust = d.id ORDER BY x.v DESC LIMIT 1)',
      'x',
      'x → d: (x.cust = d.id)',
    ],
    [
      'SELECT d.id FROM c AS d LEFT JOIN i ON i.id = (SELECT x.id FROM i AS x WHERE x.cust = d.id ORDER BY x.v DESC LIMIT 1)',
      'i',
      'i → x → d: (i.id) = (x.id) AND (x.cust = d.id)',
    ],
  ] as const)('%s from %s: %s', ([sql, from, way]) => {
    expect(toD(sql, from)).toBe(way)
  })

  test('to all of several: each by a condition of its own', () => {
    const ways = new Ways(
      'SELECT d.v, i.v, count(*) FROM c AS d JOIN i ON i.cust = d.id JOIN l ON l.inv = i.id GROUP BY d.v, i.v',
    )
    expect(ways.show('l', ['i', 'd'], true)).toBe('l → i → d: (i.cust = d.id) AND (l.inv = i.id)')
    expect(ways.show('d', ['i', 'd'], true)).toBe('d → i: (i.cust = d.id)')
    expect(new Ways('SELECT d.v FROM c AS d, i').show('i', ['d', 'i'], true)).toBe('no way')
  })

  test('a way is not longer than it must be', () => {
    const ways = new Ways(
      'SELECT d.id FROM c AS d JOIN i ON i.cust = d.id LEFT JOIN l ON l.inv = i.id AND l.v = d.v',
    )
    expect(ways.show('l', ['d'])).toBe('l → d: (l.v = d.v)')
    expect(ways.show('l', ['d', 'i'])).toMatch(/^l → [di]: /)
  })
})

describe('conditions', () => {
  test('that hold a subquery or an aggregate are left out, others stay', () => {
    expect(
      new Ways(
        'SELECT d.id FROM c AS d WHERE d.v > (SELECT count(*) FROM l) AND d.id = ?2 AND (d.v = 1 OR d.v IS NULL)',
      ).conditions('d'),
    ).toEqual(['(d.id = ?2)', '(d.v = 1 OR d.v IS NULL)'])
  })

  test('of HAVING are not those of rows', () => {
    expect(
      new Ways('SELECT d.v, max(d.id) FROM c AS d WHERE d.id > 0 GROUP BY d.v HAVING d.v > 3').conditions(
        'd',
      ),
    ).toEqual(['(d.id > 0)'])
  })

  test('of an alias are those of what it stands for', () => {
    expect(new Ways('SELECT d.v + 1 AS k FROM c AS d WHERE k = 3').conditions('d')).toEqual([
      '((d.v + 1) = 3)',
    ])
  })
})

/** Forgets what was noted so far: what is cleared is what was looked for. */
function forget(): void {
  capture.changes()
  capture.clear()
}

/** What one transaction did, looked at by the query as it was and as it is. */
function transact(sql: string, script: () => void): { touched: SqlValue[]; found: SqlValue[] } {
  forget()
  const before = byDriver(sql)
  script()
  const changed = new Set(capture.changes().map(({ table }) => table))
  capture.fill()
  const after = byDriver(sql)
  const touched = [...new Set([...before.keys(), ...after.keys()])].filter(
    (id) => before.get(id) !== after.get(id),
  )
  const ways = new Ways(sql)
  const found = ways.bound.tables
    .filter(({ table }) => changed.has(table as Table))
    .flatMap((item) => run(ways, item.alias, changed))
  return { touched: ascending(touched), found: ascending(found) }
}

/** The keys of d that the search from one table finds. */
function run(ways: Ways, from: string, changed: ReadonlySet<Table>): SqlValue[] {
  const path = ways.path(from, ['d'], false) ?? expect.fail(`no way from ${from}`)
  return database.all(searchStatement(path, keyOf(ways.item('d')), changed)).map(([key]) => key as SqlValue)
}

/** The rows of the result by the id of their d, their first column; in whatever order. */
function byDriver(sql: string): Map<SqlValue, string> {
  const rows = new Map<SqlValue, string>()
  for (const row of database
    .all(sql)
    .map((one) => JSON.stringify(one))
    .sort()) {
    const [key] = JSON.parse(row)
    rows.set(key, `${rows.get(key) ?? ''}${row}\n`)
  }
  return rows
}

const ascending = (keys: readonly SqlValue[]) => [...new Set(keys)].sort((a, b) => Number(a) - Number(b))

describe('the statement that follows a way', () => {
  const exists =
    'SELECT d.id, 1 FROM c AS d WHERE EXISTS (SELECT 1 FROM i JOIN l ON l.inv = i.id WHERE i.cust = d.id)'
  const start = () => {
    database.connection.exec(`DELETE FROM c; DELETE FROM i; DELETE FROM l;
      INSERT INTO c VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c');
      INSERT INTO i VALUES (10, 1, 1), (20, 2, 2), (21, 2, 2), (30, 3, NULL);
      INSERT INTO l VALUES (100, 10, 1), (200, 20, 1);`)
  }

  test('finds rows by the image before and by that after', () => {
    start()
    expect(transact(exists, () => database.run('UPDATE l SET inv = 30 WHERE id = 100'))).toEqual({
      touched: [1, 3],
      found: [1, 3],
    })
    expect(transact(exists, () => database.run('DELETE FROM l WHERE id = 200'))).toEqual({
      touched: [2],
      found: [2],
    })
    expect(transact(exists, () => database.run('INSERT INTO l VALUES (300, 21, 1)'))).toEqual({
      touched: [2],
      found: [2],
    })
  })

  test('and where both ends of a link change at once', () => {
    start()
    expect(
      transact(exists, () =>
        database.connection.exec('DELETE FROM l WHERE id = 100; DELETE FROM i WHERE id = 10'),
      ),
    ).toEqual({ touched: [1], found: [1] })
    start()
    expect(
      transact(exists, () =>
        database.connection.exec('UPDATE i SET cust = 3 WHERE id = 20; UPDATE l SET inv = 21 WHERE id = 100'),
      ).found,
    ).toEqual([1, 2, 3])
  })

  test('may find too much: what else must be true is not asked', () => {
    start()
    expect(transact(exists, () => database.run('INSERT INTO l VALUES (201, 20, 5)'))).toEqual({
      touched: [],
      found: [2],
    })
  })

  test('finds nothing where nothing was changed', () => {
    start()
    expect(transact(exists, () => database.run('UPDATE l SET v = v'))).toEqual({ touched: [], found: [] })
    forget()
    const ways = new Ways(exists)
    expect(run(ways, 'l', new Set([findTable(catalog, 'l') as Table]))).toEqual([])
  })

  test('NOT IN: a NULL that comes or goes touches all', () => {
    const notIn = 'SELECT d.id, 1 FROM c AS d WHERE d.id NOT IN (SELECT v FROM i)'
    start()
    expect(transact(notIn, () => database.run('UPDATE i SET v = 9 WHERE id = 30'))).toEqual({
      touched: [3],
      found: [1, 2, 3],
    })
    expect(transact(notIn, () => database.run('UPDATE i SET v = 3 WHERE id = 30'))).toEqual({
      touched: [3],
      found: [3],
    })
  })
})

/** Rows of small numbers, so that they meet: a table, an id, its two other columns. */
const change = fc.record({
  table: fc.constantFrom('c', 'i', 'l'),
  id: fc.integer({ min: 1, max: 3 }),
  a: fc.option(fc.integer({ min: 1, max: 3 })),
  b: fc.option(fc.integer({ min: 1, max: 3 })),
  gone: fc.boolean(),
})

function write({
  table,
  id,
  a,
  b,
  gone,
}: {
  table: string
  id: number
  a: SqlValue
  b: SqlValue
  gone: boolean
}) {
  if (gone) database.run(`DELETE FROM ${table} WHERE id = ?`, [id])
  else database.run(`REPLACE INTO ${table} VALUES (?, ?, ?)`, [id, a, b])
}

describe('whatever happens, all that is touched is found', () => {
  test.for([
    'SELECT d.id, 1 FROM c AS d WHERE EXISTS (SELECT 1 FROM i JOIN l ON l.inv = i.id WHERE i.cust = d.id AND l.v > i.v)',
    'SELECT d.id, 1 FROM c AS d WHERE NOT EXISTS (SELECT 1 FROM i WHERE i.cust = d.v AND NOT EXISTS (SELECT 1 FROM l WHERE l.inv = i.id))',
    'SELECT d.id, 1 FROM c AS d WHERE d.v IN (SELECT i.v FROM i WHERE i.id IN (SELECT l.inv FROM l))',
    'SELECT d.id, d.v NOT IN (SELECT i.v FROM i) FROM c AS d',
    'SELECT d.id, i.id AS i, l.id AS l FROM c AS d LEFT JOIN i ON i.cust = d.v LEFT JOIN l ON l.inv = i.v',
    'SELECT d.id, l.id AS l FROM c AS d LEFT JOIN i ON i.cust = d.id AND i.v = d.v JOIN l ON l.inv < d.v WHERE i.id IS NULL',
    'SELECT d.id, l.id AS l FROM c AS d LEFT JOIN (SELECT i.cust AS k, l.id FROM i JOIN l ON l.inv = i.id) AS l ON l.k = d.v',
    'SELECT d.id, n FROM c AS d LEFT JOIN (SELECT cust, count(*) AS n FROM i WHERE v > 1 GROUP BY cust) AS g ON g.cust = d.v',
    'SELECT d.id, (SELECT sum(l.v) FROM i LEFT JOIN l ON l.inv = i.id WHERE i.cust = d.id) FROM c AS d',
    'SELECT d.id, i.v FROM c AS d LEFT JOIN i ON i.id = (SELECT x.id FROM i AS x WHERE x.cust = d.id ORDER BY x.v DESC, x.id LIMIT 1)',
  ])('%s', (sql) => {
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 9 }),
        fc.array(change, { minLength: 1, maxLength: 4 }),
        (start, changes) => {
          database.connection.exec('DELETE FROM c; DELETE FROM i; DELETE FROM l')
          for (const one of start) write({ ...one, gone: false })
          const { touched, found } = transact(sql, () => changes.forEach(write))
          expect(found).toEqual(expect.arrayContaining(touched))
        },
      ),
      { numRuns: 100 },
    )
  })
})
