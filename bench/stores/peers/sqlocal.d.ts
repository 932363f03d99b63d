// What the benchmarks use of sqlocal. By hand, because types are checked where it is not installed.

type Sql<Result> = (text: TemplateStringsArray | string, ...parameters: readonly unknown[]) => Result

export class SQLocal {
  constructor(database: string)
  readonly sql: Sql<Promise<unknown[]>>
  batch(statements: (sql: Sql<unknown>) => unknown[]): Promise<unknown>
  destroy(): Promise<void>
}
