// A redis-server of the test's own. Where the program is missing the test is skipped, and says so; with
// CI=true that is a failure.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { freePort } from './port.ts'

export const hasRedis = spawnSync('redis-server', ['--version']).status === 0
if (!hasRedis && process.env['CI']) throw new Error('redis-server is missing')

export interface RedisServer {
  readonly port: number
  readonly socket: string
  /** A command as redis-cli runs it. */
  cli(...args: readonly string[]): string
  /** SIGSTOP: it is there and does not answer. */
  freeze(): void
  thaw(): void
  kill(): Promise<void>
}

/** Killed when the test is over. */
export async function startRedis(port?: number, ...args: readonly string[]): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'eachrcpt-redis-'))
  const socket = join(folder, 's')
  const own = port ?? (await freePort())
  const options = ['--port', String(own), '--bind', '127.0.0.1', '--unixsocket', socket]
  const quiet = ['--save', '', '--appendonly', 'no', '--dir', folder]
  const child: ChildProcess = spawn('redis-server', [...options, ...quiet, ...args])
  const ended = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true, force: true })
  })
  await new Promise<void>((resolve) => {
    child.stdout?.on('data', (text) => String(text).includes('Ready to accept') && resolve())
  })
  return {
    port: own,
    socket,
    cli: (...command) =>
      spawnSync('redis-cli', ['-s', socket, ...command], { encoding: 'utf8' }).stdout.trim(),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

export interface Sentinel {
  readonly port: number
  /** It looks for replicas every ten seconds, and when it starts. */
  knowsReplica(): boolean
}

/** A Sentinel that watches a master called `m`, and is quick to find it down. */
export async function startSentinel(masterPort: number): Promise<Sentinel> {
  const folder = mkdtempSync(join(tmpdir(), 'eachrcpt-sentinel-'))
  const port = await freePort()
  const path = join(folder, 'sentinel.conf')
  writeFileSync(
    path,
    `port ${port}
     bind 127.0.0.1
     dir ${folder}
     sentinel monitor m 127.0.0.1 ${masterPort} 1
     sentinel down-after-milliseconds m 300
     sentinel failover-timeout m 1000\n`,
  )
  const child: ChildProcess = spawn('redis-server', [path, '--sentinel'])
  const ended = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true, force: true })
  })
  await new Promise<void>((resolve) => {
    child.stdout?.on('data', (text) => String(text).includes('+monitor master m') && resolve())
  })
  const replicas = (): string =>
    spawnSync('redis-cli', ['-p', String(port), 'SENTINEL', 'REPLICAS', 'm'], { encoding: 'utf8' })
      .stdout
  return { port, knowsReplica: () => replicas().includes('slave-repl-offset') }
}
