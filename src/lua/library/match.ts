// find, match, gmatch and gsub.

import {
  BOOLEAN,
  NATIVE,
  NIL,
  NUMBER,
  STRING,
  TABLE,
  argumentAt,
  host,
  lobject,
  lua,
  pop,
  pushCopy,
  textIn,
  type NativeFunction,
  type TValue,
  type Thread,
} from '../engine.ts'
import { Matcher, PatternError } from '../pattern/matcher.ts'
import { patternOf } from '../pattern/pattern.ts'
import { raise, raiseArgument } from '../raise.ts'
import { typeName } from '../value.ts'
import {
  chargeSteps,
  intAt,
  integerAt,
  pushNewText,
  pushNil,
  pushNumber,
  pushText,
  textAt,
} from './native.ts'

const FUNCTION = 6
const { tick } = host

export const find: NativeFunction = guarded((L) => search(L, true))

export const match: NativeFunction = guarded((L) => search(L, false))

export const gmatch: NativeFunction = (L) => {
  const subject = textAt(L, 1)
  const source = textAt(L, 2)
  // `^` is no anchor here but a character.
  const pattern = patternOf(source.startsWith('^') ? `%${source}` : source)
  const matcher = new Matcher(subject, pattern)
  tick.bytes -= 500
  let from = 0
  const next = guarded((thread) => {
    if (from > subject.length || !matcher.search(from)) return 0
    from = afterMatch(matcher)
    return pushCaptures(thread, matcher)
  })
  L.stack[L.top++] = new lobject.TValue(NATIVE, next)
  return 1
}

export const gsub: NativeFunction = guarded((L) => {
  const subject = textAt(L, 1)
  const source = textAt(L, 2)
  const type = lua.lua_type(L, 3)
  const max = intAt(L, 4, subject.length + 1)
  if (type !== NUMBER && type !== (STRING & 15) && type !== TABLE && type !== FUNCTION) {
    return raiseArgument(L, 3, 'string/function/table expected')
  }
  const template = type === FUNCTION || type === TABLE ? undefined : textAt(L, 3)
  const matcher = new Matcher(subject, patternOf(source))
  return substitute(L, { matcher, template, max, count: 0, from: 0, copied: 0, result: '' })
})

/** A gsub under way; its callback may suspend. */
interface Substitution {
  readonly matcher: Matcher
  /** What replaces a match; undefined where a function or a table says so. */
  readonly template: string | undefined
  max: number
  count: number
  /** Where the next match may begin. */
  from: number
  /** Up to where the subject is in the result. */
  copied: number
  result: string
}

/** A string is searched again by the callers of these functions: positions may be negative. */
export function position(at: number, length: number): number {
  if (at >= 0) return at
  return -at > length ? 0 : length + at + 1
}

function search(L: Thread, isFind: boolean): number {
  const subject = textAt(L, 1)
  const source = textAt(L, 2)
  const first = position(integerAt(L, 3, 1), subject.length)
  const from = Math.min(Math.max(first, 1), subject.length + 1) - 1
  const pattern = patternOf(source)
  if (isFind && (pattern.isPlain || isTrue(argumentAt(L, 4)))) {
    tick.n -= subject.length >> 5
    const at = subject.indexOf(source, from)
    return at < 0 ? pushNil(L) : pushNumber(L, at + 1) + pushNumber(L, at + source.length)
  }
  const matcher = new Matcher(subject, pattern)
  if (!matcher.search(from)) return pushNil(L)
  if (!isFind) return pushCaptures(L, matcher)
  const ends = pushNumber(L, matcher.start + 1) + pushNumber(L, matcher.end)
  return matcher.count === 0 ? ends : ends + pushCaptures(L, matcher)
}

function substitute(L: Thread, job: Substitution): number {
  const { matcher, template } = job
  const { subject, pattern } = matcher
  while (job.count < job.max && job.from <= subject.length && matcher.search(job.from)) {
    job.count++
    if (template !== undefined) append(L, job, expand(template, matcher))
    else if (argumentAt(L, 3)?.type === TABLE) {
      pushCapture(L, matcher, 0)
      lua.lua_gettable(L, 3)
      append(L, job, replacement(L, matcher))
    } else {
      pushCopy(L, argumentAt(L, 3))
      lua.lua_callk(L, pushCaptures(L, matcher), 1, job, resumed)
      append(L, job, replacement(L, matcher))
    }
    if (pattern.isAnchored) break
  }
  return pushNewText(L, job.result + subject.slice(job.copied)) + pushNumber(L, job.count)
}

const resume = guarded((L, job: Substitution) => {
  append(L, job, replacement(L, job.matcher))
  if (job.matcher.pattern.isAnchored) job.max = job.count
  return substitute(L, job)
})

const resumed = (L: Thread, _status: number, job: Substitution): number => resume(L, job)

// Puts what stands before the match and what replaces it into the result.
function append(L: Thread, job: Substitution, text: string): void {
  const { matcher } = job
  job.result += matcher.subject.slice(job.copied, matcher.start) + text
  chargeSteps(text.length)
  if (job.result.length > tick.maxString) raise(L, 'resulting string too large')
  job.copied = matcher.end
  job.from = afterMatch(matcher)
}

// An empty match advances by one.
function afterMatch({ start, end }: Matcher): number {
  return end > start ? end : end + 1
}

// What a callback or a table gave for a match; false and nil keep it.
function replacement(L: Thread, matcher: Matcher): string {
  const slot = pop(L)
  if (slot.type === NIL || (slot.type === BOOLEAN && !slot.value)) {
    return matcher.slice(matcher.start, matcher.end)
  }
  if (slot.type === NUMBER) return host.numberToText(slot.value)
  return textIn(slot) ?? raise(L, `invalid replacement value (a ${typeName(slot)})`)
}

// %0 to %9 in a replacement are the match and its captures, % and another character is that character.
function expand(template: string, matcher: Matcher): string {
  let text = ''
  let from = 0
  for (;;) {
    const at = template.indexOf('%', from)
    if (at < 0) return from === 0 ? template : text + template.slice(from)
    const sign = template[at + 1] ?? '\0'
    text += template.slice(from, at)
    if (sign === '0') text += matcher.slice(matcher.start, matcher.end)
    else if (sign >= '1' && sign <= '9') text += textOf(matcher.capture(Number(sign) - 1))
    else text += sign
    from = at + 2
  }
}

function textOf(capture: string | number): string {
  return typeof capture === 'string' ? capture : host.numberToText(capture)
}

// All captures, or the whole match where there are none.
function pushCaptures(L: Thread, matcher: Matcher): number {
  const count = Math.max(matcher.count, 1)
  if (count > 10) lua.lua_checkstack(L, count)
  for (let index = 0; index < count; index++) pushCapture(L, matcher, index)
  return count
}

function pushCapture(L: Thread, matcher: Matcher, index: number): void {
  const capture = matcher.capture(index)
  if (typeof capture === 'string') pushText(L, capture)
  else pushNumber(L, capture)
}

function isTrue(slot: TValue | undefined): boolean {
  return slot !== undefined && slot.type !== NIL && slot.value !== false
}

// What is wrong with a pattern is an error of the function that uses it.
function guarded<Rest extends unknown[]>(
  native: (L: Thread, ...rest: Rest) => number,
): (L: Thread, ...rest: Rest) => number {
  return (L, ...rest) => {
    try {
      return native(L, ...rest)
    } catch (error) {
      if (error instanceof PatternError) return raise(L, error.message)
      throw error
    }
  }
}
