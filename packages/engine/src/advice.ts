import type { Affinity, Collation } from '@millrace/protocol'
import type { Expr } from 'sqlite3-parser'
import { collationOf } from './compile/collation.ts'
import type { Bound, ColumnRef, Item, Level, Term } from './compile/levels.ts'
import { same } from './compile/names.ts'
import type { Normal } from './compile/normalize.ts'
import { Searcher } from './compile/search.ts'
import { type Database, quote } from './database/database.ts'
import type { Table } from './schema/catalog.ts'

/*
 * Which index would spare maintenance a scan. SQLite says in its query plan what it scans; the query says by which
 * columns the scanned table is compared with others, and that is what an index has to be on.
 */

/** A column that is compared by `=` with something that is known when its table is looked into. */
interface Link {
  readonly item: Item
  readonly column: number
  readonly collation: Collation
  /** Undefined where it is no column. */
  readonly other: ColumnRef | undefined
}

/** What is scanned, and by which of its columns SQLite would have looked into it; null: it does not say. */
interface Scan {
  readonly name: string
  readonly columns: readonly string[] | null
}

/** Gathers what the statements of one query scan. */
export class IndexAdvice {
  readonly #database: Database
  readonly #bound: Bound
  readonly #searcher: Searcher
  readonly #links: readonly Link[]
  /** By index, the tables of which a change needs it. */
  readonly #indexes = new Map<string, { readonly scanned: Table; readonly changed: Set<Table> }>()
  readonly #others = new Set<string>()

  constructor(database: Database, { sql }: Normal, bound: Bound) {
    this.#database = database
    this.#bound = bound
    this.#searcher = new Searcher(sql, bound)
    this.#links = this.#findLinks()
  }

  /** In words. */
  get texts(): string[] {
    const indexes = [...this.#indexes].map(
      ([statement, { scanned, changed }]) =>
        `A change of ${listed([...changed].map(({ name }) => name))} scans ${scanned.name}. An index leads to the rows that it touches: ${statement}`,
    )
    return [...indexes, ...this.#others]
  }

  /** Notes what the query itself scans when it runs for a key of `changed`. */
  noteRun(changed: Item, statement: string): void {
    this.#note(changed, statement, ({ alias }, name) => same(alias, name))
  }

  /** Notes what the query itself scans when it runs for one group, because `changed` did. */
  noteGroup(changed: Item, statement: string, groupBy: readonly Expr[]): void {
    const given = groupBy.flatMap((expr) => this.#linkOf(expr, changed.level))
    this.#note(changed, statement, ({ alias }, name) => same(alias, name), given)
  }

  /** Notes what a search for what a change touches scans (see compile/search.ts, which names the tables there). */
  noteSearch(changed: Item, statement: string): void {
    this.#note(changed, statement, ({ id }, name) => name === `m${id}`)
  }

  #note(
    changed: Item,
    statement: string,
    isNamed: (item: Item, name: string) => boolean,
    given: readonly Link[] = [],
  ): void {
    for (const scan of scansOf(this.#database, statement)) {
      for (const item of this.#bound.tables.filter((item) => isNamed(item, scan.name))) {
        // It is found by its own key, or read from the notes of what changed.
        if (item !== changed || given.length > 0) this.#noteScan(changed.table as Table, item, scan, given)
      }
    }
  }

  #noteScan(changed: Table, item: Item, { columns }: Scan, given: readonly Link[]): void {
    const scanned = item.table as Table
    const links = [...this.#links, ...given].filter((link) => link.item === item)
    const nameOf = ({ column }: Link) => scanned.columns[column]?.name ?? ''
    const useful = links.filter(
      (link) => isServed(link) && (columns === null || columns.includes(nameOf(link))),
    )
    const [first] = useful
    if (first === undefined) {
      this.#noteUnserved(changed, scanned, links)
      return
    }
    const indexed = [...new Map(useful.map((link) => [link.column, link])).values()]
    const there = useful.find((link) => this.#hasIndex(scanned, nameOf(link), link.collation))
    if (there !== undefined) {
      this.#others.add(
        `A change of ${changed.name} scans ${scanned.name} in spite of its index on ${nameOf(there)}: CROSS JOIN, outer joins and OR keep SQLite from using it.`,
      )
      return
    }
    const terms = indexed.map(({ column, collation }) => {
      const { name, collation: own } = scanned.columns[column] as Table['columns'][number]
      return { name, collate: collation === own ? '' : ` COLLATE ${collation}` }
    })
    const statement = this.#createIndex(scanned, terms)
    const known = this.#indexes.get(statement)
    if (known === undefined) this.#indexes.set(statement, { scanned, changed: new Set([changed]) })
    else known.changed.add(changed)
  }

  #noteUnserved(changed: Table, scanned: Table, links: readonly Link[]): void {
    const [link] = links
    const other = link?.other === undefined ? undefined : columnText(link.other)
    this.#others.add(
      link === undefined || other === undefined
        ? `A change of ${changed.name} scans ${scanned.name}, and no index would serve: that takes an = between columns that holds for every row. NOT EXISTS instead of NOT IN, and UNION ALL instead of OR, can bring it there.`
        : `A change of ${changed.name} scans ${scanned.name}, and no index would serve: ${columnText(link)} and ${other} are of different types, and one is converted for each comparison. Declare them alike.`,
    )
  }

  #hasIndex(table: Table, column: string, collation: Collation): boolean {
    if (table.key[0]?.name === column && table.key[0].collation === collation) return true
    const found = this.#database.get(
      `SELECT 1 FROM pragma_index_list(?) AS l, pragma_index_xinfo(l.name) AS x
       WHERE x.seqno = 0 AND x.name = ? AND x.coll = ? AND NOT l.partial`,
      [table.name, column, collation],
    )
    return found !== undefined
  }

  /** Names are quoted where they must be. */
  #createIndex(table: Table, terms: readonly { readonly name: string; readonly collate: string }[]): string {
    const index = [table.name, ...terms.map(({ name }) => name)].join('_')
    const statement = (name: (text: string) => string) =>
      `CREATE INDEX ${name(index)} ON ${name(table.name)} (${terms.map((term) => name(term.name) + term.collate).join(', ')})`
    const plain = statement((text) => text)
    if (![index, table.name, ...terms.map(({ name }) => name)].every((name) => /^[a-z_]\w*$/i.test(name)))
      return statement(quote)
    try {
      this.#database.connection.prepare(plain).finalize()
      return plain
    } catch {
      return statement(quote)
    }
  }

  #findLinks(): Link[] {
    return this.#bound.levels.flatMap((level) => {
      const inner = level.conditions.flatMap((term) => this.#linksIn(term, level))
      // What is on the other side of an outer join is read before.
      const outer = level.items.flatMap((item) =>
        item.on.flatMap((term) => this.#linksIn(term, level)).filter((link) => isPartOf(link.item, item)),
      )
      return [...inner, ...outer, ...this.#inLinks(level)]
    })
  }

  #linksIn(term: Term, level: Level): Link[] {
    if (term.type === 'using')
      return [...this.#usingLink(term.left, term.right), ...this.#usingLink(term.right, term.left)]
    const { expr } = term
    // IS NULL may be of a row that is missing.
    return expr.type === 'BinaryExpr' && expr.op === 'Equals'
      ? this.#compared(expr.left, expr.right, level)
      : []
  }

  /** `x IN (SELECT y …)`: y is compared with x. */
  #inLinks(level: Level): Link[] {
    const { place, outputs } = level
    const [output] = outputs
    if (place.type !== 'expression' || place.in?.positive !== true || output?.type !== 'expression') return []
    return this.#compared(place.in.lhs, output.expr, level)
  }

  #compared(left: Expr, right: Expr, level: Level): Link[] {
    const { refs } = this.#bound
    const explicit = [left, right].find(({ type }) => type === 'CollateExpr')
    const collation =
      (explicit && collationOf(explicit, refs)) ?? collationOf(left, refs) ?? collationOf(right, refs)
    return [...this.#linkOf(left, level, right, collation), ...this.#linkOf(right, level, left, collation)]
  }

  #usingLink(column: ColumnRef, other: ColumnRef): Link[] {
    if (column.item.table === null) return []
    return [{ ...column, collation: this.#searcher.collationOf(column), other }]
  }

  /** `level` is where they are compared. */
  #linkOf(side: Expr, level: Level, other?: Expr, collation?: Collation): Link[] {
    const column = this.#searcher.columnOf(side)
    if (column === undefined) return []
    if (column.item.level !== level && isWorkedOutWhole(column.item.level)) return []
    return [
      {
        ...column,
        collation: collation ?? this.#searcher.collationOf(column),
        other: other === undefined ? undefined : this.#searcher.columnOf(other),
      },
    ]
  }
}

function isPartOf(item: Item, outer: Item): boolean {
  const { place } = item.level
  return item === outer || (place.type === 'derived' && place.item === outer)
}

/** A derived table that SQLite makes before it is compared with anything. */
function isWorkedOutWhole({ place, plain }: Level): boolean {
  return place.type === 'derived' && !plain
}

/** Whether an index of the column serves: a column that is no number, compared with one that is, is converted first. */
function isServed({ item, column, other }: Link): boolean {
  const own = affinityOf({ item, column })
  return other === undefined || isNumeric(own) || !isNumeric(affinityOf(other))
}

function affinityOf({ item, column }: ColumnRef): Affinity {
  return item.table?.columns[column]?.affinity ?? 'BLOB'
}

function isNumeric(affinity: Affinity): boolean {
  return affinity === 'INTEGER' || affinity === 'REAL' || affinity === 'NUMERIC'
}

function columnText({ item, column }: ColumnRef): string {
  return `${item.table?.name}.${item.table?.columns[column]?.name}`
}

/** What a statement scans each time that it runs, or for each row of the query around it. */
function scansOf(database: Database, statement: string): Scan[] {
  const lines = database
    .all(`EXPLAIN QUERY PLAN ${statement}`)
    .map(([id, parent, , text]) => ({ id, parent, text: String(text) }))
  const correlated = new Set<unknown>()
  /** Within what is made as a whole, whatever is asked of it. */
  const whole = new Set<unknown>()
  /** Derived tables, by the line that they are read in. */
  const derived = new Set<string>()
  return lines.flatMap(({ id, parent, text }): Scan[] => {
    if (correlated.has(parent) || text.startsWith('CORRELATED')) correlated.add(id)
    const made = /^(CO-ROUTINE|MATERIALIZE) (.+)$/.exec(text)
    if (made !== null) derived.add(`${parent} ${made[2]}`)
    const isSubquery = made !== null || /^(SCALAR|LIST) SUBQUERY/.test(text)
    if (whole.has(parent) || (isSubquery && !correlated.has(id))) whole.add(id)
    const scan = whole.has(id) ? undefined : scanIn(text)
    return scan === undefined || derived.has(`${parent} ${scan.name}`) ? [] : [scan]
  })
}

function scanIn(line: string): Scan | undefined {
  const automatic = /^SEARCH (.+) USING AUTOMATIC .*INDEX \((.*)\)/.exec(line)
  if (automatic !== null) {
    const columns = (automatic[2] ?? '').split(' AND ').map((term) => term.replace(/=\?$/, ''))
    return { name: automatic[1] ?? '', columns }
  }
  const scan = /^SCAN (.+?)( USING (COVERING )?INDEX .*)?( LEFT-JOIN)?$/.exec(line)
  return scan === null ? undefined : { name: scan[1] ?? '', columns: null }
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
}
