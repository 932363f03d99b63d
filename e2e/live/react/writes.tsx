import { useDb, useQuery } from '@millrace/react'
import { memo } from 'react'
import { type Tables, type Todo, track } from '../shared/database.ts'
import { COUNT, OPEN } from '../shared/queries.ts'
import { mount } from './mount.tsx'

function Open() {
  const db = useDb<Tables>()
  const { data } = useQuery(OPEN)
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
  const [count] = useQuery(COUNT).data
  return <p className="count">{count?.n}</p>
}

await mount(
  <>
    <Count />
    <Open />
  </>,
)
