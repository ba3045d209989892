// What waiting costs: a callout that asks the host for something known at once beside one whose answer
// is a promise, settled already; microseconds of processor time for each call (medians). Run:
//   npm run bench -- suspension
import type { LuaFunction } from '../../src/lua/value.ts'
import { cpuMicros, median, openOurs } from './engines.ts'

const ROUNDS = 15
const WARM_UP = 4
const CALLS = 10_000

const state = openOurs()
state.setGlobal('known', () => 'answer')
state.setGlobal('awaited', () => Promise.resolve('answer'))
const callouts = {
  direct: callout('return function() return known() .. "!" end'),
  suspended: callout('return function() return awaited() .. "!" end'),
  'suspended in pcall': callout('return function() return select(2, pcall(awaited)) .. "!" end'),
  'suspended five times': callout(
    'return function() local s for i = 1, 5 do s = awaited() end return s .. "!" end',
  ),
}

const samples = Object.entries(callouts).map(([name, fn]) => ({ name, fn, micros: [] as number[] }))
for (let round = -WARM_UP; round < ROUNDS; round++) {
  for (const { fn, micros } of samples) {
    const start = cpuMicros()
    for (let call = 0; call < CALLS; call++) {
      const results = state.call(fn, [])
      if (results instanceof Promise) await results
    }
    if (round >= 0) micros.push((cpuMicros() - start) / CALLS)
  }
}
const direct = median(samples[0]?.micros ?? [])
for (const { name, micros } of samples) {
  const each = median(micros)
  console.log(`${name.padEnd(21)} ${each.toFixed(2)} us, ${(each - direct).toFixed(2)} over direct`)
}

function callout(source: string): LuaFunction {
  const [fn] = state.call(state.load(Buffer.from(source), 'bench'), []) as [LuaFunction]
  return fn
}
