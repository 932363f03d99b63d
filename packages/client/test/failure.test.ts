import { open, sql } from '@millrace/client'
import { enginePort } from '@millrace/engine/node'
import { expect, test } from 'vitest'

const SCHEMA = 'CREATE TABLE note (id INTEGER PRIMARY KEY NOT NULL, text TEXT, data BLOB)'

/** Overflows the stack of the WebAssembly: each view of the next, ten thousand deep. */
const FATAL = `WITH v0 AS (SELECT 1 AS x)${Array.from({ length: 10_000 }, (_, i) => `, v${i + 1} AS (SELECT x FROM v${i})`).join('')} SELECT x FROM v10000`

test('through a client in the same process: the query has the error, then the database ends with it', async () => {
  const db = await open({ port: enginePort({ schema: SCHEMA }) })
  await expect(db.query({ sql: FATAL, parameters: [] })).rejects.toMatchObject({ code: 'ENGINE_LOST' })
  await expect(db.query(sql`SELECT 1`)).rejects.toMatchObject({ code: 'ENGINE_LOST' })
  await expect.poll(() => db.connection.status).toBe('closed')
  await db.close()
})
