import type { Compiled } from './compile/compile.ts'
import type { Discriminator } from './compile/reaction.ts'
import type { Database } from './database/database.ts'
import type { LiveQuery, StrategyName } from './maintain/live-query.ts'
import type { Table } from './schema/catalog.ts'

/** How a live query is kept true, for a person. */
export interface Explanation {
  /**
   * `restrict`: rows, by running the query for the changed rows only. `aggregate`, `distinct`: groups, by what changed
   * in them. `window`: one of these with LIMIT. `rerun`: the whole query again.
   */
  readonly strategy: StrategyName
  /** Why it is `rerun`; empty otherwise. */
  readonly why: string
  /** The text that runs. */
  readonly sql: string
  /** What wakes it, one for each place at which it reads a table. */
  readonly wokenBy: readonly WokenBy[]
  /** What would make it cheaper: an index, another way to write it. */
  readonly advice: readonly string[]
}

export interface WokenBy {
  readonly table: string
  /** Columns whose change matters. Rows that come or go always do. */
  readonly columns: readonly string[]
  /** Only rows that meet this before or after the change, as text; empty: any row. */
  readonly where: string
  /** What is done then. */
  readonly action:
    | 'restrict by its key'
    | 'search what it touches'
    | 'move the group'
    | 'run the group'
    | 'run again'
}

/** @internal */
export function explain(database: Database, compiled: Compiled, query: LiveQuery): Explanation {
  const { strategy, sql, reads, beyond } = compiled
  const advice: string[] = []
  if (strategy === null || query.strategy === 'rerun') {
    return {
      strategy: 'rerun',
      why: beyond === '' ? 'LIMIT and OFFSET reach too far down, or are no numbers' : beyond,
      sql,
      wokenBy: [...reads].map(([table, columns]) => ({
        table,
        columns: [...columns].filter((name) => name !== ''),
        where: '',
        action: 'run again',
      })),
      advice,
    }
  }
  const wokenBy: WokenBy[] = []
  const add = (
    table: Table,
    columns: ReadonlySet<number>,
    discriminator: Discriminator | null,
    action: WokenBy['action'],
  ) =>
    wokenBy.push({
      table: table.name,
      columns: [...columns].map((column) => table.columns[column]?.name ?? ''),
      where: discriminator === null ? '' : conditionText(table, discriminator),
      action,
    })
  const checkSearch = (table: Table, search: string) => {
    for (const line of database.all(`EXPLAIN QUERY PLAN ${search}`).map((row) => String(row[3]))) {
      const missing = /AUTOMATIC .*INDEX \((.*)\)/.exec(line) ?? (/^SCAN m\d+/.test(line) ? [line, ''] : null)
      if (missing !== null)
        advice.push(
          `A change of ${table.name} scans a table to find what it touches (${line}): an index on the column that it is compared with would lead there.`,
        )
    }
  }
  if (strategy.type === 'rows') {
    for (const { table, columns, discriminator, action } of strategy.reactions) {
      if (action.type === 'own') add(table, columns, discriminator, 'restrict by its key')
      else if (action.type === 'search') {
        add(table, columns, discriminator, 'search what it touches')
        checkSearch(table, action.sql(new Set()))
      } else {
        add(table, columns, discriminator, 'run again')
        advice.push(`A change of ${table.name} runs the query again: ${action.why}.`)
      }
    }
  } else {
    for (const { table, columns, discriminator, action } of strategy.reactions) {
      const kind =
        action.images !== null ? 'move the group' : action.search !== null ? 'run the group' : 'run again'
      add(table, columns, discriminator, kind)
      if (kind === 'run again') advice.push(`A change of ${table.name} runs the query again: ${action.why}.`)
      if (kind === 'run the group' && action.search !== null) checkSearch(table, action.search(new Set()))
    }
  }
  return { strategy: query.strategy, why: '', sql, wokenBy, advice }
}

function conditionText(table: Table, { column, equal, low, high }: Discriminator): string {
  const name = table.columns[column]?.name ?? ''
  const text = (operand: NonNullable<Discriminator['equal']>[number]) =>
    'value' in operand ? String(operand.value) : `?${operand.parameter + 1}`
  if (equal !== null) return `${name} = ${equal.map(text).join(' or ')}`
  const parts = [
    ...(low === null ? [] : [`${name} ${low.inclusive ? '>=' : '>'} ${text(low.operand)}`]),
    ...(high === null ? [] : [`${name} ${high.inclusive ? '<=' : '<'} ${text(high.operand)}`]),
  ]
  return parts.join(' and ')
}
