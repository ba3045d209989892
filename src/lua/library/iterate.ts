// next, pairs and ipairs, whose natives run once for every item of a loop.

import {
  NATIVE,
  NIL,
  TABLE,
  argumentAt,
  host,
  lauxlib,
  lobject,
  ltable,
  lua,
  pushCopy,
  tableIn,
  type NativeFunction,
  type Table,
  type Thread,
} from '../engine.ts'
import { integerAt, pushNil, pushNumber } from './native.ts'

const next: NativeFunction = (L) => {
  const table = tableAt(L)
  lua.lua_settop(L, 2)
  const key = L.top - 1
  pushNil(L)
  if (ltable.luaH_next(L, table, key)) return 2
  return pushNil(L)
}

const pairs: NativeFunction = (L) => {
  tableAt(L)
  L.stack[L.top++] = new lobject.TValue(NATIVE, next)
  pushCopy(L, argumentAt(L, 1))
  return 2 + pushNil(L)
}

const ipairs: NativeFunction = (L) => {
  tableAt(L)
  L.stack[L.top++] = new lobject.TValue(NATIVE, following)
  pushCopy(L, argumentAt(L, 1))
  return 2 + pushNumber(L, 0)
}

const following: NativeFunction = (L) => {
  const index = integerAt(L, 2) + 1
  const slot = ltable.luaH_getint(tableAt(L), index)
  if (slot.type === NIL) return pushNil(L)
  pushNumber(L, index)
  pushCopy(L, slot)
  return 2
}

host.next = next
host.following = following

export const ITERATION_FUNCTIONS: Readonly<Record<string, NativeFunction>> = { next, pairs, ipairs }

function tableAt(L: Thread): Table {
  const table = tableIn(argumentAt(L, 1))
  if (table !== undefined) return table
  lauxlib.luaL_checktype(L, 1, TABLE)
  throw new TypeError('luaL_checktype raises')
}
