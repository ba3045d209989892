// Groups of every kind: `(…)`, `(?:…)`, `(?<name>…)`, `(?=…)`, `(?>…)`, `(?i)`, `(?(1)…|…)`, `(?R)`.
import { type Condition, type Look, type Node } from './node.ts'
import { fail, type Flags, type Reader, take, takeMatch } from './reader.ts'
import { backreference, groupsOf, nameIn, recursion, targetOf } from './reference.ts'

type ReadChoice = (reader: Reader, isReset?: boolean) => Node

const MOST_DEPTH = 250

/** Reads on after the opening parenthesis. `nothing`: what cannot be repeated and matches nothing. */
export function readGroup(reader: Reader, readChoice: ReadChoice): Node | 'nothing' {
  if (reader.text.charAt(reader.at) === '*') return readVerb(reader)
  if (!take(reader, '?')) return readCapture(reader, readChoice)
  if (reader.at >= reader.text.length) fail(reader, 'unrecognized character after (? or (?-')
  if (take(reader, '#')) return readComment(reader)
  if (take(reader, '(')) return readCondition(reader, readChoice)
  if (take(reader, ':')) return apart(readBody(reader, readChoice))
  if (take(reader, '|')) return apart(readBody(reader, (inner) => readChoice(inner, true)))
  if (take(reader, '>')) return { kind: 'atomic', item: readBody(reader, readChoice) }
  return (
    readLook(reader, readChoice) ??
    readNamed(reader, readChoice) ??
    readCall(reader) ??
    readFlags(reader, readChoice)
  )
}

/** What stands in a group, and its closing parenthesis; flags that are set in it end with it. */
function readBody(reader: Reader, readChoice: ReadChoice): Node {
  const { flags } = reader
  if (++reader.depth > MOST_DEPTH) fail(reader, 'parentheses are too deeply nested')
  const node = readChoice(reader)
  if (!take(reader, ')')) fail(reader, 'missing )')
  reader.depth--
  reader.flags = flags
  return node
}

/** Alternatives of a group are none of what the group stands in. */
function apart(node: Node): Node {
  return node.kind === 'choice' ? { kind: 'sequence', items: [node] } : node
}

function readCapture(reader: Reader, readChoice: ReadChoice): Node {
  const group = ++reader.groups
  return { kind: 'group', group, item: readBody(reader, readChoice) }
}

function readVerb(reader: Reader): Node {
  const name = takeMatch(reader, /\*([A-Za-z0-9_:=]*)\)/y)?.[1]
  if (name === undefined) return readQuantifiedParenthesis(reader)
  if (name === 'F' || name === 'FAIL') return { kind: 'fail' }
  if (!/^[A-Z0-9_]*[:=]?/.test(name) || name === '')
    fail(reader, '(*VERB) not recognized or malformed')
  return fail(reader, `(*${name}) is not supported by this server`)
}

function readQuantifiedParenthesis(reader: Reader): never {
  return /^\*[A-Za-z:]/.test(reader.text.slice(reader.at))
    ? fail(reader, '(*VERB) not recognized or malformed')
    : fail(reader, 'nothing to repeat')
}

function readComment(reader: Reader): 'nothing' {
  const end = reader.text.indexOf(')', reader.at)
  if (end < 0) fail(reader, 'missing ) after comment', reader.text.length)
  reader.at = end + 1
  return 'nothing'
}

function readLook(reader: Reader, readChoice: ReadChoice): Look | undefined {
  const match = takeMatch(reader, /(<?)([=!])/y)
  if (match === undefined) return undefined
  const [, side, sign] = match
  const item = readBody(reader, readChoice)
  const node = { item, behind: side === '<', negative: sign === '!', offset: reader.at - 1 }
  return { kind: 'look', ...node }
}

function readNamed(reader: Reader, readChoice: ReadChoice): Node | undefined {
  const match = takeMatch(reader, /P?<([^>)]*)(>?)|'([^')]*)('?)/y)
  if (match === undefined) return undefined
  const [, angled, angle, quoted = '', quote] = match
  const name = nameIn(reader, angled ?? quoted)
  if ((angle ?? quote) === '') fail(reader, 'syntax error in subpattern name (missing terminator)')
  const group = reader.groups + 1
  const known = reader.names.get(name) ?? []
  if (known.length > 0 && !known.includes(group) && !reader.flags.J) {
    fail(reader, 'two named subpatterns have the same name', reader.at - 1)
  }
  if (!known.includes(group)) reader.names.set(name, [...known, group])
  return readCapture(reader, readChoice)
}

/** `(?R)`, `(?1)`, `(?-1)`, `(?&name)`, `(?P>name)`, `(?P=name)`. */
function readCall(reader: Reader): Node | undefined {
  const match = takeMatch(reader, /(R|[+-]?[0-9]+)\)|(?:&|P>)([^)]*)\)|P=([^)]*)\)/y)
  if (match === undefined) {
    if (/^(?:R|[+-]?[0-9])/.test(reader.text.slice(reader.at))) {
      fail(reader, '(?R or (?[+-]digits must be followed by )')
    }
    return undefined
  }
  const [, number, called, referred] = match
  if (referred !== undefined) return backreference(reader, nameIn(reader, referred))
  if (called !== undefined) return recursion(reader, nameIn(reader, called))
  return recursion(reader, number === 'R' ? 0 : targetOf(reader, number ?? ''))
}

/** `(?i-s)` from here to the end of the group around, `(?i:…)` for one of its own. */
function readFlags(reader: Reader, readChoice: ReadChoice): Node | 'nothing' {
  const match = takeMatch(reader, /([imsxUJ]*)(?:-([imsxUJ]*))?([:)])/y)
  if (match === undefined) {
    if (reader.text.charAt(reader.at) === 'C') fail(reader, '(?C) is not supported by this server')
    takeMatch(reader, /[imsxUJ-]*/y)
    const isOpen = reader.at >= reader.text.length
    return fail(
      reader,
      isOpen ? 'missing )' : 'unrecognized character after (? or (?-',
      reader.at + (isOpen ? 0 : 1),
    )
  }
  const [, on = '', off = '', end] = match
  const before = reader.flags
  reader.flags = changed(changed(before, on, true), off, false)
  if (end === ')') return 'nothing'
  const node = readBody(reader, readChoice)
  reader.flags = before
  return node
}

function changed(flags: Flags, letters: string, value: boolean): Flags {
  return { ...flags, ...Object.fromEntries(Array.from(letters, (letter) => [letter, value])) }
}

/** Reads on after `(?(`. */
function readCondition(reader: Reader, readChoice: ReadChoice): Node {
  const test = readTest(reader, readChoice)
  const body = readBody(reader, readChoice)
  const branches = body.kind === 'choice' ? body.items : [body]
  if (branches.length > 2) {
    fail(reader, 'conditional group contains more than two branches', reader.at - 1)
  }
  const [yes = EMPTY, no = EMPTY] = branches
  if (test.kind === 'never' && branches.length > 1) {
    fail(reader, 'DEFINE group contains more than one branch', reader.at - 1)
  }
  return { kind: 'condition', test, yes, no }
}

const EMPTY: Node = { kind: 'empty' }

function readTest(reader: Reader, readChoice: ReadChoice): Condition {
  if (take(reader, '?')) {
    const look = readLook(reader, readChoice)
    return look === undefined
      ? fail(reader, 'assertion expected after (?( or (?(?C)')
      : { kind: 'look', look }
  }
  const match = takeMatch(
    reader,
    /(R)([0-9]*)\)|R&(\w+)\)|<(\w*)>\)|'(\w*)'\)|([+-]?[0-9]+)\)|(\w+)\)/y,
  )
  if (match === undefined) return fail(reader, 'malformed number or name after (?(')
  const [, recursing, number = '', calledName, angled, quoted, digits, bare] = match
  const offset = reader.at - 1
  if (bare === 'DEFINE' && !reader.names.has(bare)) return { kind: 'never' }
  if (recursing !== undefined) {
    return { kind: 'recursing', group: number === '' ? undefined : Number(number) }
  }
  const name = calledName ?? angled ?? quoted ?? bare
  const target = name === undefined ? targetOf(reader, digits ?? '') : nameIn(reader, name)
  const groups: number[] = []
  reader.later.push(() => groups.push(...groupsOf(reader, target, offset)))
  if (calledName === undefined) return { kind: 'group', groups }
  return {
    kind: 'recursing',
    get group() {
      return groups[0]
    },
  }
}
