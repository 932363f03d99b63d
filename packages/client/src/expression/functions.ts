import { type Expr, fromBigInt, partsOf } from '@millrace/protocol'
import { type Cell, type Evaluate, Real, UNKNOWN } from './cell.ts'
import { isInteger } from './convert.ts'
import { DATE_FUNCTIONS } from './date.ts'
import { format } from './format.ts'
import { JSON_FUNCTIONS, JSON_MAKERS, JSON_TAKERS, Json } from './json.ts'
import { glob, like } from './like.ts'
import { NUMBER_FUNCTIONS } from './number.ts'
import { extreme, nullIf, OPERATORS } from './operators.ts'
import { TEXT_FUNCTIONS } from './text.ts'

/** By name: the least and the most number of arguments, and the function. It sees no UNKNOWN. */
export type Functions = Readonly<
  Record<string, readonly [least: number, most: number, run: (...cells: readonly Cell[]) => Cell]>
>

function typeOf(cell: Cell): Cell {
  if (cell === null) return 'null'
  if (typeof cell === 'string') return 'text'
  if (cell instanceof Uint8Array) return 'blob'
  if (cell instanceof Real && !cell.sure) return UNKNOWN
  return isInteger(cell) ? 'integer' : 'real'
}

export const FUNCTIONS: Functions = {
  like: [2, 3, like],
  glob: [2, 2, glob],
  typeof: [1, 1, typeOf],
  format: [1, 127, format],
  printf: [1, 127, format],
  ...TEXT_FUNCTIONS,
  ...DATE_FUNCTIONS,
  ...JSON_FUNCTIONS,
  ...NUMBER_FUNCTIONS,
}

/** Of chance: in defaults alone, whose value is made once and sent. */
const CHANCE: Functions = {
  random: [0, 0, () => fromBigInt(new DataView(bytes(8).buffer).getBigInt64(0))],
  randomblob: [
    1,
    1,
    (size) =>
      Number.isInteger(size) && (size as number) <= 65_536 ? bytes(Math.max(1, size as number)) : UNKNOWN,
  ],
}

const bytes = (size: number) => crypto.getRandomValues(new Uint8Array(size))

/** Makes an argument ready. */
type Compile = (expr: Expr) => Evaluate<Cell>

/** A call of a function by its name; UNKNOWN for one that is not here. */
export function compileFunction(
  { name, args, collation }: Extract<Expr, { type: 'call' }>,
  compile: Compile,
): Evaluate<Cell> {
  if (name === 'min' || name === 'max') {
    const cells = args.map(compile)
    return (image, parameters) =>
      extreme(
        name,
        cells.map((run) => run(image, parameters)),
        collation,
      )
  }
  if (name === 'nullif') {
    const [left, right] = args.map(compile)
    if (left === undefined || right === undefined) return () => UNKNOWN
    return (image, parameters) => nullIf(left(image, parameters), right(image, parameters), collation)
  }
  if (Object.hasOwn(OPERATORS, name)) {
    const operator = OPERATORS[name] as (a: Cell, b: Cell) => Cell
    const operands = args.map(compile)
    return (image, parameters) => {
      const cells = operands.map((run) => run(image, parameters))
      return cells.includes(UNKNOWN) ? UNKNOWN : operator(...(cells as [Cell, Cell]))
    }
  }
  const json = compileJson(name, args, compile)
  if (json !== undefined) {
    return (image, parameters) => {
      const cell = json(image, parameters)
      return cell instanceof Json ? cell.text : cell
    }
  }
  const all = Object.hasOwn(CHANCE, name) ? CHANCE : FUNCTIONS
  const known = Object.hasOwn(all, name) ? all[name] : undefined
  if (known === undefined || args.length < known[0] || args.length > known[1]) return () => UNKNOWN
  const runs = args.map(compile)
  const [, , call] = known
  return (image, parameters) => {
    const cells = runs.map((run) => run(image, parameters))
    return cells.includes(UNKNOWN) ? UNKNOWN : call(...cells)
  }
}

/** A call whose result is JSON, as another JSON function sees it; undefined for any other function. */
function compileJson(
  name: string,
  args: readonly Expr[],
  compile: Compile,
): Evaluate<Cell | Json> | undefined {
  const maker = Object.hasOwn(JSON_MAKERS, name) ? JSON_MAKERS[name] : undefined
  if (maker === undefined) return undefined
  if (args.length < maker[0] || args.length > maker[1]) return () => UNKNOWN
  const runs = args.map((arg) => (JSON_TAKERS.has(name) ? compileJsonArgument(arg, compile) : compile(arg)))
  const [, , call] = maker
  return (image, parameters) => {
    const cells = runs.map((run) => run(image, parameters))
    return cells.includes(UNKNOWN) ? UNKNOWN : call(...cells)
  }
}

function compileJsonArgument(expr: Expr, compile: Compile): Evaluate<Cell | Json> {
  const json = expr.type === 'call' ? compileJson(expr.name, expr.args, compile) : undefined
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
