import { useDb, useQuery } from '@millrace/solid'
import { createMemo, createSignal, For } from 'solid-js'
import { type List, newId, type Tables } from '../shared/database.ts'
import { warm } from '../shared/live.ts'
import { record } from '../shared/record.ts'
import { go, linkTo } from '../shared/route.ts'
import { activeByList, addList, countsOf, lists, todosOf } from '../shared/todos.ts'

export function Lists(props: { current: List | undefined }) {
  const db = useDb<Tables>()
  const all = useQuery(() => lists)
  const counts = useQuery(() => activeByList)
  const active = createMemo(() => new Map(counts.data.map((row) => [row.list, row.active])))
  const [name, setName] = createSignal('')

  function add(event: Event) {
    event.preventDefault()
    const text = name().trim()
    if (text === '') return
    const id = newId()
    setName('')
    record(() => addList(db, id, text, all.data.at(-1)?.position), { text, again: () => setName(text) })
    go({ list: id, filter: 'all' })
  }

  return (
    <nav class="lists" aria-label="Lists">
      <ul>
        <For each={all.data}>
          {(list) => (
            <li>
              <a
                href={linkTo({ list: list.id, filter: 'all' })}
                aria-current={list.id === props.current?.id ? 'page' : undefined}
                onPointerDown={() => warm(db, todosOf(list.id, 'all'), countsOf(list.id))}
              >
                <span class="name">{list.name}</span>
                <span class="count">
                  {(active().get(list.id) ?? 0).toLocaleString('en')}
                  <span class="visually-hidden"> open</span>
                </span>
              </a>
            </li>
          )}
        </For>
      </ul>
      <form onSubmit={add}>
        <input
          class="new-list"
          aria-label="New list"
          placeholder="New list"
          autocomplete="off"
          value={name()}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </form>
    </nav>
  )
}
