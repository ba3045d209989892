// Console commands about connections to next hops: show outbound, refresh domain DOMAIN|all, trace smtp
// add|list|remove (manual pages "console_commands.show_outbound", "console_commands.refresh_domain",
// "console_commands.trace_smtp").
import type { Answer } from '../http/control.ts'
import { fromText, lowerCase, toText } from '../mail/bytes.ts'
import { DEFAULT_EGRESS } from '../mail/envelope.ts'
import type { SmtpTraces } from '../observing/smtptraces.ts'
import type { Dispatcher } from '../relay/dispatcher.ts'
import type { Connection } from '../relay/pool.ts'
import { lines, refusal, usage } from './answers.ts'

export const OUTBOUND_HELP = [
  'show outbound',
  'refresh domain DOMAIN|all',
  'trace smtp add BINDING|* DOMAIN|* FILE; trace smtp list; trace smtp remove ID',
]

export interface Outbound {
  readonly relay: Pick<Dispatcher, 'peers' | 'refresh'>
  readonly smtpTraces: Pick<SmtpTraces, 'add' | 'list' | 'remove'>
}

/** Undefined: no command of these. */
export async function outboundCommand(
  { relay, smtpTraces }: Outbound,
  argv: readonly string[],
): Promise<Answer | undefined> {
  const [verb, what, ...words] = argv
  const [word, ...rest] = words
  if (argv.join(' ') === 'show outbound') return shown(relay.peers())
  if (verb === 'refresh' && what === 'domain') return refreshed(relay, words)
  if (verb !== 'trace' || what !== 'smtp') return undefined
  if (word === 'list' && rest.length === 0) return listed(smtpTraces)
  if (word === 'add' && rest.length === 3) return added(smtpTraces, rest)
  if (word === 'remove' && rest.length === 1) return removed(smtpTraces, Number(rest[0]))
  return usage(OUTBOUND_HELP[2])
}

function shown(connections: readonly Connection[]): Answer {
  const rows = connections.map(({ way, ...row }) => ({
    domain: toText(way.routingDomain),
    binding: toText((way.egress ?? DEFAULT_EGRESS).binding),
    ...row,
  }))
  const text = rows.map(
    ({ domain, binding, address, port, state, deliveries }, i) =>
      `${i + 1}: [outbound/${state}] ${domain} ${address.includes(':') ? 'IPv6' : 'IPv4'} ` +
      `${address}:${port} (${deliveries} deliveries)  ${binding}`,
  )
  return lines(text, rows)
}

function refreshed({ refresh }: Outbound['relay'], words: readonly string[]): Answer {
  const [domain = ''] = words
  if (domain === '' || words.length > 1) return usage(OUTBOUND_HELP[1])
  const isAll = domain === 'all'
  const isKnown = refresh(isAll ? undefined : lowerCase(fromText(domain)))
  if (!isKnown && !isAll) return refusal(`no mail for ${domain} lately: nothing is known of it`)
  return lines([`${isAll ? 'all domains' : domain}: next hops are looked up again`], { domain })
}

function listed({ list }: Outbound['smtpTraces']): Answer {
  const data = list().map(({ id, binding, domain, path }) => ({
    id,
    binding: toText(binding),
    domain: toText(domain),
    file: path,
  }))
  const text = data.flatMap(({ id, binding, domain, file }) => [
    `[${String(id).padStart(6)}]  binding: ${binding}`,
    `           domain: ${domain}`,
    `             file: ${file}`,
  ])
  return lines(text, data)
}

async function added(
  { add }: Outbound['smtpTraces'],
  [binding = '', domain = '', path = '']: readonly string[],
): Promise<Answer> {
  const choice = { binding: fromText(binding), domain: lowerCase(fromText(domain)), path }
  const id = await add(choice)
  return lines([`Registered smtp tracer #${id}`], { id })
}

async function removed({ remove }: Outbound['smtpTraces'], id: number): Promise<Answer> {
  if (!(await remove(id))) return refusal(`no smtp tracer #${id}: try trace smtp list`)
  return lines([`Removed smtp tracer #${id}`], { id })
}
