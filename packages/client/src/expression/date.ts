import { type Cell, plain, real, UNKNOWN, type Unknown } from './cell.ts'
import { toPlainText, toReal } from './convert.ts'
import type { Functions } from './functions.ts'
import { numeralOf, printFixed } from './numeral.ts'

/*
 * SQLite's date and time functions, from year 0 to 9999: beyond, SQLite counts in its own way. `now`, `localtime` and
 * `utc` depend on more than their arguments. Where it is any of these, the answer is UNKNOWN.
 */

const DAY = 86_400_000
/** Noon in Greenwich on 24 November 4714 BC, where Julian days begin, in JS time. */
const FIRST_NOON = -210_866_760_000_000

type Day = readonly [year: number, month: number, day: number]
type Clock = readonly [hour: number, minute: number, second: number]

/** Day and clock are kept as they were written until they are moved: 2023-02-31 and 24:00 are shown like that. */
interface Moment {
  /** In JS time; null where a number is no Julian day, and may yet be a Unix time. */
  readonly time: number | null
  readonly day?: Day
  readonly clock?: Clock
  /** The number that was given, until a modifier has said what it counts. */
  readonly number?: number
  /** Fractions of seconds are shown. */
  readonly fine?: boolean
}

type Result = Moment | null | Unknown

const DATE = /^(-?)(\d{4})-(\d\d)-(\d\d)(?:[\t-\r T]*$|[\t-\r T]*(?=\d))/
const CLOCK = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?[\t-\r ]*(?:([+-])(\d\d):(\d\d)|[zZ])?[\t-\r ]*$/

const utc = ([year, month, day]: Day) => new Date(0).setUTCFullYear(year, month - 1, day)
const at = (time: number, { fine = false }: Moment): Moment => ({ time, fine })

function parse(cell: Cell): Result {
  const value = plain(cell)
  if (typeof value === 'number' || typeof value === 'bigint') return ofNumber(Number(value))
  const text = toPlainText(cell)
  if (typeof text !== 'string') return text
  const date = DATE.exec(text)
  if (date !== null) {
    const day: Day = [Number(date[2]), Number(date[3]), Number(date[4])]
    if (date[1] !== '') return UNKNOWN
    if (day[1] < 1 || day[1] > 12 || day[2] < 1 || day[2] > 31) return null
    const rest = text.slice(date[0].length)
    return rest === '' ? { time: utc(day), day } : withClock(day, rest)
  }
  if (/^(now|subsec|subsecond)$/i.test(text)) return UNKNOWN
  const number = numeralOf(text)
  if (number === undefined) {
    const moment = withClock([2000, 1, 1], text)
    // A clock alone is of 1 January 2000, but what of another day, by its zone or as 24:00, depends on what is asked.
    return moment === null || (moment.clock?.[0] ?? 24) < 24 ? moment : UNKNOWN
  }
  const count = toReal(number)
  return typeof count === 'number' ? ofNumber(count) : count
}

function ofNumber(number: number): Moment {
  const isDay = number >= 0 && number < 5373484.5
  return { number, time: isDay ? Math.trunc(number * DAY + 0.5) + FIRST_NOON : null }
}

function withClock(day: Day, text: string): Moment | null {
  const clock = parseClock(text)
  if (clock === null) return null
  const time = utc(day) + spanOf(clock)
  return clock.zone === 0 ? { time, day, clock: clock.clock } : { time: time - clock.zone * 60_000 }
}

function parseClock(text: string): { clock: Clock; zone: number } | null {
  const match = CLOCK.exec(text)
  if (match === null) return null
  const [, hours, minutes, seconds = 0, digits = '', sign, zoneHours = 0, zoneMinutes = 0] = match
  const [hour, minute, second] = [Number(hours), Number(minutes), Number(seconds)]
  if (hour > 24 || minute > 59 || second > 59 || Number(zoneHours) > 14 || Number(zoneMinutes) > 59)
    return null
  const zone = (Number(zoneHours) * 60 + Number(zoneMinutes)) * (sign === '-' ? -1 : 1)
  // Divided as SQLite does, which rounds otherwise than the decimal number.
  return { clock: [hour, minute, second + Number(digits) / 10 ** digits.length], zone }
}

const spanOf = ({ clock: [hour, minute, second] }: { readonly clock: Clock }) =>
  hour * 3_600_000 + minute * 60_000 + Math.trunc(second * 1000 + 0.5)

function dayOf({ day }: Moment, time: number): Day {
  const date = new Date(time)
  return day ?? [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()]
}

function clockOf({ clock }: Moment, time: number): Clock {
  const date = new Date(time)
  return (
    clock ?? [date.getUTCHours(), date.getUTCMinutes(), (time - Math.floor(time / 60_000) * 60_000) / 1000]
  )
}

/** By unit: its seconds, and how many of it SQLite adds at most. */
const UNITS: Readonly<Record<string, readonly [seconds: number, limit: number]>> = {
  second: [1, 4.6427e14],
  minute: [60, 7.7379e12],
  hour: [3600, 1.2897e11],
  day: [86_400, 5373485],
  month: [2_592_000, 176546],
  year: [31_536_000, 14713],
}

function modify(moment: Moment, cell: Cell, first: boolean): Result {
  const text = toPlainText(cell)
  if (typeof text !== 'string') return text
  const modifier = text.toLowerCase()
  const { number, time } = moment
  switch (modifier) {
    case 'localtime':
    case 'utc':
      return UNKNOWN
    case 'subsec':
    case 'subsecond':
      return { ...moment, fine: true }
    case 'auto':
      if (!first) return null
      return number === undefined || time !== null ? moment : ofUnixTime(number, moment)
    case 'julianday':
      return first && number !== undefined && time !== null ? moment : null
    case 'unixepoch':
      return first && number !== undefined ? ofUnixTime(number, moment) : null
  }
  if (time === null) return null
  const [, start, weekday] = /^(?:start of (day|month|year)|weekday (.*))$/s.exec(modifier) ?? []
  if (start !== undefined) {
    const [year, month, date] = dayOf(moment, time)
    const day: Day = [year, start === 'year' ? 1 : month, start === 'day' ? date : 1]
    return { ...at(utc(day), moment), day, clock: [0, 0, 0] }
  }
  if (weekday !== undefined) {
    const wanted = toReal(numeralOf(weekday) ?? -1)
    if (typeof wanted !== 'number' || !Number.isInteger(wanted) || wanted < 0 || wanted > 6) return null
    return at(time + ((wanted - new Date(time).getUTCDay() + 7) % 7) * DAY, moment)
  }
  return /^[-+\d]/.test(modifier) ? shift(moment, time, modifier) : null
}

/** Beyond the calendar a moment of 'auto' stays what it was, one of 'unixepoch' is none: both are left to SQLite. */
function ofUnixTime(seconds: number, moment: Moment): Result {
  return Math.abs(seconds) < 1e12
    ? at(Math.trunc(seconds * 1000 - FIRST_NOON + 0.5) + FIRST_NOON, moment)
    : UNKNOWN
}

/** `+1.5 days`, `-01:30`. */
function shift(moment: Moment, time: number, modifier: string): Result {
  const back = modifier.startsWith('-')
  if (modifier.includes(':')) {
    const clock = parseClock(modifier.replace(/^[+-]/, ''))
    if (clock === null) return null
    return clock.zone === 0 ? at(time + (back ? -1 : 1) * (spanOf(clock) % DAY), moment) : UNKNOWN
  }
  const [, size = '', name = ''] = /^([^\t-\r ]*)[\t-\r ]*(.*?)s?$/s.exec(modifier) ?? []
  // A span of years, months and days in one.
  if (/^[+-]\d+-/.test(size)) return UNKNOWN
  const amount = toReal(numeralOf(size) ?? null)
  const unit = Object.hasOwn(UNITS, name) ? UNITS[name] : undefined
  if (amount === UNKNOWN) return UNKNOWN
  if (amount === null || unit === undefined || Math.abs(amount) >= unit[1]) return null
  // Months and years are counted by the calendar, what is left of them by their length.
  const whole = name === 'month' || name === 'year' ? Math.trunc(amount) : 0
  const span = Math.trunc((amount - whole) * 1000 * unit[0] + (back ? -0.5 : 0.5))
  if (whole === 0) return at(time + span, moment)
  const [year, month, day] = dayOf(moment, time)
  const moved: Day = name === 'year' ? [year + whole, month, day] : [year, month + whole, day]
  return at(utc(moved) + spanOf({ clock: clockOf(moment, time) }) + span, moment)
}

const isOutside = ({ time }: Moment) =>
  time !== null && !(time >= -62_167_219_200_000 && time < 253_402_300_800_000)

/** A date function: what it makes of a moment, after the modifiers. */
const ofMoment =
  (show: (parts: Parts) => Cell) =>
  (first: Cell = UNKNOWN, ...modifiers: readonly Cell[]): Cell => {
    let moment = parse(first)
    for (let i = 0; ; i++) {
      if (moment === null || moment === UNKNOWN) return moment
      if (isOutside(moment)) return UNKNOWN
      if (i === modifiers.length) return moment.time === null ? null : show(partsOf(moment, moment.time))
      moment = modify(moment, modifiers[i] as Cell, i === 0)
    }
  }

const pad = (value: number, width = 2, sign = '0') => String(value).padStart(width, sign)

/** What can be shown of a moment. */
type Parts = ReturnType<typeof partsOf>

function partsOf(moment: Moment, time: number) {
  const day = dayOf(moment, time)
  const [hour, minute, second] = clockOf(moment, time)
  const seconds = `${pad(hour)}:${pad(minute)}:${pad(Math.trunc(second))}`
  const thousandths = Math.trunc(1000 * second + 0.5)
  return {
    time,
    fine: moment.fine,
    day,
    hour,
    minute,
    second,
    seconds,
    date: `${pad(day[0], 4)}-${pad(day[1])}-${pad(day[2])}`,
    clock: moment.fine
      ? `${pad(hour)}:${pad(minute)}:${pad(Math.trunc(thousandths / 1000))}.${pad(thousandths % 1000, 3)}`
      : seconds,
    weekday: new Date(time).getUTCDay(),
    dayOfYear: (utc(day) - utc([day[0], 1, 1])) / DAY,
  }
}

/** By letter, what strftime puts for %letter. */
const LETTERS: Readonly<Record<string, (parts: Parts) => string | Unknown>> = {
  d: ({ day }) => pad(day[2]),
  e: ({ day }) => pad(day[2], 2, ' '),
  f: ({ second }) => {
    const text = printFixed(Math.min(second, 59.999), 3)
    return text === UNKNOWN ? text : text.padStart(6, '0')
  },
  F: ({ date }) => date,
  H: ({ hour }) => pad(hour),
  I: ({ hour }) => pad(hour % 12 || 12),
  j: ({ dayOfYear }) => pad(dayOfYear + 1, 3),
  J: ({ time }) => String(Number(((time - FIRST_NOON) / DAY).toPrecision(16))),
  k: ({ hour }) => pad(hour, 2, ' '),
  l: ({ hour }) => pad(hour % 12 || 12, 2, ' '),
  m: ({ day }) => pad(day[1]),
  M: ({ minute }) => pad(minute),
  p: ({ hour }) => (hour >= 12 ? 'PM' : 'AM'),
  P: ({ hour }) => (hour >= 12 ? 'pm' : 'am'),
  R: ({ seconds }) => seconds.slice(0, 5),
  s: ({ fine, time }) => (fine ? UNKNOWN : String(Math.floor(time / 1000))),
  S: ({ second }) => pad(Math.trunc(second)),
  T: ({ seconds }) => seconds,
  u: ({ weekday }) => String(weekday || 7),
  w: ({ weekday }) => String(weekday),
  W: ({ dayOfYear, weekday }) => pad(Math.trunc((dayOfYear + 7 - ((weekday + 6) % 7)) / 7)),
  Y: ({ day }) => pad(day[0], 4),
  '%': () => '%',
}

function strftime(format: Cell, ...cells: readonly Cell[]): Cell {
  const text = toPlainText(format)
  if (typeof text !== 'string') return text
  return ofMoment((parts) => {
    let known = true
    let valid = true
    const shown = text.replace(/%(.?)/gs, (_, letter: string) => {
      const part = Object.hasOwn(LETTERS, letter) ? LETTERS[letter]?.(parts) : undefined
      valid &&= part !== undefined
      known &&= part !== UNKNOWN
      return part === UNKNOWN ? '' : (part ?? '')
    })
    return !valid ? null : known ? shown : UNKNOWN
  })(...cells)
}

export const DATE_FUNCTIONS: Functions = {
  date: [1, 127, ofMoment(({ date }) => date)],
  time: [1, 127, ofMoment(({ clock }) => clock)],
  datetime: [1, 127, ofMoment(({ date, clock }) => `${date} ${clock}`)],
  julianday: [1, 127, ofMoment(({ time }) => real((time - FIRST_NOON) / DAY))],
  unixepoch: [1, 127, ofMoment(({ fine, time }) => (fine ? real(time / 1000) : Math.floor(time / 1000)))],
  strftime: [2, 127, strftime],
}
