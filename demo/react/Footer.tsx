import { useDb, useQuery } from '@millrace/react'
import { clearCompleted } from '../shared/bulk.ts'
import type { Tables } from '../shared/database.ts'
import { warm } from '../shared/live.ts'
import { filters, linkTo, type Route } from '../shared/route.ts'
import { countsOf, NONE, todosOf } from '../shared/todos.ts'

export function Footer({ list, here }: { list: string; here: Route }) {
  const db = useDb<Tables>()
  const counts = useQuery(countsOf(list)).data[0] ?? NONE

  return (
    <footer className="footer" hidden={counts.total === 0}>
      <span className="todo-count" role="status">
        <strong>{counts.active.toLocaleString('en')}</strong> {counts.active === 1 ? 'item' : 'items'} left
      </span>
      <ul className="filters">
        {filters.map(({ filter, name }) => (
          <li key={filter}>
            <a
              href={linkTo({ ...here, filter })}
              className={filter === here.filter ? 'selected' : ''}
              aria-current={filter === here.filter ? 'true' : undefined}
              onPointerDown={() => warm(db, todosOf(list, filter))}
            >
              {name}
            </a>
          </li>
        ))}
      </ul>
      <button
        type="button"
        className="clear-completed"
        hidden={counts.active === counts.total}
        onClick={() => clearCompleted(db, list, here.filter, counts)}
      >
        Clear completed
      </button>
    </footer>
  )
}
