import { sql } from '@millrace/client'
import { useDb, useQuery } from '@millrace/react'
import { track, type Tables, type Todo } from '../shared/database.ts'
import { mount } from './mount.tsx'

function Editor() {
  const db = useDb<Tables>()
  const row = useQuery(sql<Todo>`SELECT * FROM todo WHERE id = ${'edited'}`).data[0]
  if (row === undefined) return null
  return (
    <>
      <input
        aria-label="Title"
        value={row.title}
        onChange={(event) => track(db.update('todo', row.id, { title: event.target.value }))}
      />
      <p className="title">{row.title}</p>
      <p className="note">{row.note}</p>
    </>
  )
}

await mount(<Editor />)
