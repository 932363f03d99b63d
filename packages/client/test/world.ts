import { type Database, type LiveQuery, open, type SqlQuery } from '@millrace/client'
import { enginePort } from '@millrace/engine/node'
import { expect, onTestFinished } from 'vitest'
import { UnsteadyPorts } from './unsteady-port.ts'

/** A database whose engine answers when the test lets it. Ends with the test. */
export async function openUnsteady(schema: string): Promise<{ db: Database; ports: UnsteadyPorts }> {
  const ports = new UnsteadyPorts(enginePort({ schema }))
  const db = await open({ port: ports })
  onTestFinished(async () => {
    ports.release()
    await db.close()
  })
  return { db, ports }
}

/** A live query with its first rows. */
export async function shown<R>(db: Database, query: SqlQuery<R>): Promise<LiveQuery<R>> {
  const live = db.live(query)
  live.subscribe(() => {})
  await expect.poll(() => live.snapshot.status).toBe('live')
  return live
}

/** Lets so many turns of the event loop pass. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}
