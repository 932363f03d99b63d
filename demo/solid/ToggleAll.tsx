import { useDb, useQuery } from '@millrace/solid'
import { Show } from 'solid-js'
import { toggleAll } from '../shared/bulk.ts'
import type { Tables } from '../shared/database.ts'
import { countsOf, type Filter, NONE } from '../shared/todos.ts'

export function ToggleAll(props: { list: string; filter: Filter }) {
  const db = useDb<Tables>()
  const query = useQuery(() => countsOf(props.list))
  const counts = () => query.data[0] ?? NONE

  return (
    <Show when={counts().total}>
      <input
        id="toggle-all"
        class="toggle-all"
        type="checkbox"
        checked={counts().active === 0}
        onChange={() => toggleAll(db, props.list, props.filter, counts())}
      />
      <label class="visually-hidden" for="toggle-all">
        Mark all as complete
      </label>
    </Show>
  )
}
