// What the benchmark uses of @tanstack/db. By hand, because types are checked where it is not installed.

/** A column, or what is made of columns, while a query is built. */
export type Term = { readonly term: unique symbol }
type Columns<R> = { readonly [C in keyof R]: Term }

export interface Transaction {
  readonly isPersisted: { readonly promise: Promise<unknown> }
}

export interface Collection<R> {
  readonly size: number
  readonly toArray: R[]
  preload(): Promise<void>
  cleanup(): Promise<void>
  insert(row: R): Transaction
  update(key: string, change: (draft: { -readonly [C in keyof R]: R[C] }) => void): Transaction
  delete(key: string): Transaction
  createIndex(column: (row: Columns<R>) => Term, config: { indexType: typeof BTreeIndex }): unknown
  subscribeChanges(
    listener: (changes: readonly { readonly type: string; readonly value: R }[]) => void,
  ): unknown
}

export interface Query<R> {
  where(condition: (from: { todo: Columns<R> }) => Term): Query<R>
  orderBy(column: (from: { todo: Columns<R> }) => Term, direction: 'asc'): Query<R>
  limit(rows: number): Query<R>
  groupBy(column: (from: { todo: Columns<R> }) => Term): Query<R>
  select(columns: (from: { todo: Columns<R> }) => Record<string, Term>): Query<R>
}

export interface Builder {
  from<R>(source: { todo: Collection<R> }): Query<R>
}

export declare class BTreeIndex {
  private constructor()
}
export declare function localOnlyCollectionOptions<R>(options: {
  id: string
  getKey: (row: R) => string
  initialData: R[]
}): { readonly row?: R }
export declare function createCollection<R>(options: { readonly row?: R }): Collection<R>
export declare function createLiveQueryCollection<R>(options: {
  query: (builder: Builder) => Query<R>
  startSync: boolean
}): Collection<R>
export declare function eq(left: Term, right: string | Term): Term
export declare function count(column: Term): Term
export declare function sum(column: Term): Term
