import { MillraceError, type RefusedAt } from '@millrace/protocol'
import { outOfMemory, SqliteError } from './sqlite.ts'

// sqlite.org/rescode.html
const NOMEM = 7
const CORRUPT = 11
const INTERRUPT = 9
const FULL = 13
const CANTOPEN = 14
const CONSTRAINT = 19
const MISMATCH = 20
const NOTADB = 26
const IOERR = 10

/** Errors of the file below SQLite or of its memory, whatever statement met them; undefined for all others. */
export function storageError(thrown: unknown): MillraceError | undefined {
  if (!(thrown instanceof SqliteError)) return undefined
  switch (thrown.resultCode & 0xff) {
    case FULL:
      return new MillraceError(
        'STORAGE_FULL',
        `There is no room left on the disk, or this origin's quota is used up (${thrown.message}). Nothing of this write was stored: delete data, or ask the user to free space.`,
        { cause: thrown },
      )
    case NOMEM:
      return outOfMemory(thrown)
    case IOERR:
    case CANTOPEN:
    case CORRUPT:
    case NOTADB:
      return new MillraceError(
        'STORAGE_FAILED',
        `The database file could not be read or written (${thrown.message}). Reload the page; if it stays, the file or the disk is damaged: readDatabaseFile of @millrace/worker/rescue gives what is left of it, and deleteDatabase begins anew.`,
        { cause: thrown },
      )
    default:
      return undefined
  }
}

/** SQLite failed, and nothing can be run any more. */
export function isEngineLost(thrown: unknown): thrown is MillraceError {
  return thrown instanceof MillraceError && thrown.code === 'ENGINE_LOST'
}

/** Why a query or statement cannot be prepared or run. */
export function invalidSql(thrown: unknown, sql: string): unknown {
  if (!(thrown instanceof SqliteError)) return thrown
  return (
    storageError(thrown) ??
    interrupted(thrown, sql) ??
    new MillraceError(
      'INVALID_SQL',
      `SQLite refused the statement: ${thrown.message}. It reads: ${excerpt(sql)}`,
      {
        cause: thrown,
      },
    )
  )
}

/** What ran into its limit; undefined for all other errors. */
function interrupted(thrown: SqliteError, sql: string): MillraceError | undefined {
  if ((thrown.resultCode & 0xff) !== INTERRUPT) return undefined
  return new MillraceError(
    'TIMEOUT',
    `The statement ran for longer than it may, and was interrupted for the sake of others: db.explain says what would make it cheaper; look for a missing index, a join without a condition, or a recursion without an end. It reads: ${excerpt(sql)}`,
    { cause: thrown },
  )
}

/** Whether a statement ran into its limit. */
export function isInterrupted(thrown: unknown): boolean {
  return thrown instanceof SqliteError && (thrown.resultCode & 0xff) === INTERRUPT
}

/** A row that a write names. */
export type Aimed = Pick<RefusedAt, 'table' | 'key'>

/** Why the database refused a write. `what` names it: `insert into todo`; `aimed`: the row that it is about. */
export function rejection(thrown: unknown, what: string, aimed?: Aimed): unknown {
  if (!(thrown instanceof SqliteError)) return thrown
  const storage = storageError(thrown)
  if (storage !== undefined) return storage
  const at = aimed === undefined ? undefined : refusedAt(thrown.message, aimed)
  const code = thrown.resultCode & 0xff
  if (code === INTERRUPT) {
    return new MillraceError(
      'TIMEOUT',
      `The database could not ${what}: it took longer than a write may, and was interrupted. Nothing of it was stored: write less at a time, or look for a missing index or a recursion without an end.`,
      { cause: thrown, at },
    )
  }
  if (code === CONSTRAINT || code === MISMATCH) {
    return new MillraceError(
      'WRITE_REJECTED',
      `The database refused to ${what}: ${thrown.message}.${advice(thrown.message)}`,
      { cause: thrown, at },
    )
  }
  return new MillraceError('WRITE_REJECTED', `The database could not ${what}: ${thrown.message}.`, {
    cause: thrown,
    at,
  })
}

/** SQLite names what failed in its message: `UNIQUE constraint failed: todo.list, todo.position`. */
function refusedAt(message: string, { table, key }: Aimed): RefusedAt {
  const [, kind, of = ''] =
    /^(UNIQUE|NOT NULL|CHECK|FOREIGN KEY) constraint failed(?:: (.*))?$/.exec(message) ?? []
  const constraint = (kind?.toLowerCase() ?? 'other') as RefusedAt['constraint']
  if (constraint !== 'unique' && constraint !== 'not null') return { table, key, columns: [], constraint }
  const names = of.split(', ').map((name) => name.split('.'))
  // A trigger may have written to another table.
  const named = names[0]?.[0] ?? table
  const columns = names.map(([, column = '']) => column)
  return { table: named, key: named === table ? key : null, columns, constraint }
}

function advice(message: string): string {
  if (message.startsWith('UNIQUE'))
    return ' A row with this value is there already: update that one, or give another value.'
  if (message.startsWith('NOT NULL')) return ' Give the column a value.'
  if (message.startsWith('CHECK')) return ' The values break a rule of the schema.'
  if (message.startsWith('FOREIGN KEY'))
    return ' A row that this one refers to, or that refers to it, is in the way.'
  return ''
}

export function excerpt(sql: string): string {
  const line = sql.replace(/\s+/g, ' ').trim()
  return line.length > 200 ? `${line.slice(0, 200)}…` : line
}
