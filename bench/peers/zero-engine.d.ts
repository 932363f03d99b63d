// What the benchmark uses of Zero's engine. By hand, because types are checked where it is not installed.

export type Row = Readonly<Record<string, string | number>>
export interface Node {
  readonly row: Row
  readonly relationships: Readonly<Record<string, never>>
}

/** Added, removed, edited: with the row, and with what an edited one was. */
export type SourceChange = [0, Row, null] | [1, Row, null] | [2, Row, Row]
export type Change = [0, Node, null] | [1, Node, null] | [2, Node, Node]
export type ViewChange = { type: 'add' | 'remove'; node: Node } | { type: 'edit'; node: Node; oldNode: Node }

export interface Schema {
  readonly tableName: string
}
export interface Input {
  getSchema(): Schema
  fetch(request: object): Iterable<Node | 'yield'>
  setOutput(output: { push(change: Change): Iterable<'yield'> }): void
  destroy(): void
}
export interface Format {
  readonly singular: boolean
  readonly relationships: object
}
export interface Query {
  readonly table: string
  readonly orderBy: readonly (readonly [column: string, direction: 'asc' | 'desc'])[]
  readonly limit?: number
  readonly where?: {
    readonly type: 'simple'
    readonly op: '='
    readonly left: { readonly type: 'column'; readonly name: string }
    readonly right: { readonly type: 'literal'; readonly value: string }
  }
}

export declare class MemorySource {
  constructor(
    table: string,
    columns: Readonly<Record<string, { type: 'string' | 'number' }>>,
    primaryKey: readonly string[],
  )
  readonly data: { get(row: Row): Row | undefined }
  push(change: SourceChange): Iterable<'yield'>
}
export declare class MemoryStorage {
  get(key: string): unknown
}
export declare class ArrayView {
  constructor(input: Input, format: Format, queryComplete: true, updateTtl: () => void)
  readonly data: readonly Row[]
  addListener(listener: (data: readonly Row[]) => void): () => void
  flush(): void
}
export declare function buildPipeline(
  query: Query,
  delegate: {
    getSource(table: string): MemorySource
    createStorage(name: string): MemoryStorage
    decorateInput<I>(input: I): I
    decorateFilterInput<I>(input: I): I
    decorateSourceInput<I>(input: I): I
    addEdge(): void
  },
  id: string,
): Input
export declare function applyChange(
  parent: { readonly '': readonly Row[] },
  change: ViewChange,
  schema: Schema,
  relationship: '',
  format: Format,
  withIds: boolean,
  inPlace: boolean,
): { readonly '': readonly Row[] }
