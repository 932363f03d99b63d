import {
  BTreeIndex,
  type Builder,
  type Collection,
  count,
  createCollection,
  createLiveQueryCollection,
  eq,
  localOnlyCollectionOptions,
  type Query,
  sum,
  type Transaction,
} from '../peers/tanstack-db.js'
import {
  type Cannot,
  type Contender,
  type Filled,
  type Group,
  MAX_OPENING,
  Reader,
  type Reads,
  type Shown,
  type Todo,
  type View,
  type Write,
} from './contender.ts'

let databases = 0

/** A collection in memory, and live query collections on it. Which options, and why: peers/README.md. */
export const tanstack: Contender = {
  name: 'TanStack DB',
  async fill(rows) {
    const todos = createCollection<Todo>(
      localOnlyCollectionOptions<Todo>({
        id: `todo-${databases++}`,
        getKey: ({ id }) => id,
        initialData: [...rows],
      }),
    )
    await todos.preload()
    todos.createIndex(({ list }) => list, { indexType: BTreeIndex })
    return new TanstackDatabase(todos)
  },
}

class TanstackDatabase implements Filled {
  readonly #todos: Collection<Todo>

  constructor(todos: Collection<Todo>) {
    this.#todos = todos
  }

  async show(views: readonly View[], reads: Reads): Promise<Shown | Cannot> {
    const start = performance.now()
    const lives: Collection<Todo>[] = []
    const shown = new TanstackShown(this.#todos, lives)
    for (const view of views) {
      const live = createLiveQueryCollection<Todo>({ query: queryOf(view, this.#todos), startSync: true })
      lives.push(live)
      live.subscribeChanges(view === views[0] ? shown.listener(live, reads) : () => {})
      await live.preload()
      if (performance.now() - start > MAX_OPENING) {
        await shown.close()
        return { cannot: `${lives.length} of ${views.length} open in ${MAX_OPENING / 1000} s` }
      }
    }
    return shown
  }

  async close(): Promise<void> {
    await this.#todos.cleanup()
  }
}

class TanstackShown implements Shown {
  readonly reader = new Reader()
  readonly #todos: Collection<Todo>
  readonly #lives: readonly Collection<Todo>[]
  #unsettled: Transaction[] = []

  constructor(todos: Collection<Todo>, lives: readonly Collection<Todo>[]) {
    this.#todos = todos
    this.#lives = lives
  }

  listener(live: Collection<Todo>, reads: Reads) {
    return (changes: readonly { readonly value: Todo }[]) => {
      if (reads === 'array') return this.reader.array(live.toArray)
      this.reader.told++
      for (const { value } of changes) this.reader.row(value)
    }
  }

  write(write: Write): void {
    this.#unsettled.push(this.#write(write))
  }

  #write(write: Write): Transaction {
    switch (write.type) {
      case 'insert':
        return this.#todos.insert(write.row)
      case 'update':
        return this.#todos.update(write.id, (draft) => {
          Object.assign(draft, write.patch)
        })
      case 'delete':
        return this.#todos.delete(write.id)
    }
  }

  async settled(): Promise<void> {
    const transactions = this.#unsettled
    this.#unsettled = []
    await Promise.all(transactions.map(({ isPersisted }) => isPersisted.promise))
  }

  rows(): readonly (Todo | Group)[] {
    return (this.#lives[0] as Collection<Todo>).toArray
  }

  async close(): Promise<void> {
    for (const live of this.#lives) await live.cleanup()
  }
}

function queryOf(view: View, todos: Collection<Todo>): (builder: Builder) => Query<Todo> {
  const ordered = (builder: Builder) =>
    builder.from({ todo: todos }).orderBy(({ todo }) => todo.position, 'asc')
  switch (view.type) {
    case 'whole':
      return ordered
    case 'window':
      return (builder) => ordered(builder).limit(view.limit)
    case 'list':
      return (builder) => ordered(builder).where(({ todo }) => eq(todo.list, view.list))
    case 'groups':
      return (builder) =>
        builder
          .from({ todo: todos })
          .groupBy(({ todo }) => todo.owner)
          .select(({ todo }) => ({ owner: todo.owner, todos: count(todo.id), points: sum(todo.points) }))
  }
}
