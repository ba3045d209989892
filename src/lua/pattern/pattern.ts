// Lua patterns compiled: a list of items, each with the set of octets it takes. What is malformed is an
// item too, since the reference implementation complains only when matching gets there.

import { classEnd, setOf } from './class.ts'

/** A compiled pattern. */
export interface Pattern {
  readonly items: readonly Item[]
  /** Only tried where the search starts: it began with `^`. */
  readonly isAnchored: boolean
  /** The text with which every match begins. */
  readonly prefix: string
  /** `find` looks for the pattern as it stands: it has no character that it takes to be special. */
  readonly isPlain: boolean
}

export interface Item {
  readonly kind: number
  /** Octets that a single-character item or a frontier takes. */
  readonly set: Uint8Array
  /** The brackets of %b, the number of a back reference, the text of an error. */
  readonly detail: string
}

/** Kinds of items: a class alone, then with ? * + -, then what is no character. */
export const SINGLE = 0
export const OPTIONAL = 1
export const ANY = 2
export const SOME = 3
export const FEWEST = 4
export const OPEN = 5
export const POSITION = 6
export const CLOSE = 7
export const END = 8
export const BALANCED = 9
export const FRONTIER = 10
export const BACK = 11
export const MALFORMED = 12
export const DONE = 13

const CACHED_PATTERNS = 500
export const NO_SET = new Uint8Array(256)

/** Compiles a pattern, or finds it compiled. */
export function patternOf(source: string): Pattern {
  const known = compiled.get(source)
  if (known !== undefined) return known
  const pattern = compile(source)
  if (compiled.size >= CACHED_PATTERNS) compiled.clear()
  compiled.set(source, pattern)
  return pattern
}

const compiled = new Map<string, Pattern>()

// As a C string, a pattern ends at a NUL; %z matches one.
function compile(whole: string): Pattern {
  const [source = ''] = whole.split('\0', 1)
  const isAnchored = source.startsWith('^')
  const items: Item[] = []
  let prefix = ''
  let isLiteral = !isAnchored
  let at = isAnchored ? 1 : 0
  while (at < source.length) {
    const { item, end } = itemAt(source, at)
    isLiteral &&= item.kind === SINGLE && end === at + 1 && source[at] !== '.'
    if (isLiteral) prefix += source[at]
    items.push(item)
    if (item.kind === MALFORMED) break
    at = end
  }
  items.push(item(DONE))
  return { items, isAnchored, prefix, isPlain: !/[\^$*+?.([%-]/.test(source) }
}

// The item that begins at `at`, and where the next one does.
function itemAt(source: string, at: number): { item: Item; end: number } {
  const next = source[at + 1] ?? ''
  switch (source[at] ?? '') {
    case '(':
      if (next === ')') return { item: item(POSITION), end: at + 2 }
      return { item: item(OPEN), end: at + 1 }
    case ')':
      return { item: item(CLOSE), end: at + 1 }
    case '$':
      if (at + 1 === source.length) return { item: item(END), end: at + 1 }
      break
    case '%':
      if (next === 'b') {
        const brackets = source.slice(at + 2, at + 4)
        if (brackets.length < 2) return malformed('unbalanced pattern')
        return { item: item(BALANCED, NO_SET, brackets), end: at + 4 }
      }
      if (next === 'f') {
        if (source[at + 2] !== '[') return malformed("missing '[' after '%f' in pattern")
        const end = classEnd(source, at + 2)
        if (typeof end === 'string') return malformed(end)
        return { item: item(FRONTIER, setOf(source.slice(at + 2, end))), end }
      }
      if (/\d/.test(next)) return { item: item(BACK, NO_SET, next), end: at + 2 }
  }
  const end = classEnd(source, at)
  if (typeof end === 'string') return malformed(end)
  const kind = 1 + '?*+-'.indexOf(source[end] ?? ' ')
  return { item: item(kind, setOf(source.slice(at, end))), end: kind === SINGLE ? end : end + 1 }
}

function item(kind: number, set = NO_SET, detail = ''): Item {
  return { kind, set, detail }
}

const malformed = (detail: string) => ({ item: item(MALFORMED, NO_SET, detail), end: 0 })
