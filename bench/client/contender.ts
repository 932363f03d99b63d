/** What every contender is given and must show, so that all do the same work. */

export interface Todo {
  readonly id: string
  readonly list: string
  readonly title: string
  readonly done: number
  readonly owner: number
  readonly points: number
  readonly position: string
}

export interface Group {
  readonly owner: number
  readonly todos: number
  readonly points: number
}

/** What is shown. All todos are in order of position, then id; groups in order of owner. */
export type View =
  | { readonly type: 'whole' }
  | { readonly type: 'window'; readonly limit: number }
  | { readonly type: 'list'; readonly list: string }
  /** Counted and summed by owner. `shown` is a row that the page shows elsewhere as well. */
  | { readonly type: 'groups'; readonly shown: string }

export type Write =
  | { readonly type: 'insert'; readonly row: Todo }
  | { readonly type: 'update'; readonly id: string; readonly patch: Partial<Todo> }
  | { readonly type: 'delete'; readonly id: string }

/** What the subscriber of a view reads: only what changed, or the rows as an array, of which a page shows the first 50. */
export type Reads = 'edits' | 'array'

/** How much of it all is measured. */
export interface Extent {
  /** Fewer sizes, fewer samples. */
  readonly quick: boolean
  /** Ours and the floor only. */
  readonly alone: boolean
}

export interface Contender {
  readonly name: string
  /** A database with these rows. */
  fill(rows: readonly Todo[]): Promise<Filled>
}

export interface Filled {
  /** Opens these views, of which the first is the one that writes touch; or says why it cannot. */
  show(views: readonly View[], reads: Reads): Promise<Shown | Cannot>
  close(): Promise<void>
}

export interface Shown {
  /** What is measured: when it returns, the subscriber of the first view has been told and has read. */
  write(write: Write): void
  /** When all that the writes started is over: answers of a database, promises of transactions. */
  settled(): Promise<void>
  /** Of the first view. */
  readonly reader: Reader
  /** What the first view shows. */
  rows(): readonly (Todo | Group)[]
  close(): Promise<void>
}

export interface Cannot {
  readonly cannot: string
}

/** How long opening the views of a case may take, in ms. */
export const MAX_OPENING = 30_000

const PAGE = 50

/** The subscriber of a view. It takes the row objects and looks at none of their columns: those cost all the same. */
export class Reader {
  told = 0
  seen: unknown

  array(rows: readonly unknown[]): void {
    this.told++
    for (let i = 0; i < rows.length && i < PAGE; i++) this.seen = rows[i]
  }

  /** One changed row. `told` is counted by who calls this, for a change may be of several. */
  row(row: unknown): void {
    this.seen = row
  }
}

export function groupBy<V, K>(values: readonly V[], keyOf: (value: V) => K): Map<K, V[]> {
  const groups = new Map<K, V[]>()
  for (const value of values) {
    const key = keyOf(value)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [value])
    else group.push(value)
  }
  return groups
}
