import type { Explanation, SqlValue, WokenBy } from '@millrace/protocol'
import { IndexAdvice } from './advice.ts'
import { type Compiled, understand } from './compile/compile.ts'
import type { GroupsStrategy } from './compile/groups.ts'
import type { Bound, Item } from './compile/levels.ts'
import type { Discriminator, Reaction } from './compile/reaction.ts'
import type { RowsStrategy } from './compile/rows.ts'
import { readViews } from './compile/views.ts'
import type { Database } from './database/database.ts'
import type { LiveQuery } from './maintain/live-query.ts'
import type { Catalog, Table } from './schema/catalog.ts'

const TOO_FAR = 'LIMIT and OFFSET reach too far down, or are no numbers'

/** What to write instead of what runs again, by the reason why it does. */
const REWRITES: readonly (readonly [RegExp, string])[] = [
  [
    /window functions/,
    'Without the window function its rows are followed one by one: number or add them up where they are shown.',
  ],
  [
    /^UNION, EXCEPT/,
    'UNION ALL is followed row by row, where no row is in both parts; and so are EXISTS for INTERSECT and NOT EXISTS for EXCEPT.',
  ],
  [/^UNION ALL of groups/, 'Each part by itself, as a query of its own, is followed group by group.'],
  [/^no FROM/, 'Each of its subqueries, as a query of its own, is followed change by change.'],
  [
    /^(LIMIT|DISTINCT) in a derived table/,
    'As a query of its own the derived table is followed change by change.',
  ],
  [/current time|at each run$/, 'Work the value out in the app, and give it as a parameter.'],
  [
    /^FULL JOIN/,
    'A LEFT JOIN, and UNION ALL with the rows of the other table that NOT EXISTS finds alone, is followed row by row.',
  ],
  [/^rowid/, 'Declare an INTEGER PRIMARY KEY, and name it instead.'],
  [
    /^the table-valued function|^a table-valued function/,
    'What is looked for in JSON often is better a table of its own.',
  ],
  [
    /^LIMIT and OFFSET/,
    'Go on from the last row that is shown instead: WHERE (a, id) > (?, ?) ORDER BY a, id LIMIT 50.',
  ],
]

/** @internal */
export function explain(
  database: Database,
  catalog: Catalog,
  text: string,
  compiled: Compiled,
  query: LiveQuery,
): Explanation {
  const { strategy, sql, reads } = compiled
  if (strategy === null || query.strategy === 'rerun') {
    const why = compiled.beyond === '' ? TOO_FAR : compiled.beyond
    const wokenBy = [...reads].map(([table, columns]): WokenBy => {
      return { table, columns: [...columns].filter((name) => name !== ''), where: '', action: 'run again' }
    })
    const advice = REWRITES.flatMap(([reason, rewrite]) =>
      wokenBy.length > 0 && reason.test(why) ? [rewrite] : [],
    )
    return { strategy: 'rerun', why, sql, wokenBy, advice }
  }
  const [normal, bound] = understand(text, readViews(database), catalog)
  const indexes = new IndexAdvice(database, normal, bound)
  const places =
    strategy.type === 'rows' ? rowsPlaces(strategy, bound, indexes) : groupsPlaces(strategy, bound, indexes)
  return {
    strategy: query.strategy,
    why: '',
    sql,
    wokenBy: places.map(({ wokenBy }) => wokenBy),
    advice: [...new Set([...indexes.texts, ...places.flatMap(({ advice }) => advice)])],
  }
}

/** What is said of one place at which a table is read. */
interface Told {
  readonly wokenBy: WokenBy
  readonly advice: readonly string[]
}

function rowsPlaces({ arms, reactions }: RowsStrategy, { tables }: Bound, indexes: IndexAdvice): Told[] {
  return reactions.map((reaction, i) => {
    const { action } = reaction
    if (action.type === 'rerun') return told(reaction, 'run again', action.why)
    const item = tables[i] as Item
    const source = arms[action.arm]?.sources[action.source]
    if (source !== undefined) indexes.noteRun(item, source.restricted(1))
    if (action.type === 'own') return told(reaction, 'restrict by its key')
    indexes.noteSearch(item, action.sql(new Set()))
    return told(reaction, 'search what it touches')
  })
}

function groupsPlaces(strategy: GroupsStrategy, { tables, arms }: Bound, indexes: IndexAdvice): Told[] {
  return strategy.reactions.map((reaction, i) => {
    const { images, search, why } = reaction.action
    const item = tables[i] as Item
    if (images !== null) {
      indexes.noteRun(item, images.before)
      return told(reaction, 'move the group')
    }
    if (search !== null && strategy.one !== null) {
      indexes.noteSearch(item, search(new Set()))
      indexes.noteGroup(item, strategy.one, arms[0]?.groupBy ?? [])
      return told(reaction, 'run the group')
    }
    const single = 'only count, and sum, total and avg of integers, can be moved by the rows that changed'
    return told(reaction, 'run again', strategy.one === null ? single : why)
  })
}

function told(
  { table, columns, discriminator }: Reaction<unknown>,
  action: WokenBy['action'],
  why?: string,
): Told {
  return {
    wokenBy: {
      table: table.name,
      columns: [...columns].map((column) => table.columns[column]?.name ?? ''),
      where: discriminator === null ? '' : conditionText(table, discriminator),
      action,
    },
    advice: why === undefined ? [] : [`A change of ${table.name} runs the query again: ${why}.`],
  }
}

function conditionText(table: Table, { column, equal, low, high, nulls }: Discriminator): string {
  const name = table.columns[column]?.name ?? ''
  const text = (operand: NonNullable<Discriminator['equal']>[number]) =>
    'value' in operand ? literal(operand.value) : `?${operand.parameter + 1}`
  if (equal !== null) {
    const [only, ...others] = equal.map(text)
    return others.length > 0
      ? `${name} IN (${[only, ...others].join(', ')})`
      : `${name} ${nulls ? 'IS' : '='} ${only}`
  }
  const parts = [
    ...(low === null ? [] : [`${name} ${low.inclusive ? '>=' : '>'} ${text(low.operand)}`]),
    ...(high === null ? [] : [`${name} ${high.inclusive ? '<=' : '<'} ${text(high.operand)}`]),
  ]
  return parts.join(' AND ')
}

function literal(value: SqlValue): string {
  if (value === null) return 'NULL'
  if (value instanceof Uint8Array)
    return `x'${[...value].map((byte) => byte.toString(16).padStart(2, '0')).join('')}'`
  return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value)
}
