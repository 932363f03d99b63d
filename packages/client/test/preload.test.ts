import { type MillraceError, open, sql } from '@millrace/client'
import { enginePort } from '@millrace/engine/node'
import type { EngineCalls, PortSource } from '@millrace/protocol'
import { expect, onTestFinished, test } from 'vitest'

const schema = 'CREATE TABLE todo (id INTEGER PRIMARY KEY NOT NULL, title TEXT)'
const titles = sql<{ title: string }>`SELECT title FROM todo ORDER BY id`

/** The engine of this process, and the calls that it was asked, in their order; the greeting is answered late. */
function source() {
  const engine = enginePort({ schema })
  const asked: string[] = []
  let welcome: () => void = () => {}
  const port: PortSource = {
    async connect() {
      const port = await engine.connect()
      const calls: EngineCalls = {
        ...(Object.fromEntries(
          (['write', 'query', 'unsubscribe', 'cancel', 'planExec', 'close'] as const).map((name) => [
            name,
            (...given: never[]) => (port.calls[name] as (...given: never[]) => unknown)(...given),
          ]),
        ) as unknown as EngineCalls),
        async hello(hello) {
          asked.push('hello')
          const answer = await port.calls.hello(hello)
          await new Promise<void>((resolve) => {
            welcome = resolve
          })
          return answer
        },
        subscribe(...given) {
          asked.push(`subscribe ${given[1]}`)
          return port.calls.subscribe(...given)
        },
      }
      return {
        calls,
        lost: port.lost,
        listen: (listener) => port.listen(listener),
        close: () => port.close(),
      }
    },
    permanent: engine.permanent.bind(engine),
    close: () => engine.close(),
  }
  return { port, asked, welcome: () => welcome(), engine: engine.engine }
}

test('what is to be preloaded is asked for with the greeting, and its rows are there when it is answered', async () => {
  const { port, asked, welcome, engine } = source()
  const bad = sql`SELECT nothing FROM todo`
  ;(await engine).write([{ type: 'exec', sql: "INSERT INTO todo VALUES (1, 'first')", parameters: [] }])
  const opening = open({ port, preload: [titles, bad] })
  await expect.poll(() => asked).toEqual(['hello', `subscribe ${titles.sql}`, `subscribe ${bad.sql}`])
  // Both ways have had their time: rows that come before the welcome wait for it.
  await new Promise((resolve) => setTimeout(resolve, 20))
  welcome()
  const db = await opening
  onTestFinished(() => db.close())
  const live = db.live(titles)
  await expect.poll(() => live.snapshot.status).toBe('live')
  onTestFinished(live.subscribe(() => {}))
  expect(live.snapshot.data).toEqual([{ title: 'first' }])
  await expect.poll(() => db.live(bad).snapshot.error?.code).toBe('INVALID_SQL')
  await db.insert('todo', { id: 2, title: 'second' }).stored
  expect(live.snapshot.data).toEqual([{ title: 'first' }, { title: 'second' }])
  // Asked for once.
  expect(asked).toHaveLength(3)
})

test('a query that is none makes open reject', async () => {
  const { port } = source()
  const error: MillraceError = await open({ port, preload: [null as never] }).catch((thrown) => thrown)
  expect(error.code).toBe('INVALID_SQL')
})
