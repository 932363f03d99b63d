// @vitest-environment jsdom
import { MillraceProvider, useDb, useQuery, useRejections } from '@millrace/react'
import { render } from '@testing-library/react'
import { Component, memo, type ReactElement, type ReactNode, StrictMode } from 'react'
import { renderToString } from 'react-dom/server'
import {
  type BindingDriver,
  bindingContract,
  type ContractTables,
  lineOf,
  type Page,
  type Probe,
  type Todo,
} from '../../client/test/binding-contract.ts'

function List({ page }: { page: Page }) {
  const { data, status, error } = useQuery(page.query())
  return (
    <ul data-status={status} data-error={error?.code}>
      {data.map((todo) => (
        <Item key={todo.id} todo={todo} probe={page.probe} />
      ))}
    </ul>
  )
}

const Item = memo(({ todo, probe }: { todo: Todo; probe: Probe }) => {
  probe.row(todo.id)
  return <li data-id={todo.id}>{lineOf(todo)}</li>
})

function Count({ page }: { page: Page }) {
  const { data } = useQuery(page.query())
  const count = useQuery(page.count()).data[0]?.n
  page.probe.count(data.length, count)
  return <p>{`${data.length} of ${count}`}</p>
}

function Editor({ page }: { page: Page }) {
  const db = useDb<ContractTables>()
  const todo = useQuery(page.query()).data[0]
  if (todo === undefined) return null
  return (
    <input
      value={todo.title}
      onChange={(event) => db.update('todo', todo.id, { title: event.currentTarget.value })}
    />
  )
}

function Rejections() {
  const { rejections, dismiss } = useRejections()
  return (
    <aside>
      {rejections.map((rejection, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the contract asks that the others stay where they are
        <button type="button" key={rejections.length - i} onClick={() => dismiss(rejection)}>
          {rejection.error.code}
        </button>
      ))}
    </aside>
  )
}

const components = { list: List, count: Count, editor: Editor, rejections: Rejections }

function App({ page }: { page: Page }) {
  const parts = page.parts.map((part, i) => {
    const Part = components[part]
    // biome-ignore lint/suspicious/noArrayIndexKey: a page's parts stay where they are
    return <Part key={i} page={page} />
  })
  return page.db ? <MillraceProvider db={page.db}>{parts}</MillraceProvider> : parts
}

class Boundary extends Component<{ children: ReactNode }, { error?: Error & { code?: string } }> {
  override state: { error?: Error & { code?: string } } = {}
  static getDerivedStateFromError = (error: Error) => ({ error })
  override render() {
    const { error } = this.state
    return error ? <pre>{`${error.code}: ${error.message}`}</pre> : this.props.children
  }
}

function driverOf(wrap: (app: ReactElement) => ReactElement): BindingDriver {
  const element = (page: Page) =>
    wrap(
      <Boundary>
        <App page={page} />
      </Boundary>,
    )
  return {
    mount(page) {
      const { container, rerender, unmount } = render(element(page))
      return { root: container, change: (next) => rerender(element(next)), unmount }
    },
    nextMicrotask: () => Promise.resolve(),
    serverHtml: (page) => renderToString(element(page)),
  }
}

bindingContract(
  'React',
  driverOf((app) => app),
)
bindingContract(
  'React in StrictMode',
  driverOf((app) => <StrictMode>{app}</StrictMode>),
)
