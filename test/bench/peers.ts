// Mail servers of others, for comparison: Haraka from npm, smtp-sink and smtp-source from Debian's postfix. They are
// fetched once into a folder below the temporary one; nothing is installed, and no root is needed.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../support/port.ts'
import { type MeasuredServer, stopChild } from './servers.ts'

const CACHE = join(tmpdir(), 'eachrcpt-peers')
const HARAKA = 'Haraka@3.3.4'

/** Relays everything by its outbound queue to a sink; without a sink it takes everything and drops it. */
export async function startHaraka(folder: string, sinkPort?: number): Promise<MeasuredServer> {
  const program = join(CACHE, 'haraka/node_modules/Haraka/haraka.js')
  if (!existsSync(program)) fetchHaraka()
  const port = await freePort()
  for (const part of ['plugins', 'queue']) mkdirSync(join(folder, part), { recursive: true })
  cpSync(join(dirname(program), 'config'), join(folder, 'config'), { recursive: true })
  const files: Readonly<Record<string, string>> = {
    'config/smtp.ini': `listen=127.0.0.1:${port}\nnodes=0\n`,
    'config/plugins': 'bench\n',
    'config/log.ini': 'level=ERROR\n',
    'config/me': 'bench.test\n',
    'config/outbound.ini': 'enable_tls=false\nconcurrency_max=20\n',
    'plugins/bench.js': harakaPlugin(sinkPort),
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const env = { ...process.env, HARAKA: folder, HARAKA_NETWORK: '' }
  const child = spawn(process.execPath, [program], { cwd: folder, env, stdio: 'ignore' })
  await listening(child, port)
  return { name: 'haraka', port, pid: child.pid ?? 0, stop: () => stopChild(child) }
}

/** Undefined where Debian's package cannot be had. */
export async function startSmtpSink(): Promise<MeasuredServer | undefined> {
  const found = postfixPrograms()
  if (!found) return undefined
  const port = await freePort()
  // It refuses to be root.
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const child = spawn(join(found.folder, 'smtp-sink'), [...user, `127.0.0.1:${port}`, '1000'], {
    env: found.env,
    stdio: 'ignore',
  })
  await listening(child, port)
  return { name: 'smtp-sink', port, pid: child.pid ?? 0, stop: () => stopChild(child) }
}

export interface SourceLoad {
  readonly port: number
  readonly messages: number
  readonly octets: number
  readonly sessions: number
}

/** Seconds that smtp-source takes, a client that does not pipeline. */
export async function runSmtpSource(load: SourceLoad): Promise<number> {
  const found = postfixPrograms()
  if (!found) throw new Error('no smtp-source')
  const { messages, octets, sessions, port } = load
  const start = performance.now()
  const args = ['-d', '-s', sessions, '-l', octets, '-m', messages, '-f', 'a@b.example', '-t']
  const child = spawn(
    join(found.folder, 'smtp-source'),
    [...args.map(String), 'c@privacy.example', `127.0.0.1:${port}`],
    { env: found.env, stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`smtp-source failed (${code})`)
  return (performance.now() - start) / 1000
}

interface Programs {
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
}

export function postfixPrograms(): Programs | undefined {
  const root = join(CACHE, 'postfix')
  const folder = join(root, 'usr/sbin')
  if (!existsSync(folder)) {
    try {
      mkdirSync(root, { recursive: true })
      const run = (command: string): void =>
        void execFileSync('sh', ['-c', command], { cwd: root, stdio: 'pipe' })
      run('apt-get download postfix')
      run('dpkg -x postfix_*.deb .')
    } catch (error) {
      console.log(`no postfix to compare with: ${String(error)}`)
      return undefined
    }
  }
  return { folder, env: { ...process.env, LD_LIBRARY_PATH: join(root, 'usr/lib/postfix') } }
}

function fetchHaraka(): void {
  const folder = join(CACHE, 'haraka')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"private":true}\n')
  const options = ['--no-audit', '--no-fund', '--ignore-scripts']
  execFileSync('npm', ['install', ...options, HARAKA], { cwd: folder, stdio: 'pipe' })
}

function harakaPlugin(sinkPort: number | undefined): string {
  const drop = `exports.hook_queue = (next) => next(OK)`
  const relay = `exports.hook_get_mx = (next) => next(OK, { priority: 0, exchange: '127.0.0.1', port: ${sinkPort} })
exports.hook_mail = (next, connection) => {
  connection.transaction.notes.local_sender = true
  connection.set('relaying', true)
  next(OK)
}`
  return `exports.hook_rcpt = (next) => next(OK)\n${sinkPort === undefined ? drop : relay}\n`
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error('the peer ended')
    const socket = connect({ port, host: '127.0.0.1' })
    const isOpen = await new Promise<boolean>((done) => {
      socket.once('connect', () => done(true))
      socket.once('error', () => done(false))
    })
    socket.destroy()
    if (isOpen) return
    await delay(50)
  }
  throw new Error('the peer does not listen')
}
