// What Lua tells of its memory and its collector. Both are the host's here: numbers are plausible, and
// nothing can be stopped or tuned. `newproxy` belongs here as 5.1's way to a finalizer, which never runs.

import { getHeapStatistics } from 'node:v8'
import {
  USERDATA,
  argumentAt,
  byteString,
  lauxlib,
  lobject,
  lua,
  type NativeFunction,
  type Table,
} from '../engine.ts'
import { raiseArgument } from '../raise.ts'
import { emptyTable, toLua, type LuaValue } from '../value.ts'

const usedKilobytes = (): number => Math.ceil(getHeapStatistics().used_heap_size / 1024)

const PAUSE = 200

const OPTIONS: Readonly<Record<string, () => LuaValue>> = {
  collect: () => 0,
  count: usedKilobytes,
  step: () => true,
  stop: () => 0,
  restart: () => 0,
  setpause: () => PAUSE,
  setstepmul: () => PAUSE,
  globaltrace: () => 0,
  setglobaltrace: () => 0,
  setglobaltracexref: () => 0,
  globaltraceonly: () => 0,
  destroy: () => 0,
  meminfo: () => new Map([['total', usedKilobytes() * 1024]]),
  'meminfo:global': () => new Map([['total', usedKilobytes() * 1024]]),
}

const collectgarbage: NativeFunction = (L) => {
  const option = lua.lua_type(L, 1) <= 0 ? 'collect' : byteString(lauxlib.luaL_checkstring(L, 1))
  const result = Object.hasOwn(OPTIONS, option) ? OPTIONS[option] : undefined
  if (result === undefined) return raiseArgument(L, 1, `invalid option '${option}'`)
  L.stack[L.top++] = toLua(result())
  return 1
}

const gcinfo: NativeFunction = (L) => {
  L.stack[L.top++] = toLua(usedKilobytes())
  return 1
}

// A proxy may share the metatable of another, but not that of a host object: its methods would find
// nothing behind it.
const proxies = new WeakSet<Table>()

const newproxy: NativeFunction = (L) => {
  const model = argumentAt(L, 1)
  const udata = new lobject.Udata(L, 0)
  if (model?.type === USERDATA) {
    const { metatable } = model.value
    if (metatable === null || !proxies.has(metatable)) {
      return raiseArgument(L, 1, 'boolean or proxy expected')
    }
    udata.metatable = metatable
  } else if (model?.value === true) {
    udata.metatable = emptyTable()
    proxies.add(udata.metatable)
  } else if (model?.value) {
    return raiseArgument(L, 1, 'boolean or proxy expected')
  }
  L.stack[L.top++] = new lobject.TValue(USERDATA, udata)
  return 1
}

export const COLLECTOR_FUNCTIONS: Readonly<Record<string, NativeFunction>> = {
  collectgarbage,
  gcinfo,
  newproxy,
}
