// `msys.pcre` in Lua. Momentum's manual pages "lua.ref.msys.pcre.match", ".replace", ".split".
import { chargeTicks } from '../../lua/budget.ts'
import { currentCall, runWithin } from '../../lua/call.ts'
import { LuaCallError } from '../../lua/error.ts'
import {
  isHandle,
  type LuaFunction,
  type LuaTable,
  type LuaValue,
  type Multiple,
  multiple,
} from '../../lua/value.ts'
import { andThen, type Eventually, orElse } from '../../mail/eventually.ts'
import { declare } from '../declaration.ts'
import { asString, number, optional, type Parameter, string } from '../parameter.ts'
import type { Runtime } from '../runtime.ts'
import { MatchLimitError } from './machine.ts'
import type { Problem } from './pattern.ts'
import { type Match, match, matches, replace, split } from './text.ts'

const fn = declare<undefined>()

const replacement: Parameter<string | LuaFunction> = {
  name: 'replacement',
  expects: 'string or function',
  read: (value) => (isHandle(value, 'function') ? value : asString(value)),
}

export const PCRE_FUNCTIONS = [
  fn(
    'msys.pcre.match',
    [string('subject'), string('pattern')],
    {
      result: 'table | nil | nil, error, offset',
      tier: 1,
      doc: 'the first match: [0] the whole, [1] and so on the groups, and groups by name',
      differs:
        'a subject that is not UTF-8 is matched octet by octet, a match that takes too long raises; \\X, (?C) and (*VERB) but (*FAIL) are refused',
    },
    (_, [subject, pattern], runtime) =>
      within('msys.pcre.match', pattern, () => {
        const found = match(subject, pattern, spendTicks)
        if (found === undefined) return undefined
        return found.kind === 'match' ? matchTable(found, runtime) : problemResult(found)
      }),
  ),
  fn(
    'msys.pcre.replace',
    [string('subject'), string('pattern'), replacement, optional(number('limit'), -1)],
    { result: 'string | nil, error, offset', tier: 1, doc: 'replaces matches' },
    (_, [subject, pattern, by, limit], runtime) =>
      within('msys.pcre.replace', pattern, () => {
        if (typeof by !== 'string')
          return replaceBy(subject, pattern, by, Math.trunc(limit), runtime)
        const result = replace(subject, pattern, by, {
          limit: Math.trunc(limit),
          spend: spendTicks,
        })
        return typeof result === 'string' ? result : problemResult(result)
      }),
  ),
  fn(
    'msys.pcre.split',
    [string('subject'), string('pattern'), optional(number('limit'), -1)],
    { result: 'string[] | nil, error, offset', tier: 1, doc: 'the pieces between matches' },
    (_, [subject, pattern, limit]) =>
      within('msys.pcre.split', pattern, () => {
        const pieces = split(subject, pattern, { limit: Math.trunc(limit), spend: spendTicks })
        return 'kind' in pieces ? problemResult(pieces) : pieces
      }),
  ),
]

/** [0] the match, [1] … the groups, and the named ones by name. */
export function matchTable({ groups, named }: Match, { newTable }: Runtime): LuaTable {
  const table = newTable()
  for (const [index, text] of groups.entries()) table.set(index, text)
  for (const [name, text] of named) table.set(name, text)
  return table
}

/** What a step of the matcher counts for in the budget of a callout. */
const TICKS_PER_STEP = 3

/** Counts the steps of a match for the running callout. */
export function spendTicks(steps: number): void {
  chargeTicks(steps * TICKS_PER_STEP)
}

/** Runs a match for a function of the API; one that exceeds a limit raises and names the pattern. */
export function within<T>(name: string, pattern: string, run: () => Eventually<T>): Eventually<T> {
  const fail = (error: unknown): never => {
    if (!(error instanceof MatchLimitError)) throw error
    const shown = pattern.length > 80 ? `${pattern.slice(0, 80)}...` : pattern
    throw new LuaCallError(`${name}: ${error.message} by the pattern '${shown}'`)
  }
  return orElse(run, fail)
}

function problemResult({ message, offset }: Problem): Multiple {
  return multiple(undefined, message, offset)
}

/** Replaces by what a function of policy returns; it may suspend. */
function replaceBy(
  subject: string,
  pattern: string,
  by: LuaFunction,
  limit: number,
  runtime: Runtime,
): Eventually<string | Multiple> {
  const call = currentCall()
  const found = matches(subject, pattern, spendTicks)
  let out = ''
  let done = 0
  let left = limit
  const finish = (): string => out + subject.slice(done)
  const put = (one: Match, [value]: readonly LuaValue[]): void => {
    out += subject.slice(done, one.start) + replacementOf(value, subject.slice(one.start, one.end))
    done = one.end
    left--
  }
  const step = (): Eventually<string | Multiple> => {
    for (;;) {
      const next = left === 0 ? undefined : found.next()
      if (next === undefined || next.done === true) return finish()
      const one = next.value
      if (one.kind === 'problem') return multiple(undefined, one.message, one.offset)
      const result = runtime.call(by, [matchTable(one, runtime)], call && { within: call })
      if (!(result instanceof Promise)) {
        put(one, result)
        continue
      }
      return andThen(result, (values) => {
        put(one, values)
        return call === undefined ? step() : runWithin(call, step)
      })
    }
  }
  return step()
}

function replacementOf(value: LuaValue, kept: string): string {
  if (value === undefined || value === false) return kept
  const text = asString(value)
  if (text !== undefined) return text
  const type = typeof value === 'object' && 'kind' in value ? value.kind : typeof value
  throw new LuaCallError(`msys.pcre.replace: invalid replacement value (a ${type})`)
}
