import { describe, expect, test } from 'vitest'
import { LuaError } from '../../src/lua/error.ts'
import { DEEP, ENDLESS, HUNGRY, STEPS, type Attack } from './attacks.ts'
import { BUDGET, testHost } from './host.ts'

// Every look at the clock costs a millisecond, so that a budget ends after a number of looks: an attack
// that is not counted never ends, and the test runs into its own time limit.
function attack({ source }: Attack, budget: Partial<typeof BUDGET>): LuaError | undefined {
  let now = 0
  const host = testHost({ clock: () => now++, budget: { ...BUDGET, cpuMs: 10, ...budget } })
  const error = errorOf(() => host.run(source))
  expect(host.run('return 1 + 1, #("x"):rep(1000), pcall(error, "e", 0)')).toEqual([
    2,
    1000,
    false,
    'e',
  ])
  return error
}

function errorOf(work: () => unknown): LuaError | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof LuaError) return error
    throw error
  }
}

describe('what never ends is killed', () => {
  test.each(ENDLESS)('$name', (endless) => {
    expect(attack(endless, {})?.kind).toBe('killed')
  })
})

describe('a native that works on much is stopped or refused', () => {
  test.each(STEPS)('$name', (step) => {
    expect(attack(step, { allocBytes: 256e6 })).toBeInstanceOf(LuaError)
  })
})

describe('what eats memory is killed', () => {
  test.each(HUNGRY)('$name', (hungry) => {
    expect(attack(hungry, { cpuMs: Infinity, allocBytes: 5e6 })?.reason).toBe('memory')
  })
})

describe('recursion ends', () => {
  test.each(DEEP)('$name', (deep) => {
    attack(deep, {})
  })
})

test.each([
  ['a function', 'local function f() return 1 + f() end return pcall(f)', 'stack overflow'],
  [
    'an __index function',
    'local t = setmetatable({}, {__index = function(t, k) return t[k] end}) return pcall(function() return t.x end)',
    'stack overflow',
  ],
  [
    'an __index loop',
    'local t = {} setmetatable(t, {__index = t}) return pcall(function() return t.x end)',
    'loop',
  ],
  [
    'a gsub callback',
    'local function f() return ("x"):gsub("x", f) end return pcall(f)',
    'stack overflow',
  ],
])('endless recursion is a Lua error that names it: %s', (_, source, message) => {
  expect(testHost().run(source)).toEqual([false, expect.stringContaining(message)])
})

test('a function may call itself 19,000 times, and an overflow leaves room for its handler', () => {
  const { run } = testHost()
  expect(
    run('local function f(n) if n == 0 then return 0 end return 1 + f(n - 1) end return f(19000)'),
  ).toEqual([19000])
  const overflow = `local function f() return 1 + f() end
    return xpcall(f, function(m) return debug.traceback(m) end)`
  for (let time = 0; time < 2; time++) {
    expect(run(overflow)).toEqual([
      false,
      expect.stringMatching(/stack overflow\nstack traceback:\n.*\n/),
    ])
  }
})
