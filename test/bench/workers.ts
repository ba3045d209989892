// Two workers beside one process: the same mail end to end, in turns. Injector, sink and workers share the
// processors, so the figure to look at is the processor time of a message; more of them a second only come where
// processors are left over. Run: npm run bench -- workers. MESSAGES=n: of each run (8,000). ROUNDS=n (3).
// Each process compiles for itself: what it costs is only seen after some ten thousand messages.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { runInjector, startSink } from './load.ts'
import { cpuSeconds, startEachrcptWith } from './servers.ts'

const MESSAGES = Number(process.env['MESSAGES'] ?? 8_000)
const ROUNDS = Number(process.env['ROUNDS'] ?? 3)
const WARM_UPS = 3
const MAIN = new URL('../../../cli/main.js', import.meta.url).pathname
const MESSAGE = `Subject: hello\r\nFrom: a@sender.test\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(280)}`

const folder = mkdtempSync(join(tmpdir(), 'eachrcpt-workers-'))
const sink = await startSink()
const start = (workers: number) =>
  startEachrcptWith(
    `${workers}`,
    MAIN,
    join(folder, `${workers}`),
    `spoolbase = "spool" workers = ${workers} gateway = "127.0.0.1:${sink.port}"
     max_outbound_connections = 20
     esmtp_listener { listen "127.0.0.1:0" {} open_relay = true }
     ec_logger { mainlog = "mainlog.ec" rejectlog = "rejectlog.ec" paniclog = "paniclog.ec" }`,
  )
const servers = [await start(1), await start(2)]
const runs = servers.map(() => [] as { perSecond: number; cpu: number }[])
try {
  for (let round = -WARM_UPS; round < ROUNDS; round++) {
    for (const [i, { port, pid }] of servers.entries()) {
      const [taken, cpu, began] = [sink.taken(), cpuSeconds(pid), performance.now()]
      const load = { port, messages: MESSAGES, recipients: 1, domain: 'x.test', connections: 20 }
      await runInjector({ ...load, message: MESSAGE })
      while (sink.taken() < taken + MESSAGES) await delay(5)
      const perSecond = MESSAGES / ((performance.now() - began) / 1000)
      const run = { perSecond, cpu: ((cpuSeconds(pid) - cpu) / MESSAGES) * 1e6 }
      if (round >= 0) runs[i]?.push(run)
    }
  }
} finally {
  for (const server of servers) await server.stop()
  sink.kill()
  rmSync(folder, { recursive: true })
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? 0
const [one, two] = runs.map((all) => ({
  perSecond: median(all.map(({ perSecond }) => perSecond)),
  cpu: median(all.map(({ cpu }) => cpu)),
}))
for (const [i, { perSecond, cpu }] of [one!, two!].entries()) {
  console.log(`workers = ${i + 1}: ${perSecond.toFixed(0)} messages/s, ${cpu.toFixed(0)} us each`)
}
console.log(
  `two beside one: ${(two!.perSecond / one!.perSecond).toFixed(2)} of the rate, ${(two!.cpu / one!.cpu).toFixed(2)} of the processor time`,
)
