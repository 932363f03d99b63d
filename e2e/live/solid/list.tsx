import { sql } from '@millrace/client'
import { useDb, useQuery } from '@millrace/solid'
import { For } from 'solid-js'
import { track, type Tables, type Todo } from '../shared/database.ts'
import { mount } from './mount.tsx'

function List() {
  const db = useDb<Tables>()
  const rows = useQuery(() => sql<Todo>`SELECT * FROM todo WHERE done = 0 ORDER BY title, id LIMIT 5`)
  return (
    <ul>
      <For each={rows.data}>
        {(row) => (
          <li>
            <input
              id={row.id}
              aria-label="Title"
              value={row.title}
              onInput={(event) => track(db.update('todo', row.id, { title: event.target.value }))}
            />
          </li>
        )}
      </For>
    </ul>
  )
}

function Count() {
  const count = useQuery(() => sql<{ n: number }>`SELECT count(*) AS n FROM todo WHERE done = 0`)
  return <p class="count">{count.data[0]?.n}</p>
}

function Groups() {
  const groups = useQuery(
    () => sql<{ list: string; n: number; letters: number }>`
      SELECT list, count(*) AS n, sum(length(title)) AS letters FROM todo GROUP BY list ORDER BY list`,
  )
  return (
    <For each={groups.data}>
      {(group) => (
        <p class={`group ${group.list}`}>{`${group.list}: ${group.n} with ${group.letters} letters`}</p>
      )}
    </For>
  )
}

await mount(() => (
  <>
    <List />
    <Count />
    <Groups />
  </>
))
