import { type Cell, UNKNOWN, type Unknown } from './cell.ts'
import { toInteger, toPlainText, toReal } from './convert.ts'
import { printFixed } from './numeral.ts'

/** `-`: to the left; `+` and space: before what is not negative; `0`: zeros before it; `,`: thousands apart. */
const DIRECTIVE = /%([-+ 0,]*)(\d{0,3})(?:\.(\d{1,2}))?(.?)/gs

/** format() and printf(), with %d %i %f %s and %%; what else there is, is left to SQLite. */
export function format(pattern: Cell, ...cells: readonly Cell[]): Cell {
  const text = toPlainText(pattern)
  if (typeof text !== 'string') return text
  let next = 0
  let known = text !== ''
  const result = text.replace(
    DIRECTIVE,
    (directive, flags: string, width: string, places: string | undefined, letter) => {
      if (directive === '%%') return '%'
      const shown = show(letter, cells[next++] ?? null, flags, Number(width), places)
      if (shown !== UNKNOWN) return shown
      known = false
      return ''
    },
  )
  return known ? result : UNKNOWN
}

function show(letter: string, cell: Cell, flags: string, width: number, places?: string): string | Unknown {
  let sign = ''
  let body: string | Unknown
  if (letter === 's') {
    body = toPlainText(cell) ?? ''
    // Width and precision count bytes.
    if (body === UNKNOWN || places !== undefined || (width > 0 && /[^ -~]/.test(body))) return UNKNOWN
  } else {
    const value = letter === 'f' ? toReal(cell) : /^[di]$/.test(letter) ? toInteger(cell) : UNKNOWN
    if (value === UNKNOWN || (letter !== 'f' && places !== undefined)) return UNKNOWN
    const number = value ?? 0
    // Of plus and space the last one counts.
    sign = number < 0 ? '-' : flags.replace(/[^+ ]/g, '').slice(-1)
    body = letter === 'f' ? printFixed(Number(number), Number(places ?? 6)) : String(number)
    // To no places 3.44 cuts instead of rounding, as far as its digits go.
    if (body === UNKNOWN || Number(places) === 0) return UNKNOWN
    body = body.replace('-', '')
    if (flags.includes(',')) body = body.replace(/^\d+/, (digits) => digits.replace(/\B(?=(\d{3})+$)/g, ','))
  }
  const zeros = flags.includes('0') && letter !== 's'
  // Zeros are counted before the commas are put in, and go before the left side.
  if (zeros && /[,-]/.test(flags)) return UNKNOWN
  if (zeros) return sign + body.padStart(width - sign.length, '0')
  return flags.includes('-') ? (sign + body).padEnd(width) : (sign + body).padStart(width)
}
