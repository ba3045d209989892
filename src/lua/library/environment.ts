// getfenv and setfenv: the environment of a Lua function is the table in its _ENV upvalue, which setfenv
// replaces for that closure alone.

import {
  LUA_CLOSURE,
  NATIVE,
  NUMBER,
  TABLE,
  argumentAt,
  lauxlib,
  lobject,
  lstring,
  lua,
  tableIn,
  type LClosure,
  type NativeFunction,
  type Table,
  type Thread,
} from '../engine.ts'
import { raise, raiseArgument } from '../raise.ts'
import { globalsOf } from '../chunk.ts'

// Environments of functions that use no global and so have no upvalue to hold one.
const environments = new WeakMap<LClosure, Table>()

export const getfenv: NativeFunction = (L) => {
  const closure = functionAt(L, true)
  L.stack[L.top++] = new lobject.TValue(
    TABLE,
    closure === undefined ? globalsOf(L) : environmentOf(L, closure),
  )
  return 1
}

export const setfenv: NativeFunction = (L) => {
  lauxlib.luaL_checktype(L, 2, TABLE)
  const table = tableIn(argumentAt(L, 2))
  const closure = functionAt(L, false)
  if (closure === undefined || table === undefined) {
    return raise(L, "'setfenv' cannot change environment of given object")
  }
  const index = environmentIndex(closure)
  if (index < 0) environments.set(closure, table)
  else closure.upvals[index] = new lobject.TValue(TABLE, table)
  lua.lua_settop(L, 1)
  if (argumentAt(L, 1)?.type === NUMBER) {
    L.stack[L.top - 1] = new lobject.TValue(LUA_CLOSURE, closure)
  }
  return 1
}

// The Lua function that argument 1 means: itself or a level; undefined for natives and level 0.
function functionAt(L: Thread, optional: boolean): LClosure | undefined {
  const slot = argumentAt(L, 1)
  if (slot?.type === LUA_CLOSURE) return slot.value
  if (slot?.type === NATIVE) return undefined
  const level = optional ? lauxlib.luaL_optint(L, 1, 1) : lauxlib.luaL_checkint(L, 1)
  if (level < 0) return raiseArgument(L, 1, 'level must be non-negative')
  if (level === 0) return undefined
  const ar = new lua.lua_Debug()
  if (lua.lua_getstack(L, level, ar) === 0) return raiseArgument(L, 1, 'invalid level')
  const { func } = ar.i_ci
  return func.type === LUA_CLOSURE ? func.value : undefined
}

function environmentOf(L: Thread, closure: LClosure): Table {
  const index = environmentIndex(closure)
  if (index < 0) return environments.get(closure) ?? globalsOf(L)
  return tableIn(closure.upvals[index]) ?? globalsOf(L)
}

function environmentIndex(closure: LClosure): number {
  return closure.p.upvalues.findIndex(
    ({ name }) => name !== null && lstring.luaS_hashlongstr(name) === '_ENV',
  )
}
