// string.format: flags, width and precision as in C; numbers are truncated to 64-bit integers for the
// integer conversions, as the interpreter that is followed casts them.

import { formatExponent, formatFixed, formatGeneral } from './number.ts'
import { toInt64 } from './bitwise.ts'

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
      return pad(String.fromCharCode(value & 255), { ...parsed, zero: false })
    case 'd':
    case 'i':
      return formatInteger(parsed, toInt64(value))
    case 'u':
      return formatUnsigned(parsed, value, 10, '')
    case 'o':
      return formatUnsigned(parsed, value, 8, parsed.alternate ? '0' : '')
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
  const cut = parsed.precision === undefined ? text : text.slice(0, parsed.precision)
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
  const digits = (value < 0n ? -value : value).toString().padStart(spec.precision ?? 1, '0')
  const zero = spec.zero && spec.precision === undefined
  return pad(signOf(spec, value < 0n) + digits, { ...spec, zero })
}

function formatUnsigned(spec: Spec, value: number, base: number, prefix: string): string {
  const unsigned = BigInt.asUintN(64, toInt64(value))
  const digits = unsigned.toString(base).padStart(spec.precision ?? 1, '0')
  const zero = spec.zero && spec.precision === undefined
  return pad((unsigned === 0n ? '' : prefix) + digits, { ...spec, zero })
}

function formatDouble(spec: Spec, conversion: string, value: number): string {
  const lower = conversion.toLowerCase()
  const upper = (text: string): string => (conversion === lower ? text : text.toUpperCase())
  if (!Number.isFinite(value)) {
    const word = Number.isNaN(value) ? 'nan' : 'inf'
    return pad(signOf(spec, value < 0) + upper(word), { ...spec, zero: false })
  }
  const precision = spec.precision ?? 6
  const negative = value < 0 || (value === 0 && 1 / value < 0)
  const size = Math.abs(value)
  let text: string
  if (lower === 'e') text = formatExponent(size, precision)
  else if (lower === 'f') text = formatFixed(size, precision)
  else text = formatGeneral(size, Math.max(precision, 1), spec.alternate)
  if (spec.alternate && precision === 0 && !text.includes('.')) text = text.replace(/^\d+/, '$&.')
  return pad(signOf(spec, negative) + upper(text), spec)
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
