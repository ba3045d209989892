// Encoded words in header values (RFC 2047): `=?charset?Q?text?=` and `=?charset?B?text?=`.
// Both directions work on byte strings, so what is not an encoded word passes whatever its charset.
// Both are linear in the length of the value.
import { decodeBase64 } from './base64.ts'
import { toUtf8 } from './charset.ts'

interface Token {
  readonly text: string
  /** The blanks before it. */
  readonly blanks: string
}

/** RFC 2047 §2 allows 75, but 76 for its whole line, which may begin with the name of the field. */
const LONGEST_WORD = 60

const BEGINS_WITH_WORD = /^=\?[^?*\s]+(?:\*[^?\s]*)?\?[bq]\?[^?]*\?=/i
const ENDS_WITH_WORD = /=\?[^?*\s]+(?:\*[^?\s]*)?\?[bq]\?[^?]*\?=$/i

const WORD = /=\?([^?*\s]+)(?:\*[^?\s]*)?\?([bq])\?([^?]*)\?=/gi

/**
 * A value with its encoded words as UTF-8. Blanks between two adjacent words vanish, and a character
 * that was cut by them is whole again. What is no proper word stays as it is, raw octets too.
 */
export function decodeWords(value: string): string {
  if (!value.includes('=?')) return value
  let out = ''
  let at = 0
  let pending = ''
  let pendingCharset = ''
  for (const match of value.matchAll(WORD)) {
    const [word, charset = '', encoding, text = ''] = match
    const between = value.slice(at, match.index)
    const isAdjacent = pendingCharset !== '' && isBlanks(between)
    if (!isAdjacent || charset.toLowerCase() !== pendingCharset) {
      out += toUtf8(pending, pendingCharset)
      pending = ''
      pendingCharset = charset.toLowerCase()
    }
    if (!isAdjacent) out += between
    pending += encoding === 'q' || encoding === 'Q' ? decodeQ(text) : decodeB(text)
    at = match.index + word.length
  }
  return out + toUtf8(pending, pendingCharset) + value.slice(at)
}

/**
 * A UTF-8 value as ASCII: words with other octets, and the blanks between such words, become encoded
 * words. A quoted string is encoded as a whole, since no encoded word may stand inside one. Octets
 * that are not UTF-8 are labelled ISO-8859-1. ASCII stays as it is.
 */
export function encodeWords(value: string): string {
  if (isAscii(value)) return value
  let out = ''
  let run = ''
  let previous = ''
  for (const { blanks, text } of tokensOf(value)) {
    if (isAscii(text)) {
      // Between two encoded words blanks vanish, so these become part of ours.
      out += encodeRun(run && BEGINS_WITH_WORD.test(text) ? run + blanks : run) + blanks + text
      run = ''
    } else if (run) {
      run += blanks + text
    } else {
      out += blanks
      run = ENDS_WITH_WORD.test(previous) ? blanks + text : text
    }
    previous = text
  }
  return out + encodeRun(run)
}

function decodeQ(text: string): string {
  return text
    .replaceAll('_', ' ')
    .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
}

function decodeB(text: string): string {
  return decodeBase64(Buffer.from(text, 'latin1')).toString('latin1')
}

function isBlanks(text: string): boolean {
  return /^[ \t\r\n]*$/.test(text)
}

function isAscii(text: string): boolean {
  return !/[\x80-\xff]/.test(text)
}

function tokensOf(value: string): readonly Token[] {
  const tokens: Token[] = []
  let at = 0
  let hasQuotes = true
  while (at < value.length) {
    const start = skip(value, at, (char) => char === ' ' || char === '\t')
    let end = skip(value, start, (char) => char !== ' ' && char !== '\t')
    if (hasQuotes && value[start] === '"') {
      const closing = endOfQuoted(value, start)
      // One quote that is never closed makes the rest plain words; trying again would be quadratic.
      if (closing < 0) hasQuotes = false
      else end = skip(value, closing, (char) => char !== ' ' && char !== '\t')
    }
    tokens.push({ blanks: value.slice(at, start), text: value.slice(start, end) })
    at = end
  }
  return tokens
}

function skip(
  value: string,
  start: number,
  accepts: (char: string | undefined) => boolean,
): number {
  let at = start
  while (at < value.length && accepts(value[at])) at++
  return at
}

/** Just after the closing quote; -1 when there is none. */
function endOfQuoted(value: string, start: number): number {
  for (let at = start + 1; at < value.length; at++) {
    if (value[at] === '\\') at++
    else if (value[at] === '"') return at + 1
  }
  return -1
}

function encodeRun(run: string): string {
  if (!run) return ''
  const text = Buffer.from(run, 'latin1').toString('utf8')
  const isUtf8 = !text.includes('\ufffd') || run.includes('\xef\xbf\xbd')
  const characters = isUtf8
    ? Array.from(text, (char) => Buffer.from(char, 'utf8').toString('latin1'))
    : Array.from(run)
  const charset = isUtf8 ? 'utf-8' : 'iso-8859-1'
  const quoted = characters.map(encodeQ)
  const quotedLength = quoted.reduce((sum, char) => sum + char.length, 0)
  const room = LONGEST_WORD - `=?${charset}?Q??=`.length
  if (quotedLength <= Math.ceil(run.length / 3) * 4) {
    return joinWords(quoted, room, (text) => `=?${charset}?Q?${text}?=`)
  }
  return joinWords(characters, Math.floor(room / 4) * 3, (text) => {
    return `=?${charset}?B?${Buffer.from(text, 'latin1').toString('base64')}?=`
  })
}

/** Whole characters only, at most `room` octets in each word. */
function joinWords(
  characters: readonly string[],
  room: number,
  wrap: (text: string) => string,
): string {
  const words: string[] = []
  let text = ''
  for (const char of characters) {
    if (text.length + char.length > room) {
      words.push(wrap(text))
      text = ''
    }
    text += char
  }
  words.push(wrap(text))
  return words.join(' ')
}

// Only what RFC 2047 §5 (3) allows in a phrase, the narrowest of the three places.
function encodeQ(char: string): string {
  if (char === ' ') return '_'
  if (/^[A-Za-z0-9!*+/-]$/.test(char)) return char
  return char.replace(/[^]/g, (octet) => {
    return `=${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
  })
}
