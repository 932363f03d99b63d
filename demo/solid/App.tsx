import { useQuery } from '@millrace/solid'
import { createMemo, Show } from 'solid-js'
import { announcement } from '../shared/reorder.ts'
import { route } from '../shared/route.ts'
import { lastPosition, lists } from '../shared/todos.ts'
import { Footer } from './Footer.tsx'
import { ListHeader } from './ListHeader.tsx'
import { Lists } from './Lists.tsx'
import { NewTodo } from './NewTodo.tsx'
import { Notices } from './Notices.tsx'
import { Toasts } from './Toasts.tsx'
import { TodoList } from './TodoList.tsx'
import { ToggleAll } from './ToggleAll.tsx'
import { Tools } from './Tools.tsx'
import { useCell } from './use-cell.ts'
import { WritePanel } from './WritePanel.tsx'

export function App() {
  const at = useCell(route)
  const all = useQuery(() => lists)
  const end = useQuery(() => lastPosition)
  const isPending = () => all.status === 'pending' || end.status === 'pending'

  // Without a list, or with one that is gone, the address means the first.
  const list = createMemo(() => all.data.find(({ id }) => id === at().list) ?? all.data[0])
  const id = () => list()?.id ?? ''
  const here = () => ({ list: at().list === list()?.id ? at().list : undefined, filter: at().filter })

  return (
    <Show when={!isPending()} fallback={<p class="opening">Reading…</p>}>
      <div class="app">
        <aside class="sidebar">
          <a class="brand" href="../">
            Millrace <small>with Solid</small>
          </a>
          <Lists current={list()} />
          <Tools list={list()} />
        </aside>
        <main class="page">
          <Notices />
          <section class="todoapp">
            <header class="header">
              <Show when={list()} keyed fallback={<h1>Todos</h1>}>
                {(list) => <ListHeader list={list} />}
              </Show>
              <div class="entry">
                <ToggleAll list={id()} filter={here().filter} />
                <NewTodo list={list()?.id} />
              </div>
            </header>
            <TodoList list={id()} filter={here().filter} />
            <Footer list={id()} here={here()} />
          </section>
          <WritePanel />
        </main>
        <Toasts />
        <Announcer />
      </div>
    </Show>
  )
}

function Announcer() {
  const text = useCell(announcement)
  return (
    <p class="visually-hidden" role="status">
      {text()}
    </p>
  )
}
