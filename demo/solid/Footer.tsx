import { useDb, useQuery } from '@millrace/solid'
import { For } from 'solid-js'
import { clearCompleted } from '../shared/bulk.ts'
import type { Tables } from '../shared/database.ts'
import { warm } from '../shared/live.ts'
import { filters, linkTo, type Route } from '../shared/route.ts'
import { countsOf, NONE, todosOf } from '../shared/todos.ts'

export function Footer(props: { list: string; here: Route }) {
  const db = useDb<Tables>()
  const query = useQuery(() => countsOf(props.list))
  const counts = () => query.data[0] ?? NONE

  return (
    <footer class="footer" hidden={counts().total === 0}>
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
                onPointerDown={() => warm(db, todosOf(props.list, filter))}
              >
                {name}
              </a>
            </li>
          )}
        </For>
      </ul>
      <button
        type="button"
        class="clear-completed"
        hidden={counts().active === counts().total}
        onClick={() => clearCompleted(db, props.list, props.here.filter, counts())}
      >
        Clear completed
      </button>
    </footer>
  )
}
