import { type Expr, partsOf, type SqlValue, unreachable } from '@millrace/protocol'
import { type Cell, cellOf, type Image, plain, Real, UNKNOWN, type Value } from './cell.ts'
import { compare } from './compare.ts'
import { cast, type Truth, truth } from './convert.ts'
import { extreme, FUNCTIONS, nullIf } from './functions.ts'
import { JSON_MAKERS, JSON_TAKERS, Json } from './json.ts'

/*
 * SQLite's expressions over rows, as far as they can be told exactly. Where a column that is not known, or SQLite's own
 * ways, leave doubt, the answer is UNKNOWN, and the view waits for the engine.
 */

export type Evaluate<Result> = (image: Image, parameters: readonly SqlValue[]) => Result

/** Made once for each expression of a plan; what it returns is called for each row. */
export function compileExpr(expr: Expr): Evaluate<Value> {
  if (expr.type === 'column') return (image) => image(expr.source, expr.column)
  const run = compile(expr)
  return (image, parameters) => plain(run(image, parameters))
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
      return compileLogic(expr.type === 'or', expr.left, expr.right)
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
    case 'opaque':
      return () => UNKNOWN
    default:
      return unreachable(expr)
  }
}

/** Three-valued, and a fourth: UNKNOWN matters only where the other side does not decide. */
function compileLogic(decides: boolean, a: Expr, b: Expr): Evaluate<Cell> {
  const left = compileCondition(a)
  const right = compileCondition(b)
  return (image, parameters) => {
    const x = left(image, parameters)
    if (x === decides) return Number(decides)
    const y = right(image, parameters)
    if (y === decides) return Number(decides)
    if (x === UNKNOWN || y === UNKNOWN) return UNKNOWN
    return x === null || y === null ? null : Number(!decides)
  }
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

function compileCall({ name, args, collation }: Extract<Expr, { type: 'call' }>): Evaluate<Cell> {
  const runs = args.map(compile)
  switch (name) {
    case 'coalesce':
    case 'ifnull':
      return (image, parameters) => {
        for (const run of runs) {
          const cell = run(image, parameters)
          if (cell !== null) return cell
        }
        return null
      }
    case 'min':
    case 'max':
      return (image, parameters) =>
        extreme(
          name,
          runs.map((run) => run(image, parameters)),
          collation,
        )
    case 'nullif': {
      const [left, right] = runs
      if (left === undefined || right === undefined) return () => UNKNOWN
      return (image, parameters) => nullIf(left(image, parameters), right(image, parameters), collation)
    }
    default:
      break
  }
  const json = compileJson(name, args)
  if (json !== undefined) {
    return (image, parameters) => {
      const cell = json(image, parameters)
      return cell instanceof Json ? cell.text : cell
    }
  }
  const known = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined
  if (known === undefined || args.length < known[0] || args.length > known[1]) return () => UNKNOWN
  const [, , call] = known
  return (image, parameters) => {
    const cells = runs.map((run) => run(image, parameters))
    return cells.includes(UNKNOWN) ? UNKNOWN : call(...cells)
  }
}

/** A call whose result is JSON, as another JSON function sees it; undefined for any other function. */
function compileJson(name: string, args: readonly Expr[]): Evaluate<Cell | Json> | undefined {
  const maker = Object.hasOwn(JSON_MAKERS, name) ? JSON_MAKERS[name] : undefined
  if (maker === undefined) return undefined
  if (args.length < maker[0] || args.length > maker[1]) return () => UNKNOWN
  const runs = args.map((arg) => (JSON_TAKERS.has(name) ? compileJsonArgument(arg) : compile(arg)))
  const [, , call] = maker
  return (image, parameters) => {
    const cells = runs.map((run) => run(image, parameters))
    return cells.includes(UNKNOWN) ? UNKNOWN : call(...cells)
  }
}

function compileJsonArgument(expr: Expr): Evaluate<Cell | Json> {
  const json = expr.type === 'call' ? compileJson(expr.name, expr.args) : undefined
  if (json !== undefined) return json
  const run = compile(expr)
  // Through a CASE or coalesce() SQLite may still know that a text is JSON.
  if (!makesJson(expr)) return run
  return (image, parameters) => {
    const cell = run(image, parameters)
    return typeof cell === 'string' ? UNKNOWN : cell
  }
}

function makesJson(expr: Expr): boolean {
  return (expr.type === 'call' && Object.hasOwn(JSON_MAKERS, expr.name)) || partsOf(expr).some(makesJson)
}
