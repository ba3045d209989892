// What the parser knows while it reads a pattern, and the helpers that all its parts share.
import { caseForms, setOf } from './charset.ts'
import { type Node, PatternError } from './node.ts'

export interface Flags {
  /** Letters of any case. */
  readonly i: boolean
  /** `^` and `$` at every line. */
  readonly m: boolean
  /** A dot matches a newline too. */
  readonly s: boolean
  /** Blanks and comments are for the reader. */
  readonly x: boolean
  /** Quantifiers are lazy unless followed by a question mark. */
  readonly U: boolean
  /** A name may be given to several groups. */
  readonly J: boolean
}

export interface Reader {
  /** The pattern, a byte string. */
  readonly text: string
  /** Whether a character is a UTF-8 sequence or an octet. */
  readonly utf: boolean
  at: number
  flags: Flags
  /** Capturing groups opened so far. */
  groups: number
  depth: number
  /** Between `\Q` and `\E`. */
  quoted: boolean
  readonly names: Map<string, number[]>
  /** What can be checked only when all groups are known. */
  readonly later: (() => void)[]
}

export function openReader(text: string, utf: boolean): Reader {
  const flags = { i: false, m: false, s: false, x: false, U: false, J: false }
  const names = new Map<string, number[]>()
  return { text, utf, at: 0, flags, groups: 0, depth: 0, quoted: false, names, later: [] }
}

/** Takes `expected` if it stands next. */
export function take(reader: Reader, expected: string): boolean {
  if (!reader.text.startsWith(expected, reader.at)) return false
  reader.at += expected.length
  return true
}

/** Takes what a sticky expression matches here; undefined if it does not. */
export function takeMatch(reader: Reader, sticky: RegExp): RegExpExecArray | undefined {
  sticky.lastIndex = reader.at
  const match = sticky.exec(reader.text)
  if (match === null) return undefined
  reader.at += match[0].length
  return match
}

export function fail(reader: Reader, message: string, offset = reader.at): never {
  throw new PatternError(message, offset)
}

/** The next character of the pattern. */
export function takeChar(reader: Reader): number {
  const octet = reader.text.charCodeAt(reader.at)
  const width = reader.utf ? widthOf(octet) : 1
  const char = width === 1 ? octet : charAt(reader.text, reader.at)
  reader.at += width
  return char
}

/** A node for one character, in any case where the flags say so. */
export function charNode({ utf, flags }: Reader, char: number): Node {
  const all = flags.i ? caseForms(char) : []
  const forms = utf ? all : all.filter((form) => form < 128)
  if (forms.length < 2) return { kind: 'literal', text: encode(char, utf) }
  const known = FOLDED.get(forms)
  if (known !== undefined) return known
  const isForm = (other: number): boolean => forms.includes(other)
  const hasWide = forms.some((form) => form > 127)
  const node: Node = { kind: 'set', set: setOf(isForm, hasWide ? isForm : undefined) }
  FOLDED.set(forms, node)
  return node
}

/** One node for all uses of a letter. */
const FOLDED = new WeakMap<readonly number[], Node>()

/** Octets of the UTF-8 sequence that this octet begins. */
export function widthOf(octet: number): number {
  if (octet < 0xc0) return 1
  return octet < 0xe0 ? 2 : octet < 0xf0 ? 3 : 4
}

/** The character of the valid UTF-8 sequence at a place. */
export function charAt(text: string, at: number): number {
  const octet = text.charCodeAt(at)
  if (octet < 0xc0) return octet
  const second = text.charCodeAt(at + 1) & 0x3f
  if (octet < 0xe0) return ((octet & 0x1f) << 6) | second
  const third = text.charCodeAt(at + 2) & 0x3f
  if (octet < 0xf0) return ((octet & 0x0f) << 12) | (second << 6) | third
  return ((octet & 7) << 18) | (second << 12) | (third << 6) | (text.charCodeAt(at + 3) & 0x3f)
}

function encode(char: number, utf: boolean): string {
  if (char < (utf ? 128 : 256)) return String.fromCharCode(char)
  return Buffer.from(String.fromCodePoint(char), 'utf8').toString('latin1')
}
