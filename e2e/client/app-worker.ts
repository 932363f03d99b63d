import { open, sql } from '@millrace/client'
import { workerPort } from '@millrace/worker'

/* An app that keeps its database in a worker of its own. */

addEventListener('message', async () => {
  try {
    const port = workerPort({
      name: 'in-worker',
      schema: 'CREATE TABLE entry (id INTEGER PRIMARY KEY NOT NULL, text TEXT)',
    })
    const db = await open({ port })
    await db.insert('entry', { text: 'from a worker' }).stored
    const rows = await db.query(sql<{ text: string }>`SELECT text FROM entry`)
    postMessage({ type: db.storage.type, rows })
  } catch (error) {
    postMessage(String(error))
  }
})
