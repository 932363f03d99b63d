/** What was compared, so that a run can say that it compared something. */
export interface Tally {
  cases: number
  transactions: number
  refused: number
  merges: number
  /** One live result, after one transaction. */
  comparisons: number
  deltas: number
  refusedQueries: number
  /** Queries in the error state, at any comparison. */
  errors: number
  changedRows: number
  /** Live queries by strategy: of the class that must not be `rerun`, and of the others. */
  incremental: Record<string, number>
  others: Record<string, number>
}

export const newTally = (): Tally => ({
  cases: 0,
  transactions: 0,
  refused: 0,
  merges: 0,
  comparisons: 0,
  deltas: 0,
  refusedQueries: 0,
  errors: 0,
  changedRows: 0,
  incremental: {},
  others: {},
})

/** One line of what was compared. */
export function showTally({ incremental, others, ...counts }: Tally): string {
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ')
  const share = (rerunShare(incremental) * 100).toFixed(1)
  return `${list(counts)}\nstrategies: ${list(incremental)}, so ${share} % rerun; beyond the class: ${list(others)}`
}

/** Of the queries that should be kept by what changed, those that run again whole. */
export function rerunShare(incremental: Tally['incremental']): number {
  const all = Object.values(incremental).reduce((sum, count) => sum + count, 0)
  return (incremental.rerun ?? 0) / Math.max(all, 1)
}
