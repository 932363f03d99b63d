import { openEngine } from '@millrace/engine/node'
import { expect, test } from 'vitest'

test.each([3, 4, 5, 6, 8, 10, 14])(
  'a write costs no multiple of the query where one table is joined with itself %d times',
  async (tables) => {
    const engine = await openEngine({
      schema: 'CREATE TABLE t (id INTEGER PRIMARY KEY NOT NULL, up INTEGER, name TEXT)',
    })
    const fill =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO t SELECT i, i / 2, 'n' || i FROM n"
    engine.write([{ type: 'exec', sql: fill, parameters: [] }])
    const joins = Array.from(
      { length: tables - 1 },
      (_, i) => `LEFT JOIN t t${i + 1} ON t${i + 1}.id = t${i}.up`,
    )
    const sql = `SELECT t0.id, t${tables - 1}.name AS top FROM t t0 ${joins.join(' ')} ORDER BY 1`
    let rows: unknown = null
    engine.subscribe(sql, [], (change) => {
      rows = change
    })
    expect(rows).not.toBeNull()
    const rename = (name: string) =>
      engine.write([{ type: 'update', table: 't', key: [151], patch: { name } }])
    rename('warm')
    engine.countSteps(true)
    const steps = (run: () => unknown) => {
      const before = engine.counters.vmSteps
      run()
      return engine.counters.vmSteps - before
    }
    const write = steps(() => rename('x'))
    const query = steps(() => engine.query(sql))
    expect(write).toBeLessThan(3 * query + 10_000)
    const { wokenBy } = engine.explain(sql)
    expect(wokenBy.at(-1)?.action).toBe(tables > 5 ? 'run again' : 'search what it touches')
    engine.close()
  },
)
