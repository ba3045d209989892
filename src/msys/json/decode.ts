// Reads JSON as json-c does: comments are skipped, what follows the first value is ignored. Linear in the
// text; one too deep is refused.
import { type JsonNumber, type JsonValue, jsonArray, jsonObject } from './value.ts'

/** By the numbers that policy sees; the names are `json.ERROR_…`. */
export const ERRORS = {
  DEPTH: [2, 'nesting to deep'],
  PARSE_EOF: [3, 'unexpected end of data'],
  PARSE_UNEXPECTED: [4, 'unexpected character'],
  PARSE_NULL: [5, 'null expected'],
  PARSE_BOOLEAN: [6, 'boolean expected'],
  PARSE_NUMBER: [7, 'number expected'],
  PARSE_ARRAY: [8, "array value separator ',' expected"],
  PARSE_OBJECT_KEY_NAME: [9, 'quoted object property name expected'],
  PARSE_OBJECT_KEY_SEP: [10, "object property name separator ':' expected"],
  PARSE_OBJECT_VALUE_SEP: [11, "object value separator ',' expected"],
  PARSE_STRING: [12, 'invalid string sequence'],
  PARSE_COMMENT: [13, 'expected comment'],
} as const

type ErrorName = keyof typeof ERRORS

/** Octets and offsets count from 0. */
export class JsonError extends Error {
  override name = 'JsonError'
  readonly code: number

  constructor(name: ErrorName, offset: number) {
    super(`${ERRORS[name][1]} at offset ${offset}`)
    this.code = ERRORS[name][0]
  }
}

/** Objects and arrays within each other, as json-c allows. */
const DEEPEST = 32

interface Reader {
  readonly text: string
  at: number
}

/** Throws JsonError. */
export function decodeJson(text: string): JsonValue {
  return readValue({ text, at: 0 }, 0)
}

function readValue(reader: Reader, depth: number): JsonValue {
  skipBlanks(reader)
  const { text } = reader
  switch (text.charAt(reader.at)) {
    case '{':
      return readObject(reader, depth)
    case '[':
      return readArray(reader, depth)
    case '"':
    case "'":
      return readString(reader)
    case 't':
    case 'T':
      return readWord(reader, 'true', 'PARSE_BOOLEAN', true)
    case 'f':
    case 'F':
      return readWord(reader, 'false', 'PARSE_BOOLEAN', false)
    case 'n':
    case 'N':
      return readWord(reader, 'null', 'PARSE_NULL', undefined)
    case '':
      return fail(reader, 'PARSE_EOF')
    default:
      return readNumber(reader)
  }
}

function readObject(reader: Reader, depth: number): JsonValue {
  if (depth === DEEPEST) fail(reader, 'DEPTH')
  const object = jsonObject()
  reader.at++
  skipBlanks(reader)
  if (take(reader, '}')) return object
  for (;;) {
    skipBlanks(reader)
    const quote = reader.text.charAt(reader.at)
    if (quote !== '"' && quote !== "'") fail(reader, endOr(reader, 'PARSE_OBJECT_KEY_NAME'))
    const key = readString(reader)
    skipBlanks(reader)
    if (!take(reader, ':')) fail(reader, endOr(reader, 'PARSE_OBJECT_KEY_SEP'))
    object.members.set(key, readValue(reader, depth + 1))
    skipBlanks(reader)
    if (take(reader, '}')) return object
    if (!take(reader, ',')) fail(reader, endOr(reader, 'PARSE_OBJECT_VALUE_SEP'))
  }
}

function readArray(reader: Reader, depth: number): JsonValue {
  if (depth === DEEPEST) fail(reader, 'DEPTH')
  const array = jsonArray()
  reader.at++
  skipBlanks(reader)
  if (take(reader, ']')) return array
  for (;;) {
    array.items.push(readValue(reader, depth + 1))
    skipBlanks(reader)
    if (take(reader, ']')) return array
    if (!take(reader, ',')) fail(reader, endOr(reader, 'PARSE_ARRAY'))
  }
}

const NUMBER = /-?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?/y

function readNumber(reader: Reader): number | JsonNumber {
  NUMBER.lastIndex = reader.at
  const match = NUMBER.exec(reader.text)
  if (match === null) {
    return fail(reader, reader.text.charAt(reader.at) === '-' ? 'PARSE_NUMBER' : 'PARSE_UNEXPECTED')
  }
  const [text, fraction, exponent] = match
  reader.at += text.length
  const value = Number(text)
  if (fraction !== undefined || exponent !== undefined) {
    return Number.isInteger(value) ? { kind: 'number', value, text: fixed(value) } : value
  }
  return Number.isSafeInteger(value) ? value : { kind: 'number', value, text }
}

/** As `%f` prints it, without an exponent however large it is. */
export function fixed(value: number): string {
  if (!Number.isFinite(value)) return 'null'
  return Math.abs(value) < 1e21 ? value.toFixed(6) : `${BigInt(value)}.000000`
}

function readWord<T>(reader: Reader, word: string, error: ErrorName, value: T): T {
  const { text, at } = reader
  for (let i = 0; i < word.length; i++) {
    if (text.charAt(at + i).toLowerCase() === word.charAt(i)) continue
    reader.at = at + i
    fail(reader, endOr(reader, error))
  }
  reader.at = at + word.length
  return value
}

const PLAIN = { '"': /[^"\\]*/y, "'": /[^'\\]*/y } as const

const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  '\\': '\\',
  '/': '/',
  "'": "'",
}

function readString(reader: Reader): string {
  const { text } = reader
  const quote = text.charAt(reader.at++) === '"' ? '"' : "'"
  const plain = PLAIN[quote]
  let value = ''
  for (;;) {
    plain.lastIndex = reader.at
    plain.test(text)
    value += text.slice(reader.at, plain.lastIndex)
    reader.at = plain.lastIndex
    if (reader.at >= text.length) fail(reader, 'PARSE_EOF')
    if (text.charAt(reader.at++) === quote) return value
    const letter = text.charAt(reader.at++)
    const escaped = ESCAPES[letter]
    if (escaped !== undefined) value += escaped
    else if (letter === 'u') value += readCodePoint(reader)
    else {
      reader.at--
      fail(reader, endOr(reader, 'PARSE_STRING'))
    }
  }
}

/** Half of a surrogate pair is U+FFFD. */
function readCodePoint(reader: Reader): string {
  const first = readHex(reader)
  let char = String.fromCharCode(first)
  if (first >= 0xd800 && first < 0xdc00 && reader.text.startsWith('\\u', reader.at)) {
    const start = reader.at
    reader.at += 2
    const second = readHex(reader)
    if (second >= 0xdc00 && second < 0xe000) char += String.fromCharCode(second)
    else reader.at = start
  }
  return Buffer.from(char, 'utf8').toString('latin1')
}

function readHex(reader: Reader): number {
  const digits = /^[0-9A-Fa-f]{0,4}/.exec(reader.text.slice(reader.at, reader.at + 4))?.[0] ?? ''
  reader.at += digits.length
  return digits.length === 4 ? parseInt(digits, 16) : fail(reader, endOr(reader, 'PARSE_STRING'))
}

const BLANKS = /[ \t\r\n\v\f]*/y

function skipBlanks(reader: Reader): void {
  const { text } = reader
  for (;;) {
    if (text.charCodeAt(reader.at) <= 32) {
      BLANKS.lastIndex = reader.at
      BLANKS.test(text)
      if (BLANKS.lastIndex === reader.at) return
      reader.at = BLANKS.lastIndex
    }
    if (text.charAt(reader.at) !== '/') return
    skipComment(reader)
  }
}

function skipComment(reader: Reader): void {
  const { text } = reader
  const isBlock = text.startsWith('/*', reader.at)
  if (!isBlock && !text.startsWith('//', reader.at)) {
    reader.at++
    fail(reader, endOr(reader, 'PARSE_COMMENT'))
  }
  const end = text.indexOf(isBlock ? '*/' : '\n', reader.at + 2)
  reader.at = end < 0 ? text.length : end + (isBlock ? 2 : 1)
}

function take(reader: Reader, expected: string): boolean {
  if (reader.text.charAt(reader.at) !== expected) return false
  reader.at++
  return true
}

function endOr({ text, at }: Reader, error: ErrorName): ErrorName {
  return at >= text.length ? 'PARSE_EOF' : error
}

function fail({ at }: Reader, error: ErrorName): never {
  throw new JsonError(error, at)
}
