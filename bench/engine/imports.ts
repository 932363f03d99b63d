import type { SqlValue } from '@millrace/protocol'
import { kinds } from './commits.ts'
import { Bare, type Contender, Ours, type Place } from './contenders.ts'
import { mix } from './queries.ts'
import { idOf, listOf, type Size } from './todos.ts'

/** What an import takes in a kind of table, in microseconds. */
export interface ImportTimes {
  readonly kind: string
  readonly form: string
  readonly rows: number
  /** In SQLite alone. */
  readonly bare: number
  /** With nothing live. */
  readonly alone: number
  /** With an app's twenty queries open. */
  readonly watched: number
}

const contenders = {
  bare: Bare.filled,
  alone: Ours.filled,
  async watched(size: Size, place: Place): Promise<Ours> {
    const ours = await Ours.filled(size, place)
    for (const [sql, ...parameters] of mix) ours.subscribe(sql, parameters)
    return ours
  },
}

const RUNS = 3

/** In turns: the least of some runs of each. */
export async function importTimes(place: Place, rows: number): Promise<ImportTimes[]> {
  const times: ImportTimes[] = []
  for (const [kind, size] of Object.entries(kinds)) {
    for (const [form, statements] of Object.entries({ 'in one statement': 1, 'in ten chunks': 10 })) {
      const parts = imported(rows, size.rows, statements)
      const least = { bare: Infinity, alone: Infinity, watched: Infinity }
      for (let run = 0; run < RUNS; run++) {
        for (const name of Object.keys(contenders) as (keyof typeof contenders)[]) {
          const contender = await contenders[name](size, place)
          least[name] = Math.min(least[name], importTime(contender, parts, place))
          await contender.close()
        }
      }
      times.push({ kind, form, rows, ...least })
    }
  }
  return times
}

/** Each part is a commit. */
function importTime(contender: Contender, parts: readonly string[], place: Place): number {
  const insert = contender.exec(`INSERT INTO todo (id, list, owner, title, done, position, points)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6 FROM json_each(?)`)
  const start = place.clock()
  for (const json of parts) insert([json])
  return place.clock() - start
}

/** The rows of an import as JSON, in some parts. They come into the lists that are there. */
function imported(rows: number, before: number, statements: number): string[] {
  const each = rows / statements
  return Array.from({ length: statements }, (_, part) => {
    const values: SqlValue[][] = []
    for (let i = before + part * each; i < before + (part + 1) * each; i++) {
      // Spread over all positions, so that some come in among the first 50.
      const position = String((i * 7919) % (before + rows)).padStart(8, '0')
      values.push([idOf(i), listOf(i % 1_000), i % 10, `Todo number ${i}`, i % 2, position, i % 7])
    }
    return JSON.stringify(values)
  })
}
