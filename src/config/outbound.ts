// How mail for a domain goes out by a binding (Momentum manual, "ecelerity.conf.fallback", "conf.ref.domain"):
// the domain in the group's binding, in the binding, in the group; then these three themselves; then the
// domain, then global. Of a scope's domain stanzas the exact one goes first, then the regular expressions
// that match, in file order and unanchored. Each option falls through on its own, but for the next hop: the
// first scope that names one decides.
import { ConfigError, mismatch, quote } from './error.ts'
import { completeRoutes, type HostPort, type Route } from './nexthop.ts'
import { remember } from './memo.ts'
import type { Resolved } from './schema/option.ts'
import { DELIVERY, EHLO_HOSTNAME, IDENTITY, NEXT_HOP, PATIENCE, TRUST } from './schema/outbound.ts'
import { SIGNED } from './schema/signing.ts'
import { TLS_RULES } from './schema/security.ts'
import { tlsRules, type TlsRules } from './tlsrules.ts'
import { resolveTable, stanzasOf, valueOf, type Stanza } from './stanza.ts'
import { toRegExp } from './value.ts'

/** Of `gateway`, `routes` and `maildir` at most one is there; none means the domain's MX. */
export interface OutboundOptions
  extends
    Resolved<typeof DELIVERY>,
    Resolved<typeof PATIENCE>,
    Resolved<typeof TRUST>,
    Resolved<typeof IDENTITY> {
  readonly gateway?: HostPort
  readonly routes?: readonly Route[]
  /** Absolute path of the folder. */
  readonly maildir?: string
  readonly tlsRules: TlsRules
  /** By which stanzas. */
  readonly signed: Resolved<typeof SIGNED>
  /** Our name in EHLO. */
  readonly ehloHostname: string
  /** The sender's domain is that name, unless there is no sender. */
  readonly greetsAsSender?: boolean
}

const ANY_TLS: TlsRules = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' }

/** The binding, and the group that it was chosen in. */
interface Egress {
  readonly binding: string
  readonly group: string
}

export type Outbound = (domain: string, egress?: Egress) => OutboundOptions

/** Domains are compared in lower case. Remembers the last 4,096. */
export function outboundFor(root: Stanza, hostname: string): Outbound {
  const domains = domainIndex(root)
  const one = (parent: Stanza | undefined, kind: string, instance: string): Stanza[] =>
    parent ? stanzasOf(parent, kind).filter((stanza) => stanza.instance === instance) : []
  const compute = (key: string): OutboundOptions => {
    const [domain = '', group = '', binding = ''] = key.split('\n')
    const groups = one(root, 'binding_group', group)
    const members = one(groups[0], 'binding', binding)
    const bindings = one(root, 'binding', binding)
    const egress = [...members, ...bindings, ...groups]
    const chain = [...egress.flatMap((scope) => domains(scope, domain)), ...egress]
    return outboundOptions([...chain, ...domains(root, domain), root], hostname)
  }
  const remembered = remember(compute)
  return (domain, { group, binding } = { binding: 'default', group: 'default' }) =>
    remembered(`${domain.toLowerCase()}\n${group}\n${binding}`)
}

/** The domain stanzas of a scope that are about a domain, the most specific first. */
function domainIndex(root: Stanza): (scope: Stanza, domain: string) => readonly Stanza[] {
  const indexes = new Map<Stanza, (domain: string) => readonly Stanza[]>()
  const groups = stanzasOf(root, 'binding_group')
  const bindings = [root, ...groups].flatMap((scope) => stanzasOf(scope, 'binding'))
  for (const scope of [root, ...groups, ...bindings]) indexes.set(scope, domainsOf(scope))
  return (scope, domain) => indexes.get(scope)?.(domain) ?? []
}

function domainsOf(scope: Stanza): (domain: string) => readonly Stanza[] {
  const exact = new Map<string, Stanza>()
  const patterns: { readonly pattern: RegExp; readonly stanza: Stanza }[] = []
  for (const stanza of stanzasOf(scope, 'domain')) {
    const expression = /^\/(.*)\/$/s.exec(stanza.instance)?.[1]
    if (expression === undefined) exact.set(stanza.instance.toLowerCase(), stanza)
    else patterns.push({ pattern: readPattern(expression, stanza), stanza })
  }
  return (domain) => {
    const named = exact.get(domain)
    const matching = patterns.filter(({ pattern }) => pattern.test(domain))
    return [...(named ? [named] : []), ...matching.map(({ stanza }) => stanza)]
  }
}

function outboundOptions(chain: readonly Stanza[], hostname: string): OutboundOptions {
  const delivery = resolveTable(DELIVERY, chain)
  const ehlo = valueOf(EHLO_HOSTNAME, chain).toLowerCase()
  const isOwnName = ehlo === '__hostname__' || ehlo === '__message__'
  const { deliveryMethod, lmtpPort } = delivery
  const port = deliveryMethod === 'lmtp' ? lmtpPort : delivery.remoteSmtpPort
  return {
    ...delivery,
    ...resolveTable(PATIENCE, chain),
    ...resolveTable(TRUST, chain),
    // Without the last, which is the global scope.
    ...resolveTable(IDENTITY, chain.slice(0, -1)),
    signed: resolveTable(SIGNED, chain),
    tlsRules: tlsRules(resolveTable(TLS_RULES, chain)) ?? ANY_TLS,
    remoteSmtpPort: port,
    ...nextHop(chain, port),
    ehloHostname: isOwnName ? hostname : valueOf(EHLO_HOSTNAME, chain),
    ...(ehlo === '__message__' && { greetsAsSender: true }),
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
