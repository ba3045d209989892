// os.date's formats: C's strftime in the C locale, in local time or UTC.

export interface DateFields {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly min: number
  readonly sec: number
  /** Sunday is 1. */
  readonly wday: number
  /** The first of January is 1. */
  readonly yday: number
  readonly isdst: boolean
}

/** The fields of a time in epoch seconds. */
export function dateFields(seconds: number, utc: boolean): DateFields {
  const date = new Date(Math.floor(seconds) * 1000)
  // Shifted so that the UTC getters give local fields.
  const shown = utc ? date : new Date(date.getTime() - date.getTimezoneOffset() * 60_000)
  const year = shown.getUTCFullYear()
  const midnight = Date.UTC(year, shown.getUTCMonth(), shown.getUTCDate())
  return {
    year,
    month: shown.getUTCMonth() + 1,
    day: shown.getUTCDate(),
    hour: shown.getUTCHours(),
    min: shown.getUTCMinutes(),
    sec: shown.getUTCSeconds(),
    wday: shown.getUTCDay() + 1,
    yday: Math.round((midnight - Date.UTC(year, 0, 1)) / 86_400_000) + 1,
    isdst: !utc && isDaylightSaving(seconds),
  }
}

/** Whether local time is advanced at a time in epoch seconds. */
export function isDaylightSaving(seconds: number): boolean {
  const date = new Date(seconds * 1000)
  const offsets = [0, 6].map((month) => new Date(date.getFullYear(), month, 1).getTimezoneOffset())
  return date.getTimezoneOffset() < Math.max(...offsets)
}

/** A time formatted; an unknown conversion is left as it stands. */
export function formatDate(format: string, seconds: number, utc: boolean): string {
  const fields = dateFields(seconds, utc)
  const expand = (text: string): string =>
    text.replace(/%(.)/gs, (whole, conversion: string) => {
      const composite = COMPOSITES[conversion]
      if (composite !== undefined) return expand(composite)
      return CONVERSIONS[conversion]?.(fields, seconds, utc) ?? whole
    })
  return expand(format)
}

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

const COMPOSITES: Readonly<Record<string, string>> = {
  c: '%a %b %e %H:%M:%S %Y',
  D: '%m/%d/%y',
  F: '%Y-%m-%d',
  h: '%b',
  r: '%I:%M:%S %p',
  R: '%H:%M',
  T: '%H:%M:%S',
  x: '%m/%d/%y',
  X: '%H:%M:%S',
}

type Conversion = (fields: DateFields, seconds: number, utc: boolean) => string

const pad = (value: number, width = 2, fill = '0'): string => String(value).padStart(width, fill)
const dayName = (fields: DateFields): string => DAYS[fields.wday - 1] ?? ''
const monthName = (fields: DateFields): string => MONTHS[fields.month - 1] ?? ''
const week = (fields: DateFields, firstDay: number): number =>
  Math.floor((fields.yday + 6 - ((fields.wday - 1 - firstDay + 7) % 7)) / 7)

const CONVERSIONS: Readonly<Record<string, Conversion>> = {
  '%': () => '%',
  n: () => '\n',
  t: () => '\t',
  a: (f) => dayName(f).slice(0, 3),
  A: dayName,
  b: (f) => monthName(f).slice(0, 3),
  B: monthName,
  C: (f) => pad(Math.floor(f.year / 100)),
  d: (f) => pad(f.day),
  e: (f) => pad(f.day, 2, ' '),
  H: (f) => pad(f.hour),
  I: (f) => pad(((f.hour + 11) % 12) + 1),
  j: (f) => pad(f.yday, 3),
  k: (f) => pad(f.hour, 2, ' '),
  l: (f) => pad(((f.hour + 11) % 12) + 1, 2, ' '),
  m: (f) => pad(f.month),
  M: (f) => pad(f.min),
  p: (f) => (f.hour < 12 ? 'AM' : 'PM'),
  P: (f) => (f.hour < 12 ? 'am' : 'pm'),
  s: (_, seconds) => String(Math.floor(seconds)),
  S: (f) => pad(f.sec),
  u: (f) => String(f.wday === 1 ? 7 : f.wday - 1),
  U: (f) => pad(week(f, 0)),
  w: (f) => String(f.wday - 1),
  W: (f) => pad(week(f, 1)),
  G: (f) => String(isoWeek(f)[0]),
  g: (f) => pad(isoWeek(f)[0] % 100),
  V: (f) => pad(isoWeek(f)[1]),
  y: (f) => pad(f.year % 100),
  Y: (f) => String(f.year),
  z: (_, seconds, utc) => offsetText(utc ? 0 : -new Date(seconds * 1000).getTimezoneOffset()),
  Z: (_, seconds, utc) => (utc ? 'GMT' : zoneName(seconds)),
}

function isoWeek({ year, wday, yday }: DateFields): [year: number, week: number] {
  const weekday = wday === 1 ? 7 : wday - 1
  const number = Math.floor((yday - weekday + 10) / 7)
  if (number < 1) return [year - 1, weeksIn(year - 1)]
  return number > weeksIn(year) ? [year + 1, 1] : [year, number]
}

// A year has 53 ISO weeks when it begins or ends on a Thursday.
function weeksIn(year: number): number {
  const thursday = 4
  const first = new Date(Date.UTC(year, 0, 1)).getUTCDay()
  const last = new Date(Date.UTC(year, 11, 31)).getUTCDay()
  return first === thursday || last === thursday ? 53 : 52
}

function offsetText(minutes: number): string {
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}${pad(size % 60)}`
}

// The English of a region knows the names of its zones.
const LANGUAGES: Readonly<Record<string, string>> = {
  Africa: 'en-ZA',
  Australia: 'en-AU',
  Europe: 'en-GB',
  Pacific: 'en-NZ',
}
const NAMES: Readonly<Record<string, string>> = {
  'Asia/Hong_Kong': 'HKT',
  'Asia/Calcutta': 'IST',
  'Asia/Kolkata': 'IST',
  'Asia/Seoul': 'KST',
  'Asia/Shanghai': 'CST',
  'Asia/Tokyo': 'JST',
  'Europe/Moscow': 'MSK',
}

// A zone without a name of its own is called by its offset.
function zoneName(seconds: number): string {
  const date = new Date(seconds * 1000)
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions()
  const language = LANGUAGES[timeZone.split('/')[0] ?? ''] ?? 'en-US'
  const parts = new Intl.DateTimeFormat(language, { timeZoneName: 'short' }).formatToParts(date)
  const name = NAMES[timeZone] ?? parts.find(({ type }) => type === 'timeZoneName')?.value
  if (name !== undefined && !/\d/.test(name)) return name
  return offsetText(-date.getTimezoneOffset()).replace(/00$/, '')
}
