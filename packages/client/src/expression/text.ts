import { type Cell, plain, UNKNOWN } from './cell.ts'
import { toBytes, toInteger, toPlainText } from './convert.ts'
import type { Functions } from './functions.ts'

/** A function of texts: NULL where one of them is NULL. */
const ofTexts =
  (run: (...texts: string[]) => Cell) =>
  (...cells: readonly Cell[]): Cell => {
    const texts = cells.map(toPlainText)
    if (texts.includes(UNKNOWN)) return UNKNOWN
    return texts.includes(null) ? null : run(...(texts as string[]))
  }

/** ASCII only, as SQLite does. */
const changeCase = (change: (text: string) => string) =>
  ofTexts((text) => (/^[ -~]*$/.test(text) ? change(text) : text.replace(/[a-z]+/gi, change)))

const trim = (fromStart: boolean, fromEnd: boolean) =>
  ofTexts((text, characters = ' ') => {
    const set = new Set(characters)
    const points = Array.from(text)
    let start = 0
    let end = points.length
    while (fromStart && start < end && set.has(points[start] as string)) start++
    while (fromEnd && end > start && set.has(points[end - 1] as string)) end--
    return points.slice(start, end).join('')
  })

const length = (cell: Cell): Cell => {
  if (cell instanceof Uint8Array) return cell.length
  const text = toPlainText(cell)
  return typeof text === 'string' ? Array.from(text).length : text
}

function octetLength(cell: Cell): Cell {
  const bytes = toBytes(cell)
  return bytes instanceof Uint8Array ? bytes.length : bytes
}

/** An argument that SQLite reads as an int of 32 bits. */
const toInt = (cell: Cell) => Number(BigInt.asIntN(32, BigInt(toInteger(cell) as number | bigint)))

/** From the `from`th on, or from the end where it is negative; `count` to the right, or where negative to the left. */
function substr(cell: Cell, from: Cell, count?: Cell): Cell {
  if (from === null || count === null) return null
  const whole = cell instanceof Uint8Array ? cell : toPlainText(cell)
  if (whole === null || whole === UNKNOWN) return whole
  const points = typeof whole === 'string' ? Array.from(whole) : whole
  if (cell instanceof Uint8Array && cell.length === 0) return null
  let start = toInt(from)
  let size = count === undefined ? 1_000_000_000 : toInt(count)
  const back = size < 0
  if (back) size = -size
  if (start < 0) {
    start += points.length
    if (start < 0) {
      size = Math.max(0, size + start)
      start = 0
    }
  } else if (start > 0) start--
  else if (size > 0) size--
  if (back) {
    start -= size
    if (start < 0) {
      size += start
      start = 0
    }
  }
  const end = start + Math.max(0, size)
  return points instanceof Uint8Array ? points.slice(start, end) : points.slice(start, end).join('')
}

function instr(cell: Cell, sought: Cell): Cell {
  if (cell instanceof Uint8Array && sought instanceof Uint8Array) {
    for (let i = 0; i + sought.length <= cell.length; i++) {
      if (sought.every((byte, j) => cell[i + j] === byte)) return i + 1
    }
    return 0
  }
  return ofTexts((text, part) => {
    const index = text.indexOf(part)
    return index === -1 ? 0 : Array.from(text.slice(0, index)).length + 1
  })(cell, sought)
}

function replace(cell: Cell, from: Cell, to: Cell): Cell {
  // Then the value itself is the answer, of whatever class.
  if (cell !== null && toPlainText(from) === '') return typeof cell === 'string' ? cell : UNKNOWN
  return ofTexts((text, sought, other) => text.replaceAll(sought, () => other))(cell, from, to)
}

function hex(cell: Cell): Cell {
  if (cell === null) return ''
  const bytes = toBytes(cell)
  return bytes instanceof Uint8Array ? hexOf(bytes) : bytes
}

export const hexOf = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join('')

const unhex = ofTexts((text, ignored) => {
  const bytes: number[] = []
  const set = new Set(ignored)
  for (let i = 0; i < text.length; i++) {
    if (/[\da-f]/i.test(text[i] as string)) {
      const pair = text.slice(i, ++i + 1)
      if (!/^[\da-f]{2}$/i.test(pair)) return null
      bytes.push(Number.parseInt(pair, 16))
    } else if (!set.has(String.fromCodePoint(text.codePointAt(i) as number))) return null
    else if ((text.codePointAt(i) as number) > 0xffff) i++
  }
  return new Uint8Array(bytes)
})

function char(...cells: readonly Cell[]): Cell {
  let text = ''
  for (const cell of cells) {
    const point = Number(toInteger(cell) ?? 0)
    // Half a pair is written as three bytes that are no text.
    if (point < 0 || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return UNKNOWN
    text += String.fromCodePoint(point)
  }
  return text
}

const concatAll = (separator: string, cells: readonly Cell[]): Cell => {
  const texts = cells.map(toPlainText)
  if (texts.includes(UNKNOWN)) return UNKNOWN
  return texts.filter((text) => text !== null && text !== '').join(separator)
}

function concatWith(separator: Cell, ...cells: readonly Cell[]): Cell {
  const text = toPlainText(separator)
  return typeof text === 'string' ? concatAll(text, cells) : text
}

function quote(cell: Cell): Cell {
  if (cell === null) return 'NULL'
  if (cell instanceof Uint8Array) return `X'${hexOf(cell)}'`
  const text = toPlainText(cell)
  if (typeof text !== 'string') return text
  if (typeof cell === 'string') return `'${text.replaceAll("'", "''")}'`
  // A REAL that 15 digits do not tell is written with 20.
  return typeof cell === 'bigint' || Number(text) === plain(cell) ? text : UNKNOWN
}

export const TEXT_FUNCTIONS: Functions = {
  length: [1, 1, length],
  octet_length: [1, 1, octetLength],
  lower: [1, 1, changeCase((letters) => letters.toLowerCase())],
  upper: [1, 1, changeCase((letters) => letters.toUpperCase())],
  trim: [1, 2, trim(true, true)],
  ltrim: [1, 2, trim(true, false)],
  rtrim: [1, 2, trim(false, true)],
  substr: [2, 3, substr],
  substring: [2, 3, substr],
  instr: [2, 2, instr],
  replace: [3, 3, replace],
  hex: [1, 1, hex],
  unhex: [1, 2, unhex],
  char: [0, 127, char],
  unicode: [1, 1, ofTexts((text) => text.codePointAt(0) ?? null)],
  concat: [1, 127, (...cells) => concatAll('', cells)],
  concat_ws: [2, 127, concatWith],
  quote: [1, 1, quote],
}
