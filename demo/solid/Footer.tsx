import { useDb, useQuery } from '@millrace/solid'
import { For, Show } from 'solid-js'
import { clearCompleted } from '../shared/bulk.ts'
import type { Tables } from '../shared/database.ts'
import { warm } from '../shared/live.ts'
import { filters, linkTo, type Route } from '../shared/route.ts'
import { type Counts, countsOf, todosOf } from '../shared/todos.ts'

export function Footer(props: { list: string; here: Route }) {
  const db = useDb<Tables>()
  const query = useQuery(() => countsOf(props.list))
  const counts = (): Counts => query.data[0] ?? { total: 0, active: 0 }

  return (
    <Show when={counts().total}>
      <footer class="footer">
        <span class="todo-count" role="status">
          <strong>{counts().active.toLocaleString('en')}</strong> {counts().active === 1 ? 'item' : 'items'}{' '}
          left
        </span>
        <ul class="filters">
          <For each={filters}>
            {({ filter, name }) => (
              <li>
                <a
                  href={linkTo({ ...props.here, filter })}
                  class={filter === props.here.filter ? 'selected' : ''}
                  aria-current={filter === props.here.filter ? 'true' : undefined}
                  onPointerEnter={() => warm(db, todosOf(props.list, filter))}
                  onFocus={() => warm(db, todosOf(props.list, filter))}
                >
                  {name}
                </a>
              </li>
            )}
          </For>
        </ul>
        <Show when={counts().active < counts().total}>
          <button
            type="button"
            class="clear-completed"
            onClick={() => clearCompleted(db, props.list, props.here.filter, counts())}
          >
            Clear completed
          </button>
        </Show>
      </footer>
    </Show>
  )
}
