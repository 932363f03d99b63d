import { openEngine } from '@millrace/engine/node'
import { median, printTable, ratio, us } from './measure.ts'
import { fill, idOf, schema } from './todos.ts'

const queries: Record<string, readonly (readonly [sql: string, ...parameters: string[]])[]> = {
  'no live query': [],
  'top 50 of a list': [['SELECT * FROM todo WHERE list = ? ORDER BY position LIMIT 50', 'list-0']],
  'a list of 1,000': [['SELECT * FROM todo WHERE list = ? ORDER BY position', 'list-0']],
  'counts of a list': [
    ['SELECT count(*), count(*) FILTER (WHERE done = 0) FROM todo WHERE list = ?', 'list-0'],
  ],
  'counts by list': [['SELECT list, count(*) FROM todo WHERE done = 0 GROUP BY list']],
  'the whole table': [['SELECT * FROM todo ORDER BY list, position']],
  'a column that is not written': [['SELECT id, title FROM todo ORDER BY id']],
}

/** One toggle, committed, by what is live: against the same toggle with nothing live. */
export async function benchEngine(): Promise<void> {
  for (const replicated of [false, true]) {
    const rows: string[][] = []
    for (const size of [1_000, 10_000, 100_000]) {
      let bare = 0
      for (const [name, live] of Object.entries(queries)) {
        const engine = await openEngine({ schema: schema(replicated) })
        engine.write(fill(size))
        for (const [sql, ...parameters] of live) engine.subscribe(sql, parameters, () => {})
        const time = await median(name === 'the whole table' ? 15 : 100, (i) =>
          engine.write([{ type: 'update', table: 'todo', key: [idOf(i % 50)], patch: { done: i % 2 } }]),
        )
        engine.close()
        if (live.length === 0) bare = time
        rows.push([size.toLocaleString('en'), name, us(time), ratio(time, bare)])
      }
    }
    printTable(
      `Engine, one toggle committed in memory, ${replicated ? 'replicated' : 'plain'} table`,
      ['rows', 'live', 'time', 'of the bare write'],
      rows,
    )
  }
}
