// The console of a running server: what its control listener answers. Names and texts are Momentum's where it
// has them ("console_commands"); what policy registers by msys.registerControl comes last.
import { lines } from './answers.ts'
import { BINDING_HELP, bindingCommand } from './binding.ts'
import type { Answer } from '../http/control.ts'
import { errorText } from '../events/lines.ts'
import { denyCommand } from './deny.ts'
import { DOMAIN_HELP, domainCommand } from './domain.ts'
import { countsFrom } from '../observing/observers.ts'
import { OUTBOUND_HELP, outboundCommand } from './outbound.ts'
import { QUEUE_HELP, queueCommand } from './queue.ts'
import { isDelayed } from './queuetables.ts'
import { tally } from './queuewalk.ts'
import { REBIND_HELP, rebindCommand } from './rebind.ts'
import { REROUTE_HELP, rerouteCommand } from './reroute.ts'
import type { Server } from '../server.ts'
import { traceCommand } from './trace.ts'
import { STATE_HELP, stateCommand } from './state.ts'
import { suspendCommand } from './suspend.ts'
import { VERSION } from '../observing/version.ts'

export interface ConsoleOptions {
  readonly server: Pick<
    Server,
    | 'config'
    | 'scripts'
    | 'mail'
    | 'suspensions'
    | 'denials'
    | 'policy'
    | 'traces'
    | 'smtpTraces'
    | 'counts'
    | 'records'
    | 'relay'
    | 'bindingNow'
    | 'inbound'
    | 'outbound'
    | 'sessions'
    | 'sharing'
    | 'notReady'
    | 'reload'
    | 'reopenLogs'
  >
  readonly now: () => number
  /** Where the page is. */
  readonly pages: readonly string[]
  /** Ends the server, as SIGTERM does. */
  readonly shutdown: () => void
}

type Command = (options: ConsoleOptions, argv: readonly string[]) => Answer | Promise<Answer>

/** Never rejects. */
export async function runCommand(
  options: ConsoleOptions,
  argv: readonly string[],
): Promise<Answer> {
  try {
    return await answer(options, argv)
  } catch (error) {
    return { isOk: false, text: `${errorText(error)}\n` }
  }
}

async function answer(options: ConsoleOptions, argv: readonly string[]): Promise<Answer> {
  const { server, now } = options
  const command = COMMANDS[argv.join(' ')]
  if (command) return command(options, argv)
  const aboutOutbound = await outboundCommand(server, argv)
  if (aboutOutbound) return aboutOutbound
  const traced = traceCommand(server.traces, argv)
  if (traced) return traced
  const queued = await queueCommand(server.mail, argv, now())
  if (queued) return queued
  const rerouted = await rerouteCommand(server, argv)
  if (rerouted) return rerouted
  const rebound = await rebindCommand(server, argv)
  if (rebound) return rebound
  const aboutDomains = await domainCommand(server, argv, now())
  if (aboutDomains) return aboutDomains
  const aboutBindings = await bindingCommand(server, argv, now())
  if (aboutBindings) return aboutBindings
  const suspended = await suspendCommand(server.suspensions, argv)
  if (suspended) return suspended
  const denied = await denyCommand(server.denials, argv)
  if (denied) return denied
  const stated = await stateCommand(server, argv, now())
  if (stated) return stated
  const printed = await server.policy().control(argv)
  if (printed !== undefined) return { isOk: true, text: printed, data: { text: printed } }
  return { isOk: false, text: `unknown command "${argv.join(' ')}": try help\n` }
}

const COMMANDS: Readonly<Record<string, Command>> = {
  help: ({ server }) => {
    const own = server.policy().controls()
    return lines([...HELP, ...own.map((name) => `${name} (policy)`)], [...HELP, ...own])
  },
  version: () => lines([`eachrcpt ${VERSION}`], { version: VERSION }),
  pid: () => lines([String(process.pid)], { pid: process.pid }),
  summary: async (options) => summaryTable(await summary(options)),
  // Metrics go on: a counter of theirs never becomes less.
  'summary reset': ({ server, now }) => {
    Object.assign(server.counts, countsFrom(now()))
    return lines(['statistics cleared.'], {})
  },
  'show inbound': ({ server, now }) => {
    const rows = server.sessions().map(({ sinceMs, ...row }) => ({
      ...row,
      seconds: Math.round((now() - sinceMs) / 100) / 10,
    }))
    return lines(
      rows.map(
        ({ listener, address, port, state, seconds }, i) =>
          `${i + 1}: [inbound/esmtp_message_factory] ${address.includes(':') ? 'IPv6' : 'IPv4'} ` +
          `${address}:${port} ${state} (for ${seconds}s)  ${listener}`,
      ),
      rows,
    )
  },
  workers: () => lines(['one process does everything'], []),
  'script list': ({ server }) => lines(server.scripts, server.scripts),
  'config reload': async ({ server }) => {
    const isDone = await server.reload()
    const text = isDone ? 'Reconfigure complete.' : 'Reconfigure failed: paniclog says why.'
    return { isOk: isDone, text: `${text}\n`, data: { ok: isDone } }
  },
  'reopen logs': async ({ server }) => {
    await server.reopenLogs()
    return lines(['logs reopened'], {})
  },
  page: ({ pages }) => pagesAnswer(pages),
  shutdown: ({ shutdown }) => {
    // After the reply.
    setTimeout(shutdown, 50)
    return lines(['shutting down'], {})
  },
}

/** Where the page is. */
export function pagesAnswer(pages: readonly string[]): Answer {
  const none = 'no page: control_listener { listen "127.0.0.1:8025" {} }'
  return lines(pages.length > 0 ? pages : [none], pages)
}

const HELP = [
  'summary; summary reset',
  'mailq [-d DOMAIN] [-b BINDING] [-l NUMBER]',
  'showqueue [binding NAME|all] DOMAIN [LIMIT[,OFFSET]]',
  'message details [body|full] ID',
  'message retry|fail ID',
  'message fail quiet ID',
  ...QUEUE_HELP,
  REROUTE_HELP,
  REBIND_HELP,
  ...DOMAIN_HELP,
  BINDING_HELP,
  'suspend; suspend domain|binding NAME',
  'resume domain|binding NAME',
  'deny; deny|allow message|campaign|customer NAME',
  'spool ls [LIMIT[,OFFSET]]|verify|show ID|retry ID|fail [quiet] ID|rm ID|export ID; batch ID: all copies of a message',
  'show inbound',
  ...OUTBOUND_HELP,
  'workers',
  'config reload',
  ...STATE_HELP,
  'reopen logs',
  'script list',
  'trace on [N] [ABOUT]|off|list|show ID',
  'page',
  'version',
  'pid',
  'shutdown',
]

async function summary({ server, now }: ConsoleOptions): Promise<Summary> {
  const nowMs = now()
  const rows = await tally(server.mail, (state) => isDelayed(state, nowMs))
  const { sinceMs, received, delivered, transient_failures, failed } = server.counts
  return {
    hostname: server.config.hostname,
    version: VERSION,
    uptime_seconds: Math.floor(process.uptime()),
    ready: server.notReady() ?? 'yes',
    outbound_connections: server.outbound(),
    inbound_sessions: server.inbound().reduce((sum, { sessions }) => sum + sessions, 0),
    domains: new Set(rows.map(({ domain }) => domain)).size,
    active_queue: rows.reduce((sum, { active }) => sum + active, 0),
    suspended: server.suspensions.list().length,
    delayed_queue: rows.reduce((sum, { delayed }) => sum + delayed, 0),
    received,
    delivered,
    transient_failures,
    failed,
    counted_seconds: Math.floor((nowMs - sinceMs) / 1000),
    memory_megabytes: Math.round(process.memoryUsage().rss / 1e6),
  }
}

type Summary = Readonly<Record<string, string | number>>

export function summaryTable(data: Summary): Answer {
  const seconds = Math.max(1, Number(data['counted_seconds']))
  const rate = (count: unknown): string => `${(Number(count) / seconds).toFixed(2)} messages/second`
  const named: readonly (readonly [name: string, value: string | number | undefined])[] = [
    ['Outbound Concurrency', data['outbound_connections']],
    ['Inbound Concurrency', data['inbound_sessions']],
    ['Active Domains', data['domains']],
    ['Active Queue Size', data['active_queue']],
    ['Delayed Queue Size', data['delayed_queue']],
    ['Total Queue Size', Number(data['active_queue']) + Number(data['delayed_queue'])],
    ['Successfully Delivered Messages', data['delivered']],
    ['Failed Messages', data['failed']],
    ['Transient Failures', data['transient_failures']],
    ['Received Messages', data['received']],
    ['Delivery Rate', rate(data['delivered'])],
    ['Reception Rate', rate(data['received'])],
    ['Suspended', data['suspended']],
    ['Workers', data['workers']],
    ['Memory', `${data['memory_megabytes']} MB`],
    ['Ready', data['ready']],
    ['Host', data['hostname']],
    ['Version', data['version']],
    ['Uptime', `${data['uptime_seconds']} seconds`],
  ]
  const table = named.flatMap(([name, value]) =>
    value === undefined ? [] : [`        ${name}: ${String(value).padStart(6)}`],
  )
  return lines(['Summary Statistics', ...table], data)
}
