// The mathematical functions of 5.1 that the engine lacks, and a random generator that can be seeded.

import { lauxlib, lua, type NativeFunction, type Thread } from '../engine.ts'
import { power } from '../number.ts'
import { raise, raiseArgument } from '../raise.ts'
import { toLua } from '../value.ts'

/** The functions by name; `random` (0 to 1, 1 excluded) is used until a script sets a seed. */
export function mathFunctions(random: () => number): Record<string, NativeFunction> {
  return {
    pow: of2(power),
    mod: of2(fmod),
    fmod: of2(fmod),
    atan2: of2(Math.atan2),
    atan: of1(Math.atan),
    log: of1(Math.log),
    log10: of1(Math.log10),
    cosh: of1(Math.cosh),
    sinh: of1(Math.sinh),
    tanh: of1(Math.tanh),
    ldexp: (L) => pushNumber(L, ldexp(lauxlib.luaL_checknumber(L, 1), lauxlib.luaL_checkint(L, 2))),
    modf(L) {
      const value = lauxlib.luaL_checknumber(L, 1)
      const whole = Math.trunc(value)
      L.stack[L.top++] = toLua(whole)
      // What is left has the sign of the number, also when it is nothing.
      const rest = value === whole ? 0 : value - whole
      return pushNumber(L, value < 0 || Object.is(value, -0) ? -Math.abs(rest) : rest) + 1
    },
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
  const isSubnormal = Math.abs(value) < 2 ** -1022
  const normal = isSubnormal ? value * 2 ** 54 : value
  let exponent = Math.floor(Math.log2(Math.abs(normal))) + 1
  let mantissa = normal * 2 ** -exponent
  // The logarithm may be one off next to a power of two.
  while (Math.abs(mantissa) < 0.5) {
    mantissa *= 2
    exponent--
  }
  while (Math.abs(mantissa) >= 1) {
    mantissa /= 2
    exponent++
  }
  return [mantissa, isSubnormal ? exponent - 54 : exponent]
}

// Rounds once: what may end below the normal numbers is scaled down to near them first.
function ldexp(value: number, by: number): number {
  if (value === 0 || !Number.isFinite(value)) return value
  const [mantissa, own] = frexp(value)
  const exponent = own + by
  if (exponent >= -1000) return mantissa * 2 * 2 ** (Math.min(exponent, 2000) - 1)
  return mantissa * 2 ** -1000 * 2 ** Math.max(exponent + 1000, -1000)
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
