// smtp-server as it is, in a process of its own: takes every message and drops it.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { SMTPServer } from 'smtp-server'
import { portOf } from '../support/peer.ts'
import type { MeasuredServer } from './servers.ts'

if (process.argv[2] === 'stock') serveStock()

export async function startStock(): Promise<MeasuredServer> {
  const child = fork(fileURLToPath(import.meta.url), ['stock'])
  const [port] = (await once(child, 'message')) as [number]
  return {
    name: 'smtp-server',
    port,
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

function serveStock(): void {
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    noDelay: true,
    onData(stream, _, done) {
      stream.resume()
      stream.on('end', () => done())
    },
  })
  const { server: listener } = server
  server.listen(0, '127.0.0.1', () => process.send?.(portOf(listener)))
}
