import { useDb } from '@millrace/solid'
import { createSignal, Show } from 'solid-js'
import type { Tables } from '../shared/database.ts'
import { focusAtEnd, keepFocus, whenLeft } from '../shared/list-view.ts'
import { record } from '../shared/record.ts'
import { moveByKey, moveTo, startDrag } from '../shared/reorder.ts'
import { deleteTodos, type Item, renameTodo, setDone } from '../shared/todos.ts'

interface TodoRowProps {
  readonly todo: Item
  /** All rows of the list as they are when it is called. */
  readonly rows: () => readonly Item[]
  /** In a long list: the row's place, and who wants to know how tall it is. */
  readonly index: number | undefined
  readonly measure: (row: HTMLElement) => void
}

/** Runs once per row: afterwards a changed column touches only what reads it here. */
export function TodoRow(props: TodoRowProps) {
  const db = useDb<Tables>()
  // What is being typed is not the row: a change of the row from another tab leaves draft and caret alone.
  const [draft, setDraft] = createSignal<string>()
  const isEditing = () => draft() !== undefined

  function save() {
    const text = draft()?.trim()
    setDraft(undefined)
    if (text === undefined) return
    if (text === '') record(() => deleteTodos(db, [props.todo]))
    else if (text !== props.todo.title) {
      record(() => renameTodo(db, props.todo, text), { text, again: () => setDraft(text) })
    }
  }

  /** Ends the editing by keyboard. */
  function end(event: Event & { currentTarget: Element }, how: () => void) {
    event.preventDefault()
    keepFocus(event.currentTarget, '.edit-todo', how)
  }

  return (
    <li
      ref={(row) => queueMicrotask(() => props.measure(row))}
      classList={{ completed: props.todo.done === 1, editing: isEditing() }}
      data-index={props.index}
      aria-posinset={props.index === undefined ? undefined : props.index + 1}
      aria-setsize={props.index === undefined ? undefined : -1}
      onKeyDown={(event) => moveByKey(event, db, props.todo, props.rows())}
    >
      <div class="view">
        <button
          type="button"
          class="handle"
          aria-label={`Move “${props.todo.title}”`}
          title="Drag, or press the up and down arrows"
          onPointerDown={(event) => startDrag(event, (to) => moveTo(db, props.todo, to, props.rows()))}
        />
        <input
          type="checkbox"
          class="toggle"
          aria-label={props.todo.title}
          checked={props.todo.done === 1}
          onChange={(event) =>
            keepFocus(event.currentTarget, '.toggle', () =>
              record(() => setDone(db, [props.todo], 1 - props.todo.done)),
            )
          }
        />
        {/* biome-ignore lint/a11y: TodoMVC's label; the button beside it does the same by keyboard */}
        <label onDblClick={() => setDraft(props.todo.title)}>{props.todo.title}</label>
        <button
          type="button"
          class="icon edit-todo"
          aria-label={`Edit “${props.todo.title}”`}
          onClick={() => setDraft(props.todo.title)}
        />
        <button
          type="button"
          class="icon destroy"
          aria-label={`Delete “${props.todo.title}”`}
          onClick={(event) =>
            keepFocus(event.currentTarget, '.destroy', () => record(() => deleteTodos(db, [props.todo])))
          }
        />
      </div>
      <Show when={isEditing()}>
        <form onSubmit={(event) => end(event, save)}>
          <input
            class="edit"
            aria-label="Edit"
            autocomplete="off"
            ref={(input) => queueMicrotask(() => focusAtEnd(input))}
            value={draft()}
            onInput={(event) => setDraft(event.currentTarget.value)}
            onKeyDown={(event) => event.key === 'Escape' && end(event, () => setDraft(undefined))}
            onBlur={(event) => whenLeft(event.currentTarget, save)}
          />
        </form>
      </Show>
    </li>
  )
}
