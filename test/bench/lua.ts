// What a realistic callout costs: the recipient, a pattern, two headers, nine context variables and a
// concatenation, per second, for stock Fengari and for the engine here, and their ratio. Run:
//   npm run bench -- lua
import type { LuaFunction, LuaValue } from '../../src/lua/value.ts'
import { note } from './result.ts'
import { cpuMicros, median, openOurs, openStock, stockThread } from './engines.ts'

const CALLOUT = `return function(msg)
  local user, domain = msg:rcptto():match("^(.-)@(.+)$")
  local campaign = msg:header("X-Campaign")
  local id = msg:header("X-Customer")
  for i = 1, 9 do msg:context_set("key" .. i, domain) end
  return user .. "+" .. campaign .. "@" .. id
end`
const ROUNDS = 9
const WARM_UP = 2
const CALLS = 20_000

const METHODS = {
  rcptto: (): string => 'user@example.com',
  header: (name: string): string => (name === 'X-Customer' ? '4711' : 'spring'),
  context_set: (key: string, value: string): void => void context.set(key, value),
}
const context = new Map<string, string>()

const text = (value: LuaValue): string => (typeof value === 'string' ? value : '')

const callouts = { stock: stockCallout(), ours: ourCallout() }
const rates = { stock: [] as number[], ours: [] as number[] }
for (let round = -WARM_UP; round < ROUNDS; round++) {
  const measured = { stock: perSecond(callouts.stock), ours: perSecond(callouts.ours) }
  if (round < 0) continue
  rates.stock.push(measured.stock)
  rates.ours.push(measured.ours)
}
const [stock, ours] = [median(rates.stock), median(rates.ours)]
note('callouts in Lua: over stock Fengari', ours / stock, 'x', 'at least', 2)
console.log(`stock fengari ${stock.toFixed(0)} calls/s`)
console.log(`this engine   ${ours.toFixed(0)} calls/s, ${(ours / stock).toFixed(2)} times as many`)

function ourCallout(): () => void {
  const state = openOurs()
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
  const stock = openStock()
  const { call, octets, main: L } = stock
  const argument = (thread: unknown, n: number): string =>
    stock.plain(call('lua_tostring', thread, n))
  const push = (thread: unknown, value: string): number => {
    call('lua_pushstring', thread, octets(value))
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
  call('lua_createtable', L)
  call('lua_createtable', L)
  for (const [name, native] of Object.entries(natives)) {
    call('lua_pushcfunction', L, native)
    call('lua_setfield', L, -2, octets(name))
  }
  call('lua_setfield', L, -2, octets('__index'))
  call('luaL_loadstring', L, octets(CALLOUT))
  call('lua_callk', L, 0, 1, 0, null)
  return () => {
    const thread = stockThread(stock)
    call('lua_pushvalue', L, 2)
    call('lua_newuserdata', L, 0)
    call('lua_pushvalue', L, 1)
    call('lua_setmetatable', L, -2)
    call('lua_xmove', L, thread, 2)
    call('lua_resume', thread, L, 1)
    call('lua_settop', L, 2)
  }
}

/** Calls a second of processor time. */
function perSecond(callout: () => void): number {
  const start = cpuMicros()
  for (let call = 0; call < CALLS; call++) callout()
  return (CALLS * 1e6) / (cpuMicros() - start)
}
