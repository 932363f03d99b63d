import type { Figures } from './run.ts'

/** Figures as lines to read. */
export function printed(figures: Figures): string {
  const { writers, showed, acknowledged, rejected } = figures
  const listed = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ') || 'none'
  const seconds = (value: number) => `${value.toFixed(1)} s`
  const [one, two, three] = figures.silences
  return [
    `${figures.steps} steps in ${seconds(figures.seconds)}: ${listed(figures.actions)}`,
    `${figures.restored} times out of the back/forward cache, ${figures.frozen} times frozen`,
    `${writers} writers; writes that showed: ${showed}, acknowledged: ${acknowledged}, rejected as they should: ${rejected}`,
    `showed and not acknowledged: ${figures.keptWithoutAnswer} are there; not there: ${figures.lostOnLeaving} of pages that were left, ${figures.lostInCrash} of pages that crashed`,
    `longest without an answer, visible and not blocked: ${seconds(figures.silence)}; with the network cut ${seconds(figures.silenceCut)}`,
    `times without an answer for more than 1 s: ${one}, 2 s: ${two}, 3 s: ${three}`,
    ...figures.longest.map((what) => `  ${what}`),
    `errors that pages were told: ${listed(figures.errors)}`,
    `faults: ${figures.faults.length === 0 ? 'none' : figures.faults.join('\n  ')}`,
  ].join('\n')
}
