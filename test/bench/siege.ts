// What hostile clients cost in memory, and what an honest one sees meanwhile: 100 clients hold 40 MB of data
// each, 100 send endless lines, 100 send endless recipients. Linux only. Run:
//   npm run bench -- siege
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { runInjector, startSink } from './load.ts'
import { startEachrcpt } from './servers.ts'

const CLIENTS = 100
const TIME_MS = 5_000
const CHUNK = Buffer.alloc(64 * 1024, `${'x'.repeat(62)}\r\n`)
const HELLO = 'EHLO a\r\nMAIL FROM:<a@b.example>\r\n'

const ATTACKS: Readonly<Record<string, (socket: Socket) => void>> = {
  'large messages': (socket) => {
    socket.write(`${HELLO}RCPT TO:<c@privacy.example>\r\nDATA\r\n`)
    pour(socket, CHUNK, (40 * 1024 * 1024) / CHUNK.length)
  },
  'endless lines': (socket) => pour(socket, Buffer.alloc(64 * 1024, 'x')),
  'endless recipients': (socket) => {
    socket.write(HELLO)
    pour(socket, Buffer.alloc(64 * 1024, 'RCPT TO:<c@d.example>\r\n'))
  },
  'replies that nobody reads': (socket) => {
    socket.pause()
    pour(socket, Buffer.alloc(64 * 1024, 'EHLO x\r\n'))
  },
}

const folder = mkdtempSync(join(tmpdir(), 'eachrcpt-bench-'))
const sink = await startSink()
const main = resolve('build/cli/main.js')
const server = await startEachrcpt('ours', main, join(folder, 'ours'), sink.port)
try {
  await send()
  console.log(`before: ${resident()} MB`)
  for (const [name, attack] of Object.entries(ATTACKS)) await besiege(name, attack)
} finally {
  await server.stop()
  sink.kill()
  rmSync(folder, { recursive: true })
}

async function besiege(name: string, attack: (socket: Socket) => void): Promise<void> {
  const sockets = Array.from({ length: CLIENTS }, () => {
    const socket = connect({ port: server.port, host: '127.0.0.1' })
    socket.on('error', () => socket.destroy())
    socket.on('data', () => {})
    attack(socket)
    return socket
  })
  let peak = 0
  const watch = setInterval(() => (peak = Math.max(peak, resident())), 20)
  const { waits } = await send()
  await new Promise((done) => setTimeout(done, TIME_MS))
  const after = await send()
  clearInterval(watch)
  for (const socket of sockets) socket.destroy()
  const worst = Math.max(waits.at(-1) ?? 0, after.waits.at(-1) ?? 0)
  console.log(`${name}: at most ${peak} MB; an honest client waits at most ${worst.toFixed(0)} ms`)
}

/** Writes as fast as the server reads, `times` or until the server has enough. */
function pour(socket: Socket, octets: Buffer, times = Infinity): void {
  let left = times
  const more = (): void => {
    while (left-- > 0 && !socket.destroyed) if (!socket.write(octets)) return
  }
  socket.on('drain', more)
  more()
}

async function send() {
  const message = 'Subject: x\r\n\r\nx\r\n'
  return runInjector({
    port: server.port,
    messages: 50,
    recipients: 1,
    domain: 'privacy.example',
    connections: 1,
    message,
  })
}

/** MB. */
function resident(): number {
  const status = readFileSync(`/proc/${server.pid}/status`, 'utf8')
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024)
}
