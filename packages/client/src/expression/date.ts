import { type Cell, plain, real, UNKNOWN, type Unknown } from './cell.ts'
import { toPlainText, toReal } from './convert.ts'
import type { Functions } from './functions.ts'
import { numeralOf, printFixed } from './numeral.ts'

/*
 * SQLite's date and time functions. Time is counted as SQLite counts it, in milliseconds since noon in Greenwich on
 * 24 November 4714 BC. `now`, `localtime` and `utc` depend on more than their arguments: UNKNOWN.
 */

const DAY = 86_400_000
const HALF_DAY = DAY / 2
const LAST = 464_269_060_799_999
const UNIX_EPOCH = 210_866_760_000_000

/** Year, month and day as they were written, which need not be a day: 2023-02-31 is shown like that until it is moved. */
interface YearMonthDay {
  year: number
  month: number
  day: number
}

interface Clock {
  hour: number
  minute: number
  second: number
}

interface Moment {
  /** Null where a number is beyond the calendar, and may yet be a Unix time. */
  time: number | null
  date: YearMonthDay | null
  clock: Clock | null
  /** The number that was given, until a modifier has said what it counts. */
  number: number | null
  /** Fractions of seconds are shown. */
  fine: boolean
}

type Result<T> = T | null | Unknown

const DATE = /^(-?)(\d{4})-(\d\d)-(\d\d)(.*)$/s
const CLOCK = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(.*)$/s
const ZONE = /^[\t-\r ]*(?:([+-])(\d\d):(\d\d)|([zZ]))[\t-\r ]*$/

function parse(cell: Cell): Result<Moment> {
  const value = plain(cell)
  if (typeof value === 'number' || typeof value === 'bigint') return ofNumber(Number(value))
  const text = toPlainText(cell)
  if (typeof text !== 'string') return text
  const date = DATE.exec(text)
  if (date !== null) {
    const [, sign, year, month, day, rest = ''] = date
    const written = { year: Number(`${sign}${year}`), month: Number(month), day: Number(day) }
    if (written.month < 1 || written.month > 12 || written.day < 1 || written.day > 31) return null
    if (rest === '') return { ...empty, date: written }
    const clock = rest.replace(/^[\t-\r T]+/, '')
    return clock === '' ? { ...empty, date: written } : withClock(written, clock)
  }
  if (CLOCK.test(text)) return withClock(null, text)
  if (/^(now|subsec|subsecond)$/i.test(text)) return UNKNOWN
  const number = numeralOf(text)
  if (number === undefined) return null
  const count = toReal(number)
  return typeof count === 'number' ? ofNumber(count) : count
}

const empty: Moment = { time: null, date: null, clock: null, number: null, fine: false }

function ofNumber(number: number): Moment {
  const isDay = number >= 0 && number < 5373484.5
  return { ...empty, number, time: isDay ? Math.trunc(number * DAY + 0.5) : null }
}

function withClock(date: YearMonthDay | null, text: string): Moment | null {
  const parsed = parseClock(text)
  if (parsed === null) return null
  const { clock, zone } = parsed
  const moment: Moment = { ...empty, date, clock }
  if (zone === 0) return moment
  const time = timeOf(moment)
  return time === null ? null : { ...empty, time: time - zone * 60_000 }
}

function parseClock(text: string): { clock: Clock; zone: number } | null {
  const match = CLOCK.exec(text)
  if (match === null) return null
  const [, hours, minutes, seconds, digits, rest = ''] = match
  const [hour, minute, whole] = [Number(hours), Number(minutes), Number(seconds ?? 0)]
  if (hour > 24 || minute > 59 || whole > 59) return null
  // Summed up as SQLite does, which rounds otherwise than the decimal number.
  const fraction = digits === undefined ? 0 : Number(digits) / 10 ** digits.length
  const clock = { hour, minute, second: whole + fraction }
  if (/^[\t-\r ]*$/.test(rest)) return { clock, zone: 0 }
  const zone = ZONE.exec(rest)
  if (zone === null || Number(zone[2] ?? 0) > 14 || Number(zone[3] ?? 0) > 59) return null
  if (zone[4] !== undefined) return { clock, zone: 0 }
  const offset = Number(zone[2]) * 60 + Number(zone[3])
  return { clock, zone: zone[1] === '-' ? -offset : offset }
}

/** Null where the moment is outside of the calendar. */
function timeOf({ time, date, clock, number }: Moment): number | null {
  if (time !== null) return time
  if (number !== null) return null
  let { year, month, day } = date ?? { year: 2000, month: 1, day: 1 }
  if (year < -4713 || year > 9999) return null
  if (month <= 2) {
    year--
    month += 12
  }
  const century = Math.trunc(year / 100)
  const leap = 2 - century + Math.trunc(century / 4)
  const days = Math.trunc((36525 * (year + 4716)) / 100) + Math.trunc((306001 * (month + 1)) / 10000)
  const noon = Math.trunc((days + day + leap - 1524.5) * DAY)
  return clock === null
    ? noon
    : noon + clock.hour * 3_600_000 + clock.minute * 60_000 + Math.trunc(clock.second * 1000 + 0.5)
}

function dateOf(moment: Moment, time: number): YearMonthDay {
  if (moment.date !== null) return moment.date
  if (moment.time === null && moment.number === null) return { year: 2000, month: 1, day: 1 }
  const days = Math.trunc((time + HALF_DAY) / DAY)
  const century = Math.trunc((days - 1867216.25) / 36524.25)
  const a = days + 1 + century - Math.trunc(century / 4)
  const b = a + 1524
  const c = Math.trunc((b - 122.1) / 365.25)
  const d = Math.trunc((36525 * (c & 32767)) / 100)
  const e = Math.trunc((b - d) / 30.6001)
  const month = e < 14 ? e - 1 : e - 13
  return { year: month > 2 ? c - 4716 : c - 4715, month, day: b - d - Math.trunc(30.6001 * e) }
}

function clockOf(moment: Moment, time: number): Clock {
  if (moment.clock !== null) return moment.clock
  const inDay = (time + HALF_DAY) % DAY
  const minutes = Math.trunc(inDay / 60_000)
  return { hour: Math.trunc(minutes / 60), minute: minutes % 60, second: (inDay % 60_000) / 1000 }
}

const at = (time: number, fine: boolean): Moment => ({ ...empty, time, fine })

/** By unit: its seconds, and how many of it SQLite adds at most. */
const UNITS: Readonly<Record<string, readonly [seconds: number, limit: number]>> = {
  second: [1, 4.6427e14],
  minute: [60, 7.7379e12],
  hour: [3600, 1.2897e11],
  day: [86_400, 5373485],
  month: [2_592_000, 176546],
  year: [31_536_000, 14713],
}

function modify(moment: Moment, cell: Cell, first: boolean): Result<Moment> {
  const text = toPlainText(cell)
  if (typeof text !== 'string') return text
  const modifier = text.toLowerCase()
  const { number, fine } = moment
  switch (modifier) {
    case 'localtime':
    case 'utc':
      return UNKNOWN
    case 'subsec':
    case 'subsecond':
      return { ...moment, fine: true }
    case 'auto':
      if (!first) return null
      if (number === null || moment.time !== null) return { ...moment, number: null }
      return number >= -210866760000 && number <= 253402300799 ? ofUnixTime(number, fine) : moment
    case 'julianday':
      return first && number !== null && moment.time !== null ? { ...moment, number: null } : null
    case 'unixepoch':
      return first && number !== null ? ofUnixTime(number, fine) : null
  }
  const time = timeOf(moment)
  // What goes through the calendar must be within it.
  const outside = time !== null && (time < 0 || time > LAST) && moment.date === null
  const start = /^start of (day|month|year)$/.exec(modifier)
  if (start !== null) {
    if (outside || (time === null && moment.date === null && moment.clock === null)) return null
    const date = time === null ? moment.date : dateOf(moment, time)
    if (date === null) return null
    const { year, month, day } = date
    const from = { year, month: start[1] === 'year' ? 1 : month, day: start[1] === 'day' ? day : 1 }
    return { ...empty, date: from, clock: { hour: 0, minute: 0, second: 0 }, fine }
  }
  if (time === null) return null
  const weekday = /^weekday (.*)$/s.exec(modifier)
  if (weekday !== null) {
    const wanted = toReal(numeralOf(weekday[1] as string) ?? -1)
    if (outside || typeof wanted !== 'number' || !Number.isInteger(wanted) || wanted < 0 || wanted > 6)
      return null
    let today = Math.trunc((time + 1.5 * DAY) / DAY) % 7
    if (today > wanted) today -= 7
    return at(time + (wanted - today) * DAY, fine)
  }
  return /^[-+\d]/.test(modifier) ? shift(moment, time, modifier) : null
}

function ofUnixTime(seconds: number, fine: boolean): Moment | null {
  const time = seconds * 1000 + UNIX_EPOCH
  return time >= 0 && time < LAST + 1 ? at(Math.trunc(time + 0.5), fine) : null
}

/** `+1.5 days`, `-01:30`. */
function shift(moment: Moment, time: number, modifier: string): Result<Moment> {
  const { fine } = moment
  const clock = /^[+-]?\d*:/.test(modifier) ? parseClock(modifier.replace(/^[+-]/, '')) : null
  if (clock !== null) {
    const { hour, minute, second } = clock.clock
    if (clock.zone !== 0) return UNKNOWN
    const span = (hour * 3_600_000 + minute * 60_000 + Math.trunc(second * 1000 + 0.5)) % DAY
    return at(modifier.startsWith('-') ? time - span : time + span, fine)
  }
  const match = /^([^\t-\r :]*)[\t-\r ]*(.*?)s?$/s.exec(modifier)
  if (match === null || modifier.includes(':')) return null
  const [, size = '', name = ''] = match
  // A span of years, months and days in one.
  if (/^[+-]\d{4,5}-/.test(size)) return UNKNOWN
  const amount = toReal(numeralOf(size) ?? null)
  const unit = Object.hasOwn(UNITS, name) ? UNITS[name] : undefined
  if (amount === null || unit === undefined) return null
  if (amount === UNKNOWN) return UNKNOWN
  const [seconds, limit] = unit
  if (Math.abs(amount) >= limit) return null
  const rounder = amount < 0 ? -0.5 : 0.5
  if (name !== 'month' && name !== 'year')
    return at(time + Math.trunc(amount * 1000 * seconds + rounder), fine)
  if (moment.date === null && (time < 0 || time > LAST)) return null
  const whole = Math.trunc(amount)
  let { year, month, day } = dateOf(moment, time)
  if (name === 'year') year += whole
  else {
    const months = month - 1 + whole
    year += Math.floor(months / 12)
    month = (((months % 12) + 12) % 12) + 1
  }
  const moved = timeOf({ ...empty, date: { year, month, day }, clock: clockOf(moment, time) })
  return moved === null ? null : at(moved + Math.trunc((amount - whole) * 1000 * seconds + rounder), fine)
}

/** A date function: what it makes of a moment, after the modifiers. */
const ofMoment =
  (show: (moment: Moment, time: number) => Cell) =>
  (...cells: readonly Cell[]): Cell => {
    const [first, ...modifiers] = cells
    if (first === undefined) return UNKNOWN
    let moment = parse(first)
    for (const [i, modifier] of modifiers.entries()) {
      if (moment === null || moment === UNKNOWN) return moment
      moment = modify(moment, modifier, i === 0)
    }
    if (moment === null || moment === UNKNOWN) return moment
    const time = timeOf(moment)
    return time === null || time < 0 || time > LAST ? null : show(moment, time)
  }

const pad = (value: number, width = 2) => String(value).padStart(width, '0')

function showDate(moment: Moment, time: number): string {
  const { year, month, day } = dateOf(moment, time)
  return `${year < 0 ? '-' : ''}${pad(Math.abs(year), 4)}-${pad(month)}-${pad(day)}`
}

function showClock(moment: Moment, time: number): string {
  const { hour, minute, second } = clockOf(moment, time)
  const start = `${pad(hour)}:${pad(minute)}`
  if (!moment.fine) return `${start}:${pad(Math.trunc(second))}`
  const thousandths = Math.trunc(1000 * second + 0.5)
  return `${start}:${pad(Math.trunc(thousandths / 1000))}.${pad(thousandths % 1000, 3)}`
}

const weekdayOf = (time: number) => Math.trunc((time + 1.5 * DAY) / DAY) % 7

function dayOfYear(moment: Moment, time: number): number {
  const { year } = dateOf(moment, time)
  const start = timeOf({ ...empty, date: { year, month: 1, day: 1 }, clock: clockOf(moment, time) }) as number
  return Math.trunc((time - start + HALF_DAY) / DAY)
}

const unixTime = (time: number) => Math.trunc(time / 1000) - UNIX_EPOCH / 1000

/** By letter, what strftime puts for %letter; undefined where that is for SQLite to say. */
const LETTERS: Readonly<Record<string, (moment: Moment, time: number, clock: Clock) => string | Unknown>> = {
  d: (moment, time) => pad(dateOf(moment, time).day),
  e: (moment, time) => String(dateOf(moment, time).day).padStart(2),
  f: (_moment, _time, { second }) => {
    const text = printFixed(Math.min(second, 59.999), 3)
    return text === UNKNOWN ? text : text.padStart(6, '0')
  },
  F: showDate,
  H: (_moment, _time, { hour }) => pad(hour),
  I: (_moment, _time, { hour }) => pad(hour % 12 || 12),
  j: (moment, time) => pad(dayOfYear(moment, time) + 1, 3),
  J: (_moment, time) => String(Number((time / DAY).toPrecision(16))),
  k: (_moment, _time, { hour }) => String(hour).padStart(2),
  l: (_moment, _time, { hour }) => String(hour % 12 || 12).padStart(2),
  m: (moment, time) => pad(dateOf(moment, time).month),
  M: (_moment, _time, { minute }) => pad(minute),
  p: (_moment, _time, { hour }) => (hour >= 12 ? 'PM' : 'AM'),
  P: (_moment, _time, { hour }) => (hour >= 12 ? 'pm' : 'am'),
  R: (_moment, _time, { hour, minute }) => `${pad(hour)}:${pad(minute)}`,
  s: (moment, time) => (moment.fine ? UNKNOWN : String(unixTime(time))),
  S: (_moment, _time, { second }) => pad(Math.trunc(second)),
  T: (moment, time) => showClock({ ...moment, fine: false }, time),
  u: (_moment, time) => String(weekdayOf(time) || 7),
  w: (_moment, time) => String(weekdayOf(time)),
  W: (moment, time) => {
    const monday = Math.trunc((time + HALF_DAY) / DAY) % 7
    return pad(Math.trunc((dayOfYear(moment, time) + 7 - monday) / 7))
  },
  Y: (moment, time) => {
    const { year } = dateOf(moment, time)
    return year < 0 ? UNKNOWN : pad(year, 4)
  },
  '%': () => '%',
}

function strftime(format: Cell, ...cells: readonly Cell[]): Cell {
  const text = toPlainText(format)
  if (typeof text !== 'string') return text
  return ofMoment((moment, time) => {
    const clock = clockOf(moment, time)
    let result = ''
    for (let i = 0; i < text.length; i++) {
      if (text[i] !== '%') {
        result += text[i]
        continue
      }
      const letter = text[++i] ?? ''
      const part = Object.hasOwn(LETTERS, letter) ? LETTERS[letter]?.(moment, time, clock) : undefined
      if (part === undefined) return null
      if (part === UNKNOWN) return UNKNOWN
      result += part
    }
    return result
  })(...cells)
}

export const DATE_FUNCTIONS: Functions = {
  date: [1, 127, ofMoment(showDate)],
  time: [1, 127, ofMoment(showClock)],
  datetime: [1, 127, ofMoment((moment, time) => `${showDate(moment, time)} ${showClock(moment, time)}`)],
  julianday: [1, 127, ofMoment((_, time) => real(time / DAY))],
  unixepoch: [
    1,
    127,
    ofMoment(({ fine }, time) => (fine ? real((time - UNIX_EPOCH) / 1000) : unixTime(time))),
  ],
  strftime: [2, 127, strftime],
}
