import type { Connection } from './sqlite.ts'

/** The columns that a statement reads, by table. '' stands for the rows as such, as in `count(*)`. */
export type Reads = ReadonlyMap<string, ReadonlySet<string>>

/** What a statement does, as SQLite itself says when it prepares it. */
export interface Access {
  readonly reads: Reads
  /** Columns it assigns, by table; a table with an empty set is inserted into or deleted from. */
  readonly writes: Reads
  /** Things beyond reading and changing rows: CREATE, DROP, PRAGMA, BEGIN, ATTACH …, by name. */
  readonly other: readonly string[]
}

// sqlite.org/c3ref/c_alter_table.html
const DELETE = 9
const INSERT = 18
const PRAGMA = 19
const READ = 20
const SELECT = 21
const UPDATE = 23
const FUNCTION = 31
const RECURSIVE = 33

const ALLOW = 0
const DENY = 1

const TELLING_PRAGMAS =
  /^(data_version|schema_version|table_x?info|table_list|index_list|index_x?info|foreign_key_list|foreign_key_check|integrity_check|quick_check)$/i

/** Of cr-sqlite's functions, those that only read. The others change the schema, forge replicated changes, or end the wasm. */
const READING_FUNCTIONS = /^crsql_(db_version|site_id|rows_impacted)$/i

/** `replicate` and the three pads end the wasm when they are asked for more than 4 GB. */
const FORBIDDEN_FUNCTIONS = /^(millrace_\w*|replicate|pad[lrc])$/i

/** Made by cr-sqlite and by the capture of changes: they may call every function. */
const INTERNAL_TRIGGERS = /__crsql_[iud]trig$|^millrace_/i

/** `within`: the view or trigger of the schema that calls the function; null for the statement itself. */
function isForbidden(name: string, within: string | null): boolean {
  if (within !== null && INTERNAL_TRIGGERS.test(within)) return false
  if (FORBIDDEN_FUNCTIONS.test(name)) return true
  if (!/^crsql_/i.test(name) || READING_FUNCTIONS.test(name)) return false
  // A trigger has to ask for it, so that it does not write again what a merge brings.
  return within === null || !/^crsql_internal_sync_bit$/i.test(name)
}

/**
 * The first function that a statement of the schema calls and may not. The authorizer would refuse it where it is used,
 * but not in the triggers that a write of the engine's own fires.
 */
export function forbiddenCall(tokens: readonly string[]): string | undefined {
  const words = tokens.map((token) => token.replace(/^["`[](.*)["`\]]$/s, '$1'))
  return words.find((word, i) => {
    if (words[i + 1] !== '(') return false
    // Given a value it switches off the record of changes.
    if (/^crsql_internal_sync_bit$/i.test(word)) return words[i + 2] !== ')'
    return isForbidden(word, null)
  })
}

const NAMES: Record<number, string> = {
  1: 'CREATE INDEX',
  2: 'CREATE TABLE',
  3: 'CREATE TEMP INDEX',
  4: 'CREATE TEMP TABLE',
  5: 'CREATE TEMP TRIGGER',
  6: 'CREATE TEMP VIEW',
  7: 'CREATE TRIGGER',
  8: 'CREATE VIEW',
  10: 'DROP INDEX',
  11: 'DROP TABLE',
  12: 'DROP TEMP INDEX',
  13: 'DROP TEMP TABLE',
  14: 'DROP TEMP TRIGGER',
  15: 'DROP TEMP VIEW',
  16: 'DROP TRIGGER',
  17: 'DROP VIEW',
  19: 'PRAGMA',
  22: 'BEGIN, COMMIT or ROLLBACK',
  24: 'ATTACH or VACUUM INTO',
  25: 'DETACH',
  26: 'ALTER TABLE',
  27: 'REINDEX',
  28: 'ANALYZE',
  29: 'CREATE VIRTUAL TABLE',
  30: 'DROP VIRTUAL TABLE',
  32: 'SAVEPOINT',
}

/** Listens to SQLite's authorizer. Made once for a connection. */
export class AccessRecorder {
  /** The text that is recorded, in lower case. */
  #text = ''
  /** Set while a statement is recorded. */
  #reads: Map<string, Set<string>> | null = null
  #writes = new Map<string, Set<string>>()
  #other = new Set<string>()

  constructor(connection: Connection) {
    connection.setAuthorizer((_, action, first, second, _database, trigger) => {
      if (this.#reads === null) return ALLOW
      this.#note(this.#reads, action, first, second, trigger)
      // Some pragmas act while they are prepared, so a check afterwards would be too late.
      return this.#other.size > 0 ? DENY : ALLOW
    })
  }

  /**
   * What `prepare` does, which prepares `sql`. A statement that is denied throws nothing: `other` says why, and what it
   * reads and writes is then known in part only.
   */
  record(sql: string, prepare: () => void): Access {
    this.#text = sql.toLowerCase()
    const reads = new Map<string, Set<string>>()
    this.#reads = reads
    this.#writes = new Map()
    this.#other = new Set()
    try {
      prepare()
    } catch (error) {
      if (this.#other.size === 0) throw error
    } finally {
      this.#reads = null
    }
    return { reads, writes: this.#writes, other: [...this.#other] }
  }

  #note(
    reads: Map<string, Set<string>>,
    action: number,
    first: string | null,
    second: string | null,
    trigger: string | null,
  ): void {
    switch (action) {
      case READ:
        add(reads, first ?? '', second ?? '')
        break
      case INSERT:
      case DELETE:
        // What triggers write is theirs to know; they are part of the schema.
        if (trigger === null) add(this.#writes, first ?? '', null)
        break
      case UPDATE:
        if (trigger === null) add(this.#writes, first ?? '', second ?? '')
        break
      case FUNCTION:
        this.#noteFunction(second ?? '', trigger)
        break
      case SELECT:
      case RECURSIVE:
        break
      default:
        // These only tell. cr-sqlite and table-valued functions ask for them themselves while a statement is prepared.
        if (action === PRAGMA && TELLING_PRAGMAS.test(first ?? '')) break
        this.#other.add(NAMES[action] ?? `action ${action}`)
    }
  }

  /**
   * SQLite gives the name of a CTE or subquery, which the caller chooses, where it gives that of a view or trigger. So a
   * function that the text names is the statement's, whatever SQLite says.
   */
  #noteFunction(name: string, within: string | null): void {
    const caller = this.#text.includes(name.toLowerCase()) ? null : within
    if (isForbidden(name, caller)) this.#other.add(`a call of ${name}`)
  }
}

function add(map: Map<string, Set<string>>, table: string, column: string | null): void {
  const columns = map.get(table) ?? new Set()
  map.set(table, columns)
  if (column !== null) columns.add(column)
}
