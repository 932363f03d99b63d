// What the benchmarks use of dexie. By hand, because types are checked where it is not installed.

interface Table {
  add(row: object): Promise<unknown>
  bulkAdd(rows: readonly object[]): Promise<unknown>
  orderBy(column: string): { limit(rows: number): { toArray(): Promise<unknown[]> } }
}

export class Dexie {
  constructor(
    name: string,
    options?: { readonly chromeTransactionDurability?: 'default' | 'strict' | 'relaxed' },
  )
  version(version: number): { stores(stores: Readonly<Record<string, string>>): unknown }
  open(): PromiseLike<unknown>
  table(name: string): Table
  close(): void
}
