import { useDb } from '@millrace/react'
import { memo, type SyntheticEvent, useState } from 'react'
import type { Tables } from '../shared/database.ts'
import { focusAtEnd, keepFocus } from '../shared/list-view.ts'
import { record } from '../shared/record.ts'
import { moveByKey, moveTo, startDrag } from '../shared/reorder.ts'
import { deleteTodos, type Item, renameTodo, setDone } from '../shared/todos.ts'

interface TodoRowProps {
  readonly todo: Item
  /** All rows of the list as they are when it is called. */
  readonly rows: () => readonly Item[]
  /** In a long list: the row's place, and who wants to know how tall it is. */
  readonly index: number | undefined
  readonly measure: ((row: HTMLElement | null) => void) | undefined
}

/** A row that did not change is the same object as before, so memo renders only the rows that did. */
export const TodoRow = memo(function TodoRow({ todo, rows, index, measure }: TodoRowProps) {
  const db = useDb<Tables>()
  // What is being typed is not the row: a change of the row from another tab leaves draft and caret alone.
  const [draft, setDraft] = useState<string>()

  function save() {
    if (draft === undefined) return
    setDraft(undefined)
    const text = draft.trim()
    if (text === '') record(() => deleteTodos(db, [todo]))
    else if (text !== todo.title)
      record(() => renameTodo(db, todo, text), { text, again: () => setDraft(text) })
  }

  /** Ends the editing by keyboard. */
  function end(event: SyntheticEvent, how: () => void) {
    event.preventDefault()
    keepFocus(event.currentTarget, '.edit-todo', how)
  }

  return (
    <li
      ref={measure}
      className={`${todo.done ? 'completed' : ''} ${draft === undefined ? '' : 'editing'}`.trim()}
      data-index={index}
      aria-posinset={index === undefined ? undefined : index + 1}
      aria-setsize={index === undefined ? undefined : -1}
      onKeyDown={(event) => moveByKey(event.nativeEvent, db, todo, rows())}
    >
      <div className="view">
        <button
          type="button"
          className="handle"
          aria-label={`Move “${todo.title}”`}
          title="Drag, or press the up and down arrows"
          onPointerDown={(event) => startDrag(event.nativeEvent, (to) => moveTo(db, todo, to, rows()))}
        />
        <input
          type="checkbox"
          className="toggle"
          aria-label={todo.title}
          checked={todo.done === 1}
          onChange={(event) =>
            keepFocus(event.currentTarget, '.toggle', () => record(() => setDone(db, [todo], 1 - todo.done)))
          }
        />
        {/* biome-ignore lint/a11y: TodoMVC's label; the button beside it does the same by keyboard */}
        <label onDoubleClick={() => setDraft(todo.title)}>{todo.title}</label>
        <button
          type="button"
          className="icon edit-todo"
          aria-label={`Edit “${todo.title}”`}
          onClick={() => setDraft(todo.title)}
        />
        <button
          type="button"
          className="icon destroy"
          aria-label={`Delete “${todo.title}”`}
          onClick={(event) =>
            keepFocus(event.currentTarget, '.destroy', () => record(() => deleteTodos(db, [todo])))
          }
        />
      </div>
      {draft !== undefined && (
        <form onSubmit={(event) => end(event, save)}>
          <input
            className="edit"
            aria-label="Edit"
            autoComplete="off"
            ref={focusAtEnd}
            value={draft}
            onChange={(event) => setDraft(event.target.value)}
            onKeyDown={(event) => event.key === 'Escape' && end(event, () => setDraft(undefined))}
            onBlur={save}
          />
        </form>
      )}
    </li>
  )
})
