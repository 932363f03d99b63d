import {
  type ClientId,
  type Durability,
  MillraceError,
  type Operation,
  type OriginVersion,
  type Settled,
  type WriteRequest,
} from '@millrace/protocol'
import type { Database } from '../database/database.ts'
import type { Disk } from '../database/disk.ts'
import { rejection, storageError } from '../database/errors.ts'
import type { Epoch } from '../epoch.ts'
import { WriteReport, type Writer } from './apply.ts'
import {
  applyVersion,
  type MergeOutcome,
  type MergePlan,
  type MergeRefusal,
  type MergeVersion,
  refusedByDatabase,
} from './merge.ts'
import type { WriteRecords } from './records.ts'

/** Times that SQLite may fail in one write. The first may have been the fault of what ran before it. */
const MAX_FAILURES = 2

/** A write that waits for its turn. */
export interface QueuedWrite {
  /** Null for writes of the process itself, which are never sent again. */
  readonly client: ClientId | null
  readonly request: WriteRequest
  /** Writes of this client up to here need not be remembered. */
  readonly answered: number
  /** From the journal of its client, not by that client: what was answered is no news to anybody then. */
  readonly replayed?: boolean
}

/** Changes of other sites that wait for their turn. */
export interface QueuedMerge {
  readonly merge: MergePlan
}

export type Outcome =
  | {
      readonly changes: number
      readonly undo: readonly Operation[] | null
      /** See `Settled`. */
      readonly keys: Settled['keys']
    }
  | MergeOutcome
  /** `unknown`: SQLite failed while this ran, and only its record says whether it is on disk. */
  | { readonly error: unknown; readonly unknown?: true }

/** What a group of writes did: one outcome each, in order. */
export interface GroupResult {
  readonly outcomes: readonly Outcome[]
  readonly committed: boolean
}

/** What commits writes. */
export interface Context {
  readonly database: Database
  readonly writer: Writer
  readonly epoch: Epoch
  readonly records: WriteRecords
  /** Null in memory. */
  readonly disk: Disk | null
  /** Of writes that do not say. */
  readonly durability: Durability
  /** Instructions that one transaction of writes may take. Merges have none: what others stored must be taken over. */
  readonly limit: number
  /** What runs now; after a failure of SQLite, what it failed in. */
  running?: readonly (QueuedWrite | QueuedMerge)[]
}

/**
 * Commits writes in as few transactions as they allow. One flush is dear, so a group shares one transaction, each write
 * under its own savepoint: a refused write undoes only itself. Where SQLite ends the whole transaction (RAISE(ROLLBACK),
 * ON CONFLICT ROLLBACK) or the commit fails (a deferred foreign key), the writes run again one by one.
 */
export function commitGroup(
  context: Context,
  queued: readonly (QueuedWrite | QueuedMerge)[],
): readonly GroupResult[] {
  const results: GroupResult[] = []
  const writes: QueuedWrite[] = []
  for (const each of queued) {
    if ('merge' in each)
      results.push(...commitWrites(context, writes.splice(0)), ...commitMerge(context, each))
    else writes.push(each)
  }
  const last = commitWrites(context, writes)
  return results.length === 0 ? last : [...results, ...last]
}

function commitWrites(context: Context, writes: readonly QueuedWrite[]): readonly GroupResult[] {
  if (writes.length === 0) return []
  setDurability(context, writes)
  // Which of them makes SQLite fail shows when each runs by itself.
  const together = writes.some(hasFailed) ? undefined : tryWithLimit(context, writes)
  if (together !== undefined) return [together]
  return writes.map((write) => tryWithLimit(context, [write]) as GroupResult)
}

const hasFailed = ({ request }: QueuedWrite): boolean => (request.failures ?? 0) > 0

function tryWithLimit(context: Context, writes: readonly QueuedWrite[]): GroupResult | undefined {
  return context.database.connection.limit({ steps: context.limit }, () => tryGroup(context, writes))
}

/** One flush serves all that are committed together. */
function setDurability({ disk, durability }: Context, writes: readonly QueuedWrite[]): void {
  if (disk === null) return
  const isStrict = writes.some(({ request }) => (request.durability ?? durability) === 'strict')
  disk.durability = isStrict ? 'strict' : 'relaxed'
}

/** Undefined when the group must be run one by one; never for a single write. */
function tryGroup(context: Context, writes: readonly QueuedWrite[]): GroupResult | undefined {
  const { database, epoch } = context
  const alone = writes.length === 1
  const refused = (error: unknown): GroupResult | undefined => {
    if (!alone) return undefined
    recordRejection(context, writes[0] as QueuedWrite, error)
    return { outcomes: [{ error }], committed: false }
  }

  const outcomes: Outcome[] = []
  try {
    epoch.begin()
    for (const write of writes) {
      const before = findBefore(context, write)
      context.running = [write]
      const outcome = before ?? (alone ? applyAlone(context, write) : applyUnderSavepoint(context, write))
      if (database.connection.autocommit) {
        return refused('error' in outcome ? outcome.error : new Error('the transaction ended by itself'))
      }
      if (before === undefined && 'error' in outcome) {
        if (alone) {
          database.run('ROLLBACK')
          return refused(outcome.error)
        }
        record(context, write, outcome.error)
      }
      outcomes.push(outcome)
    }
    context.running = writes
    epoch.commit()
    // Records alone concern no live query.
    return { outcomes, committed: outcomes.some((outcome) => !('error' in outcome)) }
  } catch (error) {
    if (!database.connection.autocommit) database.run('ROLLBACK')
    return refused(storageError(error) ?? rejection(error, 'commit the write'))
  }
}

/**
 * Commits each version of a merge in a transaction of its own, up to the first that is refused. Never together with
 * local writes, nor under a savepoint: cr-sqlite remembers the version of a merge that ROLLBACK TO undid, and forgets it
 * only with the whole transaction. One flush serves all. The outcome of all comes with the last result.
 */
function commitMerge(context: Context, queued: QueuedMerge): GroupResult[] {
  const { merge } = queued
  const { disk, durability } = context
  if (disk !== null) disk.durability = 'relaxed'
  context.running = [queued]
  const results: GroupResult[] = []
  const applied: OriginVersion[] = []
  let changes = 0
  const ended = (outcome: Outcome): GroupResult[] => [...results, { outcomes: [outcome], committed: false }]
  let { refused } = merge
  try {
    for (const version of merge.versions) {
      const result = tryVersion(context, version)
      if ('error' in result) {
        refused = result
        break
      }
      applied.push({ siteId: version.siteId, dbVersion: version.dbVersion })
      changes += result.rows
      if (result.rows > 0) results.push({ outcomes: [], committed: true })
    }
    if (durability === 'strict') disk?.flush()
  } catch (error) {
    return ended({ error })
  }
  return ended({ applied, changes, refused })
}

function tryVersion(context: Context, version: MergeVersion): { readonly rows: number } | MergeRefusal {
  const { database, epoch } = context
  try {
    epoch.begin()
    const rows = applyVersion(database, version)
    if (rows > 0) epoch.commit()
    else database.run('ROLLBACK')
    return { rows }
  } catch (error) {
    if (!database.connection.autocommit) database.run('ROLLBACK')
    const refused = refusedByDatabase(error, version)
    if (refused === undefined) throw error
    return refused
  }
}

/** The one write of its transaction, which is what undoes it. */
function applyAlone(context: Context, write: QueuedWrite): Outcome {
  try {
    return refuseFatal(write) ?? apply(context, write)
  } catch (error) {
    return { error }
  }
}

function applyUnderSavepoint(context: Context, write: QueuedWrite): Outcome {
  const { database } = context
  database.run('SAVEPOINT millrace_write')
  try {
    const outcome = apply(context, write)
    // Here too SQLite may refuse, and then the savepoint is still there.
    database.run('RELEASE millrace_write')
    return outcome
  } catch (error) {
    if (!database.connection.autocommit) {
      database.run('ROLLBACK TO millrace_write')
      database.run('RELEASE millrace_write')
    }
    return { error }
  }
}

/** What became of a write that is sent again. */
function findBefore({ records }: Context, { client, request, replayed }: QueuedWrite): Outcome | undefined {
  const before = client === null ? undefined : records.find(client, request)
  if (before === 'answered')
    return replayed ? { changes: 0, undo: null, keys: [] } : { error: refusedBefore() }
  return before !== undefined && 'changes' in before
    ? { changes: before.changes, undo: null, keys: [] }
    : before
}

/** A write that made SQLite fail, and then failed in an SQLite of its own as well, is not run a third time. */
function refuseFatal({ request }: QueuedWrite): Outcome | undefined {
  if ((request.failures ?? 0) < MAX_FAILURES) return undefined
  return {
    error: new MillraceError(
      'ENGINE_LOST',
      `SQLite failed each of the ${request.failures} times that this write ran, and it is not run again. Nothing of it was stored: change what it writes.`,
    ),
  }
}

/** Runs the write, with the record that it was applied. */
function apply({ writer, records }: Context, { client, request, answered }: QueuedWrite): Outcome {
  // Who writes from within the process reads for itself what was there.
  const report = client === null ? null : new WriteReport()
  const changes = writer.apply(request.operations, report)
  if (client !== null) {
    if (answered > 0) records.forget(client, answered)
    records.applied(client, request, changes)
  }
  return { changes, undo: report?.takeUndo() ?? null, keys: report?.keys ?? [] }
}

/** What was rejected once stays so, whoever sends it again: one page may have told its user of it. */
function recordRejection(context: Context, write: QueuedWrite, error: unknown): void {
  const { database } = context
  try {
    database.run('BEGIN IMMEDIATE')
    record(context, write, error)
    database.run('COMMIT')
  } catch {
    // No room for the record. The write changed nothing, and would be tried again if it were sent again.
    if (!database.connection.autocommit) database.run('ROLLBACK')
  }
}

/** A file that fails says nothing of the write. */
function record({ records }: Context, { client, request }: QueuedWrite, error: unknown): void {
  const isRejection =
    error instanceof MillraceError && !['STORAGE_FULL', 'STORAGE_FAILED', 'INTERNAL'].includes(error.code)
  if (client !== null && isRejection) records.rejected(client, request, error)
}

function refusedBefore(): MillraceError {
  return new MillraceError(
    'WRITE_REJECTED',
    'The database refused this write, and the tab that owned it went away before it could say why: check the values, and write again.',
  )
}
