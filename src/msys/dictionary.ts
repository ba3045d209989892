// Access to the two dictionaries of context variables, shared by the methods of `msg` and `vctx`.
// Values are strings: numbers are stored as Lua prints them, booleans as `true` and `false`.
// Momentum manual pages "lua.ref.msg_context_get" and its siblings.
import { LuaCallError } from '../lua/error.ts'
import { type LuaValue, type Multiple, multiple } from '../lua/value.ts'
import type { Context } from '../mail/context.ts'
import { asString, type Parameter, typeName } from './parameter.ts'
import { CONNECTION_DICTIONARY, MESSAGE_DICTIONARY } from './constants.ts'

export type Which = keyof Context

/** The parameter that selects a dictionary: one of the VCTX_… or ECMESS_CTX_… constants. */
export const dictionary: Parameter<Which> = {
  name: 'type',
  expects: 'msys.core.VCTX_CONN or msys.core.VCTX_MESS',
  read(value) {
    if (value === CONNECTION_DICTIONARY) return 'connection'
    return value === MESSAGE_DICTIONARY ? 'message' : undefined
  },
}

/** A key as policy gives it; undefined when it is nil. Anything but a string or number raises. */
export function readKey(name: string, key: LuaValue): string | undefined {
  if (key === undefined) return undefined
  const text = asString(key)
  if (text === undefined)
    throw new LuaCallError(`${name}: bad argument #2 (string expected, got ${typeName(key)}): key`)
  return text
}

/** A value to store; undefined when it is nil. */
export function readValue(name: string, value: LuaValue): string | undefined {
  if (value === undefined) return undefined
  const text = typeof value === 'boolean' ? String(value) : asString(value)
  if (text !== undefined) return text
  throw new LuaCallError(
    `${name}: bad argument #3 (string, number or boolean expected, got ${typeName(value)}): value`,
  )
}

/** `1, value` or `0, nil`: the only way to tell an empty value from none. */
export function existsAndGet(context: Context, which: Which, key: string | undefined): Multiple {
  const value = key === undefined ? undefined : context[which].get(key)
  return value === undefined ? multiple(0, undefined) : multiple(1, value)
}

/** 1 or 0, never a boolean: 0 is true in Lua, and scripts compare with 1. */
export function exists(context: Context, which: Which, key: string | undefined): number {
  return key !== undefined && context[which].has(key) ? 1 : 0
}
