import { useDb, useQuery } from '@millrace/solid'
import { createSignal, Show } from 'solid-js'
import type { List, Tables } from '../shared/database.ts'
import { focusAtEnd } from '../shared/list-view.ts'
import { record } from '../shared/record.ts'
import { go } from '../shared/route.ts'
import { countsOf, deleteList, renameList } from '../shared/todos.ts'

/** The list's name, to be changed, and the way to delete it. */
export function ListHeader(props: { list: List }) {
  const db = useDb<Tables>()
  const [draft, setDraft] = createSignal<string>()

  function save(event?: Event) {
    event?.preventDefault()
    const text = draft()?.trim()
    setDraft(undefined)
    if (!text || text === props.list.name) return
    record(() => renameList(db, props.list.id, text), { text, again: () => setDraft(text) })
  }

  return (
    <Show
      when={draft() !== undefined}
      fallback={
        <div class="list-header">
          <h1 onDblClick={() => setDraft(props.list.name)}>{props.list.name}</h1>
          <button
            type="button"
            class="icon rename-list"
            aria-label="Rename list"
            onClick={() => setDraft(props.list.name)}
          />
          <DeleteList list={props.list} />
        </div>
      }
    >
      <form class="list-header" onSubmit={save}>
        <input
          class="rename"
          aria-label="Name of the list"
          autocomplete="off"
          ref={(input) => queueMicrotask(() => focusAtEnd(input))}
          value={draft()}
          onInput={(event) => setDraft(event.currentTarget.value)}
          onKeyDown={(event) => event.key === 'Escape' && setDraft(undefined)}
          onBlur={() => save()}
        />
      </form>
    </Show>
  )
}

function DeleteList(props: { list: List }) {
  const db = useDb<Tables>()
  const counts = useQuery(() => countsOf(props.list.id))
  let dialog!: HTMLDialogElement

  function remove() {
    record(() => deleteList(db, props.list.id))
    go({ list: undefined, filter: 'all' })
  }

  return (
    <>
      <button
        type="button"
        class="icon delete-list"
        aria-label="Delete list"
        onClick={() => dialog.showModal()}
      />
      <dialog ref={dialog} aria-labelledby="delete-list-question">
        <form method="dialog">
          <p id="delete-list-question">
            Delete “{props.list.name}”
            {counts.data[0]?.total ? ` and its ${counts.data[0].total.toLocaleString('en')} todos` : ''}?
          </p>
          <button type="submit">Keep it</button>
          <button type="submit" class="danger" onClick={remove}>
            Delete
          </button>
        </form>
      </dialog>
    </>
  )
}
