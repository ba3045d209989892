// Patterns by their text, compiled once. Subjects and patterns are byte strings in UTF-8, as in
// Momentum; a subject that is not valid UTF-8 is matched octet by octet instead of not at all.
import { isUtf8 } from 'node:buffer'
import { compile } from './compiler.ts'
import { PatternError } from './node.ts'
import type { Program } from './program.ts'

export interface Pattern {
  readonly program: Program
  /** For subjects that are not UTF-8. */
  octets: Program | undefined
}

/** Why a pattern cannot be used: PCRE's words, and the offset in octets. */
export interface Problem {
  readonly kind: 'problem'
  readonly message: string
  readonly offset: number
}

const LONGEST_PATTERN = 65_536
/** Octets of all compiled patterns that are kept. */
const MOST_KEPT = 2 ** 24
const patterns = new Map<string, Pattern | Problem>()
let kept = 0

/** The compiled pattern. Compiled ones are kept, the oldest given up first. */
export function patternOf(text: string): Pattern | Problem {
  const known = patterns.get(text)
  if (known !== undefined) return known
  const made = makePattern(text)
  kept += weightOf(text, made)
  patterns.set(text, made)
  for (const [oldest, pattern] of patterns) {
    if (kept <= MOST_KEPT) break
    patterns.delete(oldest)
    kept -= weightOf(oldest, pattern)
  }
  return made
}

/** Both of its programs counted. */
function weightOf(text: string, pattern: Pattern | Problem): number {
  const size =
    'kind' in pattern ? 0 : 4 * pattern.program.code.length + pattern.program.narrow.length
  return 500 + text.length + 2 * size
}

function makePattern(text: string): Pattern | Problem {
  if (text === '') return problem('an empty pattern was provided', 0)
  if (text.length > LONGEST_PATTERN) return problem('regular expression is too large', 0)
  if (!isValid(text)) return problem('invalid UTF-8 string', 0)
  try {
    return { program: compile(text, true), octets: undefined }
  } catch (error) {
    if (error instanceof PatternError) return problem(error.message, error.offset)
    throw error
  }
}

function problem(message: string, offset: number): Problem {
  return { kind: 'problem', message, offset }
}

/** The program for a subject. */
export function programFor(pattern: Pattern, text: string, subject: string): Program {
  return isValid(subject) ? pattern.program : (pattern.octets ??= compile(text, false))
}

function isValid(text: string): boolean {
  return !/[\x80-\xff]/.test(text) || isUtf8(Buffer.from(text, 'latin1'))
}
