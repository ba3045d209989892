// The tokens of the dialect (Lua 5.1 with thrLua's additions), with their places. The source is a byte
// string. Made for scripts that the engine has accepted: what is no token becomes one of its own.

export interface Token {
  readonly kind: 'name' | 'keyword' | 'number' | 'string' | 'symbol' | 'end'
  /** As it is written; the value of a string. */
  readonly text: string
  readonly at: number
}

const KEYWORDS = new Set(
  `and break do else elseif end false for function if in local nil not or repeat return then true until
  while`.split(/\s+/),
)

const BLANK = /[ \t\n\v\f\r]*/y
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y
const NUMERAL = /\.?\d[\d.]*(?:[eE][+-]?)?[A-Za-z0-9_]*/y
const HEX_NUMERAL = /0[xX][\da-fA-F.]*(?:[pP][+-]?)?[A-Za-z0-9_]*/y
const LONG_OPEN = /\[(=*)\[/y
const SYMBOL = /\.\.\.|\.\.|==|~=|!=|<=|>=|<<|>>|\^\^|[\s\S]/y

export function tokenize(source: string): Token[] {
  const tokens: Token[] = []
  let at = startOf(source)
  for (;;) {
    at = skipBlank(source, at)
    if (at >= source.length) break
    const { token, next } = readToken(source, at)
    tokens.push(token)
    at = next
  }
  tokens.push({ kind: 'end', text: '<eof>', at: source.length })
  return tokens
}

interface Read {
  readonly token: Token
  readonly next: number
}

// Behind a byte order mark and a first line that begins with `#`.
function startOf(source: string): number {
  const start = source.startsWith('\u00ef\u00bb\u00bf') ? 3 : 0
  if (source[start] !== '#') return start
  const end = source.indexOf('\n', start)
  return end < 0 ? source.length : end
}

function skipBlank(source: string, from: number): number {
  let at = from
  for (;;) {
    at += match(BLANK, source, at)?.[0].length ?? 0
    if (!source.startsWith('--', at)) return at
    const long = match(LONG_OPEN, source, at + 2)
    if (long) at = longEnd(source, at + 2, long).next
    else {
      const end = source.slice(at).search(/[\r\n]/)
      at = end < 0 ? source.length : at + end
    }
  }
}

function readToken(source: string, at: number): Read {
  const word = match(WORD, source, at)?.[0]
  if (word !== undefined) {
    return take(KEYWORDS.has(word) ? 'keyword' : 'name', word, at, at + word.length)
  }
  const numeral = (match(HEX_NUMERAL, source, at) ?? match(NUMERAL, source, at))?.[0]
  if (numeral !== undefined) return take('number', numeral, at, at + numeral.length)
  const quote = source[at]
  if (quote === '"' || quote === "'") return readString(source, at, quote)
  const long = match(LONG_OPEN, source, at)
  if (long) {
    const { text, next } = longEnd(source, at, long)
    return take('string', text, at, next)
  }
  const symbol = match(SYMBOL, source, at)?.[0] ?? ''
  return take('symbol', symbol, at, at + symbol.length)
}

function take(kind: Token['kind'], text: string, at: number, next: number): Read {
  return { token: { kind, text, at }, next }
}

function longEnd(source: string, at: number, open: RegExpExecArray) {
  const begin = at + open[0].length
  const end = source.indexOf(`]${open[1] ?? ''}]`, begin)
  const text = source.slice(begin, end < 0 ? undefined : end).replace(/^(?:\r\n|\n\r|\n|\r)/, '')
  return { text, next: end < 0 ? source.length : end + open[0].length }
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v',
} // prettier-ignore

function readString(source: string, at: number, quote: string): Read {
  let text = ''
  let next = at + 1
  while (next < source.length && source[next] !== quote) {
    if (source[next] !== '\\') {
      text += source[next++]
      continue
    }
    const [value, length] = readEscape(source, next + 1)
    text += value
    next += 1 + length
  }
  return take('string', text, at, next + 1)
}

/** The octets of an escape and how long it is behind the backslash. */
function readEscape(source: string, at: number): readonly [value: string, length: number] {
  const rest = source.slice(at, at + 9)
  const hex = /^x([\da-fA-F]{2})/.exec(rest)?.[1] ?? ''
  if (hex !== '') return [String.fromCharCode(parseInt(hex, 16)), 3]
  const wide = /^u([\da-fA-F]{4,8})/.exec(rest)?.[1] ?? ''
  if (wide !== '') return [encodeUtf8(parseInt(wide, 16)), 1 + wide.length]
  const decimal = /^\d{1,3}/.exec(rest)?.[0] ?? ''
  if (decimal !== '') return [String.fromCharCode(Number(decimal) & 0xff), decimal.length]
  const lineEnd = /^(?:\r\n|\n\r|\n|\r)/.exec(rest)?.[0]
  if (lineEnd !== undefined) return ['\n', lineEnd.length]
  const letter = rest[0] ?? ''
  return [ESCAPES[letter] ?? letter, 1]
}

function encodeUtf8(code: number): string {
  return code > 0x10ffff ? '' : Buffer.from(String.fromCodePoint(code)).toString('latin1')
}

function match(pattern: RegExp, source: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at
  return pattern.exec(source) ?? undefined
}
