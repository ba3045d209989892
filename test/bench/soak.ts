// A working day in short: mail of 50 KB at 278 a second (24 million a day) through a policy of ten callouts, tracked,
// synced before its 250, relayed; and clicks meanwhile. Says what was lost or came twice, how long an injector
// and a reader wait, and how memory grows. Linux only. Run:
//   npm run bench -- soak [minutes]
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { openKeyring } from '../../src/tracking/keyring.ts'
import { openSealer } from '../../src/tracking/token.ts'
import { runInjector, startSink } from './load.ts'
import { note } from './result.ts'
import { freePort } from '../support/port.ts'
import { startEachrcptWith } from './servers.ts'

const MINUTES = Number(process.argv[2] ?? 0.5)
const MESSAGES_A_SECOND = 278
const CLICKS_A_SECOND = 100
const SAMPLE_MS = 1000
/** Memory settles first. */
const SETTLED = 0.3
const CALLOUTS = [
  'validate_connect',
  'validate_ehlo',
  'validate_mailfrom',
  'validate_rcptto',
  'validate_data',
  'validate_data_spool',
  'validate_data_spool_each_rcpt',
  'core_post_msg_each_rcpt',
  'validate_set_binding',
  'core_final_validation',
]
const SECRET = Buffer.alloc(32, 1)

const folder = mkdtempSync(join(tmpdir(), 'eachrcpt-bench-'))
const sink = await startSink()
const httpPort = await freePort()
writeFileSync(join(folder, 'ten.lua'), policy())
const server = await startEachrcptWith(
  'ours',
  resolve('build/cli/main.js'),
  join(folder, 'ours'),
  config(),
)
const samples: number[] = []
const clicks: number[] = []
try {
  const messages = Math.round(MESSAGES_A_SECOND * MINUTES * 60)
  let isOver = false
  const watching = watch(() => isOver)
  const clicking = click(() => isOver)
  const { waits } = await runInjector({
    port: server.port,
    messages,
    recipients: 1,
    domain: 'customer.example',
    connections: 20,
    message: letter(),
    perSecond: MESSAGES_A_SECOND,
  })
  for (let tries = 0; tries < 300 && sink.taken() < messages; tries++) await delay(100)
  await delay(500)
  isOver = true
  await Promise.all([watching, clicking])
  report(messages, waits)
} finally {
  await server.stop()
  sink.kill()
  rmSync(folder, { recursive: true })
}

function report(messages: number, waits: readonly number[]): void {
  const lost = messages + sink.twice() - sink.taken()
  const slope = slopeOf(samples.slice(Math.floor(samples.length * SETTLED)))
  const clickP99 = quantile(clicks, 0.99)
  note('soak: messages lost or twice', lost + sink.twice(), 'x', 'at most', 0)
  note('soak: p99 from dot to 250', quantile(waits, 0.99), 'ms', 'at most', 500)
  note('soak: p99 of a click while mail flows', clickP99, 'ms', 'at most', 10)
  console.log(
    `${messages} messages in ${MINUTES} min: ${lost} lost, ${sink.twice()} twice; dot to 250 p50 ` +
      `${quantile(waits, 0.5).toFixed(1)} p99 ${quantile(waits, 0.99).toFixed(1)} ms; ${clicks.length} clicks, p50 ` +
      `${quantile(clicks, 0.5).toFixed(1)} p99 ${clickP99.toFixed(1)} ms; memory at most ` +
      `${Math.max(...samples).toFixed(0)} MB, ${slope.toFixed(2)} MB a minute`,
  )
}

async function watch(isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const status = readFileSync(`/proc/${server.pid}/status`, 'utf8')
    samples.push(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024)
    await delay(SAMPLE_MS)
  }
}

/** One request at a time would hide waits: each starts when it is due. */
async function click(isOver: () => boolean): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 })
  const path = clickPath()
  while (!isOver()) {
    const start = performance.now()
    get({ host: '127.0.0.1', port: httpPort, path, agent }, (response) => {
      if (response.statusCode !== 302) throw new Error(`a click got ${response.statusCode}`)
      response.resume()
      response.on('end', () => clicks.push(performance.now() - start))
    })
    await delay(1000 / CLICKS_A_SECOND)
  }
  agent.destroy()
}

function clickPath(): string {
  const sealer = openSealer(openKeyring([{ secret: SECRET }]), Buffer.alloc(16, 1))
  const { full } = sealer.recipient({
    messageId: '0000632c8b54d53f0a00',
    rcptTo: 'anna@customer.example',
    rawRcptTo: 'anna@customer.example',
    expirySeconds: Math.floor(Date.now() / 1000) + 86_400,
  })
  return `/f/a/${sealer.link('https://shop.example/', 'order', 'click', '')}/${full}`
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** MB a minute, by least squares. */
function slopeOf(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const middle = (values.length - 1) / 2
  let above = 0
  let below = 0
  for (const [i, value] of values.entries()) {
    above += (i - middle) * (value - mean)
    below += (i - middle) ** 2
  }
  return (above / below) * (60_000 / SAMPLE_MS)
}

function policy(): string {
  const callouts = CALLOUTS.map(
    (name) => `function mod:${name}(...)
  self.count = (self.count or 0) + 1
  return msys.core.VALIDATE_CONT
end`,
  )
  return `local mod = {}\n${callouts.join('\n')}\nmsys.registerModule("ten", mod)\n`
}

function letter(): string {
  const filler = `<p>${'Lorem ipsum dolor sit amet '.repeat(3)}</p>\r\n`.repeat(28)
  const links = Array.from(
    { length: 20 },
    (_, i) => `${filler}<a href="https://shop.example/item/${i}?n=${i}">${i}</a>\r\n`,
  )
  return `From: Shop <news@shop.example>\r\nSubject: x\r\nContent-Type: text/html\r\n\r\n<html><body>\r\n${links.join('')}</body></html>\r\n`
}

function config(): string {
  return `hostname = "bench.test"
spoolbase = "${folder}/spool"
gateway = "127.0.0.1:${sink.port}"
scriptlet "scriptlet" { search_path = ( "${folder}" ) script "ten" { source = "ten" } }
smtpapi {}
engagement_tracker { tracking_keys = [ now = "${SECRET.toString('hex')}" ] }
esmtp_listener {
  listen "127.0.0.1:0" {}
  relay_hosts = ( 127.0.0.0/8 )
  open_tracking_enabled = true
  click_tracking_enabled = true
  tracking_domain = "track.test"
}
http_listener { listen "127.0.0.1:${httpPort}" {} }
ec_logger { mainlog = "${folder}/mainlog.ec" }
event_hydrant { write_jlog = true jlog_filename = "${folder}/events.jsonl" }
`
}
