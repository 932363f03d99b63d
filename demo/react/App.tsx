import { useQuery } from '@millrace/react'
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
  const { data, status } = useQuery(lists)
  const end = useQuery(lastPosition)
  if (status === 'pending' || end.status === 'pending') return <p className="opening">Reading…</p>

  // Without a list, or with one that is gone, the address means the first.
  const list = data.find(({ id }) => id === at.list) ?? data[0]
  const here = { list: at.list === list?.id ? at.list : undefined, filter: at.filter }
  const id = list?.id ?? ''

  return (
    <div className="app">
      <aside className="sidebar">
        <a className="brand" href="../">
          Millrace <small>with React</small>
        </a>
        <Lists current={list} />
        <Tools list={list} />
      </aside>
      <main className="page">
        <Notices />
        <section className="todoapp">
          <header className="header">
            <ListHeader list={list} key={id} />
            <div className="entry">
              <ToggleAll list={id} filter={here.filter} />
              <NewTodo list={list?.id} />
            </div>
          </header>
          <TodoList list={id} filter={here.filter} key={`${id}/${here.filter}`} />
          <Footer list={id} here={here} />
        </section>
        <WritePanel />
      </main>
      <Toasts />
      <Announcer />
    </div>
  )
}

function Announcer() {
  return (
    <p className="visually-hidden" role="status">
      {useCell(announcement)}
    </p>
  )
}
