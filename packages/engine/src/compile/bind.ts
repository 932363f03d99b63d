import type {
  Expr,
  FromClause,
  FunctionCallExpr,
  FunctionCallStarExpr,
  JoinConstraint,
  Select,
  SelectFrom,
  SelectTable,
} from 'sqlite3-parser'
import { traverse } from 'sqlite3-parser'
import { type Catalog, findTable } from '../schema/catalog.ts'
import { collationWithin } from './collation.ts'
import { startOf } from './edits.ts'
import { isAggregate, isAggregateCall } from './functions.ts'
import {
  Beyond,
  type Bound,
  type ColumnRef,
  type InLink,
  type Item,
  type Level,
  type Output,
  type Place,
  type Ref,
  type Term,
} from './levels.ts'
import { same, unquote } from './names.ts'
import { conjuncts, isName, ordinalOf } from './terms.ts'

const LEFT = 8
const RIGHT = 16
const NATURAL = 4

const NONDETERMINISTIC =
  /^(random|randomblob|changes|total_changes|last_insert_rowid|crsql_\w+|sqlite_offset|fts5\w*|bm25|highlight|snippet)$/i
const CLOCKS = /^(date|time|datetime|julianday|unixepoch|strftime|timediff)$/i

const FUNCTION_COLUMNS: Readonly<Record<string, readonly string[]>> = {
  json_each: ['key', 'value', 'type', 'atom', 'id', 'parent', 'fullkey', 'path'],
  json_tree: ['key', 'value', 'type', 'atom', 'id', 'parent', 'fullkey', 'path'],
}

/**
 * Resolves the names of a normal query (see `normalize`).
 * @throws Beyond
 */
export function bind(body: Select, catalog: Catalog): Bound {
  return new Binder(catalog).bind(body)
}

class Binder {
  readonly #catalog: Catalog
  readonly #refs = new Map<number, Ref>()
  readonly #subqueries = new Map<number, readonly Level[]>()
  readonly #tables: Item[] = []
  readonly #levels: Level[] = []
  /** Levels whose select list is being resolved. */
  readonly #inList = new Set<Level>()
  /** Outputs by which rows are picked or sorted. */
  readonly #deciding: Expr[] = []
  #ids = 0

  constructor(catalog: Catalog) {
    this.#catalog = catalog
  }

  bind(body: Select): Bound {
    if (body.compounds?.some(({ operator }) => operator !== 'UnionAll') === true)
      throw new Beyond('UNION, EXCEPT and INTERSECT compare whole rows')
    const arms = this.#select(body, null, () => ({ type: 'top' }))
    // Terms of a compound's ORDER BY name its outputs.
    if (body.compounds !== undefined)
      for (const { reads, decides } of this.#tables) for (const column of reads) decides.add(column)
    for (const expr of this.#deciding) this.#markDeciding(expr)
    return {
      arms,
      refs: this.#refs,
      subqueries: this.#subqueries,
      tables: this.#tables,
      levels: this.#levels,
    }
  }

  #markDeciding(expr: Expr): void {
    traverse(expr, {
      enter: (node) => {
        const ref = isName(node as Expr) ? this.#refs.get(startOf(node)) : undefined
        if (ref?.type === 'column') ref.item.decides.add(ref.column)
        else if (ref?.type === 'output' && ref.expr !== expr) this.#markDeciding(ref.expr)
      },
    })
  }

  #select(body: Select, parent: Level | null, place: () => Place): Level[] {
    if (body.with !== undefined) throw new Beyond('a WITH that cannot be written out')
    const single = body.compounds === undefined
    const cores = [body.select, ...(body.compounds ?? []).map(({ select }) => select)]
    const levels: Level[] = []
    for (const core of cores) {
      if (core.type !== 'SelectFrom') {
        if (place().type === 'top') throw new Beyond('VALUES')
        for (const { values } of core.values)
          for (const value of values) this.#expression(value, null, parent)
        continue
      }
      levels.push(this.#level(core, body, parent, place(), single))
    }
    return levels
  }

  #level(core: SelectFrom, body: Select, parent: Level | null, place: Place, single: boolean): Level {
    if (core.windowClause !== undefined) throw new Beyond('window functions look at other rows')
    const orderBy = single ? body.orderBy : undefined
    const aggregate = core.groupBy === undefined && isAggregate(core, orderBy)
    const level: Level = {
      parent,
      place,
      body,
      core,
      items: [],
      conditions: [],
      outputs: [],
      groupBy: [],
      aggregate,
      limited: body.limit !== undefined,
      compound: !single,
      plain:
        single &&
        !aggregate &&
        core.groupBy === undefined &&
        core.having === undefined &&
        core.distinctness !== 'Distinct' &&
        body.limit === undefined,
    }
    this.#levels.push(level)
    this.#from(level, core.from)
    this.#outputs(level, core)
    if (core.whereClause !== undefined) {
      for (const expr of conjuncts(core.whereClause)) level.conditions.push({ type: 'expression', expr })
      this.#expression(core.whereClause, level, level)
    }
    // The names that a list gives are not known within it, nor in subqueries there.
    this.#inList.add(level)
    for (const output of level.outputs)
      if (output.type === 'expression') this.#expression(output.expr, level, level, null, isShown(level))
    this.#inList.delete(level)
    for (const term of core.groupBy ?? []) {
      this.#expression(term, level, level)
      level.groupBy.push(this.#groupExpression(level, term))
    }
    if (core.having !== undefined) this.#expression(core.having, level, level)
    for (const term of orderBy ?? []) {
      this.#expression(term.expr, level, level)
      const output = sortedOutput(level.outputs, term.expr)
      if (output?.type === 'column') output.item.decides.add(output.column)
      else if (output !== undefined) this.#deciding.push(output.expr)
    }
    if (single && body.limit !== undefined) {
      this.#expression(body.limit.expr, level, parent)
      if (body.limit.offset !== undefined) this.#expression(body.limit.offset, level, parent)
    }
    return level
  }

  #from(level: Level, from: FromClause | undefined, inParentheses = false): void {
    if (from?.select === undefined) return
    this.#source(level, from.select, 0)
    for (const [i, { operator, table, constraint }] of (from.joins ?? []).entries()) {
      const type = operator.type === 'CommaJoinOperator' ? 0 : (operator.joinType ?? 0)
      const right = (type & RIGHT) !== 0
      if (right && (type & LEFT) !== 0) throw new Beyond('FULL JOIN')
      if (right && (i > 0 || inParentheses)) throw new Beyond('a RIGHT JOIN that is not the first join')
      const item = this.#source(level, table, i + 1)
      if (item === undefined && (type & (LEFT | RIGHT | NATURAL)) !== 0)
        throw new Beyond('an outer join of a join in parentheses')
      if (right && level.items.length !== 2) throw new Beyond('a RIGHT JOIN of a join in parentheses')
      const terms = this.#joinTerms(level, item, constraint, (type & NATURAL) !== 0)
      const optional = right ? level.items[0] : (type & LEFT) !== 0 ? item : undefined
      if (optional === undefined) level.conditions.push(...terms)
      else {
        optional.nullable = true
        optional.on = terms
      }
      if (right && item !== undefined && item.merged.size > 0)
        throw new Beyond('a RIGHT JOIN by USING or NATURAL')
      if (constraint?.type === 'OnJoinConstraint') this.#expression(constraint.expr, level, level, optional)
      if (right && (from.joins?.length ?? 0) > 1)
        throw new Beyond(
          'a RIGHT JOIN of three tables, which SQLite 3.44 answers by the text that it is given',
        )
    }
  }

  /** One item; undefined for a join in parentheses, whose items are then the level's own. */
  #source(level: Level, node: SelectTable, index: number): Item | undefined {
    if (node.type !== 'SubSelectTable') return this.#item(level, node, index)
    if (node.alias !== undefined) throw new Beyond('a join in parentheses with a name')
    this.#from(level, node.from, true)
    return undefined
  }

  #joinTerms(
    level: Level,
    item: Item | undefined,
    constraint: JoinConstraint | undefined,
    natural: boolean,
  ): Term[] {
    if (constraint?.type === 'OnJoinConstraint')
      return conjuncts(constraint.expr).map((expr) => ({ type: 'expression', expr }))
    if (item === undefined) {
      if (constraint !== undefined) throw new Beyond('USING over a join in parentheses')
      return []
    }
    const earlier = level.items.slice(0, -1)
    const find = (name: string, items: readonly Item[]): ColumnRef | undefined => {
      for (const item of items) {
        const column = item.columns.findIndex((known) => same(known, name))
        if (column !== -1) return { item, column }
      }
      return undefined
    }
    const names =
      constraint?.type === 'UsingJoinConstraint'
        ? usingNames(constraint)
        : natural
          ? item.columns.filter((name) => find(name, earlier) !== undefined)
          : []
    return names.map((name) => {
      const left = find(name, earlier)
      const right = find(name, [item])
      if (left === undefined || right === undefined) throw new Beyond(`USING (${name})`)
      item.merged.add(right.column)
      for (const ref of [left, right]) {
        ref.item.reads.add(ref.column)
        ref.item.decides.add(ref.column)
      }
      return { type: 'using', left, right }
    })
  }

  #item(level: Level, node: SelectTable, index: number): Item {
    const base = {
      id: this.#ids++,
      level,
      node,
      merged: new Set<number>(),
      reads: new Set<number>(),
      decides: new Set<number>(),
    }
    const add = (item: Omit<Item, 'nullable' | 'on'>) => {
      const whole: Item = Object.assign(item, { nullable: false, on: [] })
      level.items.push(whole)
      return whole
    }
    switch (node.type) {
      case 'TableSelectTable': {
        const name = node.tblName.objName.text
        const table = findTable(this.#catalog, unquote(name))
        if (table === undefined) throw new Beyond(`${name} is no table of the schema`)
        if (table.virtual) throw new Beyond(`${name} is a virtual table`)
        const item = add({
          ...base,
          alias: unquote(node.alias?.name.text ?? name),
          table,
          derived: null,
          columns: table.columns.map((column) => column.name),
        })
        this.#tables.push(item)
        return item
      }
      case 'SelectSelectTable': {
        const place = { type: 'derived', item: undefined as unknown as Item } as const
        // A derived table sees the columns around its SELECT's SELECT, not those of its siblings.
        const derived = this.#select(node.select, level.parent, () => place)
        const item = add({
          ...base,
          alias: unquote(node.alias?.name.text ?? `millrace:${index}`),
          table: null,
          derived,
          columns: (derived[0]?.outputs ?? []).map((output) => output.name ?? ''),
        })
        ;(place as { item: Item }).item = item
        return item
      }
      case 'TableCallSelectTable': {
        const name = node.tblName.objName.text.toLowerCase()
        const columns = FUNCTION_COLUMNS[name]
        if (columns === undefined) throw new Beyond(`the table-valued function ${name}`)
        for (const arg of node.args ?? []) this.#expression(arg, level, level)
        return add({
          ...base,
          alias: unquote(node.alias?.name.text ?? name),
          table: null,
          derived: null,
          columns,
        })
      }
      case 'SubSelectTable':
        throw new Beyond('a join in parentheses')
    }
  }

  #outputs(level: Level, core: SelectFrom): void {
    for (const column of core.columns) {
      if (column.type === 'ExprResultColumn') {
        level.outputs.push({
          type: 'expression',
          expr: column.expr,
          name: column.alias === undefined ? nameOf(column.expr) : unquote(column.alias.name.text),
          aliased: column.alias !== undefined,
        })
        continue
      }
      const only = column.type === 'TableStarResultColumn' ? unquote(column.table.text) : undefined
      for (const item of level.items) {
        if (only !== undefined && !same(item.alias, only)) continue
        item.columns.forEach((name, index) => {
          if (only === undefined && item.merged.has(index)) return
          item.reads.add(index)
          if (!isShown(level)) item.decides.add(index)
          level.outputs.push({ type: 'column', item, column: index, name })
        })
      }
    }
  }

  /** What a term of GROUP BY stands for: an output by number or by alias, where no column has that name. */
  #groupExpression(level: Level, term: Expr): Expr {
    const ordinal = ordinalOf(term)
    const output = ordinal === undefined ? undefined : level.outputs[ordinal - 1]
    if (ordinal !== undefined) {
      if (output?.type !== 'expression') throw new Beyond('GROUP BY a column of *')
      if (collationWithin(term) !== undefined) throw new Beyond('GROUP BY a number with a COLLATE')
      return output.expr
    }
    const ref = isName(term) ? this.#refs.get(startOf(term)) : undefined
    return ref?.type === 'output' ? ref.expr : term
  }

  /** Resolves the names of an expression of `level`; `scope` is where they are looked for first. */
  #expression(
    root: Expr,
    level: Level | null,
    scope: Level | null,
    on: Item | null = null,
    shown = false,
  ): void {
    const functions = new Set<number>()
    const inWhere = level?.core.whereClause === root || on !== null || isJoinCondition(level, root)
    traverse(root, {
      enter: (node) => {
        switch (node.type) {
          case 'Select': {
            if (level === null) throw new Beyond('a subquery in VALUES')
            const link = inLink(root, node, inWhere)
            const levels = this.#select(node, scope, () => ({ type: 'expression', level, on, in: link }))
            this.#subqueries.set(startOf(node), levels)
            return 'skip'
          }
          case 'CurrentDateLiteral':
          case 'CurrentTimeLiteral':
          case 'CurrentTimestampLiteral':
            throw new Beyond('the current time is another at each run')
          case 'FunctionCallExpr':
          case 'FunctionCallStarExpr':
            functions.add(startOf(node.name))
            checkFunction(node)
            if (level !== null) this.#checkAggregate(node, level)
            return 'continue'
          case 'Id':
            if (functions.has(startOf(node)) && !this.#refs.has(startOf(node))) return 'continue'
            this.#name(startOf(node), undefined, node.name, scope, shown)
            return 'continue'
          case 'NameExpr':
            this.#name(startOf(node), undefined, unquote(node.name.text), scope, shown)
            return 'skip'
          case 'QualifiedExpr':
            this.#name(startOf(node), unquote(node.table.text), unquote(node.column.text), scope, shown)
            return 'skip'
          default:
            return 'continue'
        }
      },
    })
  }

  #name(offset: number, table: string | undefined, name: string, scope: Level | null, shown: boolean): void {
    const ref = this.#find(table, name, scope)
    if (ref === undefined) {
      if (table === undefined && /^(true|false)$/i.test(name)) return
      throw new Beyond(`the name ${table === undefined ? '' : `${table}.`}${name}`)
    }
    this.#refs.set(offset, ref)
    if (ref.type !== 'column') {
      if (!shown) this.#deciding.push(ref.expr)
      return
    }
    ref.item.reads.add(ref.column)
    if (!shown) ref.item.decides.add(ref.column)
  }

  #find(table: string | undefined, name: string, scope: Level | null): Ref | undefined {
    for (let level = scope; level !== null; level = level.parent) {
      const items = level.items.filter((item) => table === undefined || same(item.alias, table))
      for (const item of items) {
        const column = item.columns.findIndex((known) => same(known, name))
        if (column !== -1) return { type: 'column', item, column }
      }
      if (/^(rowid|_rowid_|oid)$/i.test(name)) {
        const item = items[0]
        const column = item?.table?.info.autoKey === true ? item.table.info.key[0] : undefined
        if (item === undefined || column === undefined) throw new Beyond('rowid, which REPLACE changes')
        return { type: 'column', item, column }
      }
      if (table !== undefined || this.#inList.has(level)) continue
      const output = level.core.columns.find(
        (column) =>
          column.type === 'ExprResultColumn' &&
          column.alias !== undefined &&
          same(unquote(column.alias.name.text), name),
      )
      if (output?.type === 'ExprResultColumn') return { type: 'output', expr: output.expr }
    }
    return undefined
  }

  /** In a subquery, an aggregate of nothing but outer columns belongs to the query around it. */
  #checkAggregate(call: FunctionCallExpr | FunctionCallStarExpr, level: Level): void {
    if (call.type === 'FunctionCallStarExpr' || !isAggregateCall(call) || level.parent === null) return
    let own = 0
    let outer = 0
    const count = (node: Expr, table: string | undefined, name: string) => {
      const ref = this.#find(table, name, level)
      if (ref?.type !== 'column' || ref.item.level === level) own++
      else outer++
      return node
    }
    for (const arg of call.args ?? []) {
      traverse(arg, {
        nodes: {
          Id: (node) => void count(node, undefined, node.name),
          QualifiedExpr: (node) => void count(node, unquote(node.table.text), unquote(node.column.text)),
        },
      })
    }
    if (outer > 0 && own === 0)
      throw new Beyond('an aggregate of outer columns in a subquery makes the outer query one row')
  }
}

/** The output that a term of ORDER BY names: by number, or by an alias, which goes before a column of that name. */
function sortedOutput(outputs: readonly Output[], term: Expr): Output | undefined {
  const ordinal = ordinalOf(term)
  if (ordinal !== undefined) return outputs[ordinal - 1]
  if (term.type === 'CollateExpr') return sortedOutput(outputs, term.expr)
  if (term.type === 'ParenthesizedExpr' && term.exprs.length === 1)
    return sortedOutput(outputs, term.exprs[0] as Expr)
  return term.type === 'Id'
    ? outputs.find(
        (output) => output.type === 'expression' && output.aliased && same(output.name ?? '', term.name),
      )
    : undefined
}

/** Whether its select list is only shown: nothing around it, and nothing grouped or compared by it. */
function isShown({ place, core }: Level): boolean {
  return place.type === 'top' && core.distinctness !== 'Distinct'
}

function checkFunction(call: FunctionCallExpr | FunctionCallStarExpr): void {
  const name = call.name.name
  if (call.filterOver?.overClause !== undefined) throw new Beyond('window functions look at other rows')
  if (NONDETERMINISTIC.test(name)) throw new Beyond(`${name}() is another at each run`)
  if (!CLOCKS.test(name) || call.type !== 'FunctionCallExpr') return
  const args = call.args ?? []
  const time = /^strftime$/i.test(name) ? args.slice(1) : args
  if (time.length === 0 || time.some((arg) => arg.type === 'StringLiteral' && /^now$/i.test(arg.value)))
    throw new Beyond(`${name}() of the current time is another at each run`)
}

function usingNames(constraint: Extract<JoinConstraint, { type: 'UsingJoinConstraint' }>): string[] {
  const names: string[] = []
  traverse(constraint, {
    nodes: {
      Name(node) {
        names.push(unquote(node.text))
      },
    },
  })
  return names
}

/** The name of an output without an alias, where it has one that can be referred to. */
function nameOf(expr: Expr): string | undefined {
  if (expr.type === 'Id') return expr.name
  if (expr.type === 'NameExpr') return unquote(expr.name.text)
  return expr.type === 'QualifiedExpr' ? unquote(expr.column.text) : undefined
}

function isJoinCondition(level: Level | null, root: Expr): boolean {
  return (
    level?.core.from?.joins?.some(
      ({ constraint }) => constraint?.type === 'OnJoinConstraint' && constraint.expr === root,
    ) === true
  )
}

function inLink(root: Expr, select: Select, inWhere: boolean): InLink | null {
  let found: InLink | null = null
  const look = (expr: Expr, positive: boolean) => {
    if (found !== null) return
    if (expr.type === 'InSelectExpr' && expr.rhs === select) {
      found = { lhs: expr.lhs, positive: positive && !expr.not }
      return
    }
    if (expr.type === 'ParenthesizedExpr' && expr.exprs.length === 1) look(expr.exprs[0] as Expr, positive)
    else if (expr.type === 'BinaryExpr' && (expr.op === 'And' || expr.op === 'Or')) {
      look(expr.left, positive)
      look(expr.right, positive)
    }
  }
  look(root, inWhere)
  if (found !== null) return found
  // Elsewhere in the expression: as a value.
  traverse(root, {
    enter(node) {
      if (node.type === 'InSelectExpr' && node.rhs === select) found = { lhs: node.lhs, positive: false }
      return node.type === 'Select' ? 'skip' : 'continue'
    },
  })
  return found
}
