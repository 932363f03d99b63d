// What the benchmarks use of @powersync/web. By hand, because types are checked where it is not installed.

export const column: { readonly text: unknown; readonly integer: unknown }

export class Table {
  constructor(columns: Readonly<Record<string, unknown>>, options?: { readonly localOnly?: boolean })
}

export class Schema {
  constructor(tables: Readonly<Record<string, Table>>)
}

export class PowerSyncDatabase {
  constructor(options: {
    readonly schema: Schema
    readonly database: { readonly dbFilename: string; readonly vfs?: string }
  })
  init(): Promise<void>
  execute(sql: string, parameters?: readonly unknown[]): Promise<unknown>
  executeBatch(sql: string, parameters: readonly (readonly unknown[])[]): Promise<unknown>
  getAll(sql: string): Promise<unknown[]>
  close(): Promise<void>
}
