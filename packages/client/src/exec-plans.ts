import type { ExecPlan, RowKey, SqlValue, TableInfo } from '@millrace/protocol'
import type { Value } from './expression/cell.ts'
import { compileCondition, compileStored } from './expression/compile.ts'
import { withGenerated } from './generated.ts'
import type { Rows } from './predict/predictor.ts'
import type { RowChange } from './row-state.ts'

/** Texts of which is known how they can be predicted. An app has some dozens. */
const MAX_PLANS = 200

/** Rows that are looked at for one statement: with more, it shows when the engine has answered. */
const MAX_ROWS = 5000

/**
 * Knows how texts of `exec` can be predicted. What a text does only SQLite's parser says, which is not on this side: so
 * the first time a text runs, it shows when the engine has answered, and from then on at once.
 */
export class ExecPlans {
  readonly #plans = new Map<string, ExecPlan | null>()

  /** Null where the text cannot be predicted, undefined where that is not known yet: `ask` is then called for it. */
  of(sql: string, ask: (sql: string) => Promise<ExecPlan | null> | undefined): ExecPlan | null | undefined {
    const known = this.#plans.get(sql)
    if (known !== undefined) return known
    const asked = ask(sql)
    if (asked === undefined) return undefined
    this.#plans.set(sql, null)
    asked.then(
      (plan) => this.#remember(sql, plan),
      () => this.#plans.delete(sql),
    )
    return undefined
  }

  #remember(sql: string, plan: ExecPlan | null): void {
    this.#plans.set(sql, plan)
    const [oldest] = this.#plans.keys()
    if (this.#plans.size > MAX_PLANS && oldest !== undefined) this.#plans.delete(oldest)
  }
}

const TOKEN =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*]|--.*|\/\*[\s\S]*?(?:\*\/|$)|[\w$\u0080-\uffff]+|\S/g

/** The name of the table, or view, that SQL text inserts into, updates or deletes from; undefined where it does neither. */
export function targetOf(sql: string): string | undefined {
  let isNext = false
  const tokens = sql.matchAll(TOKEN)
  for (const [token] of tokens) {
    if (/^(?:--|\/\*)/.test(token)) continue
    if (/^(?:into|update|delete)$/i.test(token)) isNext = true
    // UPDATE OR IGNORE t
    else if (/^or$/i.test(token) && isNext) tokens.next()
    else if (isNext && !/^(?:from|main|\.)$/i.test(token))
      return /^["'`[]/.test(token) ? token.slice(1, -1).replace(/(["'`])\1/g, '$1') : token
  }
  return undefined
}

/** What a statement does to the rows that are known here; not to those of which WHERE cannot be told. */
export function* execute(
  { type, where, set, table: name }: ExecPlan,
  table: TableInfo,
  parameters: readonly SqlValue[],
  keys: readonly RowKey[],
  rows: Rows,
): Iterable<readonly [RowKey, RowChange]> {
  if (keys.length > MAX_ROWS) return
  const holds = where === null ? null : compileCondition(where)
  const values = set.map(({ column, expr }) => ({
    column,
    evaluate: compileStored(expr, table.columns[column]?.affinity ?? 'BLOB'),
  }))
  for (const key of keys) {
    const state = rows.state(name, key)
    if (state === undefined || !state.exists) continue
    const image = (_: number, column: number) => state.image(column)
    if (holds !== null && holds(image, parameters) !== true) continue
    if (type === 'delete') {
      yield [key, { type: 'delete' }]
      continue
    }
    // A column may be set twice; the last counts.
    const given = new Map<number, Value>(
      values.map(({ column, evaluate }) => [column, evaluate(image, parameters)]),
    )
    yield [key, { type: 'patch', ...withGenerated(table, [...given.keys()], [...given.values()]) }]
  }
}
