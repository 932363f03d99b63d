/* What the tabs write, and how what is stored of it is checked: shared by the page and by the one who drives it. */

/**
 * `entry` takes each write once and refuses the second; `log` has no key to refuse by, and shows a write that was applied
 * twice; so do the counters.
 */
export const SCHEMA = `
  CREATE TABLE entry (key TEXT PRIMARY KEY NOT NULL, writer TEXT NOT NULL, serial INTEGER NOT NULL,
    text TEXT NOT NULL CHECK (text <> ''));
  CREATE INDEX entry_writer ON entry (writer, serial);
  CREATE TABLE log (id INTEGER PRIMARY KEY NOT NULL, writer TEXT NOT NULL, serial INTEGER NOT NULL);
  CREATE INDEX log_writer ON log (writer, serial);
  CREATE TABLE counter (writer TEXT PRIMARY KEY NOT NULL, alone INTEGER NOT NULL, along INTEGER NOT NULL);`

/**
 * `begin`: the writer's row of `counter`. `insert`: a row of `entry`. `count`: adds one to `alone`, in SQL. `all`: a row of
 * `entry`, one of `log` and one more in `along`, in one transaction. `refused`: the same, and a row that CHECK refuses.
 */
export type WriteKind = 'begin' | 'insert' | 'count' | 'all' | 'refused'

const KINDS: readonly WriteKind[] = ['insert', 'all', 'count', 'insert', 'count', 'all', 'insert', 'refused']

/** A writer's writes are numbered; the number says what it writes. */
export function kindOf(serial: number): WriteKind {
  return serial === 0 ? 'begin' : (KINDS[serial % KINDS.length] as WriteKind)
}

/** Whether the write is there by its own row, and which table has it. */
const leavesEntry = (kind: WriteKind) => kind === 'insert' || kind === 'all'

/** What a page tells of its writer and itself. */
export type Report =
  /** The page runs, as a new writer. */
  | { readonly type: 'ready'; readonly writer: string }
  /** The first answer after `ready`. */
  | { readonly type: 'connected'; readonly writer: string }
  /** In the same task in which it was made, a live query showed the write. */
  | { readonly type: 'showed'; readonly writer: string; readonly serial: number }
  | { readonly type: 'committed'; readonly writer: string; readonly serial: number }
  | { readonly type: 'rejected'; readonly writer: string; readonly serial: number; readonly code: string }
  /** It is visible, its main thread runs, and a query has had no answer for so many beats of 100 ms. */
  | { readonly type: 'silent'; readonly writer: string; readonly beats: number; readonly state: string }
  /** A read was not answered but ended with an error. */
  | { readonly type: 'refusedRead'; readonly writer: string; readonly code: string; readonly message: string }
  | { readonly type: 'frozen' | 'restored'; readonly writer: string }
  /** Nobody caught this. */
  | { readonly type: 'error'; readonly writer: string; readonly message: string }
  | { readonly type: 'elsewhere' }

/** What the database has of one writer. */
export interface StoredOf {
  readonly writer: string
  /** Of `entry`, in order, separated by commas. */
  readonly entries: string
  /** Of `log`, in order of the writing. */
  readonly logged: string
  readonly alone: number | null
  readonly along: number | null
}

export const STORED = `
  WITH writers AS (SELECT writer FROM entry UNION SELECT writer FROM log UNION SELECT writer FROM counter)
  SELECT writer,
    coalesce((SELECT group_concat(serial) FROM (SELECT serial FROM entry WHERE writer = w.writer ORDER BY serial)), '') AS entries,
    coalesce((SELECT group_concat(serial) FROM (SELECT serial FROM log WHERE writer = w.writer ORDER BY id)), '') AS logged,
    (SELECT alone FROM counter WHERE writer = w.writer) AS alone,
    (SELECT along FROM counter WHERE writer = w.writer) AS along
  FROM writers AS w`

/** What is known of a writer from its reports. */
export interface Known {
  readonly writer: string
  readonly showed: ReadonlySet<number>
  readonly committed: ReadonlySet<number>
  /** Its page went down without a word. Then what showed only may be lost. */
  readonly crashed: boolean
}

/** Why what is stored of a writer cannot be right, in words; empty where it can. */
export function faultsOf(known: Known, stored: StoredOf | undefined, journal: boolean): string[] {
  const faults: string[] = []
  const fault = (what: string) => faults.push(`${known.writer}: ${what}`)
  const entries = serialsOf(stored?.entries)
  const logged = serialsOf(stored?.logged)
  const inEntry = new Set(entries)
  const twice = logged.filter((serial, i) => logged.indexOf(serial) !== i)
  if (twice.length > 0) fault(`applied twice: ${twice}`)
  const torn = [...new Set([...logged, ...entries.filter((serial) => kindOf(serial) === 'all')])].filter(
    (serial) => !inEntry.has(serial) || !logged.includes(serial),
  )
  if (torn.length > 0) fault(`stored in part: ${torn}`)
  if ((stored?.along ?? 0) !== logged.length) {
    fault(`${stored?.along} times added in ${logged.length} transactions`)
  }
  const refused = entries.filter((serial) => !leavesEntry(kindOf(serial)))
  if (refused.length > 0) fault(`refused, and there: ${refused}`)

  // What must be there, and what may be: in order, no write is there without those before it.
  const due = [...known.committed, ...(journal && !known.crashed ? known.showed : [])]
  const last = Math.max(-1, ...entries, ...due)
  const alone = stored?.alone ?? null
  const missing: number[] = []
  let counted = 0
  for (let serial = 0; serial <= last; serial++) {
    const kind = kindOf(serial)
    if (kind === 'count') counted++
    if (leavesEntry(kind) && !inEntry.has(serial)) missing.push(serial)
  }
  if (last >= 0 && alone === null) missing.unshift(0)
  if (missing.length > 0) {
    const acknowledged = missing.filter((serial) => known.committed.has(serial))
    const showed = missing.filter((serial) => known.showed.has(serial))
    fault(
      `missing ${missing} (of them acknowledged: ${acknowledged}; showed: ${showed}) before ${last}, there: ${summary(entries)}`,
    )
  }
  if (alone !== null && alone < counted) fault(`counted ${alone} times where it was ${counted} at least`)
  // As many as there may be until the next write that leaves a row, which is not there.
  let most = counted
  for (let serial = last + 1; !leavesEntry(kindOf(serial)); serial++) if (kindOf(serial) === 'count') most++
  if ((alone ?? 0) > most) fault(`counted ${alone} times where it was ${most} at most`)
  return faults
}

function serialsOf(list: string | undefined): number[] {
  return list ? list.split(',').map(Number) : []
}

function summary(serials: readonly number[]): string {
  return serials.length === 0 ? 'none' : `${serials.length}, up to ${serials.at(-1)}`
}
