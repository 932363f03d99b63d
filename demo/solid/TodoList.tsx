import { useDb, useQuery } from '@millrace/solid'
import { createVirtualizer } from '@tanstack/solid-virtual'
import { createEffect, createMemo, For, on, Show } from 'solid-js'
import type { Tables } from '../shared/database.ts'
import { ALL_ROWS, OVERSCAN, ROW_HEIGHT } from '../shared/list-view.ts'
import { rowsOf } from '../shared/live.ts'
import { type Filter, todosOf } from '../shared/todos.ts'
import { Empty } from './Empty.tsx'
import { TodoRow } from './TodoRow.tsx'

export function TodoList(props: { list: string; filter: Filter }) {
  const db = useDb<Tables>()
  const todos = useQuery(() => todosOf(props.list, props.filter))

  let scroller!: HTMLDivElement
  const virtual = createVirtualizer({
    get count() {
      return todos.data.length
    },
    getScrollElement: () => scroller,
    estimateSize: () => ROW_HEIGHT,
    overscan: OVERSCAN,
  })
  createEffect(on([() => props.list, () => props.filter], () => scroller.scrollTo(0, 0)))

  const isLong = createMemo(() => todos.data.length > ALL_ROWS)
  const items = () => virtual.getVirtualItems()
  const first = createMemo(() => (isLong() ? (items()[0]?.index ?? 0) : 0))
  const shown = createMemo(() =>
    isLong() ? todos.data.slice(first(), first() + items().length) : todos.data,
  )
  const placeOf = (i: number) => (isLong() ? first() + i : undefined)
  const measure = (row: HTMLElement) => isLong() && virtual.measureElement(row)
  // In place of the rows outside the window. Those inside are in the flow, as tall as they are.
  const space = () =>
    isLong()
      ? {
          'padding-top': `${items()[0]?.start ?? 0}px`,
          'padding-bottom': `${virtual.getTotalSize() - (items().at(-1)?.end ?? 0)}px`,
        }
      : {}

  return (
    <Show when={todos.status !== 'error'} fallback={<p class="empty">{todos.error?.message}</p>}>
      <section class="main" aria-label="Todos" hidden={todos.data.length === 0}>
        <div class="scroller" ref={scroller}>
          <ul class="todo-list" data-first={first()} style={space()}>
            <For each={shown()}>
              {(todo, i) => (
                <TodoRow
                  todo={todo}
                  rows={() => rowsOf(db, todosOf(props.list, props.filter))}
                  index={placeOf(i())}
                  measure={measure}
                />
              )}
            </For>
          </ul>
        </div>
      </section>
      <Show when={todos.status === 'live' && todos.data.length === 0}>
        <Empty list={props.list} filter={props.filter} />
      </Show>
    </Show>
  )
}
