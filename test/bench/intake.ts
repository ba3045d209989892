// Reception alone: mail that policy takes and drops, so that no disk and no next hop is in the way, beside
// Haraka and smtp-sink that do the same. By a client that pipelines MAIL, RCPT and DATA, and by smtp-source
// that does not. Interleaved runs, the best of each. Run:
//   npm run bench -- intake [rounds]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startInjector } from './load.ts'
import { postfixPrograms, runSmtpSource, startHaraka, startSmtpSink } from './peers.ts'
import { note } from './result.ts'
import { type MeasuredServer, startEachrcptWith } from './servers.ts'

const ROUNDS = Number(process.argv[2] ?? 3)
const SIZES = [1, 20, 200]
const SESSIONS = [1, 10, 50]
const LINE = `${'x'.repeat(76)}\r\n`
/** Of each run, by the rate of a first short one. */
const RUN_SECONDS = 0.7
const FIRST_MESSAGES = 50

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
  const rate = async ({ port }: MeasuredServer, messages: number): Promise<number> => {
    if (!isPipelined) return messages / (await runSmtpSource({ port, messages, octets, sessions }))
    const load = { port, messages, recipients: 1, domain: 'privacy.example', connections: sessions }
    return messages / (await startInjector({ ...load, message })).seconds
  }
  const counts: number[] = []
  for (const server of servers) {
    const first = await rate(server, FIRST_MESSAGES)
    counts.push(Math.max(FIRST_MESSAGES, Math.round(first * RUN_SECONDS)))
  }
  const bests = servers.map(() => 0)
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, server] of servers.entries()) {
      bests[i] = Math.max(bests[i] ?? 0, await rate(server, counts[i] ?? 0))
    }
  }
  const [ours = 0, ...others] = bests
  const what = `${kilobytes} KB, ${sessions} sessions${isPipelined ? ', pipelined' : ''}`
  const ratios = others.map((other, i) => {
    const name = servers[i + 1]?.name ?? ''
    note(`reception, ${what}: over ${name}`, ours / other, 'x', ...goalOf(name, kilobytes))
    return `${name} ${other.toFixed(0)}/s (${(ours / other).toFixed(2)}x)`
  })
  console.log(`${what}: ours ${ours.toFixed(0)}/s, ${ratios.join(', ')}`)
}

function goalOf(peer: string, kilobytes: number): [] | ['at least', number] {
  if (peer === 'haraka' && kilobytes >= 20) return ['at least', kilobytes >= 200 ? 4 : 2]
  return peer === 'smtp-sink' && kilobytes === 20 ? ['at least', 0.9] : []
}
