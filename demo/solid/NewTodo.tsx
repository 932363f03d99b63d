import { useDb, useQuery } from '@millrace/solid'
import { createSignal, onMount } from 'solid-js'
import type { Tables } from '../shared/database.ts'
import { showEnd } from '../shared/list-view.ts'
import { record } from '../shared/record.ts'
import { addTodo, lastPosition } from '../shared/todos.ts'

export function NewTodo(props: { list: string | undefined }) {
  const db = useDb<Tables>()
  // Live and predicted as well: todos added in a row know of each other.
  const last = useQuery(() => lastPosition)
  const [title, setTitle] = createSignal('')
  let input!: HTMLInputElement
  onMount(() => input.focus())

  function add(event: Event) {
    event.preventDefault()
    const text = title().trim()
    if (text === '') return
    setTitle('')
    record(() => addTodo(db, props.list, text, last.data[0]?.position), { text, again: () => edit(text) })
    showEnd()
  }

  function edit(text: string) {
    setTitle(text)
    input.focus()
  }

  return (
    <form class="new" onSubmit={add}>
      <input
        ref={input}
        class="new-todo"
        aria-label="New todo"
        placeholder="What needs to be done?"
        autocomplete="off"
        value={title()}
        onInput={(event) => setTitle(event.currentTarget.value)}
      />
    </form>
  )
}
