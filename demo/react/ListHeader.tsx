import { useDb, useQuery } from '@millrace/react'
import { type FormEvent, useRef, useState } from 'react'
import type { List, Tables } from '../shared/database.ts'
import { focusAtEnd } from '../shared/list-view.ts'
import { record } from '../shared/record.ts'
import { go } from '../shared/route.ts'
import { countsOf, deleteList, renameList } from '../shared/todos.ts'

/** The list's name, to be changed, and the way to delete it. */
export function ListHeader({ list }: { list: List | undefined }) {
  const db = useDb<Tables>()
  const [draft, setDraft] = useState<string>()
  if (list === undefined) return <h1>Todos</h1>

  function save(event?: FormEvent) {
    event?.preventDefault()
    const text = draft?.trim()
    setDraft(undefined)
    if (list === undefined || !text || text === list.name) return
    record(() => renameList(db, list.id, text), { text, again: () => setDraft(text) })
  }

  if (draft !== undefined) {
    return (
      <form className="list-header" onSubmit={save}>
        <input
          className="rename"
          aria-label="Name of the list"
          autoComplete="off"
          ref={focusAtEnd}
          value={draft}
          onChange={(event) => setDraft(event.target.value)}
          onKeyDown={(event) => event.key === 'Escape' && setDraft(undefined)}
          onBlur={() => save()}
        />
      </form>
    )
  }
  return (
    <div className="list-header">
      <h1 onDoubleClick={() => setDraft(list.name)}>{list.name}</h1>
      <button
        type="button"
        className="icon rename-list"
        aria-label="Rename list"
        onClick={() => setDraft(list.name)}
      />
      <DeleteList list={list} />
    </div>
  )
}

function DeleteList({ list }: { list: List }) {
  const db = useDb<Tables>()
  const { data } = useQuery(countsOf(list.id))
  const dialog = useRef<HTMLDialogElement>(null)

  function remove() {
    record(() => deleteList(db, list.id))
    go({ list: undefined, filter: 'all' })
  }

  return (
    <>
      <button
        type="button"
        className="icon delete-list"
        aria-label="Delete list"
        onClick={() => dialog.current?.showModal()}
      />
      <dialog ref={dialog} aria-labelledby="delete-list-question">
        <form method="dialog">
          <p id="delete-list-question">
            Delete “{list.name}”{data[0]?.total ? ` and its ${data[0].total.toLocaleString('en')} todos` : ''}
            ?
          </p>
          <button type="submit">Keep it</button>
          <button type="submit" className="danger" onClick={remove}>
            Delete
          </button>
        </form>
      </dialog>
    </>
  )
}
