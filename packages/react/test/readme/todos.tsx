import { sql } from '@millrace/client'
import { useDb, useQuery } from '@millrace/react'
import type { FormEvent } from 'react'

export const schema = `
  CREATE TABLE todo (id TEXT PRIMARY KEY NOT NULL, title TEXT NOT NULL DEFAULT '', done INTEGER NOT NULL DEFAULT 0);
  SELECT crsql_as_crr('todo');
`

export interface Todo {
  id: string
  title: string
  done: number
}

export interface Tables {
  todo: Todo
}

export function Todos() {
  const db = useDb<Tables>()
  const { data } = useQuery(sql<Todo>`SELECT * FROM todo ORDER BY title`)

  function add(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const title = String(new FormData(event.currentTarget).get('title'))
    db.insert('todo', { id: crypto.randomUUID(), title, done: false }) // shows now
    event.currentTarget.reset()
  }

  return (
    <>
      <form onSubmit={add}>
        <input name="title" aria-label="New todo" />
      </form>
      {data.map((todo) => (
        <label key={todo.id}>
          <input
            type="checkbox"
            checked={todo.done === 1}
            onChange={() => db.update('todo', todo.id, { done: !todo.done })}
          />
          {todo.title}
        </label>
      ))}
    </>
  )
}
