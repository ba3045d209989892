// What a syntax error says beyond Lua's own text: the column, in characters from 1, and what copying does
// to a script: no-break spaces, curly quotes, dashes, zero-width characters, HTML, wrapped comments.

/** Lua's message "file:line: text near 'token'" with the place of the token at byte `at` of the source. */
export function explainSyntax(message: string, source: Uint8Array, at: number): string {
  const text = Buffer.from(source)
  const reported = Number(/:(\d+): /.exec(message)?.[1] ?? 0)
  const { line, column } = placeOf(text, at)
  const place = line === reported ? ` at column ${column}` : ` (from line ${line} column ${column})`
  const foreign = foreignAt(text, at)
  if (foreign !== undefined) {
    return `${message.replace(/'[^']*'$/, foreign.name)}${place}; ${foreign.advice}`
  }
  return message + place + damage(message, text, at, reported)
}

interface Foreign {
  readonly name: string
  readonly advice: string
}

const COPIED = 'it was probably copied from a web page or a word processor'
const SPACE = `${COPIED}: a plain space is meant`
const NOTHING = `${COPIED}: remove it`
const QUOTE = `${COPIED}: Lua's quotes are " and '`
const DASH = `${COPIED}: a minus, or -- for a comment, is meant`

const KNOWN: ReadonlyMap<number, readonly [name: string, advice: string]> = new Map([
  [0x00a0, ['a no-break space', SPACE]],
  [0x00ad, ['a soft hyphen', NOTHING]],
  [0x00b4, ['an acute accent', QUOTE]],
  [0x00d7, ['a multiplication sign', `${COPIED}: * is meant`]],
  [0x2010, ['a hyphen', DASH]],
  [0x2011, ['a no-break hyphen', DASH]],
  [0x2012, ['a figure dash', DASH]],
  [0x2013, ['an en dash', DASH]],
  [0x2014, ['an em dash', DASH]],
  [0x2018, ['a left single quotation mark', QUOTE]],
  [0x2019, ['a right single quotation mark', QUOTE]],
  [0x201a, ['a low quotation mark', QUOTE]],
  [0x201c, ['a left double quotation mark', QUOTE]],
  [0x201d, ['a right double quotation mark', QUOTE]],
  [0x201e, ['a low double quotation mark', QUOTE]],
  [0x2026, ['an ellipsis', `${COPIED}: ... is meant`]],
  [0x2028, ['a line separator', `${COPIED}: a line end is meant`]],
  [0x2029, ['a paragraph separator', `${COPIED}: a line end is meant`]],
  [0x202f, ['a narrow no-break space', SPACE]],
  [0x2032, ['a prime', QUOTE]],
  [0x2033, ['a double prime', QUOTE]],
  [0x2212, ['a minus sign', DASH]],
  [0x200b, ['a zero-width space', NOTHING]],
  [0x200c, ['a zero-width non-joiner', NOTHING]],
  [0x200d, ['a zero-width joiner', NOTHING]],
  [0x200e, ['a left-to-right mark', NOTHING]],
  [0x200f, ['a right-to-left mark', NOTHING]],
  [0x2060, ['a word joiner', NOTHING]],
  [0x3000, ['an ideographic space', SPACE]],
  [0xfeff, ['a byte order mark', NOTHING]],
])

// Windows-1252 octets of the same characters, in files that are not UTF-8.
const WINDOWS: Readonly<Record<number, number>> = {
  0x82: 0x201a,
  0x84: 0x201e,
  0x85: 0x2026,
  0x91: 0x2018,
  0x92: 0x2019,
  0x93: 0x201c,
  0x94: 0x201d,
  0x96: 0x2013,
  0x97: 0x2014,
  0xa0: 0x00a0,
  0xad: 0x00ad,
  0xb4: 0x00b4,
}

/** The character at an offset when it is none of ASCII. */
function foreignAt(text: Buffer, at: number): Foreign | undefined {
  const octet = text[at]
  if (octet === undefined || octet < 0x80) return undefined
  if (text.length > 1 && text.readUInt16BE(0) >= 0xfeff) {
    return { name: 'a UTF-16 byte order mark', advice: 'save the file as UTF-8' }
  }
  const [character = ''] = text.subarray(at, at + 4).toString('utf8')
  const code = character.codePointAt(0) ?? 0
  if (code === 0xfffd) {
    const [name, advice] = KNOWN.get(WINDOWS[octet] ?? 0) ?? ['an octet', 'the file is not UTF-8']
    return { name: `${name} (0x${octet.toString(16).toUpperCase()})`, advice }
  }
  const known = KNOWN.get(code)
  const number = code.toString(16).toUpperCase().padStart(4, '0')
  return {
    name: `${known?.[0] ?? 'a character'} (U+${number})`,
    advice: known?.[1] ?? 'only strings and comments may hold it',
  }
}

/** What else looks like damage where the error was found, as the end of a sentence, or nothing. */
function damage(message: string, text: Buffer, at: number, reported: number): string {
  const lines = text.toString('utf8').split(/\r\n|\n\r|\n|\r/)
  const line = lines[reported - 1] ?? ''
  const before = lines[reported - 2] ?? ''
  const rest =
    text
      .subarray(at)
      .toString('utf8')
      .split(/[\r\n]/, 1)[0] ?? ''
  const quote = /[\u2018\u2019\u201c-\u201e]/u.exec(rest)
  if (message.includes('unfinished string') && quote !== null) {
    const [name] = KNOWN.get(quote[0].codePointAt(0) ?? 0) ?? ['a quotation mark']
    return `; the string holds ${name}, which does not end it: ${QUOTE}`
  }
  const entity = /&(?:lt|gt|amp|quot|apos|nbsp|#\d+);/.exec(line)
  if (entity !== null) return `; ${entity[0]} in this line is HTML, probably from a web page`
  if (/--(?!\[)/.test(before) && PROSE.test(line)) {
    return '; the line above is a comment, which may have been wrapped when it was copied'
  }
  return ''
}

// Words, and no statement: what follows the first word is neither an operator nor an argument.
const PROSE =
  /^\s*(?!(?:and|break|do|else|elseif|end|for|function|if|in|local|not|or|repeat|return|then|until|while)\b)[A-Za-z][\w'-]*[,.;:)]?(?:\s+[A-Za-z("'][^\s=]*|\s*$)/

function placeOf(text: Buffer, at: number): { line: number; column: number } {
  const before = text.subarray(0, at).toString('latin1')
  const lines = before.split(/\r\n|\n\r|\n|\r/)
  const last = Buffer.from(lines.at(-1) ?? '', 'latin1').toString('utf8')
  // What is not UTF-8 becomes one character per octet.
  return { line: lines.length, column: Array.from(last).length + 1 }
}
