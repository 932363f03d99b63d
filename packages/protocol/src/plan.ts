import type { OrderTerm } from './order.ts'
import type { Affinity, Collation, SqlValue } from './value.ts'

/*
 * What the engine tells a client about a query so that it can predict: the tables, and an expression tree of filter,
 * projection, grouping and order. A client may find any part unknown and wait.
 */

/** A table of the schema, as far as a writer and a predictor must know it. */
export interface TableInfo {
  readonly name: string
  readonly columns: readonly ColumnInfo[]
  /** Positions in `columns` of the primary key, in key order. Empty: rows cannot be named by key. */
  readonly key: readonly number[]
  /** By which each column of the key is compared. */
  readonly keyCollations: readonly Collation[]
  /** A key of one column of which SQLite makes up the value when an insert leaves it out. */
  readonly autoKey: boolean
  /** It says ON CONFLICT REPLACE or IGNORE: a write may take other rows away, or not be done. */
  readonly replaces: boolean
  /** What a write of its rows may change besides. */
  readonly sideEffects: readonly SideEffect[]
}

/** A trigger, or an action of a foreign key. */
export interface SideEffect {
  readonly on: 'insert' | 'update' | 'delete'
  /** Positions of columns: only an update of one of them sets it off. Null: any. */
  readonly of: readonly number[] | null
  /** WHEN, over the row as it is written (source 0) and as it was (source 1). Null: always. */
  readonly when: Expr | null
  /** Those whose rows it may change, also by what it sets off in turn. */
  readonly tables: readonly string[]
}

/** A column of a table: what SQLite makes of the values that are written to it. */
export interface ColumnInfo {
  readonly name: string
  readonly affinity: Affinity
  readonly collation: Collation
  readonly notNull: boolean
  /** What a generated column is made of, over the row (source 0); null for others. */
  readonly generated: Expr | null
  /** The constant that an insert without this column stores; absent where it is an expression. */
  readonly default?: SqlValue
  /**
   * The expression, where a client can evaluate it: it does so at the call, and sends the value. Parameter 0 is the time of
   * the call, as text; `random` and `randomblob` are made up there.
   */
  readonly defaultExpr?: Expr
}

/** A column of one of the query's tables: which table by its place among them, which column in `TableInfo.columns`. */
export interface ColumnRef {
  readonly source: number
  readonly column: number
}

/**
 * An expression over the columns of the query's tables, resolved: columns and parameters by position, comparisons with
 * the affinity and collation that SQLite applies to them.
 */
export type Expr =
  /** `real`: 1.0, not 1. */
  | { readonly type: 'value'; readonly value: SqlValue; readonly real?: true }
  | { readonly type: 'parameter'; readonly index: number }
  /** With the affinity by which 1 and 1.0, which are the same on the wire, are told from each other. */
  | ({ readonly type: 'column'; readonly affinity: Affinity } & ColumnRef)
  | {
      readonly type: 'compare'
      readonly op: '=' | '<>' | '<' | '<=' | '>' | '>=' | 'IS' | 'IS NOT'
      readonly left: Expr
      readonly right: Expr
      /** Applied to both sides before they are compared: NUMERIC to text, TEXT to numbers, BLOB to none. */
      readonly affinity: 'NUMERIC' | 'TEXT' | 'BLOB'
      readonly collation: Collation
    }
  /** Flat: none of the terms is of the same type. Two and more. */
  | { readonly type: 'and' | 'or'; readonly terms: readonly Expr[] }
  /** `left IN (list)`: equal to one of them, compared as in `compare`. As `json`: the elements of a JSON array. */
  | {
      readonly type: 'in'
      readonly left: Expr
      readonly list: readonly Expr[]
      readonly json?: true
      readonly affinity: 'NUMERIC' | 'TEXT' | 'BLOB'
      readonly collation: Collation
    }
  | { readonly type: 'not'; readonly expr: Expr }
  | { readonly type: 'cast'; readonly expr: Expr; readonly affinity: Affinity }
  /** The first branch whose condition is true; a base is compared with in the conditions. */
  | {
      readonly type: 'case'
      readonly branches: readonly { readonly when: Expr; readonly value: Expr }[]
      readonly otherwise: Expr
    }
  /**
   * A function that depends on its arguments alone, by its name in lower case. Operators are functions too, named as
   * they are written: `+ - * / % & | << >> || ~ -> ->>`; `x LIKE y` is like(y, x), as SQLite has it.
   */
  | {
      readonly type: 'call'
      readonly name: string
      readonly args: readonly Expr[]
      /** By which min, max and nullif compare. */
      readonly collation: Collation
    }
  /** What one of `RowsPlan.subqueries` makes for the row; `reads` are the columns of the row that it looks at. */
  | { readonly type: 'subquery'; readonly index: number; readonly reads: readonly ColumnRef[] }
  /** An expression that is not predicted; `reads` are the columns whose change may change it. */
  | { readonly type: 'opaque'; readonly reads: readonly ColumnRef[] }

/** All of them, or any of them, as one expression; null for none. */
export function joined(type: 'and' | 'or', exprs: readonly Expr[]): Expr | null {
  const terms = exprs.flatMap((expr) => (expr.type === type ? expr.terms : [expr]))
  return terms.length > 1 ? { type, terms } : (terms[0] ?? null)
}

/** The terms that must all be true for this to be. */
export function conjunctsOf(expr: Expr | null): readonly Expr[] {
  return expr === null ? [] : expr.type === 'and' ? expr.terms : [expr]
}

/** The expressions that an expression is made of. */
export function partsOf(expr: Expr): readonly Expr[] {
  switch (expr.type) {
    case 'compare':
      return [expr.left, expr.right]
    case 'and':
    case 'or':
      return expr.terms
    case 'in':
      return [expr.left, ...expr.list]
    case 'not':
    case 'cast':
      return [expr.expr]
    case 'case':
      return [...expr.branches.flatMap(({ when, value }) => [when, value]), expr.otherwise]
    case 'call':
      return expr.args
    case 'value':
    case 'parameter':
    case 'column':
    case 'subquery':
    case 'opaque':
      return []
  }
}

/** Instead of a source: what subqueries make, each by its place among `RowsPlan.subqueries`. */
export const SUBQUERY = -1

/** The columns of one source whose change may change the expression; or of `SUBQUERY`, the subqueries. */
export function readsOf(expr: Expr, source: number, into: Set<number> = new Set()): Set<number> {
  const refs = expr.type === 'column' ? [expr] : 'reads' in expr ? expr.reads : []
  if (expr.type === 'subquery' && source === SUBQUERY) into.add(expr.index)
  for (const ref of refs) if (ref.source === source) into.add(ref.column)
  for (const part of partsOf(expr)) readsOf(part, source, into)
  return into
}

/** Some part of it cannot be told from the row alone. */
export function hasOpaque(expr: Expr): boolean {
  return 'reads' in expr || partsOf(expr).some(hasOpaque)
}

/**
 * `SELECT … FROM tables WHERE … ORDER BY … LIMIT …`: each result row comes from one row of the first source, and one of
 * each other.
 */
export interface RowsPlan {
  readonly type: 'rows'
  /** In the order of FROM. */
  readonly sources: readonly PlanSource[]
  /** One per wire column. */
  readonly outputs: readonly Expr[]
  /** WHERE, and what inner joins ask for; not what a lookup says already. */
  readonly where: Expr | null
  readonly window: Window | null
  /** Of queries of one table. */
  readonly subqueries: readonly PlanSubquery[]
}

/**
 * A subquery over the rows of one other table that belong to a row, by its key. In its expressions source 0 is the row's
 * table, 1 its own.
 */
export interface PlanSubquery {
  readonly table: string
  readonly where: Expr
  /** Its columns that WHERE holds equal to the row's key, in the order of that. */
  readonly parent: readonly number[]
  readonly makes:
    | { readonly type: 'exists' }
    /** Counts the rows, or those in which `arg` is not NULL. */
    | { readonly type: 'count'; readonly arg: Expr | null }
    | JsonList
}

/** `json_group_array(json_object(…))`, or of `json_array(…)`: one element for each row. */
export interface JsonList {
  readonly type: 'list'
  /** What each element is made of; without names it is an array. */
  readonly members: readonly { readonly name: string | null; readonly expr: Expr }[]
  /** The members that hold the key of an element's row, in the order of the table's key, and how each is compared. */
  readonly key: readonly { readonly column: number; readonly collation: Collation }[]
  /** Null where the members do not tell where a row stands. */
  readonly order: readonly OrderTerm[] | null
  /** The columns of the subquery's table whose change may move a row. */
  readonly sortedBy: readonly number[]
}

/** A table in FROM. */
export interface PlanSource {
  readonly table: string
  /** The wire columns of its key, in the order of the table's key. All NULL where an optional source has no row. */
  readonly key: readonly number[]
  /** Joined by LEFT JOIN. */
  readonly optional: boolean
  /**
   * What its key is equal to, one expression per column of the key, over the sources before it: so there is one row at
   * most. Null for the first source, and where a join asks for something else.
   */
  readonly lookup: readonly Expr[] | null
  /** What an optional source that is no lookup is joined by. */
  readonly on: Expr | null
}

/** The first `limit` rows are shown; the engine sends up to `margin` more, so that a gap closes at once. */
export interface Window {
  readonly limit: number
  readonly margin: number
  readonly offset: number
}

/** `SELECT … count(*), sum(x) … FROM one table WHERE … GROUP BY …`: each result row is one group. */
export interface GroupsPlan {
  readonly type: 'groups'
  readonly table: string
  readonly where: Expr | null
  /** Empty: one group, which is there even when no row is. */
  readonly groupBy: readonly { readonly expr: Expr; readonly collation: Collation }[]
  /** One per wire column. */
  readonly outputs: readonly GroupOutput[]
  /** The wire column that holds the group's `count(*)`. */
  readonly rowCount: number
}

/** What one wire column of a group is made of. */
export type GroupOutput =
  | { readonly type: 'key'; readonly index: number }
  /** Counts the rows, or where `arg` is given, the rows in which it is not NULL. */
  | { readonly type: 'count'; readonly arg: Expr | null; readonly filter: Expr | null }
  | ({ readonly type: 'sum'; readonly arg: Expr; readonly filter: Expr | null } & SumInputs)
  /** Made of a sum, which the wire column `sum` holds. */
  | ({ readonly type: 'total' | 'avg'; readonly sum: number } & SumInputs)
  /** While the extreme itself stays. */
  | {
      readonly type: 'min' | 'max'
      readonly arg: Expr
      readonly filter: Expr | null
      readonly collation: Collation
    }
  /** The number of inputs of a sum that are no integers: while it is not 0, the sum is not predicted. */
  | { readonly type: 'reals' }

/** Wire columns with the number of a sum's inputs that are not NULL, and of those that are no integers. */
export interface SumInputs {
  readonly inputs: number
  readonly reals: number
}

/** How a client can predict a query. */
export type Plan = RowsPlan | GroupsPlan

/** `UPDATE one table SET … WHERE …`, or `DELETE FROM one table WHERE …`, as far as a client can predict it. */
export interface ExecPlan {
  readonly type: 'update' | 'delete'
  readonly table: string
  readonly where: Expr | null
  /** None of them is of the key. Of a DELETE: empty. */
  readonly set: readonly { readonly column: number; readonly expr: Expr }[]
}

/** The shape of a query's rows on the wire. Sent with the first rows of a subscription. */
export interface Shape {
  /** Names of the visible columns, the first ones of each wire row; what follows them is for keys and predictions. */
  readonly columns: readonly string[]
  /** The wire columns that make up a row's key, and the collation that each is compared by. */
  readonly key: readonly { readonly column: number; readonly collation: Collation }[]
  /** The tables that it reads. */
  readonly tables: readonly string[]
  /** Total: ends with the key. Null where the rows come in an order that only SQLite knows. */
  readonly order: readonly OrderTerm[] | null
  /** Null: the client waits for the engine. */
  readonly plan: Plan | null
}
