// Matching and replacing in a message or part: the methods `…_match` and `…_replace` of both, over what they
// name. The end-of-data mark (CRLF.CRLF) that scripts of Momentum see behind a body stands there for a pattern
// that takes in all of it, so that the manual's recipe for disclaimers works and no other pattern meets a dot
// that is not in the message. Momentum manual pages "lua.ref.msg_body_match" and its siblings.
import { LuaCallError } from '../lua/error.ts'
import type { Eventually } from '../mail/eventually.ts'
import { type About, type Binding, declare } from './declaration.ts'
import { markAfter, withoutEndMark } from './messagebody.ts'
import { string } from './parameter.ts'
import { matchTable, spendTicks, within } from './pcre/functions.ts'
import type { Problem } from './pcre/pattern.ts'
import { type Match, match, matches, replace } from './pcre/text.ts'
import type { Runtime } from './runtime.ts'
import { MESSAGE_STAGES } from './stage.ts'

/** A text that patterns are matched against. Byte strings. */
export interface Passage {
  readonly text: string
  /** Whether the end-of-data mark follows it. */
  readonly isLast: boolean
  /** Puts another text in its place. */
  put(text: string): void
}

/** What a family of methods is about: `msg:text`, `msgpart:raw`. */
export interface Scope<Self> {
  readonly name: string
  readonly tier: 1 | 2
  /** Completes "matches …", "replaces in …". */
  readonly what: string
  passages(self: Self): readonly Passage[]
  /** Raises where it must not be changed. */
  assertOpen(self: Self, name: string, runtime: Runtime): void
}

/** `…_match` and `…_replace` of a scope. */
export function matchingMethods<Self>(scope: Scope<Self>): readonly Binding<Self>[] {
  const method = declare<Self>()
  const about = { tier: scope.tier, stages: MESSAGE_STAGES } satisfies Partial<About>
  const [matchName, replaceName] = [`${scope.name}_match`, `${scope.name}_replace`]
  return [
    method(
      matchName,
      [string('pattern')],
      {
        ...about,
        result: 'table | false',
        doc: `matches ${scope.what}; the result is as msys.pcre.match's`,
      },
      (self, [pattern], runtime) =>
        within(matchName, pattern, () => {
          const found = firstMatch(matchName, scope.passages(self), pattern)
          return found ? matchTable(found, runtime) : false
        }),
    ),
    method(
      replaceName,
      [string('pattern'), string('replacement')],
      { ...about, result: 'boolean', doc: `replaces in ${scope.what}; false when nothing matches` },
      (self, [pattern, replacement], runtime): Eventually<boolean> => {
        scope.assertOpen(self, replaceName, runtime)
        return within(replaceName, pattern, () =>
          replaceAll(replaceName, scope.passages(self), pattern, replacement),
        )
      },
    ),
  ]
}

function firstMatch(
  name: string,
  passages: readonly Passage[],
  pattern: string,
): Match | undefined {
  for (const passage of passages) {
    const subject = subjectOf(name, passage, pattern)
    if (subject !== undefined) return found(name, match(subject, pattern, spendTicks))
  }
  return undefined
}

function replaceAll(
  name: string,
  passages: readonly Passage[],
  pattern: string,
  replacement: string,
): boolean {
  let hasReplaced = false
  for (const passage of passages) {
    const subject = subjectOf(name, passage, pattern)
    if (subject === undefined) continue
    const result = replace(subject, pattern, replacement, { spend: spendTicks })
    if (typeof result !== 'string') return refuse(name, result)
    passage.put(subject === passage.text ? result : withoutEndMark(result))
    hasReplaced = true
  }
  return hasReplaced
}

/** The text, with the mark if a match takes in all of it; undefined when nothing matches. */
function subjectOf(name: string, { text, isLast }: Passage, pattern: string): string | undefined {
  const marked = text + markAfter(text)
  const mark = Math.min(text.length, marked.length - END_MARK.length)
  if (isLast && coversMark(name, marked, mark, pattern)) return marked
  return found(name, match(text, pattern, spendTicks)) && text
}

function coversMark(name: string, marked: string, mark: number, pattern: string): boolean {
  for (const one of matches(marked, pattern, spendTicks)) {
    const { start, end } = found(name, one) ?? { start: 0, end: 0 }
    if (start <= mark && end === marked.length) return true
  }
  return false
}

/** With the end of the line before it. */
const END_MARK = '\r\n.\r\n'

function found(name: string, result: Match | Problem | undefined): Match | undefined {
  return result?.kind === 'problem' ? refuse(name, result) : result
}

function refuse(name: string, { message, offset }: Problem): never {
  throw new LuaCallError(`${name}: bad argument #1 (${message} at offset ${offset}): pattern`)
}
