// Patterns of PCRE (pcrepattern) to trees. What PCRE has and is not built here is refused by name.
import { ALL, NOT_NEWLINE, VERTICAL } from './charset.ts'
import { readBracket } from './bracket.ts'
import { readEscape } from './escape.ts'
import { readGroup } from './group.ts'
import { type Assertion, type Mode, type Node } from './node.ts'
import { charNode, fail, openReader, type Reader, take, takeChar, takeMatch } from './reader.ts'
import { readReference } from './reference.ts'

export interface ParsedPattern {
  readonly root: Node
  /** How many groups capture. */
  readonly groups: number
  readonly names: ReadonlyMap<string, readonly number[]>
}

const ASSERTIONS: Readonly<Record<string, Assertion>> = {
  A: 'start',
  z: 'end',
  Z: 'last-line-end',
  G: 'from',
  b: 'word-edge',
  B: 'no-word-edge',
}

/** Throws PatternError. `utf`: characters are UTF-8 sequences, else octets. */
export function parsePattern(text: string, utf: boolean): ParsedPattern {
  const reader = openReader(text, utf)
  while (takeMatch(reader, /\(\*(?:UTF8?|LF|BSR_UNICODE|NO_START_OPT|NO_AUTO_POSSESS)\)/y));
  const root = readChoice(reader)
  if (reader.at < text.length) fail(reader, 'unmatched parentheses')
  for (const check of reader.later) check()
  return { root, groups: reader.groups, names: reader.names }
}

/** Alternatives up to a closing parenthesis or the end. */
function readChoice(reader: Reader, isReset = false): Node {
  const before = reader.groups
  let most = before
  const items: Node[] = []
  do {
    if (isReset) reader.groups = before
    items.push(readSequence(reader))
    most = Math.max(most, reader.groups)
  } while (take(reader, '|'))
  reader.groups = most
  return items.length === 1 ? (items[0] ?? { kind: 'empty' }) : { kind: 'choice', items }
}

function readSequence(reader: Reader): Node {
  const items: Node[] = []
  for (;;) {
    skipExtended(reader)
    const next = reader.text.charAt(reader.at)
    if (next === '' || (!reader.quoted && (next === '|' || next === ')'))) break
    const item = readAtom(reader)
    if (item === 'nothing') {
      skipExtended(reader)
      const quantifier = takeQuantifier(reader)
      if (quantifier) fail(reader, 'nothing to repeat', quantifier.end - 1)
      continue
    }
    items.push(readQuantified(reader, item))
  }
  return items.length === 1 ? (items[0] ?? { kind: 'empty' }) : { kind: 'sequence', items }
}

/** `nothing`: what was read cannot be repeated, and is part of the sequence if it is anything. */
function readAtom(reader: Reader): Node | 'nothing' {
  if (reader.quoted) {
    if (!take(reader, '\\E')) return charNode(reader, takeChar(reader))
    reader.quoted = false
    return 'nothing'
  }
  const { flags } = reader
  const next = reader.text.charAt(reader.at)
  const quantifier = takeQuantifier(reader)
  if (quantifier) fail(reader, 'nothing to repeat', quantifier.end - 1)
  switch (next) {
    case '\\':
      reader.at++
      return readEscaped(reader)
    case '[':
      return readClass(reader)
    case '(':
      reader.at++
      return readGroup(reader, readChoice)
    case '.':
      reader.at++
      return { kind: 'set', set: flags.s ? ALL : NOT_NEWLINE }
    case '^':
      reader.at++
      return { kind: 'assertion', assertion: flags.m ? 'line-start' : 'start' }
    case '$':
      reader.at++
      return { kind: 'assertion', assertion: flags.m ? 'line-end' : 'last-line-end' }
    default:
      return charNode(reader, takeChar(reader))
  }
}

function readClass(reader: Reader): Node {
  const start = reader.at++
  if (takeMatch(reader, /[:.=][^\]]{0,32}?[:.=]\]/y)) {
    fail(reader, 'POSIX named classes are supported only within a class', start)
  }
  return { kind: 'set', set: readBracket(reader) }
}

function readEscaped(reader: Reader): Node | 'nothing' {
  const escape = readEscape(reader, false)
  if (escape.kind === 'char') return charNode(reader, escape.char)
  if (escape.kind === 'set') return { kind: 'set', set: escape.set }
  if (escape.kind === 'group') return readReference(reader, escape.group)
  const { letter } = escape
  const assertion = Object.hasOwn(ASSERTIONS, letter) ? ASSERTIONS[letter] : undefined
  if (assertion !== undefined) return { kind: 'assertion', assertion }
  switch (letter) {
    case 'Q':
      reader.quoted = true
      return 'nothing'
    case 'E':
      return 'nothing'
    case 'C':
      return { kind: 'octet' }
    case 'N':
      if (takeMatch(reader, /\{(?![0-9]+,?[0-9]*\})/y)) {
        fail(reader, 'PCRE does not support \\L, \\l, \\N{name}, \\U, or \\u')
      }
      return { kind: 'set', set: NOT_NEWLINE }
    case 'K':
      return { kind: 'keep' }
    case 'R':
      return LINE_BREAK
    case 'X':
      return fail(reader, '\\X is not supported by this server')
    default:
      return readReference(reader, letter)
  }
}

const LINE_BREAK: Node = {
  kind: 'atomic',
  item: {
    kind: 'choice',
    items: [
      { kind: 'literal', text: '\r\n' },
      { kind: 'set', set: VERTICAL },
    ],
  },
}

interface Quantifier {
  readonly min: number
  readonly max: number
  readonly mode: Mode
  /** Where it ends in the pattern, without the sign for its mode. */
  readonly end: number
}

function readQuantified(reader: Reader, item: Node): Node {
  if (reader.quoted && !take(reader, '\\E')) return item
  reader.quoted = false
  while (take(reader, '\\E') || take(reader, '\\Q\\E'));
  skipExtended(reader)
  const quantifier = takeQuantifier(reader)
  if (quantifier === undefined) return item
  if (item.kind === 'assertion' || item.kind === 'keep' || item.kind === 'fail') {
    fail(reader, 'nothing to repeat', quantifier.end - 1)
  }
  const { min, max, mode } = quantifier
  if (item.kind !== 'look') return { kind: 'repeat', item, min, max, mode }
  // An assertion is tried once or not at all.
  return { kind: 'repeat', item, mode, min: Math.min(min, 1), max: Math.min(max, 1) }
}

function takeQuantifier(reader: Reader): Quantifier | undefined {
  const match = takeMatch(reader, /([*+?])|\{([0-9]+)(?:(,)([0-9]*))?\}/y)
  if (match === undefined) return undefined
  const [, sign, from, comma, to = ''] = match
  const min = sign === undefined ? Number(from) : sign === '+' ? 1 : 0
  const max = sign === undefined ? limitOf(min, comma, to) : sign === '?' ? 1 : Infinity
  if (min > MOST_REPEATS || (max !== Infinity && max > MOST_REPEATS)) {
    fail(reader, 'number too big in {} quantifier', reader.at - 1)
  }
  if (max < min) fail(reader, 'numbers out of order in {} quantifier', reader.at - 1)
  const end = reader.at
  if (take(reader, '+')) return { min, max, mode: 'possessive', end }
  const isLazy = take(reader, '?') !== reader.flags.U
  return { min, max, mode: isLazy ? 'lazy' : 'greedy', end }
}

function limitOf(min: number, comma: string | undefined, to: string): number {
  if (comma === undefined) return min
  return to === '' ? Infinity : Number(to)
}

const MOST_REPEATS = 65_535

function skipExtended(reader: Reader): void {
  if (reader.quoted) return
  while (
    takeMatch(reader, /\(\?#[^)]*\)/y) ||
    (reader.flags.x && takeMatch(reader, /[\t-\r ]+|#[^\n]*/y))
  );
}
