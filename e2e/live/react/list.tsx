import { sql } from '@millrace/client'
import { useDb, useQuery } from '@millrace/react'
import { memo } from 'react'
import { track, type Tables, type Todo } from '../shared/database.ts'
import { mount } from './mount.tsx'

function List() {
  const { data } = useQuery(sql<Todo>`SELECT * FROM todo WHERE done = 0 ORDER BY title, id LIMIT 5`)
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
  const [count] = useQuery(sql<{ n: number }>`SELECT count(*) AS n FROM todo WHERE done = 0`).data
  return <p className="count">{count?.n}</p>
}

function Groups() {
  const { data } = useQuery(sql<{ list: string; n: number; letters: number }>`
    SELECT list, count(*) AS n, sum(length(title)) AS letters FROM todo GROUP BY list ORDER BY list`)
  return data.map(({ list, n, letters }) => (
    <p key={list} className={`group ${list}`}>{`${list}: ${n} with ${letters} letters`}</p>
  ))
}

await mount(
  <>
    <List />
    <Count />
    <Groups />
  </>,
)
