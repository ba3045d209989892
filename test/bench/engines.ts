// The engines that are measured beside each other: stock Fengari, by its C-like interface, and ours.
import { createRequire } from 'node:module'
import { openState, type LuaState } from '../../src/lua/state.ts'

interface StockThread {
  readonly top: number
}

interface Stock {
  readonly to_luastring: (text: string) => Uint8Array
  readonly to_jsstring: (bytes: Uint8Array) => string
  readonly lua: Readonly<Record<string, (...args: unknown[]) => unknown>>
  readonly lauxlib: Readonly<Record<string, (...args: unknown[]) => unknown>>
  readonly lualib: Readonly<Record<string, (...args: unknown[]) => unknown>>
}

/** One state of stock Fengari; functions are called by their C name. */
export interface StockState {
  readonly call: (name: string, ...args: unknown[]) => unknown
  readonly octets: (text: string) => Uint8Array
  readonly plain: (bytes: unknown) => string
  readonly main: unknown
}

export function openStock(): StockState {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JavaScript without types
  const stock = createRequire(import.meta.url)('fengari') as Stock
  const main = stock.lauxlib['luaL_newstate']?.()
  stock.lualib['luaL_openlibs']?.(main)
  return {
    call: (name, ...args) => (stock.lua[name] ?? stock.lauxlib[name])?.(...args),
    octets: stock.to_luastring,
    plain: (bytes) => (bytes instanceof Uint8Array ? stock.to_jsstring(bytes) : ''),
    main,
  }
}

/** A coroutine of stock Fengari, as each callout has one. */
export function stockThread(stock: StockState): StockThread {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JavaScript without types
  return stock.call('lua_newthread', stock.main) as StockThread
}

/** A state of this engine with the budget that the top level of a script has unless configured otherwise. */
export function openOurs(): LuaState {
  const budget = { cpuMs: 5_000, wallMs: 60_000, allocBytes: 2 ** 28, maxStringBytes: 2 ** 26 }
  return openState({ print() {}, warn() {}, roots: [], budget })
}

/** Processor time of this process in microseconds: other load on the machine hardly changes it. */
export function cpuMicros(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN
}
