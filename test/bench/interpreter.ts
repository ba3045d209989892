// How fast Lua runs: seventeen benchmarks in Debian's lua5.1, in stock Fengari and here, warmed up,
// in turns, in milliseconds of processor time (medians), and the geometric means of the ratios. Run:
//   npm run bench -- interpreter [part of a benchmark's name]
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { LuaFunction, LuaTable } from '../../src/lua/value.ts'
import { cpuMicros, median, openOurs, openStock } from './engines.ts'
import { note } from './result.ts'

const SOURCE = fileURLToPath(new URL('../../../../test/bench/interpreter.lua', import.meta.url))
const ROUNDS = 15
const WARM_UP = 6

type Work = () => void

const ours = ourBenchmarks()
const stock = stockBenchmarks(ours.length)
const [, , filter = ''] = process.argv
const chosen = ours.flatMap(([name], index) => (name.includes(filter) ? [index] : []))
const times = chosen.map(() => ({
  native: [] as number[],
  stock: [] as number[],
  ours: [] as number[],
}))

for (let round = -WARM_UP; round < ROUNDS; round++) {
  const native = nativeMillis()
  for (const [row, index] of chosen.entries()) {
    const measured = { stock: millis(stock[index]), ours: millis(ours[index]?.[1]) }
    if (round < 0) continue
    times[row]?.native.push(native[index] ?? NaN)
    times[row]?.stock.push(measured.stock)
    times[row]?.ours.push(measured.ours)
  }
}
print()

// Each run of lua5.1 times its own loops once: fresh processes, as it has nothing to warm up.
function nativeMillis(): number[] {
  const driver = `
    for _, entry in ipairs(dofile(${JSON.stringify(SOURCE)})) do
      collectgarbage()
      entry[2]()
      local start = os.clock()
      entry[2]()
      print((os.clock() - start) * 1000)
    end`
  const output = execFileSync('lua5.1', ['-e', driver], { encoding: 'utf8' })
  return output.trim().split('\n').map(Number)
}

function ourBenchmarks(): [string, Work][] {
  const state = openOurs()
  const chunk = state.load(readFileSync(SOURCE), 'interpreter.lua')
  const [list] = state.call(chunk, []) as [LuaTable]
  return Array.from({ length: list.length() }, (_, index) => {
    const entry = list.get(index + 1) as LuaTable
    const work = entry.get(2) as LuaFunction
    return [entry.get(1) as string, () => void state.call(work, [])]
  })
}

function stockBenchmarks(count: number): Work[] {
  const { call, main, octets } = openStock()
  if (call('luaL_loadstring', main, octets(readFileSync(SOURCE, 'latin1'))) !== 0)
    throw new Error('stock Fengari does not load the benchmarks')
  call('lua_callk', main, 0, 1, 0, null)
  return Array.from({ length: count }, (_, index) => () => {
    call('lua_rawgeti', main, 1, index + 1)
    call('lua_rawgeti', main, -1, 2)
    call('lua_callk', main, 0, 0, 0, null)
    call('lua_settop', main, 1)
  })
}

function millis(work: Work | undefined): number {
  const start = cpuMicros()
  work?.()
  return (cpuMicros() - start) / 1000
}

function print(): void {
  console.log('benchmark            lua5.1     stock      here   stock x    here x')
  const ratios = times.map((time, row) => {
    const [native, stockMs, oursMs] = [median(time.native), median(time.stock), median(time.ours)]
    const name = ours[chosen[row] ?? 0]?.[0] ?? ''
    const cells = [native, stockMs, oursMs].map((ms) => ms.toFixed(2).padStart(10))
    const ratio = { stock: stockMs / native, ours: oursMs / native }
    const ends = [ratio.stock, ratio.ours].map((value) => value.toFixed(1).padStart(10))
    console.log(name.padEnd(18) + cells.join('') + ends.join(''))
    return ratio
  })
  const mean = (values: number[]): string =>
    Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length).toFixed(2)
  note(
    "Lua programs: times lua5.1's time",
    Number(mean(ratios.map((ratio) => ratio.ours))),
    'x',
    'at most',
    5,
  )
  console.log(`geometric mean: stock Fengari ${mean(ratios.map((ratio) => ratio.stock))} times`)
  console.log(`lua5.1's time, this engine ${mean(ratios.map((ratio) => ratio.ours))} times`)
}
