import { cpus } from 'node:os'

/** The median of `runs` times, in microseconds, after some that are thrown away. */
export async function median(runs: number, work: (i: number) => unknown): Promise<number> {
  const times: number[] = []
  const warmUp = Math.ceil(runs / 5)
  for (let i = 0; i < runs + warmUp; i++) {
    const start = performance.now()
    const end = work(i)
    if (end instanceof Promise) await end
    if (i >= warmUp) times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  return (times[times.length >> 1] as number) * 1000
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

export function printMachine(): void {
  const [cpu] = cpus()
  console.log(
    `Node ${process.version}, ${cpus().length} × ${cpu?.model.trim()}. Medians; ratios are of one run.`,
  )
}
