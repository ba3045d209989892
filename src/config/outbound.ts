// How mail for a domain goes out (Momentum manual, "ecelerity.conf.fallback", "conf.ref.domain"): the exact
// domain stanza, then the regular expressions that match, in file order and unanchored, then global. Each
// option falls through on its own, but for the next hop: the first scope that names one decides.
import { ConfigError, mismatch, quote } from './error.ts'
import { completeRoutes, type HostPort, type Route } from './nexthop.ts'
import { remember } from './memo.ts'
import type { Resolved } from './schema/option.ts'
import { DELIVERY, EHLO_HOSTNAME, NEXT_HOP } from './schema/outbound.ts'
import { resolveTable, stanzasOf, valueOf, type Stanza } from './stanza.ts'
import { toRegExp } from './value.ts'

/** Of `gateway`, `routes` and `maildir` at most one is there; none means the domain's MX. */
export interface OutboundOptions extends Resolved<typeof DELIVERY> {
  readonly gateway?: HostPort
  readonly routes?: readonly Route[]
  /** Absolute path of the folder. */
  readonly maildir?: string
  readonly ehloHostname: string
}

/** Domains are compared in lower case. Remembers the last 4,096. */
export function outboundFor(root: Stanza, hostname: string): (domain: string) => OutboundOptions {
  const exact = new Map<string, Stanza>()
  const patterns: { readonly pattern: RegExp; readonly stanza: Stanza }[] = []
  for (const stanza of stanzasOf(root, 'domain')) {
    const expression = /^\/(.*)\/$/s.exec(stanza.instance)?.[1]
    if (expression === undefined) exact.set(stanza.instance.toLowerCase(), stanza)
    else patterns.push({ pattern: readPattern(expression, stanza), stanza })
  }
  const compute = (domain: string): OutboundOptions => {
    const named = exact.get(domain)
    const matching = patterns.filter(({ pattern }) => pattern.test(domain))
    const chain = [...(named ? [named] : []), ...matching.map(({ stanza }) => stanza), root]
    return outboundOptions(chain, hostname)
  }
  const remembered = remember(compute)
  return (domain) => remembered(domain.toLowerCase())
}

function outboundOptions(chain: readonly Stanza[], hostname: string): OutboundOptions {
  const delivery = resolveTable(DELIVERY, chain)
  const ehlo = valueOf(EHLO_HOSTNAME, chain)
  const isOwnName = ['__hostname__', '__message__'].includes(ehlo.toLowerCase())
  return {
    ...delivery,
    ...nextHop(chain, delivery.remoteSmtpPort),
    ehloHostname: isOwnName ? hostname : ehlo,
  }
}

function nextHop(
  chain: readonly Stanza[],
  defaultPort: number,
): Pick<OutboundOptions, 'gateway' | 'routes' | 'maildir'> {
  for (const stanza of chain) {
    const { maildir, gateway, routes } = resolveTable(NEXT_HOP, [stanza])
    if (maildir !== undefined) return { maildir }
    if (gateway) return { gateway: { host: gateway.host, port: gateway.port ?? defaultPort } }
    if (routes) return { routes: completeRoutes(routes, defaultPort) }
  }
  return {}
}

function readPattern(expression: string, stanza: Stanza): RegExp {
  const pattern = toRegExp(expression)
  if (pattern) return pattern
  const complaint = mismatch('a regular expression between slashes', quote(stanza.instance))
  throw new ConfigError(stanza.place, undefined, complaint)
}
