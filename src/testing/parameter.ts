// Arguments of expectations: a wrong one is the test's mistake, and named as such.
import { LuaCallError } from '../lua/error.ts'
import type { LuaValue } from '../lua/value.ts'
import { textOf } from './arguments.ts'

/** Whether a text holds a match of a Lua pattern, or (`isPlain`) a text. Raises for a malformed pattern. */
export type Finder = (text: string, pattern: string, isPlain: boolean) => boolean

export function textArgument(method: string, index: number, value: LuaValue): string {
  const text = textOf(value)
  if (text === undefined) throw wrong(method, index, 'a string')
  return text
}

export function patternOf(method: string, index: number, value: LuaValue): string {
  if (typeof value !== 'string') throw wrong(method, index, 'a Lua pattern')
  return value
}

export function numberOf(method: string, index: number, value: LuaValue): number {
  if (typeof value !== 'number') throw wrong(method, index, 'a number')
  return value
}

function wrong(method: string, index: number, expected: string): LuaCallError {
  return new LuaCallError(`${method}: argument ${index}: ${expected} was expected`)
}
