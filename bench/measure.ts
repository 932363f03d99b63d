/**
 * The medians of what is to be compared, in microseconds, measured in turns: a machine that changes its speed changes it
 * for all. Each is run for about `budget` milliseconds, but not less than three times. The first turn warms up.
 */
export function inTurns<Name extends string>(
  budget: number,
  works: Readonly<Record<Name, () => void>>,
  turns = 5,
): Record<Name, number> {
  const times = new Map<Name, number[]>()
  for (let turn = 0; turn <= turns; turn++) {
    for (const [name, work] of Object.entries(works) as [Name, () => void][]) {
      const measured = turn <= 1 ? [] : (times.get(name) ?? [])
      times.set(name, measured)
      const spent = measured.reduce((sum, time) => sum + time, 0)
      if (measured.length >= 3 && spent > budget) continue
      const end = performance.now() + budget / turns
      do {
        const start = performance.now()
        work()
        measured.push(performance.now() - start)
      } while (performance.now() < end)
    }
  }
  const medians = [...times].map(([name, all]) => [name, middle(all) * 1000])
  return Object.fromEntries(medians) as Record<Name, number>
}

/** Sorts. */
export function middle(times: number[]): number {
  times.sort((a, b) => a - b)
  return times[times.length >> 1] as number
}

/** A table as Markdown. */
export function printTable(
  title: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  console.log(`\n### ${title}\n`)
  console.log(`| ${head.join(' | ')} |\n|${head.map(() => '---').join('|')}|`)
  for (const row of rows) console.log(`| ${row.join(' | ')} |`)
}

/** Microseconds, readable. */
export function us(value: number): string {
  return value >= 10_000 ? `${(value / 1000).toFixed(1)} ms` : `${value.toFixed(value < 10 ? 1 : 0)} µs`
}

export function ratio(value: number, base: number): string {
  return `${(value / base).toFixed(1)} ×`
}
