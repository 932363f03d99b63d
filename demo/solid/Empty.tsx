import { useQuery } from '@millrace/solid'
import { Match, Switch } from 'solid-js'
import { countsOf, type Filter } from '../shared/todos.ts'

export function Empty(props: { list: string; filter: Filter }) {
  const query = useQuery(() => countsOf(props.list))
  const total = () => query.data[0]?.total
  return (
    <div class="empty">
      <Switch>
        <Match when={total() === 0}>
          <p>Nothing here yet.</p>
          <p>Type a todo above and press Enter.</p>
        </Match>
        <Match when={total() && props.filter === 'active'}>
          <p>All done.</p>
        </Match>
        <Match when={total() && props.filter === 'completed'}>
          <p>Nothing completed yet.</p>
        </Match>
      </Switch>
    </div>
  )
}
