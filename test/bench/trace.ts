// What a trace costs: one callout of a copy (three context variables, a header) without a tracer, with one that
// wants nothing (as in every server), and with one that takes it. Processor time, one beside the other. Run:
//   npm run bench && node build/bench/test/bench/trace.js
import type { CalloutTrace, Tracer } from '../../src/policy/trace.ts'
import { policyOf, subjectOf } from '../support/policy.ts'
import { cpuMicros, median } from './engines.ts'

const ROUNDS = 11
const WARM_UP = 2
const CALLS = 5_000

const POLICY = `
  local mod = {}
  function mod:validate_data_spool_each_rcpt(msg, ac, vctx)
    local domain = msg:rcptto():match("@(.+)$")
    for i = 1, 3 do msg:context_set(msys.core.VCTX_MESS, "key" .. i, domain) end
    msg:header("X-Domain", domain)
    return msys.core.VALIDATE_CONT
  end
  msys.registerModule("bench", mod)`

let taken: CalloutTrace | undefined
const tracer = (wants: boolean): Tracer => ({
  wants: () => wants,
  take: (record) => void (taken = record),
  nowMs: Date.now,
  clockMs: () => performance.now(),
})

const runs = {
  without: await runnerOf(undefined),
  off: await runnerOf(tracer(false)),
  on: await runnerOf(tracer(true)),
}
const micros: Record<keyof typeof runs, number[]> = { without: [], off: [], on: [] }
for (let round = -WARM_UP; round < ROUNDS; round++) {
  for (const name of ['without', 'off', 'on'] as const) {
    const each = runs[name]()
    if (round >= 0) micros[name].push(each)
  }
}
const base = median(micros.without)
for (const [name, all] of Object.entries(micros)) {
  const each = median(all)
  console.log(
    `${name.padEnd(8)} ${each.toFixed(2)} µs a callout, ${(each / base).toFixed(2)} times`,
  )
}
console.log(`taken: ${taken?.context.length} variables, ${taken?.header.added.length} header field`)

/** Gives the microseconds of a callout. */
async function runnerOf(watch: Tracer | undefined): Promise<() => number> {
  const { policy } = await policyOf({ bench: POLICY }, { tracer: watch })
  return () => {
    const session = policy.openSession()
    const subjects = Array.from({ length: CALLS }, () => subjectOf().subject)
    const before = cpuMicros()
    for (const subject of subjects) void session.run('validate_data_spool_each_rcpt', subject)
    const used = cpuMicros() - before
    return used / CALLS
  }
}
