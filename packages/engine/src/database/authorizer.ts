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

/** Triggers that cr-sqlite and the capture of changes made: they may call what a statement may not. */
const OWN_TRIGGERS = /__crsql_|^millrace_/i

function isForbidden(name: string): boolean {
  return FORBIDDEN_FUNCTIONS.test(name) || (/^crsql_/i.test(name) && !READING_FUNCTIONS.test(name))
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
  /** Set while a statement is recorded. */
  #reads: Map<string, Set<string>> | null = null
  #writes = new Map<string, Set<string>>()
  #other = new Set<string>()

  constructor(connection: Connection) {
    connection.setAuthorizer((_, action, first, second, _database, trigger) => {
      if (this.#reads === null) return ALLOW
      const before = this.#other.size
      this.#note(this.#reads, action, first, second, trigger)
      // Some pragmas act while they are prepared, so refusing the statement afterwards would be too late.
      return this.#other.size > before ? DENY : ALLOW
    })
  }

  /** What `prepare` prepares, and only that. When SQLite was told to refuse it, `other` says why, and nothing is thrown. */
  record(prepare: () => void): Access {
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
        if (isForbidden(second ?? '') && !OWN_TRIGGERS.test(trigger ?? ''))
          this.#other.add(`a call of ${second}`)
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
}

function add(map: Map<string, Set<string>>, table: string, column: string | null): void {
  const columns = map.get(table) ?? new Set()
  map.set(table, columns)
  if (column !== null) columns.add(column)
}
