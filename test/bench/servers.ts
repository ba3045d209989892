// Servers to measure end to end, on loopback and in a folder of their own: ours as it is built, and
// Postfix. All make mail durable before they answer the final dot, log to files, and relay to one sink.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../support/port.ts'

/** As `npm start` has it, and as workers get it. */
export const YOUNG = ['--max-semi-space-size=64', '--min-semi-space-size=64']

export interface MeasuredServer {
  readonly name: string
  readonly port: number
  /** Of the process, or of the one whose children do the work. */
  readonly pid: number
  readonly stop: () => Promise<void>
}

/** What differs from one server of ours to another. */
export interface Variant {
  readonly workers?: number
  /** Whether mail leaves as chunks (`send_chunking`). */
  readonly sendsChunks?: boolean
  readonly nodeOptions?: readonly string[]
}

/** `main`: a built `cli/main.js`. Policy and options are those of examples/newsletter. */
export async function startEachrcpt(
  name: string,
  main: string,
  folder: string,
  sinkPort: number,
  variant: Variant = {},
): Promise<MeasuredServer> {
  mkdirSync(folder)
  copyFileSync('examples/newsletter.lua', join(folder, 'newsletter.lua'))
  const key = join(folder, 'tracking.key')
  writeFileSync(key, Buffer.alloc(32, 1), { mode: 0o600 })
  const config = eachrcptConfig(folder, sinkPort, variant)
  return startEachrcptWith(name, main, folder, config, variant.nodeOptions)
}

/** The same with a configuration of one's own. */
export async function startEachrcptWith(
  name: string,
  main: string,
  folder: string,
  config: string,
  nodeOptions: readonly string[] = [],
): Promise<MeasuredServer> {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'bench.conf')
  writeFileSync(file, config)
  const args = [...YOUNG, ...nodeOptions, main, 'serve', '--config', file]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], cwd: folder })
  const port = await readyPort(child)
  return { name, port, pid: child.pid ?? 0, stop: () => stopChild(child) }
}

/** Undefined where Postfix is not installed, or for lack of rights (it has to be started by root). */
export async function startPostfix(
  folder: string,
  sinkPort: number,
): Promise<MeasuredServer | undefined> {
  const port = await freePort()
  for (const part of ['', 'spool', 'data']) mkdirSync(join(folder, part))
  writeFileSync(join(folder, 'main.cf'), postfixMain(folder, sinkPort))
  writeFileSync(join(folder, 'master.cf'), postfixMaster(port))
  const postfix = (verb: string): void =>
    void execFileSync('postfix', ['-c', folder, verb], { stdio: 'pipe' })
  try {
    execFileSync('chown', ['postfix', join(folder, 'data')])
    postfix('start')
  } catch (error) {
    console.log(`no Postfix to compare with: ${String(error)}`)
    return undefined
  }
  const pid = Number(readFileSync(join(folder, 'spool/pid/master.pid'), 'utf8'))
  return { name: 'postfix', port, pid, stop: async () => postfix('stop') }
}

/** CPU seconds of a process and of its children, those that ended included. */
export function cpuSeconds(pid: number): number {
  const own = timesOf(pid)
  const children = childrenOf(pid).map((each) => timesOf(each).own)
  return children.reduce((total, each) => total + each, own.own + own.ended)
}

/** CPU seconds of all children of this process that have ended. */
export function childSeconds(): number {
  return timesOf(process.pid).ended
}

/** CPU seconds of a process, and of those of its children that have ended. */
function timesOf(pid: number | string) {
  const [, stat = ''] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')
  const ticks = stat.split(' ').map(Number)
  const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = ticks.slice(11, 15)
  return { own: (user + system) / 100, ended: (endedUser + endedSystem) / 100 }
}

function childrenOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean)
}

async function readyPort(child: ChildProcess): Promise<number> {
  for await (const chunk of child.stdout ?? []) {
    const ready = /^ready smtp=\S*?:(\d+)/.exec(String(chunk))
    if (ready) return Number(ready[1])
  }
  throw new Error('the server did not start')
}

export async function stopChild(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM')
  await once(child, 'exit')
}

function eachrcptConfig(folder: string, sinkPort: number, variant: Variant): string {
  const { workers = 1, sendsChunks = false } = variant
  return `hostname = "bench.test"
spoolbase = "${folder}/spool"
workers = ${workers}
gateway = "127.0.0.1:${sinkPort}"
max_outbound_connections = 20
${sendsChunks ? 'send_chunking = "ifavailable"' : ''}
scriptlet "scriptlet" {
  script "newsletter" { source = "newsletter" }
}
smtpapi {}
engagement_tracker {
  click_tracking_include_metadata = true
  tracking_keys = [ k1 = "${folder}/tracking.key" ]
}
esmtp_listener {
  listen "127.0.0.1:0" {}
  relay_hosts = ( 127.0.0.0/8 )
  open_tracking_enabled = true
  click_tracking_enabled = true
  tracking_domain = "track.test"
}
ec_logger { mainlog = "${folder}/mainlog.ec" }
event_hydrant {
  write_jlog = true
  jlog_filename = "${folder}/events.jsonl"
}
`
}

function postfixMain(folder: string, sinkPort: number): string {
  return `compatibility_level = 3.6
queue_directory = ${folder}/spool
data_directory = ${folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = ${folder}/mail.log
maillog_file_prefixes = ${folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:${sinkPort}
disable_dns_lookups = yes
smtp_tls_security_level = none
smtpd_tls_security_level = none
smtpd_peername_lookup = no
in_flow_delay = 0
default_destination_concurrency_limit = 20
initial_destination_concurrency = 20
`
}

function postfixMaster(port: number): string {
  return `127.0.0.1:${port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`
}
