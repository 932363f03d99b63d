import type { SqlValue } from './value.ts'

/**
 * Why a call failed. Switch on this, never on the message.
 *
 * | code | when |
 * |---|---|
 * | `INVALID_SQL` | SQLite refuses the statement; the message is SQLite's own |
 * | `INVALID_VALUE` | a parameter or column was given a value that SQLite cannot hold |
 * | `INVALID_SCHEMA` | the schema text holds something that loses data or that cr-sqlite refuses |
 * | `SCHEMA_MISMATCH` | the schema, or a table or column named in a write, is not that of the database |
 * | `WRITE_REJECTED` | the database refused the write: constraint, trigger, missing row |
 * | `STORAGE_UNAVAILABLE` | no OPFS in this context: private window, old browser, no secure context |
 * | `STORAGE_FULL` | the quota is used up |
 * | `STORAGE_FAILED` | reading or writing the file failed |
 * | `STORAGE_CLEARED` | the user or the browser removed the files while they were open: reload the page |
 * | `OWNER_LOST` | no tab answers for the database in time |
 * | `WORKER_LOST` | the worker could not be started, or died |
 * | `ENGINE_LOST` | SQLite's WebAssembly failed while it ran this; in a browser a new worker has the database again |
 * | `OUT_OF_MEMORY` | a value, result or statement does not fit into SQLite's memory |
 * | `PROTOCOL_MISMATCH` | two tabs run different versions of Millrace |
 * | `ABORTED` | the caller's signal ended the call |
 * | `TIMEOUT` | the caller's time limit ended the call |
 * | `CLOSED` | the database was closed |
 * | `INTERNAL` | a broken invariant: please report it |
 */
export type ErrorCode =
  | 'INVALID_SQL'
  | 'INVALID_VALUE'
  | 'INVALID_SCHEMA'
  | 'SCHEMA_MISMATCH'
  | 'WRITE_REJECTED'
  | 'STORAGE_UNAVAILABLE'
  | 'STORAGE_FULL'
  | 'STORAGE_FAILED'
  | 'STORAGE_CLEARED'
  | 'OWNER_LOST'
  | 'WORKER_LOST'
  | 'ENGINE_LOST'
  | 'OUT_OF_MEMORY'
  | 'PROTOCOL_MISMATCH'
  | 'ABORTED'
  | 'TIMEOUT'
  | 'CLOSED'
  | 'INTERNAL'

/** Where a write was refused, as far as SQLite says. */
export interface RefusedAt {
  readonly table: string
  /** Of the row that was to be written; null where the write did not name one. */
  readonly key: readonly SqlValue[] | null
  /** The columns that the constraint is of. */
  readonly columns: readonly string[]
  /** `row`: there is none with this key. `other`: a trigger, a type, anything else. */
  readonly constraint: 'unique' | 'not null' | 'check' | 'foreign key' | 'row' | 'other'
}

/** What may be told besides code and message. */
export interface ErrorDetails {
  readonly cause?: unknown
  /** Of `WRITE_REJECTED`. */
  readonly at?: RefusedAt | undefined
}

/** Of every MillraceError, whichever copy of this package made it: bundlers and dev servers may load several. */
const BRAND = Symbol.for('millrace.error')

/** The one error class: what happened, with which values, and what to do; `code` tells which kind. */
export class MillraceError extends Error {
  override readonly name = 'MillraceError'
  readonly code: ErrorCode
  /** Of `WRITE_REJECTED`: where. */
  readonly at: RefusedAt | undefined

  /** Recognizes the errors of other copies of this package as well. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && BRAND in value
  }

  constructor(code: ErrorCode, message: string, details?: ErrorDetails) {
    super(message, details?.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.at = details?.at
    Object.defineProperty(this, BRAND, { value: true })
  }
}

/** An error as it crosses a port: plain data, because Comlink and structured clone drop `code` and `cause`. */
export interface ErrorData {
  readonly code: ErrorCode
  readonly message: string
  readonly cause?: string
  readonly at?: RefusedAt
}

/** Anything that was thrown, as data. What is no MillraceError becomes `INTERNAL`. */
export function encodeError(thrown: unknown): ErrorData {
  if (thrown instanceof MillraceError) {
    const { code, message, cause, at } = thrown
    return {
      ...{ code, message },
      ...(cause === undefined ? {} : { cause: String(cause) }),
      ...(at === undefined ? {} : { at }),
    }
  }
  const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)
  return { code: 'INTERNAL', message: `Millrace met an error that it did not expect: ${message}` }
}

/** The error that was encoded, on the other side of a port. */
export function decodeError({ code, message, cause, at }: ErrorData): MillraceError {
  return new MillraceError(code, message, { cause, at })
}

/** For invariants: throws an `INTERNAL` error that reaches the user as a bug to report. */
export function assert(condition: unknown, sentence: string): asserts condition {
  if (!condition) throw new MillraceError('INTERNAL', `Broken invariant: ${sentence}. Please report this.`)
}

/** For the end of a switch over a union: a type error when a kind was forgotten. */
export function unreachable(value: never): never {
  throw new MillraceError('INTERNAL', `Broken invariant: no such kind ${JSON.stringify(value)}.`)
}
