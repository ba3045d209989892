// The patched Fengari, loaded once and lent what it needs of TypeScript. Everything else in this
// folder takes the engine from here.

import { createRequire } from 'node:module'
import type * as Fengari from '#fengari'
import type { Table, TValue, lua_State } from '#fengari'
import { bitwise } from './bitwise.ts'
import { numberToText, power, textToNumber } from './number.ts'

export type {
  Instruction,
  LClosure,
  NativeFunction,
  Proto,
  Reading,
  Table,
  TValue,
  Udata,
  lua_State as Thread,
} from '#fengari'

// The engine is CommonJS; `require` loads it the same from the sources and from the build.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a JavaScript module typed by hand
const fengari = createRequire(import.meta.url)('#fengari') as typeof Fengari

export const { host, lobject, lstring, ltable, ldebug, lua, lauxlib, lualib } = fengari

host.numberToText = numberToText
host.textToNumber = textToNumber
host.power = power
host.bitwise = bitwise

/** The engine's type tags (variants included) and statuses. */
export const NIL = 0
export const BOOLEAN = 1
export const NUMBER = 3
export const STRING = 20
export const TABLE = 5
export const LUA_CLOSURE = 6
export const USERDATA = 7
export const THREAD = 8
export const NATIVE = 22
export const NATIVE_CLOSURE = 38

export const OK = 0
export const YIELD = 1

/** The engine's bytes for a byte string. */
export function octets(byteString: string): Uint8Array {
  return Buffer.from(byteString, 'latin1')
}

/** The byte string of the engine's bytes. */
export function byteString(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** The n-th argument (from 1) of the running native; undefined when it was not given. */
export function argumentAt(L: lua_State, n: number): TValue | undefined {
  const index = L.ci.funcOff + n
  return index < L.top ? L.stack[index] : undefined
}

/** Pushes a copy of a slot. */
export function pushCopy(L: lua_State, slot: TValue | undefined): void {
  L.stack[L.top++] = new lobject.TValue(slot?.type ?? NIL, slot?.value ?? null)
}

/** Takes the top of the stack, which is a slot. */
export function pop(L: lua_State): TValue {
  return L.stack[--L.top] ?? new lobject.TValue(NIL, null)
}

/** The byte string in a slot, or undefined. */
export function textIn(slot: TValue | undefined): string | undefined {
  return slot?.type === STRING
    ? (slot.value.hash ?? lstring.luaS_hashlongstr(slot.value))
    : undefined
}

/** The table in a slot, or undefined. */
export function tableIn(slot: TValue | undefined): Table | undefined {
  return slot?.type === TABLE ? slot.value : undefined
}

/** A field of a table, raw. */
export function fieldOf(table: Table, key: string): TValue {
  return ltable.luaH_getstr(table, lstring.luaS_text(key))
}

/** Sets a field of a table, raw. */
export function setField(table: Table, key: string, value: TValue): void {
  ltable.luaH_setfrom(NO_STATE, table, new lobject.TValue(STRING, lstring.luaS_text(key)), value)
  ltable.invalidateTMcache(table)
}

/** For what asks its state for nothing but a number to print: new tables and userdata, string keys. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one field that is read
export const NO_STATE = { l_G: { id_counter: 2 ** 40 } } as unknown as lua_State
