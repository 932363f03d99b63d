import { type Case, type Family, todos } from './cases.ts'
import { type Contender, type Filled, type Group, groupBy, type Shown, type Todo } from './contender.ts'

/** What one case cost each contender: microseconds a write, or why there is no number. */
export interface Result {
  readonly family: string
  readonly rows: number
  readonly case: string
  readonly times: Readonly<Record<string, number | string>>
}

export interface ContestOptions {
  /** How long one case may take all contenders together, with what is not measured, in ms. */
  readonly budget: number
  /** The clock steps by microseconds: a median would be one of its steps. */
  readonly isCoarse: boolean
  /** Is told of each result as it comes. */
  readonly say: (result: Result) => void
}

const MIN_SAMPLES = 5
const MAX_SAMPLES = 400
/** The first of so many samples warms up. */
const WARM_UP = 5
/** No case makes so many writes: each write of a run has a number of its own, so that it changes something. */
const APART = 1_000_000
let cases = 0

interface Entrant {
  readonly name: string
  readonly shown: Shown
  readonly samples: number[]
  /** Writes made of this case. */
  written: number
}

/** All families, each with all contenders at once. */
export async function contest(
  contenders: readonly Contender[],
  families: readonly Family[],
  options: ContestOptions,
): Promise<Result[]> {
  const results: Result[] = []
  for (const [rows, sameRows] of groupBy(families, ({ rows }) => rows)) {
    const filled: [string, Filled][] = []
    for (const contender of contenders) filled.push([contender.name, await contender.fill(todos(rows))])
    // Once for nothing: what is measured first would else be measured before it is compiled.
    const [first] = sameRows
    if (results.length === 0 && first) await contestFamily(filled, first, { ...options, say() {} })
    for (const family of sameRows) results.push(...(await contestFamily(filled, family, options)))
    for (const [, database] of filled) await database.close()
  }
  return results
}

async function contestFamily(
  filled: readonly (readonly [string, Filled])[],
  family: Family,
  options: ContestOptions,
): Promise<Result[]> {
  const cannot: Record<string, string> = {}
  const open: [string, Shown][] = []
  for (const [name, database] of filled) {
    const shown = await database.show(family.views, family.reads)
    if ('cannot' in shown) cannot[name] = shown.cannot
    else open.push([name, shown])
  }
  const results: Result[] = []
  for (const one of family.cases) {
    const written = cases++ * APART
    const entrants = open.map(([name, shown]): Entrant => ({ name, shown, samples: [], written }))
    await measure(entrants, one, options)
    expectSameRows(entrants, `${family.name}, ${one.name}`)
    const times = Object.fromEntries(
      entrants.map(({ name, samples }) => [
        name,
        middle(samples.slice(samples.length / WARM_UP), options.isCoarse) * 1000,
      ]),
    )
    const result = { family: family.name, rows: family.rows, case: one.name, times: { ...cannot, ...times } }
    options.say(result)
    results.push(result)
  }
  for (const [, shown] of open) await shown.close()
  return results
}

/**
 * One sample of each in turn, so that a machine that changes its speed changes it for all, and that each finds the caches
 * as the others left them: a user's write comes alone as well.
 */
async function measure(entrants: readonly Entrant[], one: Case, { budget }: ContestOptions) {
  const end = performance.now() + budget
  const few = one.pending === undefined ? MIN_SAMPLES : 1
  for (let turn = 0; turn < MAX_SAMPLES; turn++) {
    if (turn > few && performance.now() > end) break
    for (let i = 0; i < entrants.length; i++) {
      const entrant = entrants[(turn + i) % entrants.length] as Entrant
      const time = await sample(entrant, one, one.pending ?? 1)
      if (turn > 0) entrant.samples.push(time)
    }
  }
  // All to where they began.
  for (const entrant of entrants) {
    while (entrant.written % (one.period ?? 1) !== 0) entrant.shown.write(one.write(entrant.written++))
    await entrant.shown.settled()
  }
}

/** The time of a write in ms. */
async function sample(entrant: Entrant, one: Case, writes: number): Promise<number> {
  const { shown, name } = entrant
  const first = entrant.written
  entrant.written += writes
  const list = Array.from({ length: writes }, (_, i) => one.write(first + i))
  const told = shown.reader.told
  const start = performance.now()
  for (const write of list) shown.write(write)
  const time = performance.now() - start
  if (shown.reader.told !== told + writes)
    throw new Error(
      `${name} told its subscriber ${shown.reader.told - told} times of ${writes} writes (${one.name}).`,
    )
  await shown.settled()
  if (one.undo !== undefined) {
    for (let i = 0; i < writes; i++) shown.write(one.undo(first + i))
    await shown.settled()
  }
  return time / writes
}

/** A contender that shows other rows than the first did not do the work. */
function expectSameRows(entrants: readonly Entrant[], where: string): void {
  const seen = entrants.map(({ shown }) => summary(shown.rows()))
  const short = (rows: string | undefined) => rows?.slice(0, 300)
  const other = seen.findIndex((rows) => rows !== seen[0])
  if (other !== -1)
    throw new Error(
      `${where}: ${entrants[other]?.name} shows ${short(seen[other])} …, but ${entrants[0]?.name} ${short(seen[0])} ….`,
    )
}

function summary(rows: readonly (Todo | Group)[]): string {
  const told = rows
    .slice(0, 100)
    .map((row) => ('id' in row ? [row.id, row.position] : [row.owner, row.todos, row.points]))
  // Groups are in no order at TanStack DB.
  if (rows.length > 0 && !('id' in (rows[0] as object))) told.sort(([a], [b]) => Number(a) - Number(b))
  return JSON.stringify([rows.length, told])
}

/** From here on, in ms, a step of the coarse clock is less than a twentieth. */
const LONG = 0.1

/** The median; where that would be a step of the clock, the mean without the fastest and the slowest tenth. */
function middle(samples: number[], isCoarse: boolean): number {
  samples.sort((a, b) => a - b)
  const median = samples[samples.length >> 1] as number
  if (!isCoarse || median > LONG) return median
  const cut = Math.floor(samples.length / 10)
  const among = samples.slice(cut, samples.length - cut)
  return among.reduce((sum, time) => sum + time, 0) / among.length
}
