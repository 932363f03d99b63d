import { useDb, useQuery } from '@millrace/react'
import { type Tables, track } from '../shared/database.ts'
import { EDITED } from '../shared/queries.ts'
import { mount } from './mount.tsx'

function Editor() {
  const db = useDb<Tables>()
  const row = useQuery(EDITED).data[0]
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
