// A class in brackets: `[a-z\d[:punct:]]`.
import { type CharSet, negate, posixSet, range, union } from './charset.ts'
import { readEscape } from './escape.ts'
import { fail, type Reader, take, takeChar, takeMatch } from './reader.ts'

type Member = { readonly char: number } | { readonly set: CharSet }

/** Reads on after the opening bracket. */
export function readBracket(reader: Reader): CharSet {
  const isNegated = take(reader, '^')
  const sets: CharSet[] = []
  let isFirst = true
  let quoted = false
  for (;;) {
    if (reader.at >= reader.text.length) fail(reader, 'missing terminating ] for character class')
    if (quoted && take(reader, '\\E')) quoted = false
    else if (take(reader, '\\Q')) quoted = true
    else if (!quoted && take(reader, '\\E')) continue
    else if (!quoted && !isFirst && take(reader, ']')) break
    else {
      sets.push(readMember(reader, quoted))
      isFirst = false
    }
  }
  const set = union(sets)
  return isNegated ? negate(set) : set
}

function readMember(reader: Reader, quoted: boolean): CharSet {
  const { flags } = reader
  const first = readOne(reader, quoted)
  if ('set' in first) {
    if (!quoted && takeMatch(reader, /-(?!\])/y)) fail(reader, 'invalid range in character class')
    return first.set
  }
  const after = reader.at
  if (!quoted && take(reader, '-')) {
    while (take(reader, '\\E') || take(reader, '\\Q\\E'));
    if (reader.at < reader.text.length && reader.text.charAt(reader.at) !== ']') {
      const last = readOne(reader, take(reader, '\\Q'))
      if ('set' in last) return fail(reader, 'invalid range in character class', reader.at - 1)
      if (last.char < first.char) {
        fail(reader, 'range out of order in character class', reader.at - 1)
      }
      return range(first.char, last.char, flags.i)
    }
    // The hyphen is a character of its own.
    reader.at = after
  }
  return range(first.char, first.char, flags.i)
}

function readOne(reader: Reader, quoted: boolean): Member {
  if (!quoted) {
    const posix = takePosix(reader)
    if (posix !== undefined) return { set: posix }
    if (take(reader, '\\')) {
      const escape = readEscape(reader, true)
      if (escape.kind === 'set') return { set: escape.set }
      return { char: escape.kind === 'char' ? escape.char : 0 }
    }
  }
  return { char: takeChar(reader) }
}

function takePosix(reader: Reader): CharSet | undefined {
  const start = reader.at
  const match = takeMatch(reader, /\[([:.=])(\^?)([^\\\]]{0,32}?)\1\]/y)
  if (match === undefined) return undefined
  const [, kind, not, name = ''] = match
  if (kind !== ':') fail(reader, 'POSIX collating elements are not supported', start)
  const set = posixSet(name, reader.flags.i)
  if (set === undefined) fail(reader, 'unknown POSIX class name', start)
  return not === '' ? set : negate(set)
}
