// What idle connections cost, beside smtp-server as it is: memory for each of 10,000 that have said EHLO,
// and mail that flows beside them against mail alone. Linux only; each side needs 10,000 descriptors. Run:
//   npm run bench -- idle [connections]
import { once } from 'node:events'
import { readFileSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { runInjector, startSink } from './load.ts'
import { note } from './result.ts'
import { type MeasuredServer, startEachrcpt } from './servers.ts'
import { startStock } from './stock.ts'

const CONNECTIONS = Number(process.argv[2] ?? 10_000)
const AT_ONCE = 200
const LOAD = {
  messages: 2000,
  recipients: 1,
  domain: 'privacy.example',
  connections: 10,
  message: `Subject: x\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(256)}`,
}

const folder = mkdtempSync(join(tmpdir(), 'eachrcpt-bench-'))
const sink = await startSink()
const main = resolve('build/cli/main.js')
const servers = [
  await startEachrcpt('ours', main, join(folder, 'ours'), sink.port),
  await startStock(),
]
try {
  for (const server of servers) await measure(server)
} finally {
  for (const server of servers) await server.stop()
  sink.kill()
  rmSync(folder, { recursive: true })
}

async function measure({ name, port, pid }: MeasuredServer): Promise<void> {
  await rate(port)
  const alone = await rate(port)
  const before = residentOctets(pid)
  const idle = await openIdle(port)
  const octets = (residentOctets(pid) - before) / CONNECTIONS
  const beside = await rate(port)
  for (const socket of idle) socket.destroy()
  if (name === 'ours') {
    note('an idle connection', octets / 1024, 'KB')
    note(`mail beside ${CONNECTIONS} idle connections: of mail alone`, beside / alone, 'x')
  }
  console.log(
    `${name}: ${CONNECTIONS} idle connections, ${(octets / 1024).toFixed(1)} KB each; messages a second ` +
      `${alone.toFixed(0)} alone, ${beside.toFixed(0)} beside them (${(beside / alone).toFixed(2)}x)`,
  )
}

async function rate(port: number): Promise<number> {
  const { seconds } = await runInjector({ ...LOAD, port })
  return LOAD.messages / seconds
}

async function openIdle(port: number): Promise<Socket[]> {
  const sockets: Socket[] = []
  for (let left = CONNECTIONS; left > 0; left -= AT_ONCE) {
    const some = Array.from({ length: Math.min(left, AT_ONCE) }, () => greeted(port))
    sockets.push(...(await Promise.all(some)))
  }
  return sockets
}

async function greeted(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const hear = async (): Promise<void> => void (await once(socket, 'data'))
  await hear()
  socket.write('EHLO idle.test\r\n')
  await hear()
  socket.on('error', () => {})
  return socket
}

function residentOctets(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024
}
