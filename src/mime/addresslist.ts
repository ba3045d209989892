// Address lists of header fields such as From and To (RFC 5322 §3.4, with the obsolete forms of §4.4).
// Takes any byte string in linear time and without recursion. Groups are flattened, comments dropped;
// a quoted local part keeps its quotes, so that an `@` inside it never passes for the real one.
import { endOfBlanks, isBlank } from './blank.ts'

export interface MailAddress {
  /** Display name without quotes, encoded words as they are; the comment where there is no name. */
  readonly name: string
  /** `local@domain` as written, without comments and blanks. */
  readonly address: string
}

interface Entry {
  /** Words of a name, or an address without angle brackets. */
  readonly words: Word[]
  angle: string | undefined
  comment: string
  /** Whether the next piece of text starts a new word. */
  isApart: boolean
}

/** Its pieces as written: atoms and quoted strings. Joined once, so that many cost no more than few. */
type Word = string[]

const ATOM = /[^ \t\r\n"(),:;<[]+/y
const LITERAL = /\[[^\s[\]<>"]{1,64}\]/y
const ANGLE_TEXT = /[^ \t\r\n"(:>]+/y

/** In order; what holds no address is left out. */
export function parseAddresses(value: string): readonly MailAddress[] {
  const addresses: MailAddress[] = []
  let entry = newEntry()
  let at = 0
  while (at < value.length) {
    const char = value.charAt(at)
    if (isBlank(char.charCodeAt(0))) {
      entry.isApart = true
      at = endOfBlanks(value, at)
    } else if (char === '(') {
      const end = endOfComment(value, at)
      entry.comment = value.slice(at + 1, end - 1)
      entry.isApart = true
      at = end
    } else if (char === ',' || char === ';') {
      addresses.push(...addressesOf(entry))
      entry = newEntry()
      at++
    } else if (char === ':') {
      // What stands before it is the name of a group.
      entry = newEntry()
      at++
    } else if (char === '<') {
      const { address, end } = angleAt(value, at)
      entry.angle ??= address
      at = end
    } else {
      const end = char === '"' ? endOfQuoted(value, at) : endOfAtom(value, at)
      addWord(entry, value.slice(at, end))
      at = end
    }
  }
  addresses.push(...addressesOf(entry))
  return addresses
}

function newEntry(): Entry {
  return { words: [], angle: undefined, comment: '', isApart: true }
}

/** Blanks around `.` and `@` do not part an address (RFC 5322 §4.4). */
function addWord(entry: Entry, piece: string): void {
  const last = entry.words.at(-1)
  if (last && !(entry.isApart && !/[.@]$/.test(last.at(-1) ?? '') && !/^[.@]/.test(piece))) {
    last.push(piece)
  } else {
    entry.words.push([piece])
  }
  entry.isApart = false
}

function addressesOf({ words, angle, comment }: Entry): readonly MailAddress[] {
  if (angle !== undefined) return angle ? [{ name: nameOf(words) || comment, address: angle }] : []
  // One bare word is a local user; several are only a name.
  const addresses = words.length === 1 ? words : words.filter(hasDomain)
  const name = words.length === 1 ? '' : nameOf(words.filter((word) => !hasDomain(word)))
  return addresses.map((word) => ({ name: name || comment, address: word.join('') }))
}

function nameOf(words: readonly Word[]): string {
  return words.map((word) => word.map(unquote).join('')).join(' ')
}

function hasDomain(word: Word): boolean {
  return word.some((piece) => !piece.startsWith('"') && piece.includes('@'))
}

/** What stands in angle brackets, without a source route. */
function angleAt(value: string, start: number): { address: string; end: number } {
  let pieces: string[] = []
  let at = start + 1
  while (at < value.length && value[at] !== '>') {
    const char = value.charAt(at)
    if (isBlank(char.charCodeAt(0))) {
      at = endOfBlanks(value, at)
    } else if (char === '(') {
      at = endOfComment(value, at)
    } else if (char === ':' && pieces[0]?.startsWith('@')) {
      pieces = []
      at++
    } else {
      const end = char === '"' ? endOfQuoted(value, at) : endOf(ANGLE_TEXT, value, at)
      pieces.push(value.slice(at, end))
      at = end
    }
  }
  return { address: pieces.join(''), end: at + 1 }
}

function endOfAtom(value: string, start: number): number {
  let at = start
  do {
    // A domain literal may hold colons (RFC 5321 §4.1.3).
    at = Math.max(endOf(LITERAL, value, at), endOf(ATOM, value, at))
  } while (value[at] === '[')
  return at
}

/** The end of what matches at `start`, at least one character. */
function endOf(pattern: RegExp, value: string, start: number): number {
  pattern.lastIndex = start
  return pattern.test(value) ? pattern.lastIndex : start + 1
}

function endOfComment(value: string, start: number): number {
  let depth = 0
  for (let at = start; at < value.length; at++) {
    if (value[at] === '\\') at++
    else if (value[at] === '(') depth++
    else if (value[at] === ')' && --depth === 0) return at + 1
  }
  return value.length + 1
}

function endOfQuoted(value: string, start: number): number {
  for (let at = start + 1; at < value.length; at++) {
    if (value[at] === '\\') at++
    else if (value[at] === '"') return at + 1
  }
  return value.length
}

function unquote(piece: string): string {
  if (!piece.startsWith('"')) return piece
  const end = piece.length > 1 && piece.endsWith('"') ? -1 : undefined
  return piece.slice(1, end).replace(/\\([^])/g, '$1')
}
