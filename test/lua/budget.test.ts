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
