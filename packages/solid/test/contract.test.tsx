// @vitest-environment jsdom
import { MillraceProvider, useDb, useQuery, useRejections } from '@millrace/solid'
import { render } from '@solidjs/testing-library'
import { createEffect, createSignal, ErrorBoundary, For, Show } from 'solid-js'
import {
  type BindingDriver,
  bindingContract,
  type ContractTables,
  lineOf,
  type Page,
  type Probe,
  type Todo,
} from '../../client/test/binding-contract.ts'

function List(props: { page: Page }) {
  const todos = useQuery(() => props.page.query())
  return (
    <ul data-status={todos.status} data-error={todos.error?.code}>
      <For each={todos.data}>{(todo) => <Item todo={todo} probe={props.page.probe} />}</For>
    </ul>
  )
}

function Item(props: { todo: Todo; probe: Probe }) {
  const line = () => {
    props.probe.row(props.todo.id)
    return lineOf(props.todo)
  }
  return <li data-id={props.todo.id}>{line()}</li>
}

function Count(props: { page: Page }) {
  const todos = useQuery(() => props.page.query())
  const count = useQuery(() => props.page.count())
  createEffect(() => props.page.probe.count(todos.data.length, count.data[0]?.n))
  return <p>{`${todos.data.length} of ${count.data[0]?.n}`}</p>
}

function Editor(props: { page: Page }) {
  const db = useDb<ContractTables>()
  const todos = useQuery(() => props.page.query())
  return (
    <Show when={todos.data[0]}>
      {(todo) => (
        <input
          value={todo().title}
          onInput={(event) => db.update('todo', todo().id, { title: event.currentTarget.value })}
        />
      )}
    </Show>
  )
}

function Rejections() {
  const refused = useRejections()
  return (
    <aside>
      <For each={refused.rejections}>
        {(rejection) => (
          <button type="button" onClick={() => refused.dismiss(rejection)}>
            {rejection.error.code}
          </button>
        )}
      </For>
    </aside>
  )
}

const components = { list: List, count: Count, editor: Editor, rejections: Rejections }

function App(props: { page: Page }) {
  const parts = () => (
    <For each={props.page.parts}>
      {(part) => {
        const Part = components[part]
        return <Part page={props.page} />
      }}
    </For>
  )
  return (
    <Show when={props.page.db} keyed fallback={parts()}>
      {(db) => <MillraceProvider db={db}>{parts()}</MillraceProvider>}
    </Show>
  )
}

const driver: BindingDriver = {
  mount(first) {
    const [page, change] = createSignal(first)
    const { container, unmount } = render(() => (
      <ErrorBoundary fallback={(error) => <pre>{`${error.code}: ${error.message}`}</pre>}>
        <App page={page()} />
      </ErrorBoundary>
    ))
    return { root: container, change, unmount }
  },
}

bindingContract('Solid', driver)
