// Numbers as text: every number is a double, written as C writes %.14g (but infinities without sign,
// as the interpreter that is followed does) and read with C's prefixes for octal and hexadecimal.

const DECIMAL = /^[ \t\n\v\f\r]*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)[ \t\n\v\f\r]*$/
const HEXADECIMAL = /^[ \t\n\v\f\r]*([+-]?)0[xX]([\da-fA-F]+)[ \t\n\v\f\r]*$/
const INTEGER = /^(-?)0(?:[xX]([\da-fA-F]+)|([0-7]*))[ \t\n\v\f\r]*$/

/** The text of a number in tostring, `..` and print. */
export function numberToText(value: number): string {
  if (Number.isInteger(value) && value < 1e14 && value > -1e14) {
    return value === 0 && 1 / value < 0 ? '-0' : String(value)
  }
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return 'inf'
  return formatGeneral(value, 14, false)
}

/**
 * The number that a text stands for, or undefined. What begins with 0 or -0, unless a dot follows,
 * is an octal or hexadecimal integer and nothing else; leading blanks or a plus make it decimal.
 */
export function textToNumber(text: string): number | undefined {
  if (/^-?0(?!\.)/.test(text)) {
    const [whole, sign, hexadecimal, octal] = INTEGER.exec(text) ?? []
    if (whole === undefined) return undefined
    const value = hexadecimal !== undefined ? parseInt(hexadecimal, 16) : parseInt(`0${octal}`, 8)
    return sign ? -value : value
  }
  const decimal = DECIMAL.exec(text)?.[1]
  if (decimal !== undefined) return Number(decimal)
  const [, sign, digits] = HEXADECIMAL.exec(text) ?? []
  if (digits === undefined) return undefined
  return sign === '-' ? -parseInt(digits, 16) : parseInt(digits, 16)
}

/** C's %g of a finite number with a precision of at least 1; `alternate` keeps trailing zeros. */
export function formatGeneral(value: number, precision: number, alternate: boolean): string {
  if (value === 0) {
    const zero = alternate && precision > 1 ? (0).toFixed(precision - 1) : '0'
    return 1 / value < 0 ? `-${zero}` : zero
  }
  const [mantissa = '', exponentText = '0'] = formatExponent(value, precision - 1).split('e')
  const exponent = Number(exponentText)
  const trim = (digits: string): string =>
    alternate || !digits.includes('.') ? digits : digits.replace(/\.?0+$/, '')
  if (exponent < -4 || exponent >= precision) return `${trim(mantissa)}e${exponentText}`
  return trim(formatFixed(value, precision - 1 - exponent))
}

/** C's %e of a finite number: an exponent of at least two digits, halves rounded to even. */
export function formatExponent(value: number, precision: number): string {
  const digits = Math.min(precision, 100)
  let text = value.toExponential(digits)
  if (digits < 75) text = halfToEven(text, value.toExponential(digits + 25), digits)
  const [mantissa = '', exponent = '+0'] = text.split('e')
  const sign = value === 0 && 1 / value < 0 ? '-' : ''
  return `${sign}${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`
}

/** C's %f of a finite number of any size, halves rounded to even. */
export function formatFixed(value: number, precision: number): string {
  const sign = value < 0 || (value === 0 && 1 / value < 0) ? '-' : ''
  const size = Math.abs(value)
  if (size >= 1e21)
    return sign + BigInt(size).toString() + (precision > 0 ? `.${'0'.repeat(precision)}` : '')
  const text = size.toFixed(precision)
  return sign + (precision < 75 ? halfToEven(text, size.toFixed(precision + 25), precision) : text)
}

// JavaScript rounds a half away from zero, C to the even digit. `longer` shows whether it was a half.
function halfToEven(text: string, longer: string, precision: number): string {
  const [digits = '', exponent] = longer.split('e')
  const tail = digits.slice(digits.length - 25)
  if (tail[0] !== '5' || /[^0]/.test(tail.slice(1))) return text
  const kept = digits.slice(0, digits.length - 25)
  const down = precision === 0 ? kept.replace(/\.$/, '') : kept
  if (Number(down.at(-1)) % 2 !== 0) return text
  return exponent === undefined ? down : `${down}e${exponent}`
}
