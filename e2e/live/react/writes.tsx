import { sql } from '@millrace/client'
import { useDb, useQuery } from '@millrace/react'
import { memo } from 'react'
import { track, type Tables, type Todo } from '../shared/database.ts'
import { mount } from './mount.tsx'

function Open() {
  const db = useDb<Tables>()
  const { data } = useQuery(sql<Todo>`SELECT * FROM todo WHERE done = 0 ORDER BY id`)
  return (
    <>
      <ul>
        {data.map((row) => (
          <Item key={row.id} row={row} />
        ))}
      </ul>
      <button
        type="button"
        className="add"
        onClick={() => track(db.insert('todo', { id: 'e', list: 'home', title: 'five', note: '', done: 0 }))}
      >
        Add
      </button>
    </>
  )
}

const Item = memo(function Item({ row }: { row: Todo }) {
  const db = useDb<Tables>()
  return (
    <li id={row.id}>
      <span>{row.title}</span>
      <button
        type="button"
        className="rename"
        onClick={() => track(db.update('todo', row.id, { title: `${row.title}!` }))}
      >
        Rename
      </button>
      <button
        type="button"
        className="toggle"
        onClick={() => track(db.update('todo', row.id, { done: 1 - row.done }))}
      >
        Toggle
      </button>
      <button type="button" className="remove" onClick={() => track(db.delete('todo', row.id))}>
        Remove
      </button>
    </li>
  )
})

function Count() {
  const [count] = useQuery(sql<{ n: number }>`SELECT count(*) AS n FROM todo WHERE done = 0`).data
  return <p className="count">{count?.n}</p>
}

await mount(
  <>
    <Count />
    <Open />
  </>,
)
