import { type Expr, encodeKey, type RowKey, type SqlValue } from '@millrace/protocol'
import { type Cell, type Evaluate, type Image, plain, UNKNOWN } from './cell.ts'
import { among, comparable } from './compare.ts'
import { BROKEN } from './convert.ts'

type In = Extract<Expr, { type: 'in' }>

/** The values of a list that no row changes. */
interface Members {
  readonly keys: ReadonlySet<RowKey>
  readonly hasNull: boolean
}

/** `x IN (…)`, of lists that are long, or the elements of a JSON array. */
export function compileIn(expr: In, compile: (expr: Expr) => Evaluate<Cell>): Evaluate<Cell> {
  const { affinity, collation } = expr
  const left = compile(expr.left)
  const items = expr.list.map(compile)
  const cellsOf = (image: Image, parameters: readonly SqlValue[]): readonly Cell[] | null => {
    const cells = items.map((item) => item(image, parameters))
    return expr.json ? elementsOf(cells[0] as Cell) : cells
  }
  const isConstant = expr.list.every(({ type }) => type === 'value' || type === 'parameter')

  let of: readonly SqlValue[] | undefined
  let list: readonly Cell[] | null = null
  let members: Members | null = null
  return (image, parameters) => {
    const value = left(image, parameters)
    if (!isConstant) return isIn(expr, value, cellsOf(image, parameters))
    if (of !== parameters) {
      of = parameters
      list = cellsOf(NO_ROW, parameters)
      members = list === null ? null : membersOf(expr, list)
    }
    // Of two numbers none becomes text, also in a column of text.
    const isOther = affinity === 'TEXT' && typeof value !== 'string'
    if (members === null || value === null || value === UNKNOWN || !isPlain(value) || isOther)
      return isIn(expr, value, list)
    if (members.keys.has(keyOf(comparable(value, affinity), collation))) return 1
    return members.hasNull ? null : 0
  }
}

/** `list`: null where the list is not known. */
const isIn = (expr: In, value: Cell, list: readonly Cell[] | null): Cell =>
  list === null ? UNKNOWN : among(expr, value, list)

const NO_ROW: Image = () => UNKNOWN

/**
 * The values that json_each gives for an array. Null where the text is not an array, or not as JSON.stringify writes it:
 * SQLite reads 1.0, numbers of more than 53 bits and some control characters in its own way.
 */
function elementsOf(json: Cell): readonly Cell[] | null {
  if (typeof json !== 'string') return null
  let elements: unknown
  try {
    elements = JSON.parse(json)
  } catch {
    return null
  }
  if (!Array.isArray(elements) || json.includes('\\u') || JSON.stringify(elements) !== json) return null
  const cells = elements.map((element) => (typeof element === 'boolean' ? Number(element) : element))
  return cells.every((cell) => cell === null || typeof cell !== 'object') ? cells : null
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
