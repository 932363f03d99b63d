import type { Collation, OrderTerm } from '@millrace/protocol'
import type { Expr, Select, SelectFrom, SortedColumn } from 'sqlite3-parser'
import { traverse } from 'sqlite3-parser'
import { quote } from '../database/database.ts'
import { keyExpressions } from '../schema/catalog.ts'
import { collationOf, columnCollation } from './collation.ts'
import { Edits, endOf, startOf, textOf } from './edits.ts'
import { Beyond, type Bound, type Item, type Level } from './levels.ts'
import { same, unquote } from './names.ts'
import type { Normal } from './normalize.ts'
import { isName, ordinalOf } from './terms.ts'
import type { HiddenColumns } from './wire.ts'

/*
 * The query's text, with columns appended to its select list and conditions to its WHERE. It is the user's own text
 * all the same: SQLite computes what it says.
 */

/** What the rows of a level come from: a table, or the groups of a grouped derived table. */
export interface Unit {
  readonly item: Item
  /** May be missing from a row. */
  readonly optional: boolean
  /** Its key as the outermost level can name it. */
  readonly key: readonly { readonly sql: string; readonly collation: Collation }[]
}

/** One arm of the query as text that can be changed. */
export class SelectText {
  readonly level: Level
  readonly units: readonly Unit[]
  readonly #sql: string
  readonly #refs: Bound['refs']
  /** Changes in FROM and in the select list, so that keys come through derived tables. */
  readonly #exports: ((edits: Edits) => void)[] = []
  #names = 0

  constructor({ sql }: Normal, { refs }: Bound, level: Level) {
    this.#sql = sql
    this.#refs = refs
    this.level = level
    this.units = this.#unitsOf(level)
  }

  /** The text of an expression, aliases of the select list written out, so that it can stand in that list. */
  expression(expr: Expr): string {
    const edits = new Edits(this.#sql)
    traverse(expr, {
      enter: (node) => {
        if (!isName(node as Expr)) return 'continue'
        const ref = this.#refs.get(startOf(node))
        if (ref?.type === 'output')
          edits.replace(startOf(node), endOf(node), `(${textOf(this.#sql, ref.expr)})`)
        return 'skip'
      },
    })
    return edits.apply(startOf(expr), endOf(expr))
  }

  /** The expression of an output as text. */
  output(index: number): string {
    const output = this.level.outputs[index]
    if (output === undefined) throw new Beyond(`column ${index + 1}`)
    if (output.type === 'expression') return textOf(this.#sql, output.expr)
    return `${quote(output.item.alias)}.${quote(output.name)}`
  }

  /** By which an output is sorted and compared. */
  outputCollation(index: number): Collation {
    return this.ownCollation(index) ?? 'BINARY'
  }

  /** The collation that an output has of its own. */
  ownCollation(index: number): Collation | undefined {
    const output = this.level.outputs[index]
    if (output === undefined) return undefined
    return output.type === 'column'
      ? columnCollation(output, this.#refs)
      : collationOf(output.expr, this.#refs)
  }

  collationOf(expr: Expr): Collation {
    return collationOf(expr, this.#refs) ?? 'BINARY'
  }

  /** `SELECT … FROM … [WHERE …] [GROUP BY …]`, changed. */
  build(changes: {
    /** Appended to the select list, a comma before each. */
    readonly hidden?: string
    readonly where?: string
    /** Instead of what the text says. */
    readonly groupBy?: string
    /** What an item's table is read from instead. */
    readonly source?: { readonly item: Item; readonly sql: string }
    /** Conditions that are left out. */
    readonly without?: readonly Expr[]
  }): string {
    const { core } = this.level
    const edits = new Edits(this.#sql)
    // Images have no rowid, and nobody asks for the keys of theirs.
    if (changes.source === undefined) for (const apply of this.#exports) apply(edits)
    const from = core.from
    const listEnd = from === undefined ? endOf(core) : startOf(from)
    edits.insert(listEnd, `${changes.hidden ?? ''} `)
    if (changes.groupBy !== undefined) {
      const head = /^SELECT\s+DISTINCT\b/i.exec(this.#sql.slice(startOf(core)))
      if (head !== null) edits.replace(startOf(core), startOf(core) + head[0].length, 'SELECT')
    }
    const end = core.whereClause ?? from ?? core
    if (core.whereClause !== undefined && changes.where !== undefined) {
      edits.insert(startOf(core.whereClause), '(')
      edits.insert(endOf(core.whereClause), `) AND ${changes.where}`)
    } else if (changes.where !== undefined) edits.insert(endOf(end), ` WHERE ${changes.where}`)
    if (changes.groupBy !== undefined) edits.insert(endOf(end), ` GROUP BY ${changes.groupBy}`)
    for (const condition of changes.without ?? []) edits.replace(startOf(condition), endOf(condition), '1')
    if (changes.source !== undefined) replaceSource(edits, changes.source.item, changes.source.sql)
    return edits.apply(startOf(core), endOf(core))
  }

  /** The terms of ORDER BY as wire columns; what is not selected is appended to `hidden`. */
  sortTerms(body: Select, hidden: HiddenColumns): OrderTerm[] {
    return (body.orderBy ?? []).map((term) => {
      const target = this.#orderTarget(term.expr)
      if (target !== undefined) return { column: target, ...this.sorting(term, this.outputCollation(target)) }
      const column = hidden.share(`(${this.expression(term.expr)})`)
      return { column, ...this.sorting(term, this.collationOf(term.expr)) }
    })
  }

  /** What ORDER BY sorts by and is not selected, as `sortTerms` appends it. */
  hiddenSorts(body: Select): { readonly expr: Expr; readonly sql: string }[] {
    return (body.orderBy ?? []).flatMap(({ expr }) =>
      this.#orderTarget(expr) === undefined ? [{ expr, sql: `(${this.expression(expr)})` }] : [],
    )
  }

  /** How a term of ORDER BY sorts what it names. */
  sorting(term: SortedColumn, collation: Collation): Omit<OrderTerm, 'column'> {
    const descending = term.order === 'Desc'
    return {
      collation: isCollated(term.expr) ? this.collationOf(term.expr) : collation,
      descending,
      nullsFirst: term.nulls === undefined ? !descending : term.nulls === 'First',
    }
  }

  /** The output that a term names in a compound SELECT: by number, or by its name alone. */
  outputNamed(term: Expr): number | undefined {
    const ordinal = ordinalOf(term)
    if (ordinal !== undefined) return ordinal - 1
    const node = term.type === 'CollateExpr' ? term.expr : term
    if (node.type !== 'Id') return undefined
    const index = this.level.outputs.findIndex(({ name }) => name !== undefined && same(name, node.name))
    return index === -1 ? undefined : index
  }

  /** The output that a term of ORDER BY names: by number, by alias, which goes before a column of that name, or as it is written. */
  #orderTarget(term: Expr): number | undefined {
    const ordinal = ordinalOf(term)
    if (ordinal !== undefined) return ordinal - 1
    let node = term
    while (node.type === 'CollateExpr' || (node.type === 'ParenthesizedExpr' && node.exprs.length === 1))
      node = node.type === 'CollateExpr' ? node.expr : (node.exprs[0] as Expr)
    if (node.type === 'Id') {
      const { name } = node
      const alias = this.level.outputs.findIndex(
        (output) => output.type === 'expression' && output.aliased && same(output.name ?? '', name),
      )
      if (alias !== -1) return alias
    }
    const ref = isName(node) ? this.#refs.get(startOf(node)) : undefined
    const index = this.level.outputs.findIndex((output) => {
      if (output.type === 'column')
        return ref?.type === 'column' && ref.item === output.item && ref.column === output.column
      if (isName(node) && isName(output.expr)) {
        const other = this.#refs.get(startOf(output.expr))
        return (
          ref?.type === 'column' &&
          other?.type === 'column' &&
          ref.item === other.item &&
          ref.column === other.column
        )
      }
      return textOf(this.#sql, output.expr) === textOf(this.#sql, node)
    })
    return index === -1 ? undefined : index
  }

  /** The units of a plain level, and the changes that bring their keys to its select list. */
  #unitsOf(level: Level): Unit[] {
    const aliases = new Set(level.items.map(({ alias }) => alias.toLowerCase()))
    if (aliases.size !== level.items.length) throw new Beyond('two tables of one name in FROM')
    const units: Unit[] = []
    let exported = false
    for (const item of level.items) {
      if (item.table !== null) {
        const keys = keyExpressions(item.table, item.alias)
        const key = keys.map((sql, i) => ({ sql, collation: item.table?.key[i]?.collation ?? 'BINARY' }))
        units.push({ item, optional: item.nullable, key })
        continue
      }
      if (item.derived === null) throw new Beyond('a table-valued function in FROM')
      const inner = this.#derivedUnits(item)
      if (inner.length > 0) exported = true
      units.push(...inner)
    }
    if (exported) this.#exports.push((edits) => writeStars(edits, level))
    return units
  }

  #derivedUnits(item: Item): Unit[] {
    const [level, ...others] = item.derived ?? []
    if (level === undefined || others.length > 0 || level.compound)
      throw new Beyond('a compound SELECT in FROM')
    if (level.limited) throw new Beyond('LIMIT in a derived table')
    if (level.core.distinctness === 'Distinct') throw new Beyond('DISTINCT in a derived table')
    // One row, whatever changes.
    if (level.aggregate) {
      if (level.core.having !== undefined) throw new Beyond('HAVING without GROUP BY in a derived table')
      return []
    }
    const node = item.node
    if (node.type === 'SelectSelectTable' && node.alias === undefined)
      this.#exports.push((edits) => edits.insert(endOf(node), ` AS ${quote(item.alias)} `))
    if (level.core.groupBy !== undefined) {
      const key = level.groupBy.map((expr) => ({
        sql: this.#export(item, level.core, `(${textOf(this.#sql, expr)})`),
        collation: this.collationOf(expr),
      }))
      return [{ item, optional: item.nullable, key }]
    }
    return this.#unitsOf(level).map((unit) => ({
      item: unit.item,
      optional: unit.optional || item.nullable,
      key: unit.key.map(({ sql, collation }) => ({ sql: this.#export(item, level.core, sql), collation })),
    }))
  }

  /** Adds an output to a derived table, and says how it is named outside of it. */
  #export(item: Item, core: SelectFrom, sql: string): string {
    const name = quote(`millrace:k${this.#names++}`)
    const from = core.from
    const at = from === undefined ? endOf(core) : startOf(from)
    this.#exports.push((edits) => edits.insert(at, `, ${sql} AS ${name} `))
    return `${quote(item.alias)}.${name}`
  }
}

/** Whether a term says itself how it sorts: `x COLLATE NOCASE`, also in parentheses. */
function isCollated(term: Expr): boolean {
  if (term.type === 'ParenthesizedExpr' && term.exprs.length === 1) return isCollated(term.exprs[0] as Expr)
  return term.type === 'CollateExpr'
}

/** Stars written out, so that they do not stand for what was added to derived tables. */
function writeStars(edits: Edits, level: Level): void {
  let index = 0
  for (const column of level.core.columns) {
    if (column.type === 'ExprResultColumn') {
      index++
      continue
    }
    const only = column.type === 'TableStarResultColumn' ? unquote(column.table.text) : undefined
    const count = level.items
      .filter((item) => only === undefined || same(item.alias, only))
      .reduce((sum, item) => sum + item.columns.length - (only === undefined ? item.merged.size : 0), 0)
    const names = level.outputs.slice(index, index + count).map((output) => {
      if (output.type !== 'column' || output.name === '') throw new Beyond('* over columns without names')
      const twice = output.item.columns.filter((name) => same(name, output.name)).length > 1
      if (twice) throw new Beyond('* over two columns of one name')
      return `${quote(output.item.alias)}.${quote(output.name)} AS ${quote(output.name)}`
    })
    index += count
    const end = endOf(column)
    const start = column.type === 'TableStarResultColumn' ? startOf(column.table) : end - 1
    edits.replace(start, end, names.join(', '))
  }
}

function replaceSource(edits: Edits, item: Item, sql: string): void {
  if (item.node.type !== 'TableSelectTable') throw new Beyond('no table')
  const { tblName, alias, indexed } = item.node
  if (indexed !== undefined) throw new Beyond('INDEXED BY')
  edits.replace(
    startOf(tblName),
    endOf(tblName),
    `${sql}${alias === undefined ? ` AS ${quote(item.alias)}` : ''}`,
  )
}
