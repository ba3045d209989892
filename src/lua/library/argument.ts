// Arguments of library functions that are written in TypeScript, checked with the messages of Lua.
// `index` counts from 0; in messages it counts from 1, without the self of a method.

import { LuaCallError } from '../error.ts'
import { numberToText, textToNumber } from '../number.ts'
import type { LuaValue } from '../value.ts'

type Arguments = readonly LuaValue[]

/** "bad argument #1 to 'open' (why)" */
export function badArgument(index: number, name: string, why: string): LuaCallError {
  return new LuaCallError(`bad argument #${index + 1} to '${name}' (${why})`)
}

/** A string; a number counts as its text. */
export function textArgument(args: Arguments, index: number, name: string): string {
  const value = args[index]
  if (typeof value === 'string') return value
  if (typeof value === 'number') return numberToText(value)
  throw wrongType(args, index, name, 'string')
}

/** A number or the text of one; `otherwise` stands for nil. */
export function numberArgument(
  args: Arguments,
  index: number,
  name: string,
  otherwise?: number,
): number {
  const value = args[index]
  if (value === undefined && otherwise !== undefined) return otherwise
  const found = typeof value === 'string' ? textToNumber(value) : value
  if (typeof found === 'number') return found
  throw wrongType(args, index, name, 'number')
}

/** A number without its fraction. */
export function integerArgument(
  args: Arguments,
  index: number,
  name: string,
  otherwise?: number,
): number {
  return Math.trunc(numberArgument(args, index, name, otherwise))
}

/** One of some words. */
export function wordArgument<const T extends string>(
  args: Arguments,
  index: number,
  name: string,
  words: readonly T[],
  otherwise: NoInfer<T>,
): T {
  const text = args[index] === undefined ? otherwise : textArgument(args, index, name)
  const word = words.find((candidate) => candidate === text)
  if (word === undefined) throw badArgument(index, name, `invalid option '${text}'`)
  return word
}

function wrongType(args: Arguments, index: number, name: string, wanted: string): LuaCallError {
  const got = index < args.length ? typeOf(args[index]) : 'no value'
  return badArgument(index, name, `${wanted} expected, got ${got}`)
}

function typeOf(value: LuaValue): string {
  if (value === undefined) return 'nil'
  return typeof value === 'object' && 'kind' in value ? value.kind : typeof value
}
