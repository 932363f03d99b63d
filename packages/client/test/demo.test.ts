import { type Database, type LiveQuery, open, type Queryable, sql } from '@millrace/client'
import { enginePort } from '@millrace/engine/node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addMany, clearCompleted, toggleAll } from '../../../demo/shared/bulk.ts'
import { type Db, newId } from '../../../demo/shared/database.ts'
import { rowsOf, warm } from '../../../demo/shared/live.ts'
import { moveTo } from '../../../demo/shared/reorder.ts'
import schema from '../../../demo/shared/schema.sql?raw'
import {
  activeByList,
  addList,
  addTodo,
  countsOf,
  deleteList,
  deleteTodos,
  type Filter,
  type Item,
  lastPosition,
  lists,
  NONE,
  renameList,
  renameTodo,
  setDone,
  todosOf,
} from '../../../demo/shared/todos.ts'

interface Made {
  readonly action: string
  /** Live queries that right after the call wait for the engine, or show something else than when it has answered. */
  readonly waiting: Set<string>
  readonly shown: readonly (readonly unknown[])[]
}

/** The demo app without its components: what is on the page is what is subscribed to. */
class App {
  readonly db: Db
  readonly made: Made[] = []
  readonly #real: Db
  #action = ''
  #page: {
    readonly query: Queryable<unknown>
    readonly live: LiveQuery<unknown>
    readonly stop: () => void
  }[] = []
  list = ''
  filter: Filter = 'all'

  constructor(db: Db) {
    this.#real = db
    // Every write that the demo makes goes by here.
    this.db = new Proxy(db, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        const isWrite = ['insert', 'update', 'delete', 'write', 'exec'].includes(String(name))
        return (...given: unknown[]) => {
          const made: unknown = value.apply(target, given)
          if (isWrite) this.#note()
          return made
        }
      },
    })
  }

  /** What both apps have on the page for a list and a filter. */
  open(list: string, filter: Filter = 'all'): void {
    const old = this.#page
    this.list = list
    this.filter = filter
    // The footer's links, and those of the lists, warm what they lead to.
    warm(this.db, todosOf(list, filter), countsOf(list))
    const queries = [lists, lastPosition, activeByList, todosOf(list, filter), countsOf(list)]
    this.#page = queries.map((query) => {
      const live = this.#real.live<unknown>(query)
      return { query, live, stop: live.subscribe(() => {}) }
    })
    for (const { stop } of old) stop()
  }

  close(): void {
    for (const { stop } of this.#page) stop()
  }

  get todos(): readonly Item[] {
    return rowsOf(this.db, todosOf(this.list, this.filter))
  }

  get counts() {
    return rowsOf(this.db, countsOf(this.list))[0] ?? NONE
  }

  get lists() {
    return rowsOf(this.db, lists)
  }

  /** A user does something, and it is on disk before the next thing. */
  async act(action: string, run: () => unknown): Promise<void> {
    this.#action = action
    expect(this.#page.map(({ live }) => live.snapshot.settling)).toEqual(this.#page.map(() => false))
    const before = this.made.length
    await run()
    expect(this.made.length, `${action} wrote`).toBeGreaterThan(before)
    await this.settled()
    // What is refused was shown, and is gone.
    if (action.startsWith('refused')) return
    for (const { shown, waiting } of this.made.slice(before))
      this.#page.forEach(({ query, live }, i) => {
        if (JSON.stringify(shown[i]) !== JSON.stringify(live.snapshot.data)) waiting.add(textOf(query))
      })
  }

  async settled(): Promise<void> {
    await this.#real.query(sql`SELECT 1`)
    for (let i = 0; i < 8; i++) await new Promise((resolve) => setImmediate(resolve))
    await this.#real.query(sql`SELECT 1`)
  }

  #note(): void {
    const waiting = this.#page.filter(({ live }) => live.snapshot.settling).map(({ query }) => textOf(query))
    const shown = this.#page.map(({ live }) => live.snapshot.data)
    this.made.push({ action: this.#action, waiting: new Set(waiting), shown })
  }
}

const textOf = (query: Queryable<unknown>) => (query as { sql: string }).sql.replace(/\s+/g, ' ').trim()

let db: Database
let app: App
beforeAll(async () => {
  db = await open({ port: enginePort({ schema }) })
  db.onRejected(() => {})
  app = new App(db as unknown as Db)
})
afterAll(async () => {
  app.close()
  await db.close()
})

const add = (title: string) =>
  app.act('add a todo', () =>
    addTodo(app.db, app.list || undefined, title, rowsOf(app.db, lastPosition)[0]?.position),
  )
const item = (index: number) => app.todos.at(index) as Item

test('at least 95 % of the writes of the demo are predicted', async () => {
  app.open('')
  await app.settled()
  await app.act('add the first todo, and the list for it', () =>
    addTodo(app.db, undefined, 'first', undefined),
  )
  app.open(app.lists[0]?.id ?? '')
  await app.settled()
  for (let i = 1; i < 25; i++) await add(`Todo ${i}`)
  await app.act('add a list', () => addList(app.db, newId(), 'Home', app.lists.at(-1)?.position))
  await app.act('add a list', () => addList(app.db, newId(), 'Shop', app.lists.at(-1)?.position))
  await app.act('rename a list', () => renameList(app.db, app.list, 'Work'))

  for (const filter of ['all', 'active', 'completed'] as const) {
    app.open(app.list, 'all')
    await app.settled()
    for (let i = 0; i < 8; i++) await add(`More ${i}`)
    // Some are done, some are not, whatever the filter.
    for (let i = 0; i < 7; i++)
      await app.act('toggle a todo', () => setDone(app.db, [item(i)], 1 - item(i).done))
    app.open(app.list, filter)
    await app.settled()
    const act = (action: string, run: () => unknown) => app.act(`${action} (${filter})`, run)
    await add(`Added where ${filter} are shown`)
    for (const i of [0, -1]) await act('toggle a todo', () => setDone(app.db, [item(i)], 1 - item(i).done))
    for (const i of [0, 1]) await act('rename a todo', () => renameTodo(app.db, item(i), `Renamed ${i}`))
    await act('move a todo down', () => moveTo(app.db, item(0), 1, app.todos))
    await act('move a todo to the end', () => moveTo(app.db, item(0), app.todos.length - 1, app.todos))
    await act('move a todo up', () => moveTo(app.db, item(-1), 0, app.todos))
    await act('delete a todo', () => deleteTodos(app.db, [item(1)]))
    await act('delete a todo by emptying it', () => deleteTodos(app.db, [item(0)]))
    await act('clear completed', () => clearCompleted(app.db, app.list, filter, app.counts))
    await act('mark all', () => toggleAll(app.db, app.list, filter, app.counts))
    await act('mark all again', () => toggleAll(app.db, app.list, filter, app.counts))
  }

  const [, second] = app.lists
  app.open(second?.id ?? '')
  await app.settled()
  for (let i = 0; i < 12; i++) await add(`Home ${i}`)
  for (let i = 0; i < 8; i++) await app.act('toggle a todo', () => setDone(app.db, [item(i)], 1))
  await app.act('clear completed', () => clearCompleted(app.db, app.list, 'all', app.counts))
  await app.act('rename a list', () => renameList(app.db, app.list, 'House'))
  await app.act('delete a list with its todos', () => deleteList(app.db, app.list))
  app.open(app.lists[0]?.id ?? '')
  await app.settled()
  for (let i = 0; i < 6; i++) await add(`Late ${i}`)
  await app.act('delete a todo', () => deleteTodos(app.db, [item(0)]))
  await app.act('refused: a title too long', () => renameTodo(app.db, item(0), 'x'.repeat(201)))

  const { made } = app
  const predicted = made.filter(({ waiting }) => waiting.size === 0)
  const share = predicted.length / made.length
  const kinds = new Map<string, { all: number; waited: number; by: Set<string> }>()
  for (const { action, waiting } of made) {
    const kind = kinds.get(action) ?? { all: 0, waited: 0, by: new Set() }
    kinds.set(action, kind)
    kind.all++
    if (waiting.size > 0) kind.waited++
    for (const query of waiting) kind.by.add(query)
  }
  const not = [...kinds].filter(([, { waited }]) => waited > 0)
  console.log(
    [
      `${predicted.length} of ${made.length} writes of the demo are predicted: ${(100 * share).toFixed(1)} %; ` +
        `of ${kinds.size} kinds of action ${kinds.size - not.length} always`,
      ...not.map(
        ([action, { all, waited, by }]) =>
          `  not: ${action}, ${waited} of ${all}\n    ${[...by].join('\n    ')}`,
      ),
    ].join('\n'),
  )
  expect(share).toBeGreaterThanOrEqual(0.95)
})

test('rows by the thousand are left to SQL, and the lists show them when they are stored', async () => {
  const before = app.made.length
  await app.act('add many', () => addMany(app.db, app.list, 600))
  expect(app.made.slice(before).map(({ waiting }) => waiting.size > 0)).toEqual([true])
  expect(app.todos.length).toBe(app.counts.total)
  expect(app.counts.total).toBeGreaterThan(600)
})
