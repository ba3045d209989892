// How far each attack of test/lua/attacks.ts overruns its budget, and what it left in memory. The clock is the
// processor time of the process (with that of its garbage collector), so that others on the machine do not
// count. Run:
//   npm run bench -- attacks [words of a name]
import { LuaError } from '../../src/lua/error.ts'
import { openState } from '../../src/lua/state.ts'
import { DEEP, ENDLESS, HUNGRY, STEPS, type Attack } from '../lua/attacks.ts'

const BUDGET = { cpuMs: 50, wallMs: 1000, allocBytes: 256 * 2 ** 20, maxStringBytes: 64 * 2 ** 20 }
const ALLOWED_MS = 20
const only = process.argv.slice(2).join(' ')
const MB = 2 ** 20
const RUNS = 3

let worst = 0
const late: string[] = []
for (const attack of [...ENDLESS, ...STEPS, ...HUNGRY, ...DEEP]) {
  if (attack.name.includes(only)) report(attack)
}
console.log(
  `\nworst overrun ${worst.toFixed(1)} ms; over ${ALLOWED_MS} ms: ${late.join(', ') || 'none'}`,
)

function report(attack: Attack): void {
  const runs = Array.from({ length: RUNS }, () => run(attack)).sort((a, b) => a.tookMs - b.tookMs)
  const { outcome, tookMs } = runs[0] ?? { outcome: 'not run', tookMs: 0 }
  const overrunMs = tookMs - BUDGET.cpuMs
  if (overrunMs > worst) worst = overrunMs
  if (overrunMs > ALLOWED_MS) late.push(attack.name)
  const heldMb = process.memoryUsage().rss / MB
  console.log(
    `${attack.name.padEnd(42)} ${tookMs.toFixed(1).padStart(7)} ms  over ${overrunMs.toFixed(1).padStart(7)}  rss ${heldMb.toFixed(0).padStart(5)} MB  ${outcome}`,
  )
}

function run({ source }: Attack): { readonly outcome: string; readonly tookMs: number } {
  const state = openState({ print() {}, warn() {}, roots: [], budget: BUDGET, clock: cpuMs })
  const chunk = state.load(Buffer.from(source), 'attack')
  globalThis.gc?.()
  const start = cpuMs()
  let outcome = 'returned'
  try {
    void state.call(chunk, [])
  } catch (error) {
    outcome =
      error instanceof LuaError ? (error.reason ?? error.message.slice(0, 60)) : String(error)
  }
  const tookMs = cpuMs() - start
  const check = state.call(state.load(Buffer.from('return 1 + 1'), 'check'), [])
  if (check instanceof Promise || check[0] !== 2) outcome += ' STATE BROKEN'
  return { outcome, tookMs }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
