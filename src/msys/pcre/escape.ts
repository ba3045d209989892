// What follows a backslash, inside and outside of a class (pcrepattern, "Backslash").
import { type CharSet, genericSet, negate, propertySet } from './charset.ts'
import { fail, type Reader, take, takeChar, takeMatch } from './reader.ts'

export type Escape =
  | { readonly kind: 'char'; readonly char: number }
  | { readonly kind: 'set'; readonly set: CharSet }
  | { readonly kind: 'group'; readonly group: number }
  /** One that is no character: `A`, `b`, `K`, `Q` … */
  | { readonly kind: 'special'; readonly letter: string }

const CONTROLS: Readonly<Record<string, number>> = { a: 7, e: 27, f: 12, n: 10, r: 13, t: 9 }

/** Reads on after a backslash. */
export function readEscape(reader: Reader, inClass: boolean): Escape {
  if (reader.at >= reader.text.length) fail(reader, '\\ at end of pattern')
  const start = reader.at
  const char = takeChar(reader)
  const letter = char < 128 ? String.fromCharCode(char) : ''
  if (!/[A-Za-z0-9]/.test(letter)) return { kind: 'char', char }
  const set = genericSet(letter)
  if (set !== undefined) return { kind: 'set', set }
  if (Object.hasOwn(CONTROLS, letter)) return { kind: 'char', char: CONTROLS[letter] ?? 0 }
  switch (letter) {
    case 'x':
      return { kind: 'char', char: readHex(reader) }
    case 'o':
      return { kind: 'char', char: readBraced(reader, /\{([0-7]+)\}/y, 8) }
    case 'c':
      return { kind: 'char', char: readControl(reader) }
    case 'p':
    case 'P':
      return { kind: 'set', set: readProperty(reader, letter === 'P') }
    case 'l':
    case 'L':
    case 'u':
    case 'U':
      return fail(reader, 'PCRE does not support \\L, \\l, \\N{name}, \\U, or \\u')
    default:
      if (letter >= '0' && letter <= '9') return readNumber(reader, start, inClass)
      return readLetter(reader, letter, char, inClass)
  }
}

function readLetter(reader: Reader, letter: string, char: number, inClass: boolean): Escape {
  if (letter === 'Q' || letter === 'E') return { kind: 'special', letter }
  if (!inClass) {
    return 'AbBCgGkKNRXzZ'.includes(letter) ? { kind: 'special', letter } : { kind: 'char', char }
  }
  if (letter === 'b') return { kind: 'char', char: 8 }
  if (letter === 'N') fail(reader, '\\N is not supported in a class')
  return { kind: 'char', char }
}

/** A digit: a group that exists, one of `\1` to `\7`, or an octal number. */
function readNumber(reader: Reader, start: number, inClass: boolean): Escape {
  const first = reader.text.charAt(start)
  if (!inClass && first !== '0') {
    reader.at = start
    const digits = takeMatch(reader, /[0-9]+/y)?.[0] ?? ''
    const group = Number(digits)
    if (group > 65_535 * 100) fail(reader, 'number is too big')
    if (group < 8 || group <= reader.groups) return { kind: 'group', group }
  }
  reader.at = start + 1
  if (first > '7') return { kind: 'char', char: first.charCodeAt(0) }
  reader.at = start
  const octal = parseInt(takeMatch(reader, /[0-7]{1,3}/y)?.[0] ?? '0', 8)
  if (!reader.utf && octal > 255)
    fail(reader, 'octal value is greater than \\377 in 8-bit non-UTF-8 mode')
  return { kind: 'char', char: octal }
}

function readHex(reader: Reader): number {
  if (reader.text.charAt(reader.at) === '{') {
    return readBraced(reader, /\{([0-9A-Fa-f]+)\}/y, 16)
  }
  return parseInt(`0${takeMatch(reader, /[0-9A-Fa-f]{0,2}/y)?.[0] ?? ''}`, 16)
}

function readBraced(reader: Reader, sticky: RegExp, base: number): number {
  const digits = takeMatch(reader, sticky)?.[1]
  if (digits === undefined) {
    if (reader.text.charAt(reader.at) !== '{') fail(reader, 'missing opening brace after \\o')
    takeMatch(reader, base === 16 ? /\{[0-9A-Fa-f]*/y : /\{[0-7]*/y)
    const name = base === 16 ? 'non-hex character in \\x{}' : 'non-octal character in \\o{}'
    fail(reader, `${name} (closing brace missing?)`)
  }
  const char = parseInt(digits, base)
  if (char > 0x10ffff) fail(reader, 'character value in \\x{} or \\o{} is too large', reader.at - 1)
  if (char >= 0xd800 && char < 0xe000) {
    fail(reader, 'disallowed Unicode code point (>= 0xd800 && <= 0xdfff)', reader.at - 1)
  }
  return char
}

function readControl(reader: Reader): number {
  if (reader.at >= reader.text.length) fail(reader, '\\c at end of pattern')
  const char = reader.text.charAt(reader.at++)
  if (char > '\x7f') fail(reader, '\\c must be followed by an ASCII character')
  return char.toUpperCase().charCodeAt(0) ^ 0x40
}

function readProperty(reader: Reader, isNegated: boolean): CharSet {
  const braced = takeMatch(reader, /\{(\^?)([A-Za-z_&]+)\}/y)
  const name = braced?.[2] ?? takeMatch(reader, /[A-Za-z]/y)?.[0]
  if (name === undefined) {
    take(reader, '{')
    fail(reader, 'malformed \\P or \\p sequence')
  }
  const set = propertySet(name)
  if (set === undefined) fail(reader, 'unknown property name after \\P or \\p')
  return isNegated !== (braced?.[1] === '^') ? negate(set) : set
}
