import { openEngine } from '@millrace/engine/node'
import { MillraceError } from '@millrace/protocol'

const engine = await openEngine({
  schema: `
    CREATE TABLE todo (id TEXT PRIMARY KEY NOT NULL, title TEXT, done INTEGER DEFAULT 0);
    SELECT crsql_as_crr('todo'); -- this table is replicated; others need not be`,
})

// The result as a list that deltas are applied to.
export let open: { key: string; title: unknown }[] = []

const end = engine.subscribe('SELECT title FROM todo WHERE done = ? ORDER BY title', [0], (change) => {
  switch (change.type) {
    case 'rows': // now, and after an error
      open = change.rows.map(([title], i) => ({ key: change.keys[i] ?? '', title }))
      break
    case 'delta': {
      const gone = new Set([...change.remove, ...change.put.map(({ key }) => key)])
      open = open.filter(({ key }) => !gone.has(key))
      for (const { at, key, row } of change.put) open.splice(at, 0, { key, title: row[0] })
      break
    }
    case 'error':
      console.error(change.error.message)
  }
})

// Stored, and every subscriber told, when it returns.
const commit = engine.write([
  { type: 'insert', table: 'todo', row: { id: 'a', title: 'Wash the car' } },
  { type: 'insert', table: 'todo', row: { id: 'b', title: 'Buy milk' } },
])
export const shown = open.map(({ title }) => title) // ['Buy milk', 'Wash the car']
export const { woken } = commit // 1: the live queries that ran again

engine.write([{ type: 'update', table: 'todo', key: ['b'], patch: { done: 1 } }]) // open: Wash the car
engine.write([{ type: 'exec', sql: 'UPDATE todo SET title = upper(title) WHERE done = ?', parameters: [0] }])
export const finished = engine.query('SELECT count(*) FROM todo WHERE done').rows // [[1]]

// Refused: nothing of it is stored, and the error says why and what to do.
try {
  engine.write([
    { type: 'delete', table: 'todo', key: ['a'] },
    { type: 'insert', table: 'todo', row: { id: 'b', title: 'Twice' } },
  ])
} catch (error) {
  if (!(error instanceof MillraceError)) throw error
  console.log(error.code) // WRITE_REJECTED
}

end()
engine.close()
