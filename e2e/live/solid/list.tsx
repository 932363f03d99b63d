import { useDb, useQuery } from '@millrace/solid'
import { For } from 'solid-js'
import { type Tables, track } from '../shared/database.ts'
import { COUNT, FIRST_FIVE, GROUPS } from '../shared/queries.ts'
import { mount } from './mount.tsx'

function List() {
  const db = useDb<Tables>()
  const rows = useQuery(() => FIRST_FIVE)
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
  const count = useQuery(() => COUNT)
  return <p class="count">{count.data[0]?.n}</p>
}

function Groups() {
  const groups = useQuery(() => GROUPS)
  return (
    <For each={groups.data}>
      {(group) => (
        <p class={`group ${group.list}`}>{`${group.list}: ${group.n}, the longest of ${group.longest}`}</p>
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
