import type { ExecPlan } from '@millrace/protocol'
import { loadOnDemand } from './on-demand.ts'

/** Texts of which is known how they can be predicted. An app has some dozens. */
const MAX_PLANS = 200

/**
 * Knows how texts of `exec` can be predicted. What a text does only SQLite's parser says, which is not on this side: so
 * the first time a text runs, it shows when the engine has answered, and from then on at once. The code that does so comes
 * with the first plan.
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
    Promise.all([asked, loadOnDemand()]).then(
      ([plan]) => this.#remember(sql, plan),
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
