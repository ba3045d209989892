// Character classes of Lua patterns as sets of octets, in C's locale.

/** Where the single-character class that begins at `start` ends, or what is wrong with it. */
export function classEnd(source: string, start: number): number | string {
  let at = start + 1
  if (source[start] === '%') {
    return at === source.length ? "malformed pattern (ends with '%')" : at + 1
  }
  if (source[start] !== '[') return at
  if (source[at] === '^') at++
  do {
    if (at >= source.length) return "malformed pattern (missing ']')"
    if (source[at++] === '%' && at < source.length) at++
  } while (source[at] !== ']')
  return at + 1
}

/** The octets of a single-character class: a character, `.`, `%x` or a set in brackets. */
export function setOf(source: string): Uint8Array<ArrayBuffer> {
  const set = new Uint8Array(256)
  if (source === '.') return set.fill(1)
  if (source[0] === '%') return add(set, source[1] ?? '')
  if (source[0] !== '[' || source.length === 1) {
    set[source.charCodeAt(0)] = 1
    return set
  }
  const isNegated = source[1] === '^'
  const last = source.length - 1
  for (let at = isNegated ? 2 : 1; at < last; at++) {
    if (source[at] === '%') add(set, source[++at] ?? '')
    else if (source[at + 1] === '-' && at + 2 < last) {
      const to = source.charCodeAt(at + 2)
      for (let code = source.charCodeAt(at); code <= to; code++) set[code] = 1
      at += 2
    } else set[source.charCodeAt(at)] = 1
  }
  return isNegated ? set.map((isIn) => 1 - isIn) : set
}

// Adds what `%` and a letter stand for: a class, its complement, or the character.
function add(set: Uint8Array<ArrayBuffer>, letter: string): Uint8Array<ArrayBuffer> {
  const ranges = CLASSES[letter.toLowerCase()]
  if (ranges === undefined) {
    set[letter.charCodeAt(0)] = 1
    return set
  }
  const members = new Uint8Array(256)
  for (let at = 0; at < ranges.length; at += 2) {
    members.fill(1, ranges.charCodeAt(at), ranges.charCodeAt(at + 1) + 1)
  }
  const isComplement = letter !== letter.toLowerCase() ? 1 : 0
  for (let code = 0; code < 256; code++) if (members[code] !== isComplement) set[code] = 1
  return set
}

/** Each class as pairs of first and last character. */
const CLASSES: Readonly<Record<string, string>> = {
  a: 'AZaz',
  c: '\0\x1f\x7f\x7f',
  d: '09',
  l: 'az',
  p: '!/:@[`{~',
  s: '\t\r  ',
  u: 'AZ',
  w: '09AZaz',
  x: '09AFaf',
  z: '\0\0',
}
