// Content-Type and Content-Disposition values (RFC 2045 §5.1, RFC 2183), with parameters that are
// continued or carry a charset (RFC 2231). Takes any text in linear time: comments, missing quotes and
// stray characters are read over. Values are byte strings, in UTF-8 where the parameter names a charset.
import { isBlank, trimBlanks } from './blank.ts'
import { toUtf8 } from './charset.ts'

export interface ContentType {
  /** In lower case; `text/plain` when absent or not to be parsed (RFC 2045 §5.2). */
  readonly type: string
  /** By lower-case name. */
  readonly parameters: ReadonlyMap<string, string>
}

export interface Disposition {
  /** `attachment`, `inline`, another word in lower case, or `''` when absent. */
  readonly kind: string
  /** By lower-case name. */
  readonly parameters: ReadonlyMap<string, string>
}

interface Piece {
  readonly text: string
  readonly isExtended: boolean
}

const TYPE = /[!#-'*+.0-9A-Z^-~-]+\/[!#-'*+.0-9A-Z^-~-]+/iy
const WORD = /[!#-'*+.0-9A-Z^-~-]+/iy

export function parseContentType(value: string | undefined): ContentType {
  const { word, parameters } = parse(value, TYPE)
  return { type: word || 'text/plain', parameters }
}

export function parseDisposition(value: string | undefined): Disposition {
  const { word, parameters } = parse(value, WORD)
  return { kind: word, parameters }
}

/**
 * A value to be written: `word; name=value; …`, values quoted where they must be, and those with other
 * octets than ASCII as UTF-8 in the form of RFC 2231.
 */
export function formatValue(word: string, parameters: ReadonlyMap<string, string>): string {
  return [word, ...[...parameters].map(([name, value]) => formatParameter(name, value))].join('; ')
}

function formatParameter(name: string, value: string): string {
  if (/^[!#-'*+.0-9A-Z^-~-]+$/i.test(value)) return `${name}=${value}`
  if (!/[\x80-\xff]/.test(value)) return `${name}="${value.replace(/["\\]/g, '\\$&')}"`
  const octets = value.replace(/[^A-Za-z0-9._-]/g, (octet) => {
    return `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
  })
  return `${name}*=utf-8''${octets}`
}

function parse(
  value: string | undefined,
  pattern: RegExp,
): { word: string; parameters: ReadonlyMap<string, string> } {
  if (value === undefined) return { word: '', parameters: new Map() }
  pattern.lastIndex = skipBlanks(value, 0)
  const word = pattern.exec(value)?.[0] ?? ''
  // After a failure `lastIndex` is 0: there may be parameters without a type.
  return { word: word.toLowerCase(), parameters: joinPieces(piecesOf(value, pattern.lastIndex)) }
}

/** By name as written, but in lower case; the first of several wins. */
function piecesOf(value: string, start: number): Map<string, string> {
  const pieces = new Map<string, string>()
  let at = start
  while (at < value.length) {
    at = skipBlanks(value, at)
    if (value[at] === ';') {
      at++
      continue
    }
    const nameStart = at
    while (at < value.length && value[at] !== '=' && value[at] !== ';') at++
    if (value[at] !== '=') continue
    const name = trimBlanks(value.slice(nameStart, at)).toLowerCase()
    const { text, end } = valueAt(value, skipBlanks(value, at + 1))
    if (name && !pieces.has(name)) pieces.set(name, text)
    at = end
  }
  return pieces
}

/** Just after the blanks and comments at `start`. */
function skipBlanks(value: string, start: number): number {
  let depth = 0
  let at = start
  for (; at < value.length; at++) {
    const char = value[at]
    if (char === '(') depth++
    else if (depth > 0 && char === ')') depth--
    else if (depth > 0 && char === '\\') at++
    else if (depth === 0 && !isBlank(value.charCodeAt(at))) break
  }
  return at
}

function valueAt(value: string, start: number): { text: string; end: number } {
  if (value[start] === '"') return quotedAt(value, start)
  const next = value.indexOf(';', start)
  const end = next < 0 ? value.length : next
  const text = trimBlanks(value.slice(start, end))
  // RFC 2045 wants quotes around blanks, but names of files come without; only a comment that ends
  // the value is taken away.
  const comment = text.endsWith(')') ? text.indexOf(' (') : -1
  return { text: comment < 0 ? text : trimBlanks(text.slice(0, comment)), end }
}

function quotedAt(value: string, start: number): { text: string; end: number } {
  let text = ''
  let from = start + 1
  for (let at = from; at < value.length; at++) {
    if (value[at] === '"') return { text: text + value.slice(from, at), end: at + 1 }
    if (value[at] === '\\') {
      text += value.slice(from, at)
      from = ++at
    }
  }
  return { text: text + value.slice(from), end: value.length }
}

/** RFC 2231: `name*`, `name*0`, `name*0*`. What has a charset or is continued beats the plain form. */
function joinPieces(pieces: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  const continued = new Map<string, Piece[]>()
  for (const [name, text] of pieces) {
    const [, base = '', index = '0', mark = ''] = /^([^*]+)\*(?:(\d{1,3})(\*)?)?$/.exec(name) ?? []
    if (!base) {
      parameters.set(name, text)
      continue
    }
    const list = continued.get(base) ?? []
    list[Number(index)] = { text, isExtended: mark === '*' || name.endsWith('*') }
    continued.set(base, list)
  }
  for (const [name, list] of continued) {
    const text = decodePieces(list)
    if (text !== undefined) parameters.set(name, text)
  }
  return parameters
}

/** Pieces up to the first that is missing; undefined when that is the very first. */
function decodePieces(list: readonly (Piece | undefined)[]): string | undefined {
  let charset = ''
  let text: string | undefined
  for (const piece of list) {
    if (!piece) break
    let own = piece.text
    if (text === undefined && piece.isExtended) {
      const labelled = /^([^']*)'[^']*'/.exec(own)
      charset = labelled?.[1] ?? ''
      own = own.slice(labelled?.[0].length ?? 0)
    }
    text = (text ?? '') + (piece.isExtended ? decodePercent(own) : own)
  }
  return text === undefined ? undefined : toUtf8(text, charset)
}

function decodePercent(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => {
    return String.fromCharCode(parseInt(hex, 16))
  })
}
