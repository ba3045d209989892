// The whole server beside Haraka and Postfix: mail with 20 links comes in, is made durable (Haraka writes a file, but
// does not sync it), and goes out to a sink. Interleaved runs, medians; ours as one process, with two workers, and with chunks. Run (as
// root, with Postfix installed but not running, for that comparison):
//   npm run bench -- endtoend
// Another checkout's build/cli/main.js as argument is measured too: before and after a change.
// ROUNDS=n: runs of each scenario (3). ONLY=n: the n-th scenario. NODE_PROFILE=folder: CPU profiles of our
// server go there, and nothing else is measured.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { encodeQuotedPrintable } from '../../src/mime/quotedprintable.ts'
import { type Load, type Sink, runInjector, startSink } from './load.ts'
import { startHaraka } from './peers.ts'
import { note } from './result.ts'
import {
  cpuSeconds,
  type MeasuredServer,
  startEachrcpt,
  startPostfix,
  type Variant,
} from './servers.ts'

interface Scenario {
  readonly name: string
  readonly load: Omit<Load, 'port' | 'message'>
  readonly message: string
}

interface Run {
  readonly received: number
  readonly delivered: number
  readonly cpuMicroseconds: number
  readonly p50: number
  readonly p99: number
}

// The example's policy tracks customers, and nobody at privacy.example.
const FIRST = scenario('1 recipient, tracked', {
  messages: 3000,
  recipients: 1,
  domain: 'customer.example',
})
const SCENARIOS: readonly Scenario[] = [
  FIRST,
  scenario('1 recipient, untracked', { messages: 3000, recipients: 1, domain: 'privacy.example' }),
  scenario('100 recipients, tracked', { messages: 200, recipients: 100 }),
  scenario('10 recipients, tracked', { messages: 600, recipients: 10 }),
  scenario('1,000 recipients, tracked', { messages: 10, recipients: 1000 }),
  scenario('100 recipients, tracked, 200 KB', { messages: 20, recipients: 100 }, 200),
]
/** Others get as many messages as take them about as long. */
const PEER_SHARE = 0.15
const ROUNDS = Number(process.env['ROUNDS'] ?? 3)
const WARM_UP_MS = 15_000
/** For what the mail of a scenario alone needs. */
const OWN_WARM_UP_MS = 8_000
const ONLY = process.env['ONLY']
const ONE = 'eachrcpt'
/** Postfix has a process for each connection; this is as much as two processors bear. */
const TWO = 'two workers'
/** The same, and mail leaves as chunks (`send_chunking`), which neither of the others can. */
const CHUNKS = 'two, chunks'

await compare(process.argv.slice(2))

async function compare(others: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'eachrcpt-bench-'))
  // Postfix works as a user of its own.
  chmodSync(folder, 0o755)
  const sink = await startSink()
  const servers = await startServers(folder, sink.port, others)
  try {
    for (const server of servers) await warmUp(server, sink, FIRST, WARM_UP_MS)
    for (const { name, load, message } of ONLY
      ? SCENARIOS.slice(Number(ONLY) - 1, Number(ONLY))
      : SCENARIOS) {
      console.log(`\n${name}, ${message.length} octets, ${load.connections} connections`)
      const runs = servers.map((): Run[] => [])
      for (const server of servers) await warmUp(server, sink, { load, message }, OWN_WARM_UP_MS)
      for (let round = 0; round < ROUNDS; round++) {
        for (const [i, server] of servers.entries()) {
          runs[i]?.push(await measure(server, sink, load, message))
        }
      }
      report(name, new Map(servers.map((server, i) => [server.name, runs[i] ?? []])))
    }
  } finally {
    for (const server of servers) await server.stop()
    sink.kill()
    rmSync(folder, { recursive: true })
  }
}

async function startServers(
  folder: string,
  sinkPort: number,
  others: readonly string[],
): Promise<MeasuredServer[]> {
  const profile = process.env['NODE_PROFILE']
  const nodeOptions = profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : []
  const main = resolve('build/cli/main.js')
  const start = (name: string, file: string, variant: Variant = {}): Promise<MeasuredServer> =>
    startEachrcpt(name, file, join(folder, name.replaceAll(' ', '-')), sinkPort, {
      nodeOptions,
      ...variant,
    })
  const servers = [await start(ONE, main)]
  for (const [i, other] of others.entries())
    servers.push(await start(`other ${i + 1}`, resolve(other)))
  if (profile) return servers
  servers.push(await start(TWO, main, { workers: 2 }))
  servers.push(await start(CHUNKS, main, { workers: 2, sendsChunks: true }))
  servers.push(await startHaraka(join(folder, 'haraka'), sinkPort))
  const postfix = await startPostfix(join(folder, 'postfix'), sinkPort)
  return postfix ? [...servers, postfix] : servers
}

/** A compiler that works while mail flows sees tens of thousands of messages before it is done. */
async function warmUp(
  server: MeasuredServer,
  sink: Sink,
  { load, message }: Pick<Scenario, 'load' | 'message'>,
  forMs: number,
): Promise<void> {
  const until = performance.now() + forMs
  while (performance.now() < until) await measure(server, sink, load, message)
}

async function measure(
  server: MeasuredServer,
  sink: Sink,
  load: Scenario['load'],
  message: string,
): Promise<Run> {
  const share = server.name === 'postfix' || server.name === 'haraka' ? PEER_SHARE : 1
  const messages = Math.ceil(load.messages * share)
  const deliveries = messages * load.recipients
  const before = sink.taken()
  const cpu = cpuSeconds(server.pid)
  const { port } = server
  const { beganMs, seconds, waits } = await runInjector({ ...load, messages, port, message })
  while (sink.taken() - before < deliveries) await delay(2)
  const elapsed = (performance.timeOrigin + performance.now() - beganMs) / 1000
  // What is written down after a delivery counts too, and must not disturb the next run.
  await delay(300)
  return {
    received: messages / seconds,
    delivered: deliveries / elapsed,
    cpuMicroseconds: ((cpuSeconds(server.pid) - cpu) * 1e6) / deliveries,
    p50: waits[Math.floor(waits.length * 0.5)] ?? 0,
    p99: waits[Math.floor(waits.length * 0.99)] ?? 0,
  }
}

function report(what: string, all: ReadonlyMap<string, readonly Run[]>): void {
  for (const [name, runs] of all) {
    const of = (key: keyof Run): string => median(runs, key).toFixed(key.startsWith('p') ? 1 : 0)
    console.log(
      `  ${name.padEnd(11)} received ${of('received').padStart(5)}/s` +
        `  delivered ${of('delivered').padStart(5)}/s` +
        `  CPU ${of('cpuMicroseconds').padStart(4)} us a delivery` +
        `  dot to 250 p50 ${of('p50')} p99 ${of('p99')} ms`,
    )
  }
  for (const [ours, label] of [
    [ONE, what],
    [TWO, `${what}, two workers`],
    [CHUNKS, `${what}, two workers, send_chunking`],
  ] as const) {
    const rate = median(all.get(ours) ?? [], 'delivered')
    if (Number.isNaN(rate)) continue
    const isFanOut = label.startsWith('100 recipients, tracked, two workers')
    const most = isFanOut ? (['at least', 10_000] as const) : ([] as const)
    note(`end to end, ${label}: deliveries`, rate, 'a second', ...most)
    for (const [name, runs] of all) {
      if (name !== 'haraka' && name !== 'postfix') continue
      // With several recipients theirs get one copy in one transaction, ours one each.
      const goal = what.startsWith('1 recipient,') ? (['at least', 3] as const) : ([] as const)
      note(`end to end, ${label}: over ${name}`, rate / median(runs, 'delivered'), 'x', ...goal)
    }
  }
}

function median(runs: readonly Run[], key: keyof Run): number {
  const sorted = runs.map((run) => run[key]).sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? NaN
}

function scenario(
  name: string,
  {
    domain = 'customer.example',
    ...load
  }: Omit<Scenario['load'], 'connections' | 'domain'> & {
    readonly domain?: string
  },
  kilobytes = 20,
): Scenario {
  return {
    name,
    load: { ...load, domain, connections: load.recipients > 1 ? 8 : 20 },
    message: newsletter(kilobytes),
  }
}

function newsletter(kilobytes: number): string {
  const filler = '<p style="color:#333">Lorem ipsum dolor sit amet, consetetur = elit é.</p>\r\n'
  const link = (_: unknown, i: number): string =>
    `${filler.repeat(kilobytes / 2)}<a class="l" href="https://shop.example/item/${i}?utm=mail&n=${i}">${i}</a>\r\n`
  const html = `<html><body>\r\n${Array.from({ length: 20 }, link).join('')}</body></html>\r\n`
  const header =
    'From: Shop <news@shop.example>\r\nTo: undisclosed-recipients:;\r\nSubject: Autumn\r\n' +
    'Date: Sat, 21 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@shop.example>\r\n' +
    'MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n' +
    'Content-Transfer-Encoding: quoted-printable\r\n\r\n'
  return header + encodeQuotedPrintable(Buffer.from(html)).toString('latin1')
}
