// Dates as mail has them (RFC 5322 §3.3), in UTC.

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** The last one asked for: many messages come in one second. */
let last = { second: Number.NaN, text: '' }

/** `Sat, 21 Nov 2026 11:28:00 +0000`. `ms`: epoch milliseconds. */
export function mailDate(ms: number): string {
  const second = Math.floor(ms / 1000)
  if (second !== last.second) last = { second, text: dateText(second * 1000) }
  return last.text
}

function dateText(ms: number): string {
  const date = new Date(ms)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${DAYS[date.getUTCDay()]}, ${two(date.getUTCDate())} ${MONTHS[date.getUTCMonth()]}`
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(':')
  return `${day} ${date.getUTCFullYear()} ${time} +0000`
}
