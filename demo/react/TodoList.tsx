import { useDb, useQuery } from '@millrace/react'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useCallback, useRef } from 'react'
import type { Tables } from '../shared/database.ts'
import { ALL_ROWS, OVERSCAN, ROW_HEIGHT } from '../shared/list-view.ts'
import { rowsOf } from '../shared/live.ts'
import { type Filter, todosOf } from '../shared/todos.ts'
import { Empty } from './Empty.tsx'
import { TodoRow } from './TodoRow.tsx'

export function TodoList({ list, filter }: { list: string; filter: Filter }) {
  const db = useDb<Tables>()
  const { data, status, error } = useQuery(todosOf(list, filter))
  // The rows at the time of an event; a function that stays the same, so that the rows' memo holds.
  const rows = useCallback(() => rowsOf(db, todosOf(list, filter)), [db, list, filter])

  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: data.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: OVERSCAN,
  })
  const isLong = data.length > ALL_ROWS
  const items = virtual.getVirtualItems()
  const first = isLong ? (items[0]?.index ?? 0) : 0
  const shown = isLong ? data.slice(first, first + items.length) : data
  // In place of the rows outside the window. Those inside are in the flow, as tall as they are.
  const space = isLong
    ? { paddingTop: items[0]?.start, paddingBottom: virtual.getTotalSize() - (items.at(-1)?.end ?? 0) }
    : undefined

  if (status === 'error') return <p className="empty">{error?.message}</p>
  return (
    <>
      <section className="main" aria-label="Todos" hidden={data.length === 0}>
        <div className="scroller" ref={scroller}>
          <ul className="todo-list" data-first={first} style={space}>
            {shown.map((todo, i) => (
              <TodoRow
                key={todo.id}
                todo={todo}
                rows={rows}
                index={isLong ? first + i : undefined}
                measure={isLong ? virtual.measureElement : undefined}
              />
            ))}
          </ul>
        </div>
      </section>
      {status === 'live' && data.length === 0 && <Empty list={list} filter={filter} />}
    </>
  )
}
