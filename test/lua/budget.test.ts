import { expect, test } from 'vitest'
import type { Budget } from '../../src/lua/budget.ts'
import { LuaError } from '../../src/lua/error.ts'
import { BUDGET, testHost, type TestHost } from './host.ts'

// Every look at the clock costs a millisecond, so that a budget ends after a number of looks.
function countingHost(budget: Partial<Budget> = {}): TestHost {
  let now = 0
  return testHost({ clock: () => now++, budget: { ...BUDGET, cpuMs: 10, ...budget } })
}

function killOf(work: () => unknown): LuaError {
  try {
    work()
  } catch (error) {
    if (error instanceof LuaError) return error
    throw error
  }
  throw new Error('nothing was killed')
}

const ENDLESS: readonly [string, string][] = [
  ['an empty loop', 'while true do end'],
  ['repeat until', 'repeat until false'],
  ['a numeric for', 'for i = 1, 1e300 do end'],
  ['a generic for', 'for _ in function() return 1 end do end'],
  ['pcall in a loop', 'local function f() while true do end end while true do pcall(f) end'],
  ['pcall of an error in a loop', 'while true do pcall(error, "x") end'],
  ['an xpcall handler that loops', 'xpcall(error, function() while true do end end)'],
  ['xpcall in a loop', 'while true do xpcall(error, function() return 1 end) end'],
  ['coroutines in a loop', 'while true do coroutine.wrap(function() coroutine.yield() end)() end'],
  [
    'a loop inside a coroutine',
    'local r = coroutine.resume(coroutine.create(function() while true do end end)) return r',
  ],
  [
    'pcall around a coroutine',
    'while true do pcall(coroutine.wrap(function() while true do end end)) end',
  ],
  ['tail calls', 'local function f() return f() end f()'],
  ['a catastrophic pattern', 'local s = ("a"):rep(40) s:find(("a*"):rep(20) .. "b")'],
  [
    'a sort comparator',
    'local t = {} for i = 1, 1000 do t[i] = i end while true do table.sort(t, function(a, b) return a > b end) end',
  ],
  [
    'metamethods',
    'local t t = setmetatable({}, {__index = function(s, k) return t[k] end}) while true do pcall(function() return t.x end) end',
  ],
  ['gsub callbacks', 'while true do ("x"):gsub("x", function() end) end'],
  [
    'endless recursion under pcall',
    'local function f() pcall(f) f() end while true do pcall(f) end',
  ],
]

test.each(ENDLESS)('kills %s', (_, source) => {
  const host = countingHost()
  const killed = killOf(() => host.run(source))
  expect([killed.kind, killed.reason]).toEqual(['killed', 'cpu'])
  expect(host.run('return 1 + 1')).toEqual([2])
})

test('names the call, file and line that was killed', () => {
  const host = countingHost()
  const { state } = host
  const killed = killOf(() =>
    state.call(host.load('\n\nwhile true do end'), [], { label: 'validate_data' }),
  )
  expect(killed.message).toBe('test.lua:3: validate_data killed: processor time limit exceeded')
  expect([killed.script, killed.line]).toEqual(['test.lua', 3])
})

test.each([
  ['tables in a table', 'local t = {} while true do t = {t} end'],
  ['array items', 'local t = {} while true do t[#t + 1] = 1 end'],
  ['fields', 'local t, n = {}, 0 while true do n = n + 0.5 t[n] = 1 end'],
  ['strings', 'local t = {} while true do t[#t + 1] = ("x"):rep(1000) end'],
  ['closures', 'while true do local x = function() end end'],
  ['coroutines', 'local t = {} while true do t[#t + 1] = coroutine.create(function() end) end'],
])('kills endless allocation of %s', (_, source) => {
  const host = testHost({ budget: { ...BUDGET, cpuMs: Infinity, allocBytes: 20e6 } })
  const killed = killOf(() => host.run(source))
  expect([killed.kind, killed.reason]).toEqual(['killed', 'memory'])
  expect(host.run('return #("x"):rep(1000)')).toEqual([1000])
})

test.each([
  ['string.rep', 'return #("x"):rep(1e9)'],
  ['doubling', 'local s = "x" while true do s = s .. s end'],
  [
    'table.concat',
    'local t = {} for i = 1, 100 do t[i] = ("x"):rep(1e6) end return #table.concat(t)',
  ],
  ['gsub', 'return #(("x"):rep(1e4):gsub("x", ("y"):rep(1e4)))'],
])('refuses a string that is too long: %s', (_, source) => {
  const host = testHost()
  expect(host.run(`return pcall(function() ${source} end)`)).toEqual([
    false,
    expect.stringContaining('resulting string too large'),
  ])
})

test('turns runaway recursion into a Lua error', () => {
  const host = testHost()
  expect(host.run('local function f() return 1 + f() end return pcall(f)')).toEqual([
    false,
    expect.stringContaining('stack overflow'),
  ])
  expect(
    host.run(
      'local s = setmetatable({}, {__index = function(t, k) return t[k] end}) return pcall(function() return s.x end)',
    ),
  ).toEqual([false, expect.stringContaining('stack overflow')])
})

test('gives a nested call on a budget of its own back to its caller', () => {
  const host = countingHost({ cpuMs: 1000 })
  const loop = host.load('while true do end')
  host.state.setGlobal('nested', () => {
    const budget = { ...BUDGET, cpuMs: 5 }
    const killed = killOf(() => host.state.call(loop, [], { budget }))
    return killed.reason
  })
  expect(host.run('return nested()')).toEqual(['cpu'])
})

test('kills the outer call with the nested one that shares its budget', () => {
  const host = countingHost()
  const loop = host.load('while true do end')
  host.state.setGlobal('nested', () => void host.state.call(loop, []))
  expect(killOf(() => host.run('return pcall(nested)')).reason).toBe('cpu')
})

test('counts processor time across suspensions', async () => {
  const host = countingHost()
  host.state.setGlobal('pause', () => Promise.resolve())
  const call = host.wait('while true do for i = 1, 3000 do end pause() end')
  await expect(call).rejects.toMatchObject({ kind: 'killed', reason: 'cpu' })
})

test('ends a call that waits too long, and no other', async () => {
  const host = testHost({ budget: { ...BUDGET, wallMs: 1 } })
  let release = (): void => {}
  host.state.setGlobal('never', () => new Promise<void>(() => {}))
  host.state.setGlobal('later', () => new Promise<void>((resolve) => (release = resolve)))
  const patient = host.state.call(host.load('later() return "done"'), [], { budget: BUDGET })
  await expect(host.wait('pcall(never)')).rejects.toMatchObject({ kind: 'killed', reason: 'wall' })
  release()
  await expect(patient).resolves.toEqual(['done'])
})

test('rejects what is suspended when the state closes', async () => {
  const host = testHost()
  host.state.setGlobal('never', () => new Promise<void>(() => {}))
  const call = host.wait('never()')
  host.state.close()
  await expect(call).rejects.toMatchObject({ kind: 'killed', reason: 'closed' })
})
