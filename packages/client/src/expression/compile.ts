import { type Affinity, type Expr, SUBQUERY, unreachable } from '@millrace/protocol'
import { loadOnDemand, onDemand } from '../on-demand.ts'
import { type Cell, cellOf, type Evaluate, plain, Real, UNKNOWN, type Value } from './cell.ts'
import { among, compare } from './compare.ts'
import { cast, stored, type Truth, truth } from './convert.ts'

/*
 * SQLite's expressions over rows, as far as they can be told exactly. Where a column that is not known, or SQLite's own
 * ways, leave doubt, the answer is UNKNOWN, and the view waits for the engine.
 */

type Call = Extract<Expr, { type: 'call' }>

/** Made once for each expression of a plan; what it returns is called for each row. */
export function compileExpr(expr: Expr): Evaluate<Value> {
  if (expr.type === 'column') return (image) => image(expr.source, expr.column)
  const run = compile(expr)
  return (image, parameters) => plain(run(image, parameters))
}

/** As a column of this affinity stores it. */
export function compileStored(expr: Expr, affinity: Affinity): Evaluate<Value> {
  const run = compile(expr)
  return (image, parameters) => {
    const cell = run(image, parameters)
    // 1.0 becomes '1.0' as text.
    if (affinity === 'TEXT' && cell instanceof Real) return cast(cell, 'TEXT') as Value
    const value = plain(cell)
    return value === UNKNOWN ? UNKNOWN : stored(value, affinity)
  }
}

/** As WHERE asks: NULL is not true. */
export function compileCondition(expr: Expr): Evaluate<Truth> {
  const run = compile(expr)
  return (image, parameters) => truth(run(image, parameters))
}

function compile(expr: Expr): Evaluate<Cell> {
  switch (expr.type) {
    case 'value': {
      const value =
        expr.real && Number.isSafeInteger(expr.value) ? new Real(expr.value as number) : expr.value
      return () => value
    }
    case 'parameter':
      return (_, parameters) => parameters[expr.index] ?? null
    case 'column': {
      const { source, column, affinity } = expr
      return (image) => cellOf(image(source, column), affinity)
    }
    case 'compare': {
      const left = compile(expr.left)
      const right = compile(expr.right)
      return (image, parameters) => compare(expr, left(image, parameters), right(image, parameters))
    }
    case 'and':
    case 'or':
      return compileLogic(expr.type === 'or', expr.terms)
    case 'in':
      return expr.json || expr.list.length > FEW ? compileLater(expr) : compileFew(expr)
    case 'not': {
      const run = compileCondition(expr.expr)
      return (image, parameters) => {
        const value = run(image, parameters)
        return typeof value === 'boolean' ? Number(!value) : value
      }
    }
    case 'cast': {
      const run = compile(expr.expr)
      return (image, parameters) => cast(run(image, parameters), expr.affinity)
    }
    case 'case':
      return compileCase(expr)
    case 'call':
      return compileCall(expr)
    case 'subquery':
      return (image) => image(SUBQUERY, expr.index)
    case 'opaque':
      return () => UNKNOWN
    default:
      return unreachable(expr)
  }
}

/** Three-valued, and a fourth: UNKNOWN matters only where no other term decides. */
function compileLogic(decides: boolean, exprs: readonly Expr[]): Evaluate<Cell> {
  const terms = exprs.map(compileCondition)
  return (image, parameters) => {
    let open: Cell = Number(!decides)
    for (const term of terms) {
      const holds = term(image, parameters)
      if (holds === decides) return Number(decides)
      if (holds === UNKNOWN) open = UNKNOWN
      else if (holds === null && open !== UNKNOWN) open = null
    }
    return open
  }
}

/** Of more the library makes a set. */
const FEW = 8

function compileFew(expr: Extract<Expr, { type: 'in' }>): Evaluate<Cell> {
  const left = compile(expr.left)
  const list = expr.list.map(compile)
  return (image, parameters) =>
    among(
      expr,
      left(image, parameters),
      list.map((item) => item(image, parameters)),
    )
}

function compileCase(expr: Extract<Expr, { type: 'case' }>): Evaluate<Cell> {
  const branches = expr.branches.map(({ when, value }) => ({
    when: compileCondition(when),
    value: compile(value),
  }))
  const otherwise = compile(expr.otherwise)
  return (image, parameters) => {
    for (const { when, value } of branches) {
      const holds = when(image, parameters)
      if (holds === UNKNOWN) return UNKNOWN
      if (holds === true) return value(image, parameters)
    }
    return otherwise(image, parameters)
  }
}

function compileCall(expr: Call): Evaluate<Cell> {
  if (expr.name !== 'coalesce' && expr.name !== 'ifnull') return compileLater(expr)
  const runs = expr.args.map(compile)
  return (image, parameters) => {
    for (const run of runs) {
      const cell = run(image, parameters)
      if (cell !== null) return cell
    }
    return null
  }
}

/** A function of the library: UNKNOWN until that is loaded. */
function compileLater(expr: Call | Extract<Expr, { type: 'in' }>): Evaluate<Cell> {
  void loadOnDemand()
  let run: Evaluate<Cell> | undefined
  return (image, parameters) => {
    const code = onDemand()
    run ??= expr.type === 'in' ? code?.compileIn(expr, compile) : code?.compileFunction(expr, compile)
    return run === undefined ? UNKNOWN : run(image, parameters)
  }
}
