import { open, sql } from '@millrace/client'
import { enginePort } from '@millrace/engine/node'
import type { ClientId, Journal, Operation, PortSource, WriteId } from '@millrace/protocol'
import { expect, onTestFinished, test, vi } from 'vitest'
import { shown } from './world.ts'

const insert = (id: number): Operation => ({ type: 'insert', table: 'todo', row: { id } })
const LEFT = [1, 2, 3].map((id) => ({ id: id as WriteId, operations: [insert(id === 2 ? 1 : id)] }))

/** The engine of this process as one with a disk, and with writes that another client left. */
function leftBehind(type: 'opfs' | 'memory') {
  const source = enginePort({ schema: 'CREATE TABLE todo (id INTEGER PRIMARY KEY NOT NULL)' })
  const calls: string[] = []
  let replayed = false
  const journal: Journal = {
    get hasLeft() {
      return !replayed
    },
    changed: () => void calls.push('changed'),
    save: () => calls.push('save'),
    replayTo: (replay) =>
      void replay('another' as ClientId, LEFT).then(() => {
        replayed = true
      }),
    close: () => void calls.push('close'),
  }
  const port: PortSource = {
    connect: async () => {
      const port = await source.connect()
      const hello: typeof port.calls.hello = async (client) => ({
        ...(await port.calls.hello(client)),
        storage: { type, reason: 'for this test' },
      })
      return { ...port, calls: { ...port.calls, hello } }
    },
    permanent: (error) => source.permanent(error),
    openJournal: () => journal,
    close: () => source.close(),
  }
  return { port, calls, isReplayed: () => replayed }
}

test('writes that another page left are in the first rows; who listens late hears of what was rejected', async () => {
  const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
  onTestFinished(() => logged.mockRestore())
  const { port, isReplayed } = leftBehind('opfs')
  const db = await open({ port })
  onTestFinished(() => db.close())
  const live = await shown(db, sql<{ id: number }>`SELECT id FROM todo ORDER BY id`)
  expect(live.snapshot.data).toEqual([{ id: 1 }, { id: 3 }])
  await vi.waitFor(() => expect(isReplayed()).toBe(true))
  // Nobody listened: it is logged, and told to the first who does.
  expect(logged).toHaveBeenCalledTimes(1)
  const heard: unknown[] = []
  db.onRejected(({ error, operations }) => heard.push([error.code, operations]))
  db.onRejected(() => heard.push('once more'))
  await Promise.resolve()
  expect(heard).toEqual([['WRITE_REJECTED', [insert(1)]]])
})

test('a database in memory has no journal', async () => {
  const { port, calls, isReplayed } = leftBehind('memory')
  const db = await open({ port })
  expect(calls).toEqual(['close'])
  await db.exec(sql`INSERT INTO todo VALUES (1)`)
  await db.close()
  expect(calls).toEqual(['close'])
  expect(isReplayed()).toBe(false)
})
