// How natives of the engine take arguments and give results without a detour over octets and the stack
// interface. Arguments convert as C Lua's luaL_check functions do, whose errors are raised.

import {
  NUMBER,
  STRING,
  argumentAt,
  byteString,
  host,
  lauxlib,
  lobject,
  lstring,
  type Thread,
} from '../engine.ts'

const { tick } = host

/** Argument n as a string. */
export function textAt(L: Thread, n: number): string {
  const slot = argumentAt(L, n)
  if (slot?.type === STRING) return slot.value.hash ?? lstring.luaS_hashlongstr(slot.value)
  if (slot?.type === NUMBER) {
    tick.n -= 8
    return host.numberToText(slot.value)
  }
  return byteString(lauxlib.luaL_checkstring(L, n))
}

/** Argument n as an integer; `otherwise` where it is nil or absent. */
export function integerAt(L: Thread, n: number, otherwise?: number): number {
  const slot = argumentAt(L, n)
  if (slot?.type === NUMBER && (slot.value | 0) === slot.value) return slot.value
  return otherwise === undefined
    ? lauxlib.luaL_checkinteger(L, n)
    : lauxlib.luaL_optinteger(L, n, otherwise)
}

/** Argument n as C's int, which wraps around. */
export function intAt(L: Thread, n: number, otherwise?: number): number {
  return integerAt(L, n, otherwise) | 0
}

/** Argument n as a number. */
export function numberAt(L: Thread, n: number): number {
  const slot = argumentAt(L, n)
  return slot?.type === NUMBER ? slot.value : lauxlib.luaL_checknumber(L, n)
}

/** One result, a string. */
export function pushText(L: Thread, text: string): number {
  L.stack[L.top++] = new lobject.TValue(STRING, lstring.luaS_text(text))
  return 1
}

/** One result, a string whose octets were written one by one. */
export function pushNewText(L: Thread, text: string): number {
  chargeSteps(text.length)
  return pushText(L, text)
}

export function pushNumber(L: Thread, value: number): number {
  L.stack[L.top++] = new lobject.TValue(NUMBER, value)
  return 1
}

export function pushNil(L: Thread): number {
  L.stack[L.top++] = new lobject.TValue(0, null)
  return 1
}

/** Counts the time that writing or reading so many octets takes; strings count the memory themselves. */
export function chargeSteps(octets: number): void {
  if ((tick.n -= octets >> 5) < 0) host.over()
}
