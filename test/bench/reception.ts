// How fast mail comes in, beside smtp-server as it is: a client that pipelines over one connection, data
// that is all dots beside plain text, and a growing number of recipients. Ours writes every message to disk
// before it says 250; smtp-server drops it. Prints the best of interleaved
// runs, and ratios.
// Run: npm run bench -- reception
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { note } from './result.ts'
import type { MeasuredServer } from './servers.ts'
import { startStock } from './stock.ts'

const RUNS = 9
const RUN_MS = 1_000
const DATA_OCTETS = 1_250_000
const RECIPIENTS = [1_250, 2_500, 5_000]
const LINE = 'The quick brown fox jumps over the lazy dog, again and again, until it is 78.\r\n'
const MESSAGE = `Subject: x\r\n\r\n${LINE.repeat(12)}.\r\n`
const DOTS = `A: b\r\n\r\n${'..\r\n'.repeat(DATA_OCTETS / 4)}.\r\n`
const PLAIN = `A: b\r\n\r\n${LINE.repeat(DATA_OCTETS / LINE.length)}.\r\n`

await compare()

async function compare(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'eachrcpt-bench-'))
  const servers = [await startOurs(folder), await startStock()]
  try {
    const [rate = 0] = await table(
      'messages/s, one pipelining connection',
      servers,
      pipelined,
      Math.max,
    )
    note('durable messages of one pipelining connection', rate, 'a second', 'at least', 1000)
    // Otherwise what comes first pays for what the compiler learns.
    for (const { port } of servers) {
      for (let run = 0; run < 2 * RUNS; run++) await data(port, run % 2 ? DOTS : PLAIN)
    }
    const dots = await table('ms for 1.25 MB of dots', servers, (port) => data(port, DOTS))
    const plain = await table('ms for 1.25 MB of text', servers, (port) => data(port, PLAIN))
    note('a message of dots: of one of text', (dots[0] ?? 0) / (plain[0] ?? 0), 'x', 'at most', 2)
    servers.forEach(({ name }, i) =>
      console.log(`  ${name}: dots ${ratio(dots[i], plain[i])} of text`),
    )
    for (const count of RECIPIENTS) {
      await table(`ms for ${count} recipients`, servers, (port) => recipients(port, count))
    }
  } finally {
    for (const server of servers) await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The best of each server, in their order; of a busy machine the others say nothing. */
async function table(
  what: string,
  servers: readonly MeasuredServer[],
  measure: (port: number) => Promise<number>,
  best: (...values: number[]) => number = Math.min,
): Promise<number[]> {
  const runs = servers.map((): number[] => [])
  for (let run = 0; run < RUNS; run++) {
    for (const [i, { port }] of servers.entries()) runs[i]!.push(await measure(port))
  }
  const bests = runs.map((values) => best(...values))
  const texts = servers.map(({ name }, i) => `${name} ${bests[i]!.toFixed(1)}`)
  console.log(`${what}: ${texts.join(', ')} (${ratio(bests[0], bests[1])})`)
  return bests
}

function ratio(a = Number.NaN, b = Number.NaN): string {
  return `${(a / b).toFixed(2)}x`
}

/** MAIL, RCPT and DATA leave in one write, as RFC 2920 has it. */
async function pipelined(port: number): Promise<number> {
  const client = await dial(port)
  const end = performance.now() + RUN_MS
  let sent = 0
  while (performance.now() < end) {
    client.write('MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n')
    await client.replies(3)
    client.write(MESSAGE)
    await client.replies(1)
    sent++
  }
  client.close()
  return (sent / RUN_MS) * 1_000
}

async function data(port: number, octets: string): Promise<number> {
  const client = await dial(port)
  client.write('MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n')
  await client.replies(3)
  const start = performance.now()
  client.write(octets)
  await client.replies(1)
  const ms = performance.now() - start
  client.close()
  return ms
}

async function recipients(port: number, count: number): Promise<number> {
  const client = await dial(port)
  client.write('MAIL FROM:<a@b.example>\r\n')
  await client.replies(1)
  const commands = Array.from({ length: count }, (_, i) => `RCPT TO:<u${i}@d.example>\r\n`).join('')
  const start = performance.now()
  client.write(commands)
  await client.replies(count)
  const ms = performance.now() - start
  client.close()
  return ms
}

async function dial(port: number) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let wanted = 0
  let wake = (): void => {}
  let tail = ''
  // A server that is done may reset.
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    const lines = (tail + chunk.toString('latin1')).split('\r\n')
    tail = lines.pop() ?? ''
    for (const line of lines) if (line[3] === ' ') wanted--
    if (wanted <= 0) wake()
  })
  const replies = (count: number): Promise<void> => {
    wanted += count
    return wanted <= 0 ? Promise.resolve() : new Promise((resolve) => (wake = resolve))
  }
  await replies(1)
  socket.write('EHLO client.example\r\n')
  await replies(1)
  return {
    write: (text: string) => socket.write(text, 'latin1'),
    replies,
    close: () => socket.end('QUIT\r\n'),
  }
}

async function startOurs(folder: string): Promise<MeasuredServer> {
  const file = join(folder, 'bench.conf')
  writeFileSync(
    file,
    `hostname = "mail.test"
     spoolbase = "${folder}/spool"
     maildir = "${folder}/maildir"
     suspend_delivery = true
     esmtp_listener { listen "127.0.0.1:0" {} relay_hosts = ( 127.0.0.0/8 ) max_recipients_per_message = 0 }`,
  )
  const main = fileURLToPath(new URL('../../../cli/main.js', import.meta.url))
  const child = spawn(process.execPath, [main, 'serve', '--config', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  for await (const chunk of child.stdout) {
    said += String(chunk)
    const [, port] = /smtp=127\.0\.0\.1:(\d+)/.exec(said) ?? []
    if (port === undefined) continue
    const stop = async (): Promise<void> => {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
    return { name: 'ours', port: Number(port), pid: child.pid ?? 0, stop }
  }
  throw new Error('the server did not start')
}
