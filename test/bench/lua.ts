// What a realistic callout costs: the recipient, a pattern, two headers, nine context variables and a
// concatenation, per second, for stock Fengari and for the engine here, and their ratio. Run:
//   npm run bench && node build/bench/test/bench/lua.js
import { createRequire } from 'node:module'
import { performance } from 'node:perf_hooks'
import { openState } from '../../src/lua/state.ts'
import type { LuaFunction, LuaValue } from '../../src/lua/value.ts'

interface StockThread {
  readonly top: number
}
interface Stock {
  readonly to_luastring: (text: string) => Uint8Array
  readonly to_jsstring: (bytes: Uint8Array) => string
  readonly lua: Record<string, (...args: unknown[]) => unknown>
  readonly lauxlib: Record<string, (...args: unknown[]) => unknown>
  readonly lualib: Record<string, (...args: unknown[]) => unknown>
}

const CALLOUT = `return function(msg)
  local user, domain = msg:rcptto():match("^(.-)@(.+)$")
  local campaign = msg:header("X-Campaign")
  local id = msg:header("X-Customer")
  for i = 1, 9 do msg:context_set("key" .. i, domain) end
  return user .. "+" .. campaign .. "@" .. id
end`
const ROUNDS = 9
const CALLS = 20_000

const METHODS = {
  rcptto: (): string => 'user@example.com',
  header: (name: string): string => (name === 'X-Customer' ? '4711' : 'spring'),
  context_set: (key: string, value: string): void => void context.set(key, value),
}
const context = new Map<string, string>()

const text = (value: LuaValue): string => (typeof value === 'string' ? value : '')

const ours = perSecond(ourCallout())
const stock = perSecond(stockCallout())
console.log(`stock fengari ${stock.toFixed(0)} calls/s`)
console.log(`this engine   ${ours.toFixed(0)} calls/s, ${(ours / stock).toFixed(2)} times as many`)

function ourCallout(): () => void {
  const budget = { cpuMs: 500, wallMs: 1000, allocBytes: 256e6, maxStringBytes: 2 ** 26 }
  const state = openState({ print() {}, warn() {}, roots: [], budget })
  const message = state.defineClass<object>({
    name: 'message',
    methods: {
      rcptto: () => METHODS.rcptto(),
      header: (_, name) => METHODS.header(text(name)),
      context_set: (_, key, value) => METHODS.context_set(text(key), text(value)),
    },
  })
  const [callout] = state.call(state.load(Buffer.from(CALLOUT), 'bench'), []) as [LuaFunction]
  return () => void state.call(callout, [message.wrap({})])
}

function stockCallout(): () => void {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JavaScript without types
  const { lua, lauxlib, lualib, ...strings } = createRequire(import.meta.url)('fengari') as Stock
  const { to_luastring: octets, to_jsstring: plain } = strings
  const L = lauxlib['luaL_newstate']?.()
  lualib['luaL_openlibs']?.(L)
  const argument = (thread: unknown, n: number): string =>
    plain(lua['lua_tostring']?.(thread, n) as Uint8Array)
  const push = (thread: unknown, value: string): number => {
    lua['lua_pushstring']?.(thread, octets(value))
    return 1
  }
  const natives: Record<string, (thread: unknown) => number> = {
    rcptto: (thread) => push(thread, METHODS.rcptto()),
    header: (thread) => push(thread, METHODS.header(argument(thread, 2))),
    context_set(thread) {
      METHODS.context_set(argument(thread, 2), argument(thread, 3))
      return 0
    },
  }
  lua['lua_newtable']?.(L)
  lua['lua_newtable']?.(L)
  for (const [name, native] of Object.entries(natives)) {
    lua['lua_pushcfunction']?.(L, native)
    lua['lua_setfield']?.(L, -2, octets(name))
  }
  lua['lua_setfield']?.(L, -2, octets('__index'))
  lauxlib['luaL_loadstring']?.(L, octets(CALLOUT))
  lua['lua_call']?.(L, 0, 1)
  return () => {
    const thread = lua['lua_newthread']?.(L) as StockThread
    lua['lua_pushvalue']?.(L, 2)
    lua['lua_newuserdata']?.(L, 0)
    lua['lua_pushvalue']?.(L, 1)
    lua['lua_setmetatable']?.(L, -2)
    lua['lua_xmove']?.(L, thread, 2)
    lua['lua_resume']?.(thread, L, 1)
    lua['lua_settop']?.(L, 2)
  }
}

function perSecond(callout: () => void): number {
  const rates: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    for (let call = 0; call < CALLS; call++) callout()
    rates.push((CALLS * 1000) / (performance.now() - start))
  }
  return rates.sort((a, b) => a - b)[ROUNDS >> 1] ?? 0
}
