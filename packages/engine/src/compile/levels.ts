import type { Expr, Select, SelectFrom, SelectTable } from 'sqlite3-parser'
import type { Table } from '../schema/catalog.ts'

/*
 * Names resolved. A statement is a tree of levels, one for each SELECT in it; a level's FROM holds items; a name in an
 * expression refers to a column of an item, of its own level or of one around it.
 */

/** One SELECT of the statement. */
export interface Level {
  readonly parent: Level | null
  readonly place: Place
  /** With its ORDER BY and LIMIT, shared by the arms of a compound. */
  readonly body: Select
  readonly core: SelectFrom
  readonly items: Item[]
  /** What must be true of a row of its FROM: WHERE, and ON of inner joins, split at AND. */
  readonly conditions: Term[]
  readonly outputs: Output[]
  readonly aggregate: boolean
  /** Each of its rows is one row of its FROM: no DISTINCT, GROUP BY, aggregates, LIMIT, compound. */
  readonly plain: boolean
  /** Which of its rows are there depends on other rows: LIMIT. */
  readonly limited: boolean
  /** One arm of a UNION or the like. */
  readonly compound: boolean
  /** What GROUP BY groups by; outputs that it names by number or alias are followed. */
  readonly groupBy: Expr[]
}

/** Where a level stands. */
export type Place =
  | { readonly type: 'top' }
  | { readonly type: 'derived'; item: Item }
  /** In an expression of `level`; `on` where that is the ON of an outer join, which then belongs to the item. */
  | {
      readonly type: 'expression'
      readonly level: Level
      readonly on: Item | null
      readonly in: InLink | null
    }

/** `lhs [NOT] IN (SELECT output …)`. Positive: a conjunct of WHERE or ON, under AND and OR at most. */
export interface InLink {
  readonly lhs: Expr
  readonly positive: boolean
}

/** One item of FROM. */
export interface Item {
  readonly id: number
  readonly level: Level
  readonly alias: string
  readonly node: SelectTable
  readonly table: Table | null
  /** The arms of a derived table; more than one with UNION and the like. */
  readonly derived: Level[] | null
  /** Names of its columns, in the order of `*`. */
  readonly columns: readonly string[]
  /** The columns among them that `*` leaves out, for USING or NATURAL gave them before. */
  readonly merged: Set<number>
  /** Columns that are read somewhere, by position in the table. */
  readonly reads: Set<number>
  /** Those of them that decide which rows there are, or where; the others are only shown. */
  readonly decides: Set<number>

  /** May be missing from a row of FROM: the right side of LEFT JOIN, the left one of RIGHT JOIN. */
  nullable: boolean
  /** What makes a row of it join, when it is nullable. */
  on: Term[]
}

/** A part of a conjunction: an expression, or one column of USING and NATURAL. */
export type Term =
  | { readonly type: 'expression'; readonly expr: Expr }
  | { readonly type: 'using'; readonly left: ColumnRef; readonly right: ColumnRef }

export interface ColumnRef {
  readonly item: Item
  readonly column: number
}

/** What a name stands for; `output`: an alias of the select list. */
export type Ref = ({ readonly type: 'column' } & ColumnRef) | { readonly type: 'output'; readonly expr: Expr }

export type Output =
  | {
      readonly type: 'expression'
      readonly expr: Expr
      readonly name: string | undefined
      /** The name was given to it. */
      readonly aliased: boolean
    }
  | ({ readonly type: 'column'; readonly name: string } & ColumnRef)

/** A statement with its names resolved. */
export interface Bound {
  /** One arm, or those of a UNION ALL. */
  readonly arms: readonly Level[]
  /** By the position of the name in the text. */
  readonly refs: ReadonlyMap<number, Ref>
  /** The levels of subqueries in expressions, by the position of their SELECT. */
  readonly subqueries: ReadonlyMap<number, readonly Level[]>
  /** Items that are tables, of all levels. */
  readonly tables: readonly Item[]
  readonly levels: readonly Level[]
}

/** Said where a query is beyond incremental maintenance: it then runs again. In words for a person. */
export class Beyond extends Error {}
