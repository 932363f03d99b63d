import { useDb, useQuery } from '@millrace/solid'
import { Show } from 'solid-js'
import type { Tables } from '../shared/database.ts'
import { rowsOf } from '../shared/live.ts'
import { record } from '../shared/record.ts'
import { type Counts, countsOf, type Filter, setAllDone, todosOf } from '../shared/todos.ts'

export function ToggleAll(props: { list: string; filter: Filter }) {
  const db = useDb<Tables>()
  const query = useQuery(() => countsOf(props.list))
  const counts = () => query.data[0]

  function toggle({ total, active }: Counts) {
    const rows = rowsOf(db, todosOf(props.list, props.filter))
    record(() => setAllDone(db, props.list, active === 0 ? 0 : 1, rows, { total, active }))
  }

  return (
    <Show when={counts()?.total}>
      <input
        id="toggle-all"
        class="toggle-all"
        type="checkbox"
        checked={counts()?.active === 0}
        onChange={() => toggle(counts()!)}
      />
      <label class="visually-hidden" for="toggle-all">
        Mark all as complete
      </label>
    </Show>
  )
}
