import { useDb, useQuery } from '@millrace/react'
import { clearCompleted } from '../shared/bulk.ts'
import type { Tables } from '../shared/database.ts'
import { warm } from '../shared/live.ts'
import { filters, linkTo, type Route } from '../shared/route.ts'
import { countsOf, todosOf } from '../shared/todos.ts'

export function Footer({ list, here }: { list: string; here: Route }) {
  const db = useDb<Tables>()
  const [counts] = useQuery(countsOf(list)).data
  if (!counts?.total) return null

  return (
    <footer className="footer">
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
              onPointerEnter={() => warm(db, todosOf(list, filter))}
              onFocus={() => warm(db, todosOf(list, filter))}
            >
              {name}
            </a>
          </li>
        ))}
      </ul>
      {counts.active < counts.total && (
        <button
          type="button"
          className="clear-completed"
          onClick={() => clearCompleted(db, list, here.filter, counts)}
        >
          Clear completed
        </button>
      )}
    </footer>
  )
}
