import type { AccessRecorder, Reads } from '../database/authorizer.ts'
import { type Database, quote } from '../database/database.ts'
import { type Catalog, findTable, isInternal, type Table } from '../schema/catalog.ts'
import { type FullText, readFullText } from '../schema/full-text.ts'
import { readShadow } from '../schema/read-catalog.ts'

/*
 * From what SQLite says that a query reads to what must be watched for it. A table is watched itself. A virtual table
 * cannot be, for it has no triggers; an FTS5 table is what these say:
 *
 *     content of its own     <fts>_content    the values of its columns, of which the index is made
 *     external content       what its content table or view reads, and the index
 *     contentless            the index
 *     the index              <fts>_docsize    which rows are in it, each with its number of tokens
 *                            <fts>_data, 1    number of rows and of tokens, by which bm25 reckons; written with each change
 *                            With contentless_delete it counts what is put in again, so each rewriting changes it (3.44)
 *     the text in the index  is told by the rows from which triggers copied it (see full-text.ts). Statements that name
 *                            the FTS table itself may write any text
 *     each of them           <fts>_config     how it ranks
 */

/** A table that must be watched for a query. */
export interface Source {
  readonly table: Table
  /** Columns whose change matters in a row that stays. */
  readonly columns: ReadonlySet<number>
  /** Any statement that writes to it matters, even where rows are afterwards as they were. */
  readonly anyWrite: boolean
  /** The key of the only row that is watched; null: all are. */
  readonly only: number | null
}

/** The row of `<fts>_data` with the numbers of rows and tokens. */
const AVERAGES = 1

/** Knows what must be watched. */
export class Sources {
  readonly #database: Database
  readonly #recorder: AccessRecorder
  readonly #catalog: Catalog
  /** What stands behind the virtual tables that were asked for; null where nothing can be watched. */
  readonly #behind = new Map<Table, readonly Source[] | null>()

  constructor(database: Database, recorder: AccessRecorder, catalog: Catalog) {
    this.#database = database
    this.#recorder = recorder
    this.#catalog = catalog
  }

  /** What must be watched for a query that reads this; null: it cannot be watched, and any commit may concern it. */
  of(reads: Reads): readonly Source[] | null {
    const all: Source[] = []
    for (const [name, columns] of reads) {
      const sources = this.#ofTable(name, columns)
      if (sources === null) return null
      all.push(...sources)
    }
    return all
  }

  #ofTable(name: string, columns: ReadonlySet<string>): readonly Source[] | null {
    if (isInternal(name)) return null
    const table = findTable(this.#catalog, name)
    // Of a view the tables are reported too; where it has a rowid, it is of none of them for certain.
    if (table === undefined) return columns.has('ROWID') ? null : []
    if (table.virtual) return this.#behindOf(table)
    // REPLACE gives a row another rowid even where nothing else differs.
    const anyWrite = columns.has('ROWID') && table.rowid !== null
    return [{ table, columns: positions(table, columns), anyWrite, only: null }]
  }

  #behindOf(table: Table): readonly Source[] | null {
    const known = this.#behind.get(table)
    if (known !== undefined) return known
    // So that a table that names itself as its content comes to an end.
    this.#behind.set(table, null)
    const fullText = readFullText(this.#database, this.#catalog, table)
    const sources = fullText === undefined ? null : this.#ofFullText(table, fullText)
    this.#behind.set(table, sources)
    return sources
  }

  #ofFullText(table: Table, { content, copied }: FullText): readonly Source[] | null {
    const config = this.#shadow(table, 'config', 'v')
    if (content === 'own') return [...config, ...this.#shadow(table, 'content', 'all')]
    const values = content === 'none' ? [] : this.#ofContent(table, content)
    if (values === null) return null
    const sizes = this.#shadow(table, 'docsize', 'sz')
    const averages = this.#shadow(table, 'data', 'block').map((source) => ({ ...source, only: AVERAGES }))
    // Without sizes (columnsize = 0) it is not known which rows are in the index.
    if (copied === null || sizes.length === 0)
      return [...config, ...values, ...averages.map((source) => ({ ...source, anyWrite: true }))]
    const texts = [...copied].map(([from, columns]) => ({
      table: from,
      columns,
      anyWrite: false,
      only: null,
    }))
    const itself = { table, columns: new Set<number>(), anyWrite: true, only: null }
    return [...config, ...values, ...sizes, ...averages, ...texts, itself]
  }

  /** A table of the FTS table's own; nothing where it has none of this name. */
  #shadow({ name }: Table, part: string, column: 'all' | string): Source[] {
    const table = readShadow(this.#database, `${name}_${part}`)
    if (table === undefined) return []
    const names = column === 'all' ? table.columns.map((each) => each.name) : [column]
    return [{ table, columns: positions(table, new Set(names)), anyWrite: false, only: null }]
  }

  /** What FTS5 reads when it is asked for its columns; null also where it cannot read them all. */
  #ofContent({ columns }: Table, content: { table: string; rowid: string }): readonly Source[] | null {
    const names = [content.rowid, ...columns.map(({ name }) => name)].map(quote).join(', ')
    const sql = `SELECT ${names} FROM main.${quote(content.table)}`
    try {
      const { reads, other } = this.#recorder.record(sql, () =>
        this.#database.connection.prepare(sql).finalize(),
      )
      return other.length > 0 ? null : this.of(reads)
    } catch {
      return null
    }
  }
}

function positions(table: Table, names: ReadonlySet<string>): ReadonlySet<number> {
  return new Set(table.columns.flatMap(({ name }, i) => (names.has(name) ? [i] : [])))
}
