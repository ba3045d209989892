// The mathematical functions of 5.1 that the engine lacks, and a random generator that can be seeded.

import { lauxlib, lua, type NativeFunction, type Thread } from '../engine.ts'
import { raise, raiseArgument } from '../raise.ts'
import { toLua } from '../value.ts'

/** The functions by name; `random` (0 to 1, 1 excluded) is used until a script sets a seed. */
export function mathFunctions(random: () => number): Record<string, NativeFunction> {
  return {
    pow: of2(Math.pow),
    mod: of2(fmod),
    fmod: of2(fmod),
    atan2: of2(Math.atan2),
    atan: of1(Math.atan),
    log: of1(Math.log),
    log10: of1(Math.log10),
    cosh: of1(Math.cosh),
    sinh: of1(Math.sinh),
    tanh: of1(Math.tanh),
    ldexp: of2((mantissa, exponent) => ldexp(mantissa, Math.trunc(exponent))),
    frexp(L) {
      const [mantissa, exponent] = frexp(lauxlib.luaL_checknumber(L, 1))
      L.stack[L.top++] = toLua(mantissa)
      L.stack[L.top++] = toLua(exponent)
      return 2
    },
    ...randomFunctions(random),
  }
}

function randomFunctions(random: () => number): Record<'random' | 'randomseed', NativeFunction> {
  let next = random
  return {
    random(L) {
      const share = next()
      const count = lua.lua_gettop(L)
      if (count === 0) return pushNumber(L, share)
      if (count > 2) return raise(L, 'wrong number of arguments')
      const low = count === 1 ? 1 : lauxlib.luaL_checkinteger(L, 1)
      const high = lauxlib.luaL_checkinteger(L, count)
      if (low > high) return raiseArgument(L, count, 'interval is empty')
      return pushNumber(L, Math.floor(share * (high - low + 1)) + low)
    },
    randomseed(L) {
      next = generator(lauxlib.luaL_checkinteger(L, 1))
      return 0
    },
  }
}

// mulberry32: small, and the same sequence for the same seed everywhere.
function generator(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const fmod = (a: number, b: number): number => a % b

function frexp(value: number): [number, number] {
  if (value === 0 || !Number.isFinite(value)) return [value, 0]
  let exponent = Math.max(-1023, Math.floor(Math.log2(Math.abs(value))) + 1)
  let mantissa = ldexp(value, -exponent)
  // The logarithm may be one off next to a power of two.
  while (Math.abs(mantissa) < 0.5) {
    mantissa *= 2
    exponent--
  }
  while (Math.abs(mantissa) >= 1) {
    mantissa /= 2
    exponent++
  }
  return [mantissa, exponent]
}

// In two steps, so that neither factor overflows where the product does not.
function ldexp(mantissa: number, exponent: number): number {
  const half = Math.trunc(exponent / 2)
  return mantissa * 2 ** half * 2 ** (exponent - half)
}

const of1 =
  (compute: (a: number) => number): NativeFunction =>
  (L) =>
    pushNumber(L, compute(lauxlib.luaL_checknumber(L, 1)))

const of2 =
  (compute: (a: number, b: number) => number): NativeFunction =>
  (L) =>
    pushNumber(L, compute(lauxlib.luaL_checknumber(L, 1), lauxlib.luaL_checknumber(L, 2)))

function pushNumber(L: Thread, value: number): number {
  L.stack[L.top++] = toLua(value)
  return 1
}
