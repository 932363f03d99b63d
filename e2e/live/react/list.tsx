import { useDb, useQuery } from '@millrace/react'
import { memo } from 'react'
import { type Tables, type Todo, track } from '../shared/database.ts'
import { COUNT, FIRST_FIVE, GROUPS } from '../shared/queries.ts'
import { mount } from './mount.tsx'

function List() {
  const { data } = useQuery(FIRST_FIVE)
  return (
    <ul>
      {data.map((row) => (
        <Item key={row.id} row={row} />
      ))}
    </ul>
  )
}

const Item = memo(function Item({ row }: { row: Todo }) {
  const db = useDb<Tables>()
  return (
    <li>
      <input
        id={row.id}
        aria-label="Title"
        value={row.title}
        onChange={(event) => track(db.update('todo', row.id, { title: event.target.value }))}
      />
    </li>
  )
})

function Count() {
  const [count] = useQuery(COUNT).data
  return <p className="count">{count?.n}</p>
}

function Groups() {
  const { data } = useQuery(GROUPS)
  return data.map(({ list, n, longest }) => (
    <p key={list} className={`group ${list}`}>{`${list}: ${n}, the longest of ${longest}`}</p>
  ))
}

await mount(
  <>
    <List />
    <Count />
    <Groups />
  </>,
)
