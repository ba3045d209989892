// Header fields as slices of a message (RFC 5322 §2.2, §3.6.8). Any bytes split, and joined again they
// are the same bytes; whether they make sense is for others to judge. Names and values are byte
// strings. A line ends at LF; the lines of a message are CRLF-canonical before they come here.
import { endOfBlanks, isBlank, trimBlanks } from './blank.ts'

export interface Field {
  /** The name in lower case; `''` for a line that is no field. */
  readonly key: string
  /** The whole field with its folding and final CRLF: a view of the message where unchanged. */
  readonly bytes: Buffer
  /** Made for one copy: no other will have the same. */
  readonly isOwn?: true
}

export interface Split {
  readonly fields: readonly Field[]
  /** The empty line, or no octets when there is none. */
  readonly separator: Buffer
  readonly body: Buffer
}

const TAB = 9
const LF = 10
const CR = 13
const SPACE = 32
const COLON = 58

/** RFC 5322 §2.1.1: what a line should and what it must not exceed, without CRLF. */
const PREFERRED_LINE = 78
const LONGEST_LINE = 998

/** All parts are views of `bytes`; concatenated in order they are `bytes`. */
export function splitHeader(bytes: Buffer): Split {
  const fields: Field[] = []
  let at = 0
  while (at < bytes.length) {
    const emptyLine = emptyLineLength(bytes, at)
    if (emptyLine) {
      const start = at + emptyLine
      return { fields, separator: bytes.subarray(at, start), body: bytes.subarray(start) }
    }
    const end = endOfField(bytes, at)
    fields.push({ key: keyAt(bytes, at, end), bytes: bytes.subarray(at, end) })
    at = end
  }
  return { fields, separator: bytes.subarray(at), body: bytes.subarray(at) }
}

/** The name as written; `''` for a line that is no field. */
export function fieldName(field: Field): string {
  return field.bytes.toString('latin1', 0, field.key.length)
}

/** Unfolded (each CRLF with the blanks after it becomes one space) and trimmed of blanks. */
export function fieldValue(field: Field): string {
  const raw = rawValue(field)
  return trimBlanks(raw.includes('\n') ? raw.replace(/\r?\n[ \t]*/g, ' ') : raw)
}

/** Everything after the colon, folding kept, without the final CRLF. */
export function rawValue(field: Field): string {
  const { key, bytes } = field
  let end = bytes.length
  if (bytes[end - 1] === LF) end -= bytes[end - 2] === CR ? 2 : 1
  // Obsolete syntax allows blanks between the name and its colon (RFC 5322 §4.5).
  return bytes.toString('latin1', key ? bytes.indexOf(COLON, key.length) + 1 : 0, end)
}

/**
 * A field of one's own. Line ends and NUL in the value become a space, so that a value can never
 * begin another field. Folds at single spaces, so that `fieldValue` gives the value back; a line of
 * more than 998 octets without any is cut. Throws when `isFieldName(name)` is false.
 */
export function makeField(name: string, value: string): Field {
  if (!isFieldName(name)) throw new RangeError(`not a field name: ${JSON.stringify(name)}`)
  const line = oneLine(value)
  const text = line ? `${name}: ${fold(line, name.length + 2)}\r\n` : `${name}:\r\n`
  return { key: name.toLowerCase(), bytes: Buffer.from(text, 'latin1') }
}

/**
 * A value on one line: line ends and NUL become a space, blanks around it go. To be done before it is
 * encoded, or these would be hidden in encoded words.
 */
export function oneLine(value: string): string {
  return trimBlanks(value.replace(/[\r\n\0]+[ \t]*/g, ' '))
}

/** Printable ASCII without blank and colon, short enough to stand before a value on one line. */
export function isFieldName(name: string): boolean {
  return name.length < 900 && /^[!-9;-~]+$/.test(name)
}

function emptyLineLength(bytes: Buffer, at: number): number {
  if (bytes[at] === LF) return 1
  return bytes[at] === CR && bytes[at + 1] === LF ? 2 : 0
}

function endOfField(bytes: Buffer, start: number): number {
  let at = start
  for (;;) {
    const lineEnd = bytes.indexOf(LF, at)
    if (lineEnd < 0) return bytes.length
    at = lineEnd + 1
    if (bytes[at] !== SPACE && bytes[at] !== TAB) return at
  }
}

function keyAt(bytes: Buffer, start: number, end: number): string {
  let at = start
  while (at < end && isNameOctet(bytes[at])) at++
  const nameEnd = at
  while (at < end && (bytes[at] === SPACE || bytes[at] === TAB)) at++
  if (nameEnd === start || bytes[at] !== COLON || at >= end) return ''
  return bytes.toString('latin1', start, nameEnd).toLowerCase()
}

function isNameOctet(octet = 0): boolean {
  return octet > SPACE && octet < 127 && octet !== COLON
}

/** `used` is what already stands on the first line. */
function fold(value: string, used: number): string {
  if (used + value.length <= PREFERRED_LINE) return value
  const lines: string[] = []
  let start = 0
  let room = PREFERRED_LINE - used
  while (value.length - start > room) {
    const at = breakAfter(value, start, room, LONGEST_LINE - (PREFERRED_LINE - room))
    if (at === value.length) break
    lines.push(value.slice(start, at))
    // A cut inside a word brings a space into the value; there is no other way to keep the limit.
    start = endOfBlanks(value, at)
    room = PREFERRED_LINE - 1
  }
  lines.push(value.slice(start))
  return lines.join('\r\n ')
}

/** The last single space within `room`, else the first one after it, else `most` octets on. */
function breakAfter(value: string, start: number, room: number, most: number): number {
  for (let at = start + Math.max(room, 0); at > start; at--) if (isSingleSpace(value, at)) return at
  const limit = Math.min(value.length, start + most)
  for (let at = start + Math.max(room, 0) + 1; at < limit; at++) {
    if (isSingleSpace(value, at)) return at
  }
  return limit
}

function isSingleSpace(value: string, at: number): boolean {
  return (
    value[at] === ' ' &&
    !isBlank(value.charCodeAt(at - 1)) &&
    at + 1 < value.length &&
    !isBlank(value.charCodeAt(at + 1))
  )
}
