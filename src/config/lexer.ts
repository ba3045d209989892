// Tokens of ecelerity.conf (Momentum manual, "conf.overview"): words, quoted strings and `{ } ( ) [ ] = ,`
// between blanks and comments (`#` to the end of the line, `/* */` without nesting). Words may hold
// `/ * . : @ ;`. In strings `\"` (`\'`) and `\\` are escapes; any other backslash stands for itself, so
// that regular expressions need no doubling. One pass over a byte string; strings may span lines.
import { ConfigError, type Place } from './error.ts'

type Mark = '{' | '}' | '(' | ')' | '[' | ']' | '=' | ','

export interface Token {
  /** `bad`: nothing that follows can be told apart; the last token. */
  readonly kind: 'word' | 'string' | 'bad' | 'end' | Mark
  /** The word, the string's content, the mark itself, or why it is bad. */
  readonly text: string
  readonly place: Place
  /** The line on which the token ends. */
  readonly endLine: number
}

interface Cursor {
  readonly file: string
  readonly text: string
  at: number
  line: number
  /** Offset of the line's first octet. */
  lineStart: number
}

const MARKS: ReadonlySet<string> = new Set('{}()[]=,')
const BLANKS: ReadonlySet<string> = new Set(' \t\r\n\v\f')
const UTF8_BYTE_ORDER_MARK = '\xef\xbb\xbf'

/** All tokens of a file; the last one is its end, or bad. */
export function tokenize(text: string, file: string): readonly Token[] {
  const nul = text.indexOf('\0')
  if (nul >= 0) throw nulError(text, file, nul)
  const at = text.startsWith(UTF8_BYTE_ORDER_MARK) ? UTF8_BYTE_ORDER_MARK.length : 0
  const cursor: Cursor = { file, text, at, line: 1, lineStart: at }
  const tokens: Token[] = []
  for (;;) {
    skipBlanks(cursor)
    const token = readToken(cursor)
    tokens.push(token)
    if (token.kind === 'end' || token.kind === 'bad') return tokens
  }
}

function readToken(cursor: Cursor): Token {
  const start = cursor.text[cursor.at]
  const place = placeOf(cursor)
  if (start === undefined) return { kind: 'end', text: '', place, endLine: cursor.line }
  if (isMark(start)) {
    cursor.at += 1
    return { kind: start, text: start, place, endLine: cursor.line }
  }
  if (start === '"' || start === "'") {
    const text = readString(cursor, start)
    if (text !== undefined) return { kind: 'string', text, place, endLine: cursor.line }
    return bad(place, `string without end: expected a closing ${start}`)
  }
  // A comment that skipBlanks did not pass.
  if (endsWord(cursor.text, cursor.at)) return bad(place, 'comment without end: expected */')
  return { kind: 'word', text: readWord(cursor), place, endLine: cursor.line }
}

function bad(place: Place, text: string): Token {
  return { kind: 'bad', text, place, endLine: place.line }
}

function readWord(cursor: Cursor): string {
  const { text, at: start } = cursor
  let at = start
  while (at < text.length && !endsWord(text, at)) at += 1
  cursor.at = at
  return text.slice(start, at)
}

function endsWord(text: string, at: number): boolean {
  const char = text[at]!
  if (char === '/') return text[at + 1] === '*'
  return char === '#' || char === '"' || char === "'" || BLANKS.has(char) || MARKS.has(char)
}

/** Nothing if it does not end. */
function readString(cursor: Cursor, quotation: '"' | "'"): string | undefined {
  const { text } = cursor
  const pieces: string[] = []
  let at = cursor.at + 1
  let from = at
  for (; at < text.length && text[at] !== quotation; at += 1) {
    const next = text[at + 1]
    if (text[at] === '\\' && (next === quotation || next === '\\')) {
      pieces.push(text.slice(from, at))
      at += 1
      from = at
    } else if (text[at] === '\n') {
      cursor.line += 1
      cursor.lineStart = at + 1
    }
  }
  if (at >= text.length) return undefined
  pieces.push(text.slice(from, at))
  cursor.at = at + 1
  return pieces.join('')
}

function skipBlanks(cursor: Cursor): void {
  const { text } = cursor
  for (;;) {
    const char = text[cursor.at]
    if (char === undefined) return
    if (char === '#') skipTo(cursor, text.indexOf('\n', cursor.at))
    else if (char === '/' && text[cursor.at + 1] === '*') {
      if (!skipComment(cursor)) return
    } else if (BLANKS.has(char)) {
      cursor.at += 1
      if (char === '\n') {
        cursor.line += 1
        cursor.lineStart = cursor.at
      }
    } else return
  }
}

/** Not if it does not end. */
function skipComment(cursor: Cursor): boolean {
  const end = cursor.text.indexOf('*/', cursor.at + 2)
  if (end < 0) return false
  // Not by indexOf: past the comment it could search the rest of the file, once per comment.
  for (let at = cursor.at; at < end; at += 1) {
    if (cursor.text[at] !== '\n') continue
    cursor.line += 1
    cursor.lineStart = at + 1
  }
  cursor.at = end + 2
  return true
}

function skipTo(cursor: Cursor, at: number): void {
  cursor.at = at < 0 ? cursor.text.length : at
}

function placeOf(cursor: Cursor): Place {
  return { file: cursor.file, line: cursor.line, column: cursor.at - cursor.lineStart + 1 }
}

function isMark(char: string): char is Mark {
  return MARKS.has(char)
}

function nulError(text: string, file: string, at: number): ConfigError {
  const before = text.slice(0, at).split('\n')
  const column = before.at(-1)!.length + 1
  const place = { file, line: before.length, column }
  return new ConfigError(place, undefined, 'NUL octet: expected a text file')
}
