// What policy does with patterns: match, replace, split. Momentum's manual pages "lua.ref.msys.pcre.…".
import { MatchLimitError, type Spend } from './machine.ts'
import { patternOf, type Problem, programFor } from './pattern.ts'
import type { Program } from './program.ts'
import { widthOf } from './reader.ts'
import { type Captures, search } from './search.ts'

export interface Match {
  readonly kind: 'match'
  /** Offsets of the match in the subject, in octets. */
  readonly start: number
  readonly end: number
  /**
   * The match, then what each group captured up to the last that did; a group before it that did not
   * is the empty string.
   */
  readonly groups: readonly string[]
  /** By name; the empty string for a group that captured nothing. */
  readonly named: ReadonlyMap<string, string>
}

export interface Limits {
  /** How many replacements, or pieces of a split; none, or a negative one: all. */
  readonly limit?: number | undefined
  /** Is told the steps used and may throw. */
  readonly spend?: Spend
  /** Octets of the result; 64 MB if missing. */
  readonly longest?: number
}

/** What stands for a match: a text with `$1`, `${1}`, `\1`, `${name}`, or a function; undefined keeps it. */
export type Replacement = string | ((match: Match) => string | undefined)

/** The first match. */
export function match(
  subject: string,
  pattern: string,
  spend: Spend = FREE,
): Match | undefined | Problem {
  for (const found of matches(subject, pattern, spend)) return found
  return undefined
}

/**
 * All matches from left to right; none overlaps another, and one that is empty is followed by one
 * that is not, at the same place, or by the next character.
 */
export function* matches(
  subject: string,
  pattern: string,
  spend: Spend = FREE,
): Generator<Match | Problem> {
  const compiled = patternOf(pattern)
  if ('kind' in compiled) {
    yield compiled
    return
  }
  const program = programFor(compiled, pattern, subject)
  let from = 0
  let isRetry = false
  while (from <= subject.length) {
    const captures = search(program, subject, { from, isRetry }, spend)
    const start = captures?.[0] ?? from
    const end = captures?.[1] ?? from
    // `\K` in an assertion can make a match begin behind its end, or before the last one's: it is none.
    if (captures !== undefined && start >= from && start <= end) {
      yield matchOf(program, subject, captures)
    }
    if (end > from) {
      isRetry = start >= end
      from = end
    } else if (captures !== undefined && !isRetry) {
      isRetry = true
    } else if (isRetry) {
      from += program.utf ? widthOf(subject.charCodeAt(from)) : 1
      isRetry = false
    } else {
      return
    }
  }
}

export function replace(
  subject: string,
  pattern: string,
  replacement: Replacement,
  { limit = -1, spend = FREE, longest = LONGEST_RESULT }: Limits = {},
): string | Problem {
  let out = ''
  let done = 0
  let left = limit
  const parts = typeof replacement === 'string' ? partsOf(replacement) : []
  const keeper = typeof replacement === 'string' ? undefined : replacement
  for (const found of matches(subject, pattern, spend)) {
    if (found.kind === 'problem') return found
    if (left === 0) break
    const text =
      keeper === undefined
        ? fill(parts, found)
        : (keeper(found) ?? subject.slice(found.start, found.end))
    spend(1 + parts.length + ((text.length + found.start - done) >> 4))
    out += subject.slice(done, found.start) + text
    if (out.length > longest) throw new MatchLimitError('the result is too long')
    done = found.end
    left--
  }
  return done === 0 && out === '' ? subject : out + subject.slice(done)
}

/** The pieces between matches that are not empty. */
export function split(
  subject: string,
  pattern: string,
  { limit = -1, spend = FREE }: Limits = {},
): readonly string[] | Problem {
  const pieces: string[] = []
  let done = 0
  for (const found of matches(subject, pattern, spend)) {
    if (found.kind === 'problem') return found
    if (pieces.length === limit - 1) break
    if (found.start > done) pieces.push(subject.slice(done, found.start))
    done = found.end
  }
  if (done < subject.length) pieces.push(subject.slice(done))
  return pieces
}

// A sign after a backslash stands for itself; one that refers to nothing vanishes.
const REFERENCE = /(?<=\\)([\\$])|(?:\$\{([0-9]+)\}?|[\\$]([0-9]+))|\$\{([^}]*)\}?|[\\$]/g

/** What a replacement is made of: text, a group by number, a group by name. */
type Part = string | number | { readonly name: string }

function partsOf(template: string): readonly Part[] {
  const parts: Part[] = []
  let done = 0
  for (const found of template.matchAll(REFERENCE)) {
    const [sign, literal, braced, digits, name] = found
    parts.push(template.slice(done, found.index))
    const group = braced ?? digits ?? (name === '' ? '0' : undefined)
    if (group !== undefined) parts.push(Number(group))
    else parts.push(name === undefined ? (literal ?? '') : { name })
    done = found.index + sign.length
  }
  parts.push(template.slice(done))
  return parts.filter((part) => part !== '')
}

function fill(parts: readonly Part[], { groups, named }: Match): string {
  let text = ''
  for (const part of parts) {
    if (typeof part === 'string') text += part
    else text += (typeof part === 'number' ? groups[part] : named.get(part.name)) ?? ''
  }
  return text
}

const LONGEST_RESULT = 2 ** 26

const FREE: Spend = () => {}

function matchOf({ names }: Program, subject: string, captures: Captures): Match {
  let count = captures.length / 2
  while (count > 1 && (captures[2 * count - 1] ?? -1) < 0) count--
  const groups = Array.from({ length: count }, (_, group) => textOf(subject, captures, group))
  const named = new Map<string, string>()
  for (const [name, numbers] of names) {
    const set = numbers.find((group) => (captures[2 * group + 1] ?? -1) >= 0)
    named.set(name, set === undefined ? '' : textOf(subject, captures, set))
  }
  return { kind: 'match', start: captures[0] ?? 0, end: captures[1] ?? 0, groups, named }
}

function textOf(subject: string, captures: Captures, group: number): string {
  const end = captures[2 * group + 1] ?? -1
  return end < 0 ? '' : subject.slice(captures[2 * group], end)
}
