// The content of a part without parts: its octets without transfer encoding, its text as UTF-8, and both
// put back. A change of the text touches the lines that differ, in the charset and transfer encoding that
// the part has; only what these cannot hold is written in others.
import { decodeBase64, encodeBase64 } from './base64.ts'
import { fromUtf8, isAsciiCompatible, toUtf8 } from './charset.ts'
import { formatValue } from './contenttype.ts'
import { type Field, makeField } from './field.ts'
import { placeField, removeFields } from './header.ts'
import { canonicalLines, isCanonical, longestLine } from './line.ts'
import { type Description, describeFields } from './part.ts'
import {
  decodeQuotedPrintable,
  encodeQuotedPrintable,
  mapQuotedPrintable,
} from './quotedprintable.ts'

/** Header and content of such a part. */
export interface Leaf {
  readonly fields: readonly Field[]
  readonly content: Buffer
}

/** RFC 5322 §2.1.1, without CRLF. */
const LONGEST_LINE = 998

/** They describe the content as it was. */
const STALE = ['Content-MD5', 'Content-Length']

/** Undefined for a transfer encoding that nobody knows. */
export function decodeContent(content: Buffer, encoding: string): Buffer | undefined {
  if (encoding === 'quoted-printable') return decodeQuotedPrintable(content)
  if (encoding === 'base64') return decodeBase64(content)
  return IDENTITY.has(encoding) ? content : undefined
}

/** UTF-8, whatever the charset; octets as they are where it is unknown. Undefined as above. */
export function readText(content: Buffer, described: Description): string | undefined {
  const octets = decodeContent(content, described.encoding)
  return octets && toUtf8(octets.toString('latin1'), charsetOf(described))
}

/**
 * The leaf with the text `after` where it had `before`, which `readText` has given. Line ends in `after`
 * become CRLF unless an encoded part has others already.
 */
export function replaceText(
  leaf: Leaf,
  described: Description,
  before: string,
  after: string,
): Leaf {
  const octets = decodeContent(leaf.content, described.encoding)
  if (before === after || !octets) return leaf
  const span = changedLines(before, after)
  // Other line ends than CRLF can only hide behind an encoding.
  const keepsLines = octets !== leaf.content && !isCanonical(Buffer.from(before, 'latin1'))
  const lines = (text: string): string => (keepsLines ? text : canonicalText(text))
  const charset = charsetOf(described)
  const place = placeOf(span, before, octets, charset)
  const middle = place && written(lines(after.slice(span.start, span.afterEnd)), octets, charset)
  if (place && middle !== undefined) {
    const change = { ...place, bytes: Buffer.from(middle, 'latin1') }
    return spliced(leaf, described, octets, change)
  }
  const whole = fromUtf8(lines(after), charset)
  const change = {
    start: 0,
    end: octets.length,
    bytes: Buffer.from(whole ?? lines(after), 'latin1'),
  }
  const relabelled = whole === undefined ? labelled(leaf, described, 'utf-8') : leaf
  return spliced(relabelled, described, octets, change)
}

/** The leaf with another text, of `type` (with parameters) and in `charset`. UTF-8 where that fails. */
export function writeText(leaf: Leaf, text: string, type: string, charset = 'utf-8'): Leaf {
  const lines = canonicalText(text)
  const own = charset && fromUtf8(lines, charset)
  const { type: word, parameters } = describeFields([makeField('Content-Type', type)]).type
  const label = new Map(parameters).set('charset', own === undefined ? 'utf-8' : charset || 'utf-8')
  const field = makeField('Content-Type', formatValue(word, label))
  return encoded(placeField(leaf.fields, field), Buffer.from(own || lines, 'latin1'))
}

/** The leaf with other octets, in 7bit where these allow it, else encoded. */
function encoded(fields: readonly Field[], octets: Buffer): Leaf {
  const fresh = STALE.reduce(removeFields, fields)
  if (isPlain(octets)) {
    return { fields: removeFields(fresh, 'Content-Transfer-Encoding'), content: octets }
  }
  // Readable where most of it is; three octets for each of the others is more than base64 needs.
  const isBase64 = countHighOctets(octets) > octets.length / 3
  const encoding = makeField('Content-Transfer-Encoding', isBase64 ? 'base64' : 'quoted-printable')
  return {
    fields: placeField(fresh, encoding),
    content: isBase64 ? endLine(encodeBase64(octets)) : encodeQuotedPrintable(octets),
  }
}

const IDENTITY: ReadonlySet<string> = new Set(['7bit', '8bit', 'binary'])

interface Change {
  readonly start: number
  readonly end: number
  readonly bytes: Buffer
}

function spliced(leaf: Leaf, { encoding }: Description, octets: Buffer, change: Change): Leaf {
  const head = octets.subarray(0, change.start)
  const whole = Buffer.concat([head, change.bytes, octets.subarray(change.end)])
  const fields = STALE.reduce(removeFields, leaf.fields)
  if (encoding === 'quoted-printable') {
    return { fields, content: splicedQuotedPrintable(leaf.content, octets, change) }
  }
  if (encoding === 'base64') {
    return { fields, content: splicedBase64(leaf.content, octets, change.start, whole) }
  }
  const isKept = encoding === 'binary' || isNoWorse(whole, octets, encoding)
  return isKept ? { fields, content: whole } : encoded(fields, whole)
}

/** Whether the content may stay unencoded: it breaks no rule that the old one kept. */
function isNoWorse(octets: Buffer, before: Buffer, encoding: string): boolean {
  if (longestLine(octets) > LONGEST_LINE && longestLine(before) <= LONGEST_LINE) return false
  if (octets.includes(0) && !before.includes(0)) return false
  return encoding === '8bit' || !hasHighOctets(octets) || hasHighOctets(before)
}

/** Only the lines that change are encoded again, unless a line of text is none of the encoded text. */
function splicedQuotedPrintable(
  raw: Buffer,
  octets: Buffer,
  { start, end, bytes }: Change,
): Buffer {
  const [from = 0, to = raw.length] = mapQuotedPrintable(raw, [start, end])
  const isApart = (at: number): boolean => at === 0 || at === raw.length || raw[at - 1] === LF
  if (!isApart(from) || !isApart(to)) {
    const whole = [octets.subarray(0, start), bytes, octets.subarray(end)]
    return encodeQuotedPrintable(Buffer.concat(whole))
  }
  return Buffer.concat([raw.subarray(0, from), encodeQuotedPrintable(bytes), raw.subarray(to)])
}

/** Whole lines before the change stay. */
function splicedBase64(raw: Buffer, octets: Buffer, start: number, whole: Buffer): Buffer {
  const length = lineLengthOf(raw)
  const lines = Math.floor(start / ((length / 4) * 3))
  const kept = lines * (length + 2)
  const done = lines * (length / 4) * 3
  const isRegular = decodeBase64(raw.subarray(0, kept)).equals(octets.subarray(0, done))
  const tail = encodeBase64(whole.subarray(isRegular ? done : 0), length)
  const content = isRegular ? Buffer.concat([raw.subarray(0, kept), tail]) : tail
  return raw.at(-1) === LF ? endLine(content) : content
}

/** Of base64 that has more than one line; else the usual one. */
function lineLengthOf(raw: Buffer): number {
  const lineEnd = raw.indexOf('\r\n')
  return lineEnd > 0 && lineEnd % 4 === 0 && raw.length > lineEnd + 2 ? lineEnd : 76
}

interface Span {
  readonly start: number
  /** In the text before. */
  readonly end: number
  /** In the text after. */
  readonly afterEnd: number
}

/** The lines that differ: from a beginning of a line to another one. */
function changedLines(before: string, after: string): Span {
  const most = Math.min(before.length, after.length)
  let same = 0
  while (same < most && before[same] === after[same]) same++
  const start = same === 0 ? 0 : before.lastIndexOf('\n', same - 1) + 1
  let tail = 0
  while (tail < most - start && before.at(-1 - tail) === after.at(-1 - tail)) tail++
  const lineEnd = tail === 0 ? -1 : before.indexOf('\n', before.length - tail)
  const kept = lineEnd < 0 ? 0 : before.length - lineEnd - 1
  return { start, end: before.length - kept, afterEnd: after.length - kept }
}

/** Where these lines are among the octets; undefined when that cannot be said. */
function placeOf(
  { start, end }: Span,
  before: string,
  octets: Buffer,
  charset: string,
): { start: number; end: number } | undefined {
  if (before.length === octets.length && octets.equals(Buffer.from(before, 'latin1'))) {
    return { start, end }
  }
  if (isAsciiCompatible(charset) === 'wide') return undefined
  const starts = lineStarts(octets)
  if (starts.length !== countLines(before)) return undefined
  const place = (at: number): number => starts[countLines(before.slice(0, at)) - 1] ?? 0
  return { start: place(start), end: end === before.length ? octets.length : place(end) }
}

function lineStarts(octets: Buffer): number[] {
  const starts = [0]
  for (let at = octets.indexOf(LF); at >= 0; at = octets.indexOf(LF, at + 1)) starts.push(at + 1)
  return starts
}

function countLines(text: string): number {
  let lines = 1
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++
  return lines
}

/** A text without label stays so when it holds other octets than ASCII already. */
function written(text: string, octets: Buffer, charset: string): string | undefined {
  return charset === '' && hasHighOctets(octets) ? text : fromUtf8(text, charset)
}

function labelled(leaf: Leaf, { type }: Description, charset: string): Leaf {
  const parameters = new Map(type.parameters).set('charset', charset)
  const field = makeField('Content-Type', formatValue(type.type, parameters))
  return { ...leaf, fields: placeField(leaf.fields, field) }
}

function charsetOf({ type }: Description): string {
  return type.parameters.get('charset') ?? ''
}

const LF = 10

function canonicalText(text: string): string {
  return canonicalLines(Buffer.from(text, 'latin1')).toString('latin1')
}

function isPlain(octets: Buffer): boolean {
  return !hasHighOctets(octets) && !octets.includes(0) && longestLine(octets) <= LONGEST_LINE
}

function countHighOctets(octets: Buffer): number {
  return octets.reduce((count, octet) => (octet > 127 ? count + 1 : count), 0)
}

function hasHighOctets(octets: Buffer): boolean {
  return octets.some((octet) => octet > 127)
}

function endLine(bytes: Buffer): Buffer {
  return bytes.length === 0 ? bytes : Buffer.concat([bytes, Buffer.from('\r\n')])
}
