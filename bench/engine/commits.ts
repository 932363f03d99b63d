import { inTurns } from '../measure.ts'
import { Bare, Ours, type Place } from './contenders.ts'
import { type Family, families } from './queries.ts'
import { type Size, toggle } from './todos.ts'

export const LIVE = 1_000
/** A disk has its moods. */
const TURNS = 20

/** What a commit of one changed row takes in a kind of table, in microseconds. */
export interface CommitTimes {
  readonly kind: string
  /** In SQLite alone. */
  readonly bare: number
  /** With {@link LIVE} live queries, of which it hits one. */
  readonly one: number
  /** Of which it hits all. */
  readonly all: number
}

export async function commitTimes(place: Place, budget: number): Promise<CommitTimes[]> {
  const times: CommitTimes[] = []
  for (const [kind, size] of Object.entries(kinds)) {
    const bare = await Bare.filled(size, place)
    const one = await withLive(families['one list each, one hit'], size, place)
    const all = await withLive(families['all hit'], size, place)
    const works = { bare: bare.write(toggle), one: one.write(toggle), all: all.write(toggle) }
    const time = inTurns(budget, works, TURNS)
    times.push({ kind, ...time })
    for (const contender of [bare, one, all]) await contender.close()
  }
  return times
}

export const kinds: Record<string, Size> = {
  plain: { rows: 10_000, perList: 10, replicated: false },
  replicated: { rows: 10_000, perList: 10, replicated: true },
}

export async function withLive({ sql, parameters }: Family, size: Size, place: Place): Promise<Ours> {
  const ours = await Ours.filled(size, place)
  for (let i = 0; i < LIVE; i++) ours.subscribe(sql, parameters(i))
  return ours
}
