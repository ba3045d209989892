// What is known of one domain, laid out as Momentum's console does (manual page "console_commands.domain").
import { isIPv6 } from 'node:net'
import { type DomainFacts, type NextHopFacts, USUAL_BINDING } from './domainfacts.ts'
import { textOf, timeText } from './queuetables.ts'
import type { Answer } from '../http/control.ts'

export function domainAnswer(facts: DomainFacts): Answer {
  const { dns_failures: dnsFailures, last_delivery: lastDelivery } = facts
  const lines = [
    ...facts.next_hops.flatMap((hop) => hopLines(facts.domain, hop)),
    ...(dnsFailures > 0 ? [`Domain has had ${dnsFailures} consecutive DNS failures`] : []),
    'Queue:',
    `        Active:${number(facts.active, 11)}`,
    `        Delayed:${number(facts.delayed, 10)}`,
    `Attempts:${number(facts.attempts, 12)}`,
    `Deliveries:${number(facts.deliveries, 10)}`,
    `Transient Failures:${number(facts.transient_failures, 2)}`,
    `Failures:${number(facts.failures, 12)}`,
    ...(lastDelivery === '' ? [] : [`Last Delivery: ${timeText(Date.parse(lastDelivery))}`]),
    connectionsLine(facts),
  ]
  return { isOk: true, text: textOf(lines), data: facts }
}

function number(count: number, width: number): string {
  return ` ${count}`.padStart(width)
}

function connectionsLine({ connections, next_hops: hops }: DomainFacts): string {
  const all = hops.reduce((sum, hop) => sum + hop.connections, 0)
  const note = connections === undefined ? ' (shared with other domains)' : ''
  return `Active Connections: ${connections ?? all}${note}`
}

function hopLines(domain: string, hop: NextHopFacts): string[] {
  const by = hop.by === USUAL_BINDING ? '' : ` by ${hop.by}`
  return [
    `Domain '${domain}'${by} ${whereTo(hop)}`,
    ...hostLines(hop),
    ...(hop.suspended ? ['Delivery is suspended'] : []),
    ...(hop.health === 'blocked'
      ? ['Nobody there speaks to us: nothing is tried for a while']
      : []),
    ...(hop.health === 'suspect'
      ? ['Nobody there spoke to us: one message at a time is tried']
      : []),
  ]
}

function whereTo({ to, ttl_seconds: ttl, mx, hosts, failure }: NextHopFacts): string {
  if (to === 'blackhole') return 'goes nowhere'
  if (failure !== undefined) return `has no next hop for ${ttl} seconds: ${failure}`
  if (to === 'routes') return 'goes by its routes'
  if (to !== 'mx') return `goes to ${to}`
  if (mx) return `has ${mx.length} MXs and a TTL of ${ttl} seconds`
  return hosts ? 'is the name of a host' : 'has not been looked up lately'
}

function hostLines({ mx, hosts = [] }: NextHopFacts): string[] {
  const linesOf = (name: string): string[] =>
    hosts.filter((host) => host.name === name).map(({ address }) => addressLine(address))
  const named = new Set(mx?.map(({ name }) => name))
  const rest = [...new Set(hosts.map(({ name }) => name))].filter((name) => !named.has(name))
  return [
    ...(mx ?? []).flatMap(({ pref, name }) => [`  [${pref} ${name}]`, ...linesOf(name)]),
    ...rest.flatMap(linesOf),
  ]
}

function addressLine(address: string): string {
  return `        [${address}] ${isIPv6(address) ? 'IPv6' : 'IPv4'}`
}
