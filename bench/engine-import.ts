import type { Operation, SqlValue } from '@millrace/protocol'
import type { Reach } from './engine.ts'
import { listOf, mix, Ours } from './engine-data.ts'
import { printTable, ratio, us } from './measure.ts'
import { idOf } from './todos.ts'

const BEFORE = 10_000
const IMPORTED = 100_000

/** The rows of an import, in as many statements as are asked for. A tenth of them comes into lists that are there. */
function imported(statements: number): Operation[] {
  const each = IMPORTED / statements
  return Array.from({ length: statements }, (_, part) => {
    const rows: SqlValue[][] = []
    for (let i = BEFORE + part * each; i < BEFORE + (part + 1) * each; i++) {
      // Spread over all positions, so that some come in among the first 50.
      const position = String((i * 7919) % (BEFORE + IMPORTED)).padStart(8, '0')
      rows.push([idOf(i), listOf(i % 1_000), i % 10, `Todo number ${i}`, i % 2, position, i % 7])
    }
    return {
      type: 'exec',
      sql: `INSERT INTO todo (id, list, owner, title, done, position, points)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6 FROM json_each(?)`,
      parameters: [JSON.stringify(rows)],
    }
  })
}

const forms = {
  'in one statement': imported(1),
  'in chunks of 10,000': imported(10),
}

/** An import with an app's twenty queries open, against the same import with none: the least of some runs of each. */
export async function benchImports(runs: number): Promise<Reach[]> {
  const reached: Reach[] = []
  const rows: string[][] = []
  for (const replicated of [false, true]) {
    const kind = replicated ? 'replicated' : 'plain'
    const reach = replicated ? 1.3 : 2
    for (const [form, operations] of Object.entries(forms)) {
      let alone = Number.POSITIVE_INFINITY
      let watched = Number.POSITIVE_INFINITY
      for (let i = 0; i < runs; i++) {
        alone = Math.min(alone, await importTime(replicated, operations, false))
        watched = Math.min(watched, await importTime(replicated, operations, true))
      }
      rows.push([kind, form, us(alone), us(watched), ratio(watched, alone)])
      reached.push({
        what: `import of 100,000 rows ${form}, 20 live queries, ${kind}`,
        is: `${(watched / alone).toFixed(2)} × the import without any`,
        reach: `${reach} ×`,
        met: watched <= reach * alone,
      })
    }
  }
  printTable(
    'Engine, import of 100,000 rows',
    ['table', 'import', 'nothing live', '20 queries live', 'of that'],
    rows,
  )
  return reached
}

/**
 * In microseconds, of the processor: an import is long enough for the machine to do other things meanwhile. Each operation
 * is a commit.
 */
async function importTime(
  replicated: boolean,
  operations: readonly Operation[],
  watched: boolean,
): Promise<number> {
  const ours = await Ours.filled({ rows: BEFORE, perList: 10, replicated })
  if (watched) for (const [sql, ...parameters] of mix) ours.subscribe(sql, parameters)
  const start = process.cpuUsage()
  for (const operation of operations) ours.engine.write([operation])
  const { user, system } = process.cpuUsage(start)
  ours.engine.close()
  return user + system
}
