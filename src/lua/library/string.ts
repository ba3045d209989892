// The string library. Strings are worked on as JavaScript strings with a character for each octet: their
// parts share memory and joining them copies nothing, where arrays of octets would be allocated.

import { host, lua, type NativeFunction, type Thread } from '../engine.ts'
import { formatNumber, formatString } from '../format.ts'
import { raise, raiseArgument } from '../raise.ts'
import { find, gmatch, gsub, match, position } from './match.ts'
import {
  chargeSteps,
  intAt,
  integerAt,
  numberAt,
  pushNewText,
  pushNumber,
  pushText,
  textAt,
} from './native.ts'

const { tick } = host

export const STRING_FUNCTIONS: Readonly<Record<string, NativeFunction>> = {
  byte,
  char,
  find,
  format,
  gfind: gmatch,
  gmatch,
  gsub,
  len: (L) => pushNumber(L, textAt(L, 1).length),
  lower: (L) => pushNewText(L, lowerCase(textAt(L, 1))),
  match,
  rep,
  reverse: (L) => pushNewText(L, Buffer.from(textAt(L, 1), 'latin1').reverse().toString('latin1')),
  sub,
  upper: (L) => pushNewText(L, upperCase(textAt(L, 1))),
}

function sub(L: Thread): number {
  const text = textAt(L, 1)
  const { length } = text
  const from = Math.max(position(integerAt(L, 2), length), 1)
  const to = Math.min(position(integerAt(L, 3, -1), length), length)
  return pushText(L, from > to ? '' : text.slice(from - 1, to))
}

function byte(L: Thread): number {
  const text = textAt(L, 1)
  const { length } = text
  const first = position(integerAt(L, 2, 1), length)
  const to = Math.min(position(integerAt(L, 3, first), length), length)
  const from = Math.max(first, 1)
  if (from > to) return 0
  tick.n -= 2 * (to - from)
  if (!lua.lua_checkstack(L, to - from + 1)) return raise(L, 'string slice too long')
  for (let at = from; at <= to; at++) pushNumber(L, text.charCodeAt(at - 1))
  return to - from + 1
}

function char(L: Thread): number {
  const count = lua.lua_gettop(L)
  let text = ''
  for (let n = 1; n <= count; n++) {
    const code = intAt(L, n)
    if (code < 0 || code > 255) return raiseArgument(L, n, 'invalid value')
    text += String.fromCharCode(code)
  }
  return pushNewText(L, text)
}

function rep(L: Thread): number {
  const text = textAt(L, 1)
  const times = intAt(L, 2)
  if (times <= 0 || text === '') return pushText(L, '')
  if (text.length * times > tick.maxString) return raise(L, 'resulting string too large')
  chargeSteps(text.length * times)
  return pushText(L, text.repeat(times))
}

// Case as in C's locale, where no other letters exist.
function lowerCase(text: string): string {
  return isAscii(text) ? text.toLowerCase() : text.replace(/[A-Z]+/g, (run) => run.toLowerCase())
}

function upperCase(text: string): string {
  return isAscii(text) ? text.toUpperCase() : text.replace(/[a-z]+/g, (run) => run.toUpperCase())
}

const isAscii = (text: string): boolean => !/[\x80-\xff]/.test(text)

function format(L: Thread): number {
  const source = textAt(L, 1)
  let text = ''
  let argument = 1
  for (let from = 0; ;) {
    const at = source.indexOf('%', from)
    if (at < 0) return pushNewText(L, text + source.slice(from))
    text += source.slice(from, at)
    if (source[at + 1] === '%') {
      text += '%'
      from = at + 2
      continue
    }
    const end = conversionAt(L, source, at + 1)
    tick.n -= 8
    text += convert(L, ++argument, source.slice(at + 1, end), source[end] ?? '')
    if (text.length > tick.maxString) return raise(L, 'resulting string too large')
    from = end + 1
  }
}

// Where flags, width and precision, which begin at `from`, end.
function conversionAt(L: Thread, source: string, from: number): number {
  const letter = source.charCodeAt(from)
  if (letter >= LETTER_A) return from
  const [, flags = '', spec = '', more] =
    /^([-+ #0]*)(\d{0,2}(?:\.\d{0,2})?)(\d)?/.exec(source.slice(from)) ?? []
  if (flags.length > 5) raise(L, 'invalid format (repeated flags)')
  if (more !== undefined) raise(L, 'invalid format (width or precision too long)')
  return from + flags.length + spec.length
}

const LETTER_A = 65

function convert(L: Thread, argument: number, spec: string, conversion: string): string {
  switch (conversion) {
    case 's': {
      const text = textAt(L, argument)
      const isWhole = text.length >= 100 ? !spec.includes('.') : spec === '' && !text.includes('\0')
      return isWhole ? text : formatString(spec, text)
    }
    case 'd':
    case 'i': {
      const value = numberAt(L, argument)
      return spec === '' && (value | 0) === value
        ? String(value)
        : formatNumber(spec, conversion, value)
    }
    case 'c':
    case 'o':
    case 'u':
    case 'x':
    case 'X':
    case 'e':
    case 'E':
    case 'f':
    case 'g':
    case 'G':
      return formatNumber(spec, conversion, numberAt(L, argument))
    case 'q':
      return quoted(textAt(L, argument))
    default:
      return raise(L, `invalid option '%${conversion.replace('\0', '')}' to 'format'`)
  }
}

// Piece by piece, as a long text of nothing but quotes takes its time.
function quoted(text: string): string {
  let inner = ''
  for (let from = 0; from < text.length; from += PIECE) {
    const piece = text.slice(from, from + PIECE)
    chargeSteps(PIECE * 16)
    inner += piece.replace(/["\\\n\r\0]/g, (sign) =>
      sign === '\r' ? '\\r' : sign === '\0' ? '\\000' : `\\${sign}`,
    )
  }
  return `"${inner}"`
}

const PIECE = 1024
