import { useDb, useQuery } from '@millrace/solid'
import { createSignal, onMount } from 'solid-js'
import type { Tables } from '../shared/database.ts'
import { showEnd } from '../shared/list-view.ts'
import { record } from '../shared/record.ts'
import { addTodo, endOf } from '../shared/todos.ts'

export function NewTodo(props: { list: string | undefined }) {
  const db = useDb<Tables>()
  const end = useQuery(() => endOf(props.list ?? ''))
  const [title, setTitle] = createSignal('')
  let input!: HTMLInputElement
  onMount(() => input.focus())

  async function add(event: Event) {
    event.preventDefault()
    const list = props.list
    const text = title().trim()
    if (text === '') return
    setTitle('')
    // Live, too, so that todos added in a row know of each other; only in the first moments it must be asked for.
    const [last] = end.status === 'pending' ? await db.query(endOf(list ?? '')) : end.data
    record(() => addTodo(db, list, text, last?.position), { text, again: () => edit(text) })
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
