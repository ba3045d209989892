// string.format: flags, width and precision as in C; numbers are truncated to 64-bit integers for the
// integer conversions, as the interpreter that is followed casts them. As there, a NUL ends what one
// conversion gives, and NaN, whose sign JavaScript does not tell, has the sign of 0/0 on x86: minus.

import { formatExponent, formatFixed, formatGeneral } from './number.ts'
import { toInt64, toUint64 } from './bitwise.ts'

interface Spec {
  readonly left: boolean
  readonly plus: boolean
  readonly space: boolean
  readonly alternate: boolean
  readonly zero: boolean
  readonly width: number
  readonly precision: number | undefined
}

/** One number formatted; `spec` is what stands between the percent sign and the conversion. */
export function formatNumber(spec: string, conversion: string, value: number): string {
  const parsed = parseSpec(spec)
  switch (conversion) {
    case 'c':
      return untilNul(pad(octet(value), { ...parsed, zero: false }))
    case 'd':
    case 'i':
      return formatInteger(parsed, toInt64(value))
    case 'u':
      return formatUnsigned(parsed, value, 10, '')
    case 'o':
      return formatOctal(parsed, value)
    case 'x':
      return formatUnsigned(parsed, value, 16, parsed.alternate ? '0x' : '')
    case 'X':
      return formatUnsigned(parsed, value, 16, parsed.alternate ? '0x' : '').toUpperCase()
    default:
      return formatDouble(parsed, conversion, value)
  }
}

/** A string with width and precision. */
export function formatString(spec: string, text: string): string {
  const parsed = parseSpec(spec)
  const whole = untilNul(text)
  const cut = parsed.precision === undefined ? whole : whole.slice(0, parsed.precision)
  return pad(cut, { ...parsed, zero: false })
}

function parseSpec(spec: string): Spec {
  const [, flags = '', width = '', precision] = /^([-+ #0]*)(\d*)(?:\.(\d*))?/.exec(spec) ?? []
  return {
    left: flags.includes('-'),
    plus: flags.includes('+'),
    space: flags.includes(' '),
    alternate: flags.includes('#'),
    zero: flags.includes('0'),
    width: Number(width),
    precision: precision === undefined ? undefined : Number(precision),
  }
}

function formatInteger(spec: Spec, value: bigint): string {
  const digits = digitsOf(value < 0n ? -value : value, 10, spec)
  const zero = spec.zero && spec.precision === undefined
  return pad(signOf(spec, value < 0n) + digits, { ...spec, zero })
}

function formatUnsigned(spec: Spec, value: number, base: number, prefix: string): string {
  const unsigned = toUint64(value)
  const zero = spec.zero && spec.precision === undefined
  return pad((unsigned === 0n ? '' : prefix) + digitsOf(unsigned, base, spec), { ...spec, zero })
}

// The alternate form of octal numbers begins with 0, where the precision does not see to that.
function formatOctal(spec: Spec, value: number): string {
  const digits = digitsOf(toUint64(value), 8, spec)
  const text = spec.alternate && digits[0] !== '0' ? `0${digits}` : digits
  return pad(text, { ...spec, zero: spec.zero && spec.precision === undefined })
}

// At least as many digits as the precision says; zero with precision 0 has none.
function digitsOf(value: bigint, base: number, { precision = 1 }: Spec): string {
  return value === 0n && precision === 0 ? '' : value.toString(base).padStart(precision, '0')
}

function formatDouble(spec: Spec, conversion: string, value: number): string {
  const lower = conversion.toLowerCase()
  const upper = (text: string): string => (conversion === lower ? text : text.toUpperCase())
  if (!Number.isFinite(value)) {
    const word = Number.isNaN(value) ? 'nan' : 'inf'
    const sign = signOf(spec, value < 0 || Number.isNaN(value))
    return pad(sign + upper(word), { ...spec, zero: false })
  }
  const precision = spec.precision ?? 6
  const negative = value < 0 || (value === 0 && 1 / value < 0)
  const size = Math.abs(value)
  let text: string
  if (lower === 'e') text = formatExponent(size, precision)
  else if (lower === 'f') text = formatFixed(size, precision)
  else text = formatGeneral(size, Math.max(precision, 1), spec.alternate)
  if (spec.alternate && !text.includes('.')) text = text.replace(/^\d+/, '$&.')
  return pad(signOf(spec, negative) + upper(text), spec)
}

// The lowest octet of a 32-bit integer; what does not fit in one is its smallest.
const octet = (value: number): string =>
  String.fromCharCode(Math.abs(value) < 2 ** 31 ? value & 255 : 0)

function untilNul(text: string): string {
  const end = text.indexOf('\0')
  return end < 0 ? text : text.slice(0, end)
}

function signOf(spec: Spec, negative: boolean): string {
  if (negative) return '-'
  if (spec.plus) return '+'
  return spec.space ? ' ' : ''
}

function pad(text: string, spec: Spec): string {
  if (spec.left) return text.padEnd(spec.width)
  if (!spec.zero) return text.padStart(spec.width)
  const [, sign = '', digits = ''] = /^([-+ ]?(?:0[xX])?)(.*)$/s.exec(text) ?? []
  return sign + digits.padStart(spec.width - sign.length, '0')
}
