// Numbers as text: every number is a double, written as C writes %.14g (but infinities without sign,
// as the interpreter that is followed does) and read with C's prefixes for octal and hexadecimal.

const BLANK = '[ \\t\\n\\v\\f\\r]*'
const INTEGER = new RegExp(`^(-?)0(?:[xX]([\\da-fA-F]+)|([0-7]*))${BLANK}$`)
const DECIMAL = new RegExp(
  `^${BLANK}([+-]?(?:\\d+(?:\\.\\d*)?|\\.\\d+)(?:[eE][+-]?\\d+)?)${BLANK}$`,
)
const HEXADECIMAL = new RegExp(
  `^${BLANK}([+-]?)0[xX](?=\\.?[\\da-fA-F])([\\da-fA-F]*)(?:\\.([\\da-fA-F]*))?(?:[pP]([+-]?\\d+))?${BLANK}$`,
)
const WORD = new RegExp(`^${BLANK}([+-]?)(?:(inf(?:inity)?)|nan(?:\\(\\w*\\))?)${BLANK}$`, 'i')
const LONGEST = 2 ** 63

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
 * The number that a text stands for, or undefined. What begins with 0 or -0, unless a dot follows, is
 * an octal or hexadecimal integer of 64 bits and nothing else. Everything else is C's strtod: leading
 * blanks or a plus make the same digits decimal, and `inf`, `nan` and hexadecimal fractions are numbers.
 * A NUL ends the text.
 */
export function textToNumber(text: string): number | undefined {
  const end = text.indexOf('\0')
  const read = end < 0 ? text : text.slice(0, end)
  if (/^-?0(?!\.)/.test(read)) {
    const [whole, sign, hexadecimal, octal] = INTEGER.exec(read) ?? []
    if (whole === undefined) return undefined
    const value = hexadecimal !== undefined ? parseInt(hexadecimal, 16) : parseInt(`0${octal}`, 8)
    return signed(sign, Math.min(value, LONGEST)) + 0
  }
  const decimal = DECIMAL.exec(read)?.[1]
  return decimal === undefined ? rareNumber(read) : Number(decimal)
}

function rareNumber(text: string): number | undefined {
  const [, sign, whole, fraction = '', exponent = '0'] = HEXADECIMAL.exec(text) ?? []
  if (whole !== undefined) {
    const scale = Number(exponent) - 4 * fraction.length
    return signed(sign, Number(BigInt(`0x${whole}${fraction}`)) * 2 ** scale)
  }
  const [word, wordSign, infinity] = WORD.exec(text) ?? []
  if (word === undefined) return undefined
  return infinity === undefined ? NaN : signed(wordSign, Infinity)
}

/** C's pow: 1 to any power is 1, also to NaN, and -1 to an infinite one. */
export function power(base: number, exponent: number): number {
  if (base === 1) return 1
  if (base === -1 && (exponent === Infinity || exponent === -Infinity)) return 1
  return base ** exponent
}

const signed = (sign: string | undefined, value: number): number => (sign === '-' ? -value : value)

/** C's strtoul with 64 bits, of a whole text: a minus wraps around, what is too large gives the largest. */
export function textToUnsigned(text: string, base: number): number | undefined {
  const [, sign, digits] =
    /^[ \t\n\v\f\r]*([+-]?)([\da-zA-Z]+)[ \t\n\v\f\r]*(?:\0|$)/.exec(text) ?? []
  if (digits === undefined) return undefined
  const bare = base === 16 ? digits.replace(/^0[xX](?=.)/, '') : digits
  const radix = BigInt(base)
  let value = 0n
  for (const digit of bare) {
    const weight = parseInt(digit, 36)
    if (weight >= base) return undefined
    if (value <= MAX_UNSIGNED) value = value * radix + BigInt(weight)
  }
  if (value > MAX_UNSIGNED) return Number(MAX_UNSIGNED)
  return Number(sign === '-' ? BigInt.asUintN(64, -value) : value)
}

const MAX_UNSIGNED = 2n ** 64n - 1n

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
  const scale = digits - Number(text.slice(text.indexOf('e') + 1))
  if (digits < 75 && mayBeHalf(value, scale))
    text = halfToEven(text, value.toExponential(digits + 25), digits)
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
  if (precision >= 75 || !mayBeHalf(size, precision)) return sign + text
  return sign + halfToEven(text, size.toFixed(precision + 25), precision)
}

// A number can lie halfway between two of `digits` decimal places only if it has no more binary places
// than one above that.
function mayBeHalf(value: number, digits: number): boolean {
  return digits < 0 || Number.isInteger(value * 2 ** (digits + 1))
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
