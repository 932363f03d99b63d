import {
  type Contender,
  type Filled,
  type Group,
  groupBy,
  Reader,
  type Reads,
  type Shown,
  type Todo,
  type View,
  type Write,
} from './contender.ts'

/**
 * The least that has to be done, written by hand for each view: find the row in a Map, make a new row object, find its
 * place by binary search. Where the subscriber reads an array, that array is a new one after each change, as React wants
 * it; where it reads edits, one array is changed in place. No SQL, no pending writes, no second view of another kind.
 */
export const floor: Contender = {
  name: 'floor',
  fill: async (rows) => new FloorDatabase(rows),
}

interface FloorView {
  readonly rows: readonly (Todo | Group)[]
  /** What a row was, and what it is now; null where it was or is not there. */
  change(before: Todo | null, after: Todo | null): void
}

class FloorDatabase implements Filled {
  readonly #byId = new Map<string, Todo>()

  constructor(rows: readonly Todo[]) {
    for (const row of rows) this.#byId.set(row.id, row)
  }

  async show(views: readonly View[], reads: Reads): Promise<Shown> {
    const all = [...this.#byId.values()].sort(compare)
    const copies = reads === 'array'
    const byList = groupBy(all, ({ list }) => list)
    const opened = views.map((view) => openView(view, all, byList, copies))
    return new FloorShown(this.#byId, views, opened, copies)
  }

  async close(): Promise<void> {}
}

function openView(
  view: View,
  all: readonly Todo[],
  byList: ReadonlyMap<string, Todo[]>,
  copies: boolean,
): FloorView {
  switch (view.type) {
    case 'whole':
      return new Ordered(all, Number.POSITIVE_INFINITY, copies)
    case 'window':
      return new Ordered(all, view.limit, copies)
    case 'list':
      return new Ordered(byList.get(view.list) ?? [], Number.POSITIVE_INFINITY, copies)
    case 'groups':
      return new Counted(all)
  }
}

class FloorShown implements Shown {
  readonly reader = new Reader()
  readonly #byId: Map<string, Todo>
  readonly #first: FloorView
  readonly #copies: boolean
  /** Of views of lists, by their list. */
  readonly #byList = new Map<string, FloorView>()

  constructor(
    byId: Map<string, Todo>,
    views: readonly View[],
    opened: readonly FloorView[],
    copies: boolean,
  ) {
    this.#byId = byId
    this.#first = opened[0] as FloorView
    this.#copies = copies
    views.forEach((view, i) => {
      if (view.type === 'list') this.#byList.set(view.list, opened[i] as FloorView)
    })
  }

  write(write: Write): void {
    const before = this.#byId.get(write.type === 'insert' ? write.row.id : write.id) ?? null
    let after: Todo | null = null
    switch (write.type) {
      case 'insert':
        after = { ...write.row }
        this.#byId.set(after.id, after)
        break
      case 'update':
        after = { ...(before as Todo), ...write.patch }
        this.#byId.set(after.id, after)
        break
      case 'delete':
        this.#byId.delete(write.id)
    }
    const list = (after ?? before)?.list as string
    const view = this.#byList.size === 0 ? this.#first : this.#byList.get(list)
    if (view === undefined) return
    view.change(before, after)
    if (view !== this.#first) return
    if (this.#copies) this.reader.array(view.rows)
    else {
      this.reader.told++
      this.reader.row(after)
    }
  }

  async settled(): Promise<void> {}

  rows(): readonly (Todo | Group)[] {
    return this.#first.rows
  }

  async close(): Promise<void> {}
}

/** Rows in order, all or the first of them. */
class Ordered implements FloorView {
  rows: Todo[]
  /** What comes behind the window, the next one last: taken off and put back at the end of an array. */
  readonly #rest: Todo[]
  readonly #limit: number
  readonly #copies: boolean

  constructor(sorted: readonly Todo[], limit: number, copies: boolean) {
    this.rows = sorted.slice(0, limit)
    this.#rest = sorted.slice(this.rows.length).reverse()
    this.#limit = limit
    this.#copies = copies
  }

  change(before: Todo | null, after: Todo | null): void {
    const rows = this.#copies ? this.rows.slice() : this.rows
    this.rows = rows
    if (before !== null && after !== null && compare(before, after) === 0) {
      // One behind the window is in the Map only: nothing is told of it.
      rows[place(rows, before)] = after
      return
    }
    if (before !== null) this.#takeOut(rows, before)
    if (after !== null) this.#putIn(rows, after)
    if (rows.length > this.#limit) this.#rest.push(rows.pop() as Todo)
    else if (rows.length < this.#limit && this.#rest.length > 0) rows.push(this.#rest.pop() as Todo)
  }

  #takeOut(rows: Todo[], row: Todo): void {
    const next = this.#rest.at(-1)
    if (next === undefined || compare(row, next) < 0) rows.splice(place(rows, row), 1)
    else this.#rest.splice(place(this.#rest, row, -1), 1)
  }

  #putIn(rows: Todo[], row: Todo): void {
    const next = this.#rest.at(-1)
    if (next === undefined || compare(row, next) < 0) rows.splice(place(rows, row), 0, row)
    else this.#rest.splice(place(this.#rest, row, -1), 0, row)
  }
}

/** A Map of counters. There are ten groups, and none comes or goes. */
class Counted implements FloorView {
  rows: readonly Group[]
  readonly #places = new Map<number, number>()

  constructor(todos: readonly Todo[]) {
    const groups = new Map<number, Group>()
    for (const { owner, points } of todos) {
      const group = groups.get(owner)
      groups.set(owner, { owner, todos: (group?.todos ?? 0) + 1, points: (group?.points ?? 0) + points })
    }
    this.rows = [...groups.values()].sort((a, b) => a.owner - b.owner)
    this.rows.forEach(({ owner }, i) => {
      this.#places.set(owner, i)
    })
  }

  change(before: Todo | null, after: Todo | null): void {
    const rows = this.rows.slice()
    if (before !== null) this.#add(rows, before.owner, -1, -before.points)
    if (after !== null) this.#add(rows, after.owner, 1, after.points)
    this.rows = rows
  }

  #add(rows: Group[], owner: number, todos: number, points: number): void {
    const at = this.#places.get(owner) as number
    const group = rows[at] as Group
    rows[at] = { owner, todos: group.todos + todos, points: group.points + points }
  }
}

function compare(a: Todo, b: Todo): number {
  if (a.position !== b.position) return a.position < b.position ? -1 : 1
  if (a.id === b.id) return 0
  return a.id < b.id ? -1 : 1
}

/** Where a row is, or would be; direction -1 where the last comes first. */
function place(rows: readonly Todo[], row: Todo, direction: 1 | -1 = 1): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (direction * compare(rows[middle] as Todo, row) < 0) low = middle + 1
    else high = middle
  }
  return low
}
