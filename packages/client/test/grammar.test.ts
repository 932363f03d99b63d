import { type LiveQuery, open, type SqlQuery } from '@millrace/client'
import { enginePort, openEngine } from '@millrace/engine/node'
import { MillraceError, type Operation, type SqlValue } from '@millrace/protocol'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import {
  fillArbitrary,
  operationArbitrary,
  statementArbitrary,
  writesOf,
} from '../../engine/test/oracle/history.ts'
import { queryArbitrary } from '../../engine/test/oracle/query.ts'
import { Replay, show } from '../../engine/test/oracle/replay.ts'
import { calmSchemaArbitrary, type RandomSchema } from '../../engine/test/oracle/schema.ts'
import { condition } from '../../engine/test/oracle/templates.ts'
import { maybe, oneOf, sql } from '../../engine/test/oracle/text.ts'
import { loadOnDemand } from '../src/on-demand.ts'
import { UnsteadyPorts } from './unsteady-port.ts'
import { turns } from './world.ts'

/*
 * The law of predictions on the schemas and queries of the engine's oracle: a view that does not say `settling` shows, right
 * after a write, what the engine would show of it if the write were stored.
 */
const RUNS = Number(process.env.MILLRACE_GRAMMAR_RUNS ?? 40)

// What is told before they are loaded is less.
beforeAll(loadOnDemand)

type Step =
  | { readonly type: 'write'; readonly operations: readonly Operation[] }
  | { readonly type: 'steps'; readonly count: number }
  | { readonly type: 'quiet' }

interface Scene {
  readonly schema: string
  readonly queries: readonly SqlQuery[]
  /** SQL that runs now and then: once at first, for how it is predicted is known from its second run on. */
  readonly texts: readonly string[]
  /** Stored before anything is live. */
  readonly fill: readonly (readonly Operation[])[]
  readonly steps: readonly Step[]
}

/** What applications ask for, and what is predicted mostly: of one table, of it and what it refers to, of what refers to it. */
function commonArbitrary({ tables }: RandomSchema): fc.Arbitrary<string> {
  const table = fc.constantFrom(...tables)
  return fc.tuple(table, table).chain(([one, other]) => {
    const where = maybe(
      sql` WHERE ${condition('x', other.name)}${maybe(sql` AND ${condition('x', other.name)}`)}`,
    )
    const column = oneOf('x.a', 'x.b', 'x.c', 'x.d', 'x.r', 'x.id')
    const key = one.key.map((name) => `x.${name}`).join(', ') || 'x.id'
    const order = maybe(sql` ORDER BY ${column}${oneOf('', ' DESC', ' NULLS LAST')}, ${key}`)
    const limit = maybe(sql` LIMIT ${oneOf('1', '3', '8', '3 OFFSET 1')}`)
    const input = oneOf('x.a', 'x.d', 'x.b', 'x.a + 1', 'x.c')
    const aggregate = fc.oneof(
      oneOf('count(*)'),
      sql`${oneOf('count', 'sum', 'total', 'avg', 'min', 'max')}(${input})`,
      sql`${oneOf('count', 'sum', 'max')}(${input}) FILTER (WHERE ${condition('x', other.name)})`,
    )
    const group = oneOf('x.a', 'x.b', 'x.c', 'x.r', 'lower(x.b)', 'x.a > 1', 'x.a, x.b')
    const outputs = oneOf(
      '*',
      'x.id, x.a, x.b',
      'x.b, x.d, x.id',
      "x.id, coalesce(x.b, '-') || x.a AS e, x.r",
    )
    const child = sql`FROM ${other.name} AS y WHERE y.r = x.id${maybe(sql` AND ${condition('y', one.name)}`)}`
    return fc.oneof(
      { arbitrary: sql`SELECT ${outputs} FROM ${one.name} AS x${where}${order}${limit}`, weight: 4 },
      {
        arbitrary: group.chain(
          (by) =>
            sql`SELECT ${by}, ${aggregate} AS p, ${aggregate} AS q FROM ${one.name} AS x${where} GROUP BY ${by}${maybe(` ORDER BY ${by}`)}`,
        ),
        weight: 2,
      },
      {
        arbitrary: sql`SELECT ${aggregate} AS p, ${aggregate} AS q FROM ${one.name} AS x${where}`,
        weight: 2,
      },
      {
        arbitrary: sql`SELECT x.id, x.r, y.b AS e FROM ${one.name} AS x ${oneOf('JOIN', 'LEFT JOIN')} ${other.name} AS y ON ${oneOf('y.id = x.r', 'y.id = x.r AND y.a > 0', 'y.r = x.id', 'y.a = x.a')}${where}${order}${limit}`,
        weight: 3,
      },
      {
        arbitrary: sql`SELECT x.id, (SELECT count(${oneOf('*', 'y.a')}) ${child}) AS n FROM ${one.name} AS x${where}${order}${limit}`,
        weight: 1,
      },
      {
        arbitrary: sql`SELECT x.id, x.a FROM ${one.name} AS x WHERE ${oneOf('', 'NOT ')}EXISTS (SELECT 1 ${child})${order}${limit}`,
        weight: 1,
      },
      {
        arbitrary: sql`SELECT x.id, (SELECT json_group_array(json_object('id', y.id, 'a', y.a, 'b', y.b)) ${child}) AS list FROM ${one.name} AS x${where}${order}`,
        weight: 1,
      },
    )
  })
}

const scene: fc.Arbitrary<Scene> = calmSchemaArbitrary.chain((schema) => {
  const table = fc.constantFrom(...schema.tables)
  const text = fc.tuple(table, table).chain(([one, other]) => statementArbitrary(schema, one, other, 'any'))
  return fc.array(text, { minLength: 3, maxLength: 3 }).chain((texts) => sceneOf(schema, texts))
})

function sceneOf(schema: RandomSchema, texts: readonly string[]): fc.Arbitrary<Scene> {
  const operation = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.constantFrom(...schema.tables).chain((table) => operationArbitrary(schema, table)),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...texts).map((sql): Operation => ({ type: 'exec', sql, parameters: [] })),
    },
  )
  const step = fc.oneof(
    {
      weight: 10,
      arbitrary: fc
        .array(operation, { minLength: 1, maxLength: 3 })
        .map((operations): Step => ({ type: 'write', operations })),
    },
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 6 }).map((count): Step => ({ type: 'steps', count })) },
    { weight: 2, arbitrary: fc.constant<Step>({ type: 'quiet' }) },
  )
  const any = queryArbitrary(schema).map(({ sql, parameters }): SqlQuery => ({ sql, parameters }))
  const common = commonArbitrary(schema).map((text): SqlQuery => ({ sql: text, parameters: [] }))
  const query = fc.oneof({ arbitrary: common, weight: 4 }, any)
  return fc.record({
    schema: fc.constant(schema.text),
    texts: fc.constant(texts),
    queries: fc.array(query, { minLength: 4, maxLength: 12, size: 'max' }),
    fill: fillArbitrary(schema).map((steps) => steps.flatMap(writesOf)),
    steps: fc.array(step, { minLength: 1, maxLength: 12, size: 'max' }),
  })
}

const share = { predicted: 0, changed: 0, waited: 0 }

async function play({ schema, texts, queries, fill, steps }: Scene): Promise<void> {
  const shadow = await openEngine({ schema }).catch((error: MillraceError) => {
    // A random schema may be one that is refused.
    if (error.code !== 'INVALID_SCHEMA') throw error
    return null
  })
  if (shadow === null) return
  const stored = enginePort({ schema })
  const ports = new UnsteadyPorts(stored)
  const db = await open({ port: ports })
  db.onRejected(() => {})
  const engine = await stored.engine
  try {
    for (const operations of fill) for (const each of [engine, shadow]) tryTo(() => each.write(operations))
    const live = queries.flatMap((query) => {
      const replay = new Replay()
      if (!tryTo(() => shadow.subscribe(query.sql, query.parameters as SqlValue[], replay.listen))) return []
      const one = { query, live: db.live(query), replay }
      // What subscribers hear while answers come: all writes are in the shadow then.
      one.live.subscribe(({ snapshot }) => {
        if (!isAnswering || mayBeRefused || snapshot.settling || snapshot.status !== 'live') return
        if (replay.error === null) shown.push(compared(one))
      })
      return [one]
    })
    let isAnswering = false
    let mayBeRefused = false
    const shown: { readonly shown: string; readonly should: string; readonly sql: string }[] = []
    const quiet = async () => {
      ports.release()
      await db.query({ sql: 'SELECT 1', parameters: [] })
      await turns(8)
    }
    for (const text of texts) {
      const operation: Operation = { type: 'exec', sql: text, parameters: [] }
      await db.exec(operation).catch(() => {})
      tryTo(() => shadow.write([operation]))
    }
    await quiet()
    for (const step of [...steps, { type: 'quiet' } as const]) {
      const before = live.map(({ live }) => live.snapshot.data)
      if (step.type === 'write') {
        ports.hold()
        const isMade = tryTo(() =>
          db
            .write((tx) => {
              for (const operation of step.operations) {
                if (operation.type === 'insert') tx.insert(operation.table, operation.row)
                else if (operation.type === 'update')
                  tx.update(operation.table, operation.key as string[], operation.patch)
                else if (operation.type === 'delete') tx.delete(operation.table, operation.key as string[])
                else tx.exec(operation)
              }
            })
            .stored.catch(() => {}),
        )
        if (!isMade) continue
        if (!tryTo(() => shadow.write(step.operations))) mayBeRefused = true
      } else if (step.type === 'steps') {
        isAnswering = true
        for (let i = 0; i < step.count; i++) {
          ports.step()
          await turns(2)
        }
      } else {
        isAnswering = true
        await quiet()
        mayBeRefused = false
      }
      isAnswering = false
      for (const one of shown.splice(0)) expect(one.shown, `on the way: ${one.sql}`).toBe(one.should)
      for (const [i, one] of live.entries()) {
        const { settling, status, data } = one.live.snapshot
        if (step.type === 'quiet') expect(settling, `settling at the end: ${one.query.sql}`).toBe(false)
        if (step.type === 'write') {
          share[settling ? 'waited' : 'predicted']++
          if (!settling && data !== before[i]) share.changed++
        }
        if (settling || mayBeRefused) continue
        if (one.replay.error !== null || status === 'error') {
          // An error of SQLite's, at run time, is none that is predicted.
          if (step.type === 'quiet') expect(status, one.query.sql).toBe('error')
          continue
        }
        const { shown, should, sql } = compared(one)
        expect(shown, sql).toBe(should)
      }
    }
  } finally {
    ports.release()
    await db.close()
    shadow.close()
  }
}

/** Rows as text, and what they should be; without ORDER BY in no order. */
function compared({
  query,
  live,
  replay,
}: {
  readonly query: SqlQuery
  readonly live: LiveQuery
  readonly replay: Replay
}) {
  const names = [...new Set(replay.columns)]
  const isOrdered = /ORDER BY/.test(query.sql)
  const text = (rows: readonly (readonly SqlValue[])[]) =>
    isOrdered ? show(rows) : show(rows).split('\n').sort().join('\n')
  return {
    shown: text(live.snapshot.data.map((row) => names.map((name) => row[name] as SqlValue))),
    should: text(
      replay.rows.map((row) => names.map((name) => row[replay.columns.lastIndexOf(name)] as SqlValue)),
    ),
    sql: `${query.sql} ${show([query.parameters as SqlValue[]])}`,
  }
}

function tryTo(run: () => unknown): boolean {
  try {
    run()
    return true
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error
    return false
  }
}

test(
  'what shows of random queries right after a write is what the engine then says',
  async () => {
    // Each scene is two databases: a few tries make a failure smaller, a thousand take minutes.
    const interruptAfterTimeLimit = Math.max(60_000, RUNS * 2_000)
    await fc.assert(fc.asyncProperty(scene, play), { numRuns: RUNS, interruptAfterTimeLimit })
    const { predicted, changed, waited } = share
    console.log(`right after a write: ${predicted} views told (${changed} of them changed), ${waited} waited`)
  },
  Math.max(120_000, RUNS * 5_000),
)
