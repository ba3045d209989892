// What is known of one domain, for `domain DOMAIN` and `binding domain BINDING DOMAIN`: its queues, what became of its
// copies since the start, and where they go. What is not known is left out.
import { type DomainSources, ownConnections, routesOf, type WayName, waysOf } from './domainlist.ts'
import { outcomesOf } from '../observing/domainrecords.ts'
import { fromText, lowerCase, toText } from '../mail/bytes.ts'
import { DEFAULT_EGRESS } from '../mail/envelope.ts'
import type { Host, NextHop } from '../relay/nexthop.ts'
import { type Route, settledHop } from '../relay/route.ts'

export interface DomainFacts {
  readonly domain: string
  /** Which counts are those of it alone. */
  readonly binding?: string | undefined
  readonly active: number
  readonly delayed: number
  readonly attempts: number
  readonly deliveries: number
  readonly transient_failures: number
  readonly failures: number
  /** ISO 8601; `''`: none since the start. */
  readonly last_delivery: string
  /** Attempts in a row that failed because of DNS; of all bindings. */
  readonly dns_failures: number
  /** Undefined where other domains have them, too. */
  readonly connections?: number | undefined
  readonly next_hops: readonly NextHopFacts[]
}

export interface NextHopFacts {
  /** Which binding goes there: `GROUP/BINDING`. */
  readonly by: string
  /** As Route has it. */
  readonly to: string
  readonly suspended: boolean
  readonly health: Route['health']
  readonly shared: boolean
  readonly connections: number
  /** Until it is looked up again. What follows is known when it was looked up. */
  readonly ttl_seconds?: number | undefined
  readonly mx?: readonly { readonly pref: number; readonly name: string }[] | undefined
  readonly hosts?: readonly Host[] | undefined
  /** Why there is none. */
  readonly failure?: string | undefined
}

/** By all bindings, or by this one. Undefined: there is no mail for it, and was none. */
export async function domainFacts(
  sources: DomainSources,
  nowMs: number,
  name: string,
  binding: string | undefined,
): Promise<DomainFacts | undefined> {
  const domain = lowerCase(fromText(name))
  const isBy = (each: { readonly binding: string }): boolean =>
    binding === undefined || toText(each.binding) === binding
  const ways = await waysOf(sources, nowMs, (way) => way.domain === domain && isBy(way))
  if (ways.length === 0) return undefined
  const found = ways.flatMap((way) => routesOf(sources.relay, way).map((route) => ({ way, route })))
  const records = sources.records.all()
  const outcomes = outcomesOf(records.filter((each) => each.domain === domain && isBy(each)))
  const { lastDeliveryMs, transients, ...others } = outcomes
  return {
    domain: toText(domain),
    binding,
    active: ways.reduce((sum, { active }) => sum + active, 0),
    delayed: ways.reduce((sum, { delayed }) => sum + delayed, 0),
    ...others,
    transient_failures: transients,
    last_delivery: lastDeliveryMs > 0 ? new Date(lastDeliveryMs).toISOString() : '',
    dns_failures: sources.records.of(domain).dnsFailures,
    connections: ownConnections(found.map(({ route }) => route)),
    next_hops: mergeHops(
      await Promise.all(found.map(({ route, way }) => hopFacts(route, way, nowMs))),
    ),
  }
}

async function hopFacts(
  { to, isSuspended: suspended, health, isShared: shared, connections, hop }: Route,
  { group, binding }: WayName,
  nowMs: number,
): Promise<NextHopFacts> {
  const by = `${toText(group)}/${toText(binding)}`
  const facts = { by, to, suspended, health, shared, connections }
  const known = hop && (await settledHop(hop))
  if (!hop || !known || hop.untilMs <= nowMs) return facts
  const ttl_seconds = Math.ceil((hop.untilMs - nowMs) / 1000)
  return { ...facts, ttl_seconds, ...whatIsThere(known) }
}

function whatIsThere(hop: NextHop): Pick<NextHopFacts, 'mx' | 'hosts' | 'failure'> {
  switch (hop.kind) {
    case 'maildir':
      return {}
    case 'smtp':
      return {
        mx: hop.mx?.map(({ exchange, priority }) => ({ pref: priority, name: toText(exchange) })),
        hosts: hop.hosts.map(({ name, address, port }) => ({ name: toText(name), address, port })),
      }
    default:
      return { failure: toText(hop.text) }
  }
}

/** One for each binding and next hop. */
function mergeHops(all: readonly NextHopFacts[]): NextHopFacts[] {
  const hops = new Map<string, NextHopFacts>()
  for (const hop of all) {
    const key = `${hop.by} ${hop.to}`
    const other = hops.get(key)
    hops.set(key, other ? mergeTwo(other, hop) : hop)
  }
  return [...hops.values()]
}

const HEALTHS = ['good', 'suspect', 'blocked'] as const

function mergeTwo(a: NextHopFacts, b: NextHopFacts): NextHopFacts {
  const known = a.ttl_seconds === undefined ? b : a
  return {
    ...known,
    suspended: a.suspended || b.suspended,
    health: HEALTHS[Math.max(HEALTHS.indexOf(a.health), HEALTHS.indexOf(b.health))] ?? 'good',
    connections: a.connections + b.connections,
  }
}

/** What several workers know of the same domain. */
export function mergeFacts(a: DomainFacts, b: DomainFacts): DomainFacts {
  return {
    domain: a.domain,
    binding: a.binding,
    active: a.active + b.active,
    delayed: a.delayed + b.delayed,
    attempts: a.attempts + b.attempts,
    deliveries: a.deliveries + b.deliveries,
    transient_failures: a.transient_failures + b.transient_failures,
    failures: a.failures + b.failures,
    last_delivery: a.last_delivery > b.last_delivery ? a.last_delivery : b.last_delivery,
    dns_failures: Math.max(a.dns_failures, b.dns_failures),
    connections:
      a.connections === undefined || b.connections === undefined
        ? undefined
        : a.connections + b.connections,
    next_hops: mergeHops([...a.next_hops, ...b.next_hops]),
  }
}

export function isDomainFacts(data: unknown): data is DomainFacts {
  return typeof data === 'object' && data !== null && 'next_hops' in data
}

/** Whose name need not be said. */
export const USUAL_BINDING = `${DEFAULT_EGRESS.group}/${DEFAULT_EGRESS.binding}`
