import { printTable } from './measure.ts'

/** What is to be reached, and what was. */
export interface Reach {
  readonly what: string
  readonly is: string
  readonly reach: string
  readonly met: boolean
}

/** By where they were measured. */
export function printReaches(of: string, reached: Readonly<Record<string, readonly Reach[]>>): void {
  printTable(
    `${of}, what is to be reached`,
    ['in', 'case', 'is', 'reach', ''],
    Object.entries(reached).flatMap(([where, reaches]) =>
      reaches.map(({ what, is, reach, met }) => [where, what, is, reach, met ? 'met' : 'NOT MET']),
    ),
  )
}
