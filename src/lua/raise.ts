// Errors that natives raise in Lua: with the position of the Lua code that called them, or of an
// argument. None of these functions returns.

import {
  STRING,
  lauxlib,
  ldebug,
  lobject,
  lstring,
  octets,
  pop,
  textIn,
  type Thread,
} from './engine.ts'

/** A Lua error "file:line: message" at the caller of the running native. */
export function raise(L: Thread, message: string): never {
  return raisePlain(L, position(L) + message)
}

/** "file:line: " of the Lua code that called the running native, or nothing. */
export function position(L: Thread): string {
  lauxlib.luaL_where(L, 1)
  return textIn(pop(L)) ?? ''
}

/** A Lua error whose message is taken as it is. */
export function raisePlain(L: Thread, message: string): never {
  L.stack[L.top++] = new lobject.TValue(STRING, lstring.luaS_text(message))
  return ldebug.luaG_errormsg(L)
}

/** "bad argument #n to 'name' (message)" */
export function raiseArgument(L: Thread, argument: number, message: string): never {
  return lauxlib.luaL_argerror(L, argument, octets(message))
}
