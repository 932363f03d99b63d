import {
  ArrayView,
  applyChange,
  buildPipeline,
  type Change,
  type Format,
  type Input,
  MemorySource,
  MemoryStorage,
  type Query,
  type Row,
  type SourceChange,
} from '../peers/zero-engine.js'
import {
  type Cannot,
  type Contender,
  type Filled,
  MAX_OPENING,
  Reader,
  type Reads,
  type Shown,
  type Todo,
  type View,
  type Write,
} from './contender.ts'

/** Zero's engine without its client: a source in memory, pipelines, and a view at the end of each. */
export const zero: Contender = {
  name: 'Zero',
  async fill(rows) {
    const string = { type: 'string' } as const
    const number = { type: 'number' } as const
    const columns = {
      id: string,
      list: string,
      title: string,
      done: number,
      owner: number,
      points: number,
      position: string,
    }
    const source = new MemorySource('todo', columns, ['id'])
    for (const row of rows) push(source, [0, asRow(row), null])
    return new ZeroDatabase(source)
  },
}

const format: Format = { singular: false, relationships: {} }

class ZeroDatabase implements Filled {
  readonly #source: MemorySource

  constructor(source: MemorySource) {
    this.#source = source
  }

  async show(views: readonly View[], reads: Reads): Promise<Shown | Cannot> {
    if (views.some(({ type }) => type === 'groups')) return { cannot: 'cannot' }
    const start = performance.now()
    const shown = new ZeroShown(this.#source)
    for (const [i, view] of views.entries()) {
      shown.add(this.#pipeline(view, i), i === 0 ? reads : 'array')
      if (performance.now() - start > MAX_OPENING) {
        await shown.close()
        return { cannot: `${i + 1} of ${views.length} open in ${MAX_OPENING / 1000} s` }
      }
    }
    return shown
  }

  #pipeline(view: View, i: number): Input {
    const delegate = {
      getSource: () => this.#source,
      createStorage: () => new MemoryStorage(),
      decorateInput: <I>(input: I) => input,
      decorateFilterInput: <I>(input: I) => input,
      decorateSourceInput: <I>(input: I) => input,
      addEdge() {},
    }
    return buildPipeline(queryOf(view), delegate, `view-${i}`)
  }

  async close(): Promise<void> {}
}

class ZeroShown implements Shown {
  readonly reader = new Reader()
  readonly #source: MemorySource
  readonly #inputs: Input[] = []
  readonly #views: (ArrayView | InPlaceView)[] = []

  constructor(source: MemorySource) {
    this.#source = source
  }

  add(input: Input, reads: Reads): void {
    this.#inputs.push(input)
    const isFirst = this.#views.length === 0
    if (reads === 'edits') this.#views.push(new InPlaceView(input, this.reader))
    else {
      const view = new ArrayView(input, format, true, () => {})
      view.addListener(isFirst ? (data) => this.reader.array(data) : () => {})
      this.#views.push(view)
    }
  }

  write(write: Write): void {
    push(this.#source, this.#change(write))
    // As Zero does at the end of a transaction: every view is asked whether something came.
    for (const view of this.#views) view.flush()
  }

  #change(write: Write): SourceChange {
    if (write.type === 'insert') return [0, asRow(write.row), null]
    const before = this.#source.data.get({ id: write.id }) as Row
    return write.type === 'delete' ? [1, before, null] : [2, { ...before, ...write.patch }, before]
  }

  async settled(): Promise<void> {}

  rows(): readonly Todo[] {
    return (this.#views[0] as ArrayView | InPlaceView).data as unknown as readonly Todo[]
  }

  async close(): Promise<void> {
    for (const input of this.#inputs) input.destroy()
  }
}

/** The rows in one array that is changed in place, by Zero's own function: what a destination such as Solid's store does. */
class InPlaceView {
  readonly #input: Input
  readonly #reader: Reader
  #root: { readonly '': readonly Row[] } = { '': [] }
  #dirty = false

  constructor(input: Input, reader: Reader) {
    this.#input = input
    this.#reader = reader
    for (const node of input.fetch({})) if (node !== 'yield') this.#apply([0, node, null])
    input.setOutput(this)
  }

  get data(): readonly Row[] {
    return this.#root['']
  }

  push(change: Change): Iterable<'yield'> {
    this.#apply(change)
    this.#reader.row(change[1].row)
    this.#dirty = true
    return []
  }

  flush(): void {
    if (!this.#dirty) return
    this.#dirty = false
    this.#reader.told++
  }

  #apply(change: Change): void {
    const [type, node, oldNode] = change
    const viewChange =
      type === 2
        ? { type: 'edit' as const, node, oldNode }
        : { type: type === 0 ? ('add' as const) : ('remove' as const), node }
    this.#root = applyChange(this.#root, viewChange, this.#input.getSchema(), '', format, false, true)
  }
}

function queryOf(view: View): Query {
  const query: Query = {
    table: 'todo',
    orderBy: [
      ['position', 'asc'],
      ['id', 'asc'],
    ],
  }
  if (view.type === 'window') return { ...query, limit: view.limit }
  if (view.type !== 'list') return query
  const left = { type: 'column', name: 'list' } as const
  return { ...query, where: { type: 'simple', op: '=', left, right: { type: 'literal', value: view.list } } }
}

function asRow(row: Todo): Row {
  return row as unknown as Row
}

/** A push happens while its answer is read. */
function push(source: MemorySource, change: SourceChange): void {
  for (const _ of source.push(change)) {
    // Only pauses.
  }
}
