import { useDb, useQuery } from '@millrace/solid'
import { Show } from 'solid-js'
import { type Tables, track } from '../shared/database.ts'
import { EDITED } from '../shared/queries.ts'
import { mount } from './mount.tsx'

function Editor() {
  const db = useDb<Tables>()
  const rows = useQuery(() => EDITED)
  return (
    <Show when={rows.data[0]}>
      {(row) => (
        <>
          <input
            aria-label="Title"
            value={row().title}
            onInput={(event) => track(db.update('todo', row().id, { title: event.target.value }))}
          />
          <p class="title">{row().title}</p>
          <p class="note">{row().note}</p>
        </>
      )}
    </Show>
  )
}

await mount(() => <Editor />)
