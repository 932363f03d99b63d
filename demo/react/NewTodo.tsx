import { useDb, useQuery } from '@millrace/react'
import { type FormEvent, useRef, useState } from 'react'
import type { Tables } from '../shared/database.ts'
import { showEnd } from '../shared/list-view.ts'
import { record } from '../shared/record.ts'
import { addTodo, lastPosition } from '../shared/todos.ts'

export function NewTodo({ list }: { list: string | undefined }) {
  const db = useDb<Tables>()
  // Live and predicted as well: todos added in a row know of each other.
  const [last] = useQuery(lastPosition).data
  const [title, setTitle] = useState('')
  const input = useRef<HTMLInputElement>(null)

  function add(event: FormEvent) {
    event.preventDefault()
    const text = title.trim()
    if (text === '') return
    setTitle('')
    record(() => addTodo(db, list, text, last?.position), { text, again: () => edit(text) })
    showEnd()
  }

  function edit(text: string) {
    setTitle(text)
    input.current?.focus()
  }

  return (
    <form className="new" onSubmit={add}>
      <input
        ref={input}
        className="new-todo"
        aria-label="New todo"
        placeholder="What needs to be done?"
        autoComplete="off"
        // biome-ignore lint/a11y/noAutofocus: the page is there to type todos into, and TodoMVC asks for it
        autoFocus
        value={title}
        onChange={(event) => setTitle(event.target.value)}
      />
    </form>
  )
}
