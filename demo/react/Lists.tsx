import { useDb, useQuery } from '@millrace/react'
import { type FormEvent, useState } from 'react'
import { type List, newId, type Tables } from '../shared/database.ts'
import { warm } from '../shared/live.ts'
import { record } from '../shared/record.ts'
import { go, linkTo } from '../shared/route.ts'
import { activeByList, addList, countsOf, lists, todosOf } from '../shared/todos.ts'

export function Lists({ current }: { current: List | undefined }) {
  const db = useDb<Tables>()
  const { data } = useQuery(lists)
  const counts = useQuery(activeByList)
  const active = new Map(counts.data.map((row) => [row.list, row.active]))
  const [name, setName] = useState('')

  function add(event: FormEvent) {
    event.preventDefault()
    const text = name.trim()
    if (text === '') return
    const id = newId()
    setName('')
    record(() => addList(db, id, text, data.at(-1)?.position), { text, again: () => setName(text) })
    go({ list: id, filter: 'all' })
  }

  return (
    <nav className="lists" aria-label="Lists">
      <ul>
        {data.map(({ id, name }) => (
          <li key={id}>
            <a
              href={linkTo({ list: id, filter: 'all' })}
              aria-current={id === current?.id ? 'page' : undefined}
              onPointerDown={() => warm(db, todosOf(id, 'all'), countsOf(id))}
            >
              <span className="name">{name}</span>
              <span className="count">
                {(active.get(id) ?? 0).toLocaleString('en')}
                <span className="visually-hidden"> open</span>
              </span>
            </a>
          </li>
        ))}
      </ul>
      <form onSubmit={add}>
        <input
          className="new-list"
          aria-label="New list"
          placeholder="New list"
          autoComplete="off"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </form>
    </nav>
  )
}
