import { useDb, useQuery } from '@millrace/solid'
import { For } from 'solid-js'
import { type Tables, track } from '../shared/database.ts'
import { COUNT, OPEN } from '../shared/queries.ts'
import { mount } from './mount.tsx'

function Open() {
  const db = useDb<Tables>()
  const rows = useQuery(() => OPEN)
  return (
    <>
      <ul>
        <For each={rows.data}>
          {(row) => (
            <li id={row.id}>
              <span>{row.title}</span>
              <button
                type="button"
                class="rename"
                onClick={() => track(db.update('todo', row.id, { title: `${row.title}!` }))}
              >
                Rename
              </button>
              <button
                type="button"
                class="toggle"
                onClick={() => track(db.update('todo', row.id, { done: 1 - row.done }))}
              >
                Toggle
              </button>
              <button type="button" class="remove" onClick={() => track(db.delete('todo', row.id))}>
                Remove
              </button>
            </li>
          )}
        </For>
      </ul>
      <button
        type="button"
        class="add"
        onClick={() => track(db.insert('todo', { id: 'e', list: 'home', title: 'five', note: '', done: 0 }))}
      >
        Add
      </button>
    </>
  )
}

function Count() {
  const count = useQuery(() => COUNT)
  return <p class="count">{count.data[0]?.n}</p>
}

await mount(() => (
  <>
    <Count />
    <Open />
  </>
))
