import { cell } from './cell.ts'
import type { Db } from './database.ts'
import { record } from './record.ts'
import { type Item, moveTodo } from './todos.ts'

// Moving a row by keyboard and by pointer, the same in both frameworks: it works on the DOM that they share,
// `ul.todo-list > li`, and what comes of it is one write.

/** What screen readers are told. */
export const announcement = cell('')

/** Moves a row one place up or down if the key asks for it: the arrows on its handle, Alt and the arrows anywhere. */
export function moveByKey(event: KeyboardEvent, db: Db, todo: Item, rows: readonly Item[]): void {
  const by = event.key === 'ArrowUp' ? -1 : event.key === 'ArrowDown' ? 1 : 0
  const focused = event.target as HTMLElement
  if (by === 0 || focused.matches('.edit') || !(event.altKey || focused.matches('.handle'))) return
  event.preventDefault()
  const to = rows.findIndex(({ id }) => id === todo.id) + by
  if (to < 0 || to >= rows.length) return
  moveTo(db, todo, to, rows)
  // The row keeps its element, but the browser drops the focus of what is moved.
  queueMicrotask(() => {
    focused.focus({ preventScroll: true })
    focused.scrollIntoView({ block: 'nearest' })
  })
}

export function moveTo(db: Db, todo: Item, to: number, rows: readonly Item[]): void {
  record(() => moveTodo(db, todo.id, to, rows))
  announcement.set(`“${todo.title}” is now ${to + 1} of ${rows.length}.`)
}

const SCROLL_ZONE = 56

/** Drags a row by its handle; `drop` hears at which place among the rows shown it was let go, if that is another. */
export function startDrag(event: PointerEvent, drop: (to: number) => void): void {
  let row = (event.target as Element).closest('li') as HTMLElement
  const list = row.parentElement as HTMLElement
  const scroller = list.parentElement as HTMLElement
  if (event.button !== 0) return

  const height = row.offsetHeight
  const grabbedAt = event.clientY - row.getBoundingClientRect().top
  const inPage = () => [...list.children] as HTMLElement[]
  // A long list has only a part of its rows in the page, and says with which one that begins.
  const first = () => Number(list.dataset.first)
  const placeOf = (li: HTMLElement) => first() + inPage().indexOf(li)
  let pointerY = event.clientY
  let from = placeOf(row)
  let to = from
  let frame = 0

  /** Puts the row under the pointer; a row that it covers by half makes room. */
  function show(): void {
    if (row.isConnected) from = placeOf(row)
    // It was scrolled out of the page. If it has come back, it is another element.
    else row = inPage()[from - first()] ?? row
    row.setAttribute('data-dragged', '')

    // offsetTop is a row's place in the list, whatever it is moved by on the screen.
    const top = pointerY - grabbedAt - scroller.getBoundingClientRect().top + scroller.scrollTop
    const others = inPage().filter((li) => li !== row)
    const above = others.filter((li) => {
      const edge = placeOf(li) < from ? top : top + height
      return li.offsetTop + li.offsetHeight / 2 < edge
    })
    to = first() + above.length - (from < first() ? 1 : 0)
    row.style.transform = `translateY(${top - row.offsetTop}px)`
    for (const li of others) {
      const place = placeOf(li)
      const shift = place < from && place >= to ? height : place > from && place <= to ? -height : 0
      li.style.transform = shift ? `translateY(${shift}px)` : ''
    }
  }

  function scrollAtEdge(): void {
    const { top, bottom } = scroller.getBoundingClientRect()
    const beyond = Math.min(0, pointerY - top - SCROLL_ZONE) + Math.max(0, pointerY - bottom + SCROLL_ZONE)
    if (beyond !== 0) {
      scroller.scrollTop += beyond / 4
      show()
    }
    frame = requestAnimationFrame(scrollAtEdge)
  }

  const listening = new AbortController()
  const { signal } = listening
  function end(dropped: boolean): void {
    listening.abort()
    cancelAnimationFrame(frame)
    list.removeAttribute('data-sorting')
    row.removeAttribute('data-dragged')
    for (const li of [row, ...inPage()]) li.style.transform = ''
    if (dropped && to !== from) drop(to)
  }

  list.setAttribute('data-sorting', '')
  row.setAttribute('data-dragged', '')
  frame = requestAnimationFrame(scrollAtEdge)
  addEventListener(
    'pointermove',
    (move) => {
      if (move.pointerId !== event.pointerId) return
      pointerY = move.clientY
      show()
    },
    { signal },
  )
  addEventListener('pointerup', () => end(true), { signal })
  addEventListener('pointercancel', () => end(false), { signal })
  addEventListener('keydown', ({ key }) => key === 'Escape' && end(false), { signal })
}
