// Reception alone: mail that policy takes and drops, so that no disk and no next hop is in the way, beside
// Haraka and smtp-sink that do the same. By a client that pipelines MAIL, RCPT and DATA, and by smtp-source
// that does not. Interleaved runs, the best of each. Beside the clock, which also shows clients, waits and
// whatever else runs, the processor time of each server for a message, and that of the client. Run:
//   npm run bench -- intake [rounds]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { runInjector } from './load.ts'
import { postfixPrograms, runSmtpSource, startHaraka, startSmtpSink } from './peers.ts'
import { note } from './result.ts'
import { childSeconds, cpuSeconds, type MeasuredServer, startEachrcptWith } from './servers.ts'

const ROUNDS = Number(process.argv[2] ?? 3)
const SIZES = [1, 20, 200]
const SESSIONS = [1, 10, 50]
const LINE = `${'x'.repeat(76)}\r\n`
/** Of each run, by the rate of a first short one. */
const RUN_SECONDS = 0.7
const FIRST_MESSAGES = 50
/** Of each server before anything counts: a server runs for months, and its compiler needs some messages. */
const WARM = { messages: 5_000, octets: 1024, sessions: 10 }

const folder = mkdtempSync(join(tmpdir(), 'eachrcpt-bench-'))
writeFileSync(
  join(folder, 'drop.lua'),
  `local mod = {}
   function mod:validate_data_spool(msg, accept, vctx)
     msg:discard("measured")
     return msys.core.VALIDATE_CONT
   end
   msys.registerModule("drop", mod)`,
)
const CONFIG = `hostname = "bench.test"
spoolbase = "${folder}/spool"
maildir = "${folder}/maildir"
scriptlet "scriptlet" { search_path = ( "${folder}" ) script "drop" { source = "drop" } }
esmtp_listener { listen "127.0.0.1:0" {} relay_hosts = ( 127.0.0.0/8 ) }
`

const sink = await startSmtpSink()
const servers = [
  await startEachrcptWith('ours', resolve('build/cli/main.js'), join(folder, 'ours'), CONFIG),
  await startHaraka(join(folder, 'haraka')),
  ...(sink ? [sink] : []),
]
try {
  for (const { port } of servers) if (postfixPrograms()) await runSmtpSource({ ...WARM, port })
  for (const kilobytes of SIZES) {
    for (const sessions of SESSIONS) {
      await compare(kilobytes, sessions, true)
      if (postfixPrograms()) await compare(kilobytes, sessions, false)
    }
  }
} finally {
  for (const server of servers) await server.stop()
  rmSync(folder, { recursive: true })
}

async function compare(kilobytes: number, sessions: number, isPipelined: boolean): Promise<void> {
  const octets = kilobytes * 1024
  const message = `Subject: x\r\n\r\n${LINE.repeat(Math.round(octets / LINE.length))}`
  /** Seconds by the clock, and of the client's processor time. */
  const send = async ({ port }: MeasuredServer, messages: number): Promise<[number, number]> => {
    const load = { port, messages, recipients: 1, domain: 'privacy.example', connections: sessions }
    if (isPipelined) {
      const { seconds, cpuSeconds: client } = await runInjector({ ...load, message })
      return [seconds, client]
    }
    const before = childSeconds()
    const seconds = await runSmtpSource({ port, messages, octets, sessions })
    return [seconds, childSeconds() - before]
  }
  const bests = servers.map((): Best => ({ rate: 0, serverUs: Infinity, clientUs: Infinity }))
  const counts: number[] = []
  for (const server of servers) {
    const [seconds] = await send(server, FIRST_MESSAGES)
    counts.push(Math.max(FIRST_MESSAGES, Math.round((FIRST_MESSAGES / seconds) * RUN_SECONDS)))
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, server] of servers.entries()) {
      const count = counts[i] ?? 0
      const before = cpuSeconds(server.pid)
      const [seconds, client] = await send(server, count)
      better(bests[i] as Best, {
        rate: count / seconds,
        serverUs: ((cpuSeconds(server.pid) - before) * 1e6) / count,
        clientUs: (client * 1e6) / count,
      })
    }
  }
  tell(`${kilobytes} KB, ${sessions} sessions${isPipelined ? ', pipelined' : ''}`, kilobytes, bests)
}

/** Messages a second; processor time for a message, in microseconds. */
interface Best {
  rate: number
  serverUs: number
  clientUs: number
}

function better(best: Best, run: Best): void {
  best.rate = Math.max(best.rate, run.rate)
  best.serverUs = Math.min(best.serverUs, run.serverUs)
  best.clientUs = Math.min(best.clientUs, run.clientUs)
}

function tell(what: string, kilobytes: number, [ours, ...others]: readonly Best[]): void {
  if (!ours) return
  const figures = ({ rate, serverUs, clientUs }: Best): string =>
    `${rate.toFixed(0)}/s, ${serverUs.toFixed(0)} us (client ${clientUs.toFixed(0)})`
  const lines = others.map((other, i) => {
    const name = servers[i + 1]?.name ?? ''
    const faster = ours.rate / other.rate
    const cheaper = other.serverUs / ours.serverUs
    note(`reception, ${what}: over ${name}`, faster, 'x', ...goalOf(name, kilobytes))
    note(`reception, ${what}: by processor time, over ${name}`, cheaper, 'x')
    return `${name} ${figures(other)}: ${faster.toFixed(2)}x, by processor time ${cheaper.toFixed(2)}x`
  })
  console.log([`${what}: ours ${figures(ours)}`, ...lines].join('\n  '))
}

function goalOf(peer: string, kilobytes: number): [] | ['at least', number] {
  if (peer === 'haraka' && kilobytes >= 20) return ['at least', kilobytes >= 200 ? 4 : 2]
  return peer === 'smtp-sink' && kilobytes === 20 ? ['at least', 0.9] : []
}
