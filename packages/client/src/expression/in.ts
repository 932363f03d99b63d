import { type Expr, encodeKey, type RowKey, type SqlValue } from '@millrace/protocol'
import { type Cell, type Evaluate, type Image, plain, UNKNOWN } from './cell.ts'
import { comparable, compare } from './compare.ts'
import { BROKEN } from './convert.ts'

type In = Extract<Expr, { type: 'in' }>

/** The values of a list that no row changes. */
interface Members {
  readonly keys: ReadonlySet<RowKey>
  readonly hasNull: boolean
}

/** Where fewer are compared one by one. */
const MANY = 8

/** `x IN (…)`: three-valued, and false for an empty list, also of NULL. */
export function compileIn(expr: In, compile: (expr: Expr) => Evaluate<Cell>): Evaluate<Cell> {
  const { affinity, collation } = expr
  const left = compile(expr.left)
  const list = expr.list.map(compile)
  const isConstant = expr.list.every(({ type }) => type === 'value' || type === 'parameter')
  const one: Evaluate<Cell> = (image, parameters) => {
    const value = left(image, parameters)
    let found: Cell = 0
    for (const item of list) {
      const equal = compare({ op: '=', affinity, collation }, value, item(image, parameters))
      if (equal === 1) return 1
      if (equal === UNKNOWN) found = UNKNOWN
      else if (equal === null && found !== UNKNOWN) found = null
    }
    return found
  }
  if (!isConstant || list.length < MANY) return one

  const noRow: Image = () => UNKNOWN
  let of: readonly SqlValue[] | undefined
  let members: Members | null = null
  return (image, parameters) => {
    if (of !== parameters) {
      of = parameters
      members = membersOf(
        expr,
        list.map((item) => item(noRow, parameters)),
      )
    }
    const value = left(image, parameters)
    if (members === null || value === UNKNOWN || !isPlain(value)) return one(image, parameters)
    if (value === null) return null
    // Of two numbers none becomes text, also in a column of text.
    if (affinity === 'TEXT' && typeof value !== 'string') return one(image, parameters)
    if (members.keys.has(keyOf(comparable(value, affinity), collation))) return 1
    return members.hasNull ? null : 0
  }
}

/** Null where one must be compared by itself. */
function membersOf({ affinity, collation }: In, cells: readonly Cell[]): Members | null {
  if (!cells.every(isPlain)) return null
  const some = cells.filter((cell) => cell !== null)
  const keys = new Set(some.map((cell) => keyOf(comparable(cell, affinity), collation)))
  return { keys, hasNull: some.length < cells.length }
}

const isPlain = (cell: Cell): boolean => typeof cell !== 'string' || !cell.includes(BROKEN)

const keyOf = (cell: Cell, collation: In['collation']): RowKey =>
  encodeKey([plain(cell) as SqlValue], [collation])
