// The base functions that differ from the engine's: printing to the host, numbers and octal text,
// chunks as text only, and a warning for weak tables, which do not exist here.

import {
  NIL,
  NUMBER,
  TABLE,
  argumentAt,
  byteString,
  fieldOf,
  host,
  lauxlib,
  lobject,
  ltable,
  lua,
  octets,
  pop,
  pushCopy,
  tableIn,
  textIn,
  type NativeFunction,
  type Thread,
} from '../engine.ts'
import { textToNumber, textToUnsigned } from '../number.ts'
import { position, raise, raiseArgument } from '../raise.ts'
import { compile, globalsOf } from '../chunk.ts'
import { toLua } from '../value.ts'
import { COLLECTOR_FUNCTIONS } from './collector.ts'
import type { LineWriter } from './writer.ts'

export interface Output {
  readonly print: (text: string) => void
  readonly warn: (text: string) => void
  /** Where `io.write` has begun a line. */
  readonly lines: LineWriter
}

/** The functions by name. */
export function baseFunctions(output: Output): Record<string, NativeFunction> {
  return {
    print: printTo(output),
    tonumber,
    setmetatable: setmetatableWarning(output),
    assert,
    rawset,
    loadstring,
    load,
    ...COLLECTOR_FUNCTIONS,
  }
}

/** `print`, for other functions that write the same way. */
export const printTo =
  (output: Output): NativeFunction =>
  (L) => {
    const count = lua.lua_gettop(L)
    const tostring = fieldOf(globalsOf(L), 'tostring')
    const texts: string[] = []
    for (let index = 1; index <= count; index++) {
      const value = argumentAt(L, index)
      let text = textIn(value)
      if (text === undefined) {
        pushCopy(L, tostring)
        pushCopy(L, value)
        lua.lua_call(L, 1, 1)
        text = textIn(pop(L))
      }
      if (text === undefined) return raise(L, "'tostring' must return a string to 'print'")
      texts.push(text)
    }
    output.print(output.lines.take() + texts.join('\t'))
    return 0
  }

/** A longer text is no number, here and in arithmetic. */
const LONGEST_NUMERAL = 10_000

const tonumber: NativeFunction = (L) => {
  const base = lauxlib.luaL_optint(L, 2, 10)
  lauxlib.luaL_checkany(L, 1)
  const slot = argumentAt(L, 1)
  if (base === 10) {
    const text = textIn(slot)
    if (text !== undefined) {
      host.tick.n -= text.length >> 2
      return push(L, text.length > LONGEST_NUMERAL ? undefined : textToNumber(text))
    }
    return push(L, slot?.type === NUMBER ? slot.value : undefined)
  }
  const text = byteString(lauxlib.luaL_checkstring(L, 1))
  if (base < 2 || base > 36) return raiseArgument(L, 2, 'base out of range')
  host.tick.n -= text.length >> 2
  return push(L, text.length > LONGEST_NUMERAL ? undefined : textToUnsigned(text, base))
}

const rawset: NativeFunction = (L) => {
  lauxlib.luaL_checktype(L, 1, TABLE)
  lauxlib.luaL_checkany(L, 2)
  lauxlib.luaL_checkany(L, 3)
  const [table, key, value] = [tableIn(argumentAt(L, 1)), argumentAt(L, 2), argumentAt(L, 3)]
  if (table === undefined || key === undefined || value === undefined) return 0
  if (key.type === NIL) return raise(L, 'table index is nil')
  if (key.type === NUMBER && Number.isNaN(key.value)) return raise(L, 'table index is NaN')
  ltable.luaH_setfrom(L, table, key, value)
  ltable.invalidateTMcache(table)
  lua.lua_settop(L, 1)
  return 1
}

const setmetatableWarning = (output: Output): NativeFunction => {
  const warned = new Set<string>()
  return (L) => {
    lauxlib.luaL_checktype(L, 1, TABLE)
    const [table, meta] = [tableIn(argumentAt(L, 1)), argumentAt(L, 2)]
    if (table === undefined || (meta?.type !== NIL && meta?.type !== TABLE)) {
      return raiseArgument(L, 2, 'nil or table expected')
    }
    if (table.metatable !== null && fieldOf(table.metatable, '__metatable').type !== NIL) {
      return raise(L, 'cannot change a protected metatable')
    }
    table.metatable = meta.value
    if (table.metatable !== null && fieldOf(table.metatable, '__mode').type !== NIL) {
      const where = position(L)
      if (!warned.has(where)) {
        warned.add(where)
        output.warn(
          `${where}weak tables are not supported: the entries of this table are never collected`,
        )
      }
    }
    lua.lua_settop(L, 1)
    return 1
  }
}

const assert: NativeFunction = (L) => {
  lauxlib.luaL_checkany(L, 1)
  const condition = argumentAt(L, 1)
  if (condition?.type !== NIL && condition?.value !== false) return lua.lua_gettop(L)
  if (lua.lua_type(L, 2) <= 0) return raise(L, 'assertion failed!')
  const [message = ''] = byteString(lauxlib.luaL_checkstring(L, 2)).split('\0', 1)
  return raise(L, message)
}

const loadstring: NativeFunction = (L) => {
  const source = lauxlib.luaL_checkstring(L, 1)
  const name = lua.lua_type(L, 2) <= 0 ? source : lauxlib.luaL_checkstring(L, 2)
  return loaded(L, source, byteString(name))
}

const load: NativeFunction = (L) => {
  const FUNCTION = 6
  lauxlib.luaL_checktype(L, 1, FUNCTION)
  const name = lua.lua_type(L, 2) <= 0 ? octets('=(load)') : lauxlib.luaL_checkstring(L, 2)
  const pieces: Uint8Array[] = []
  for (;;) {
    pushCopy(L, argumentAt(L, 1))
    lua.lua_call(L, 0, 1)
    const piece = pop(L)
    const text = textIn(piece)
    if (text === '' || piece.type === NIL) break
    if (text === undefined) return raise(L, 'reader function must return a string')
    host.tick.bytes -= 2 * text.length
    pieces.push(octets(text))
  }
  return loaded(L, Buffer.concat(pieces), byteString(name))
}

function loaded(L: Thread, source: Uint8Array, name: string): number {
  const problem = compile(L, source, name)
  if (problem === undefined) return 1
  L.stack[L.top++] = new lobject.TValue(NIL, null)
  L.stack[L.top++] = toLua(problem)
  return 2
}

function push(L: Thread, value: number | undefined): number {
  L.stack[L.top++] = toLua(value)
  return 1
}
