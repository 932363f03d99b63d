import { type Cell, plain, Real, real, UNKNOWN, type Unknown, type Value } from './cell.ts'
import { isInteger, toPlainText, toText } from './convert.ts'
import type { Functions } from './functions.ts'
import { MAX_INT64, MIN_INT64, printReal, realIn } from './numeral.ts'

/*
 * SQLite's JSON functions over JSON that is well-formed. SQLite keeps numbers and strings as they are written, which
 * JSON.parse would not: so the text is read here. What is malformed, or JSON5, is left to SQLite, which reads some of it.
 */

/** A value that a JSON function gave: as an argument of another it is JSON, and not text that must be quoted. */
export class Json {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Node =
  | { readonly type: 'scalar'; readonly text: string }
  | { readonly type: 'array'; readonly items: readonly Node[] }
  | { readonly type: 'object'; readonly entries: readonly (readonly [key: string, value: Node])[] }

const TOKEN = /[ \t\n\r]*(?:([[\]{},:])|("(?:[^"\\]|\\.)*")|(-?\d[\d.eE+-]*|true|false|null))[ \t\n\r]*/y
/** SQLite's own limit is 1,000. */
const DEEPEST = 500

/** Undefined where the text is not JSON by RFC 8259. */
function parse(text: string): Node | undefined {
  try {
    // The engine's own parser is the judge of what is well-formed; it loses how numbers and strings are written.
    JSON.parse(text)
  } catch {
    return undefined
  }
  TOKEN.lastIndex = 0
  const next = () => TOKEN.exec(text) as RegExpExecArray
  const value = ([, sign, string, word]: RegExpExecArray, depth: number): Node => {
    if (sign === undefined) return { type: 'scalar', text: (string ?? word) as string }
    if (depth > DEEPEST) throw new RangeError('too deep')
    const items: Node[] = []
    const entries: [string, Node][] = []
    for (let token = next(); token[1] !== ']' && token[1] !== '}'; token = next()) {
      if (token[1] === ',') token = next()
      if (sign === '[') items.push(value(token, depth + 1))
      else {
        next()
        entries.push([token[2] as string, value(next(), depth + 1)])
      }
    }
    return sign === '[' ? { type: 'array', items } : { type: 'object', entries }
  }
  try {
    return value(next(), 0)
  } catch {
    return undefined
  }
}

function render(node: Node): string {
  switch (node.type) {
    case 'scalar':
      return node.text
    case 'array':
      return `[${node.items.map(render).join(',')}]`
    case 'object':
      return `{${node.entries.map(([key, value]) => `${key}:${render(value)}`).join(',')}}`
  }
}

/** A list of arrays or objects as the texts of their members, in order; undefined for anything else. */
export function membersIn(list: string): string[][] | undefined {
  const plain = parsePlain(list)
  if (plain !== undefined) return eachElement(plain, valuesOf, (value) => JSON.stringify(value))
  const node = parse(list)
  const membersOf = (item: Node) =>
    item.type === 'array'
      ? item.items
      : item.type === 'object'
        ? item.entries.map(([, value]) => value)
        : undefined
  return node?.type === 'array' ? eachElement(node.items, membersOf, render) : undefined
}

function eachElement<Item, Member>(
  items: readonly Item[],
  membersOf: (item: Item) => readonly Member[] | undefined,
  textOf: (member: Member) => string,
): string[][] | undefined {
  const elements: string[][] = []
  for (const item of items) {
    const members = typeof item === 'object' && item !== null ? membersOf(item) : undefined
    if (members === undefined) return undefined
    elements.push(members.map(textOf))
  }
  return elements
}

const valuesOf = (item: unknown): unknown[] => Object.values(item as object)

/** A list that JS would write as it is written, as most are: read ten times as fast. */
function parsePlain(text: string): unknown[] | undefined {
  try {
    const list: unknown = JSON.parse(text)
    return Array.isArray(list) && JSON.stringify(list) === text ? list : undefined
  } catch {
    return undefined
  }
}

/** What a column holds that was printed as JSON; UNKNOWN for a REAL, of which 15 digits were. */
export function printedIn(text: string): Value {
  if (/^-?\d+[.eE]/.test(text)) return UNKNOWN
  const node = parse(text)
  return node?.type === 'scalar' ? plain(sqlValueOf(node) as Cell) : UNKNOWN
}

/** NULL, or a document; UNKNOWN where SQLite would refuse it or read it in its own way. */
function documentOf(cell: Cell): Node | null | Unknown {
  if (cell instanceof Uint8Array) return UNKNOWN
  const text = toPlainText(cell)
  return typeof text === 'string' ? (parse(text) ?? UNKNOWN) : text
}

type Step = { readonly key: string } | { readonly index: number; readonly fromEnd: boolean }

const STEP = /\.(?:"([^"\\]*)"|([^."[\]\\]+))|\[(#-)?(\d{1,9})\]/y

/** Undefined where it is no path, or one that is not followed here. */
function parsePath(path: string): Step[] | undefined {
  if (!path.startsWith('$')) return undefined
  const steps: Step[] = []
  STEP.lastIndex = 1
  while (STEP.lastIndex < path.length) {
    const match = STEP.exec(path)
    if (match === null) return undefined
    const [, quoted, bare, fromEnd, index] = match
    const key = quoted ?? bare
    steps.push(key === undefined ? { index: Number(index), fromEnd: fromEnd !== undefined } : { key })
  }
  return steps
}

/** Undefined where nothing is there. */
function follow(node: Node, steps: readonly Step[]): Node | undefined | Unknown {
  let current: Node | undefined = node
  for (const step of steps) {
    if (current === undefined) return undefined
    if ('key' in step) {
      if (current.type !== 'object') return undefined
      // SQLite compares keys as they are written.
      if (current.entries.some(([key]) => key.includes('\\'))) return UNKNOWN
      current = current.entries.find(([key]) => key === `"${step.key}"`)?.[1]
    } else {
      if (current.type !== 'array') return undefined
      current = current.items[step.fromEnd ? current.items.length - step.index : step.index]
    }
  }
  return current
}

/** `missing` is for a path that leads nowhere. */
function lookUp(document: Cell, path: Cell): Node | null | undefined | Unknown {
  const node = documentOf(document)
  if (node === null || node === UNKNOWN) return node
  const text = toPlainText(path)
  if (typeof text !== 'string') return text
  const steps = parsePath(text)
  return steps === undefined ? UNKNOWN : follow(node, steps)
}

/** A part of a document as a SQL value: JSON where it is an array or an object. */
function sqlValueOf(node: Node): Cell | Json {
  if (node.type !== 'scalar') return new Json(render(node))
  const { text } = node
  switch (text[0]) {
    case 'n':
      return null
    case 't':
      return 1
    case 'f':
      return 0
    case '"': {
      const value = JSON.parse(text) as string
      return /[\0\p{Surrogate}\ufffd]/u.test(value) ? UNKNOWN : value
    }
  }
  if (/^-?\d+$/.test(text)) {
    const value = BigInt(text)
    if (value >= MIN_INT64 && value <= MAX_INT64)
      return Number.isSafeInteger(Number(text)) ? Number(text) + 0 : value
  }
  const value = realIn(text)
  return value === UNKNOWN ? UNKNOWN : real(value)
}

function typeOf(node: Node): string {
  if (node.type !== 'scalar') return node.type
  switch (node.text[0]) {
    case 'n':
      return 'null'
    case 't':
      return 'true'
    case 'f':
      return 'false'
    case '"':
      return 'text'
  }
  return /[.eE]/.test(node.text) ? 'real' : 'integer'
}

/** A SQL value as JSON; UNKNOWN for a blob, which SQLite refuses. */
function written(cell: Cell | Json): string | Unknown {
  if (cell === null) return 'null'
  if (cell === UNKNOWN || cell instanceof Uint8Array) return UNKNOWN
  if (cell instanceof Json) return cell.text
  if (typeof cell === 'string') return toPlainText(cell) === UNKNOWN ? UNKNOWN : JSON.stringify(cell)
  if (cell instanceof Real) return cell.sure ? printReal(cell.value) : UNKNOWN
  if (isInteger(cell)) return toText(cell) as string
  return Number.isFinite(cell) ? printReal(cell) : UNKNOWN
}

function list(cells: readonly (Cell | Json)[]): Cell | Json {
  const parts = cells.map(written)
  return parts.includes(UNKNOWN) ? UNKNOWN : new Json(`[${parts.join(',')}]`)
}

function object(cells: readonly (Cell | Json)[]): Cell | Json {
  const parts: string[] = []
  for (let i = 0; i < cells.length; i += 2) {
    const key = cells[i]
    const name = typeof key === 'string' ? written(key) : key instanceof Json ? written(key.text) : UNKNOWN
    const value = i + 1 < cells.length ? written(cells[i + 1] as Cell | Json) : UNKNOWN
    if (name === UNKNOWN || value === UNKNOWN) return UNKNOWN
    parts.push(`${name}:${value}`)
  }
  return new Json(`{${parts.join(',')}}`)
}

function quote(cell: Cell | Json): Cell | Json {
  const text = written(cell)
  return text === UNKNOWN ? UNKNOWN : new Json(text)
}

function extract(document: Cell, ...paths: readonly Cell[]): Cell | Json {
  const parts = paths.map((path) => lookUp(document, path))
  if (parts.includes(UNKNOWN)) return UNKNOWN
  if (document === null || paths.includes(null)) return paths.length > 1 && document !== null ? UNKNOWN : null
  if (parts.length === 1) return parts[0] == null ? null : sqlValueOf(parts[0] as Node)
  return new Json(`[${parts.map((part) => (part == null ? 'null' : render(part as Node))).join(',')}]`)
}

/** What stands behind an arrow: a path, a key or the number of an item. */
function arrowPath(path: Cell): Cell {
  const text = toPlainText(path)
  if (typeof text !== 'string' || /^\$($|[.[])/.test(text)) return text
  if (/^\d/.test(text)) return `$[${text}]`
  return text.startsWith('[') ? `$${text}` : `$.${text}`
}

function arrow(document: Cell, path: Cell): Cell | Json {
  const part = lookUp(document, arrowPath(path))
  return part == null ? null : part === UNKNOWN ? UNKNOWN : new Json(render(part))
}

function doubleArrow(document: Cell, path: Cell): Cell {
  const value = extract(document, arrowPath(path))
  return value instanceof Json ? value.text : value
}

/** Of a part of a document: NULL where there is none. */
const ofPart =
  (run: (node: Node) => Cell) =>
  (document: Cell, path: Cell = '$'): Cell => {
    const part = lookUp(document, path)
    return part == null ? null : part === UNKNOWN ? UNKNOWN : run(part)
  }

function json(cell: Cell): Cell | Json {
  const node = documentOf(cell)
  return node === null || node === UNKNOWN ? node : new Json(render(node))
}

function isValid(cell: Cell): Cell {
  if (cell instanceof Uint8Array) return UNKNOWN
  const text = toPlainText(cell)
  if (typeof text !== 'string') return text
  if (parse(text) !== undefined) return 1
  // What is nested deeper than is looked at here may be valid.
  return text.length > DEEPEST ? UNKNOWN : 0
}

/** Functions whose results are JSON, wholly or in part. */
export const JSON_MAKERS: Readonly<
  Record<
    string,
    readonly [least: number, most: number, run: (...cells: readonly (Cell | Json)[]) => Cell | Json]
  >
> = {
  json: [1, 1, (cell) => json(cell as Cell)],
  json_array: [0, 127, (...cells) => list(cells)],
  json_object: [0, 126, (...cells) => object(cells)],
  json_quote: [1, 1, (cell) => quote(cell as Cell)],
  json_extract: [2, 127, (document, ...paths) => extract(document as Cell, ...(paths as Cell[]))],
  '->': [2, 2, (document, path) => arrow(document as Cell, path as Cell)],
}

/** Those that make JSON of any value, and take what is JSON already as it is. */
export const JSON_TAKERS = new Set(['json_array', 'json_object', 'json_quote'])

export const JSON_FUNCTIONS: Functions = {
  '->>': [2, 2, doubleArrow],
  json_valid: [1, 1, isValid],
  json_type: [1, 2, ofPart(typeOf)],
  json_array_length: [1, 2, ofPart((node) => (node.type === 'array' ? node.items.length : 0))],
}
