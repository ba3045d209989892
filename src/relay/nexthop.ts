// Where mail for a domain goes: a maildir, the gateway, routes, or what DNS says (RFC 5321 §5.1, null MX
// RFC 7505; Momentum manual, "conf.ref.gateway", "conf.ref.routes"). Domains are byte strings.
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import type { HostPort, Route } from '../config/nexthop.ts'
import { toText } from '../mail/bytes.ts'
import { type Outcome, outcome, STAGES } from './outcome.ts'
import { ask, type MxRecord, type Resolver } from './resolver.ts'

/** An address to connect to, and the name that led to it. */
export interface Host {
  readonly name: string
  readonly address: string
  readonly port: number
}

export type NextHop =
  | { readonly kind: 'maildir'; readonly path: string }
  | {
      readonly kind: 'smtp'
      /** In the order to try; never empty. */
      readonly hosts: readonly Host[]
      /** What DNS has of the domain, the best first; absent: it was not asked, or not for this domain. */
      readonly mx?: readonly MxRecord[]
    }
  | Outcome

export interface Routing {
  readonly maildir?: string
  readonly gateway?: HostPort
  readonly routes?: readonly Route[]
  readonly remoteSmtpPort: number
}

export interface Surroundings {
  readonly resolver: Resolver
  /** From 0 up to 1, as Math.random. */
  readonly random: () => number
}

/** Exchanges of one domain that are looked up at most. */
const MAX_EXCHANGES = 10

const failure = (text: string): Outcome => outcome(STAGES.notConnected, text)
const NO_SUCH_DOMAIN = failure('554 5.1.2 [internal] Domain Lookup Failed')
const NULL_MX = failure('550 5.1.10 [internal] NULL MX domain does not accept mail')
const NO_EXCHANGE = failure('554 5.4.4 [internal] Domain Lookup Failed')
const NO_ADDRESS = failure('454 4.4.4 [internal] no MX or A for domain')
const NO_ANSWER = failure(
  '421 4.4.0 [internal] no MXs for this domain could be reached at this time',
)

export async function chooseNextHop(
  domain: string,
  routing: Routing,
  surroundings: Surroundings,
): Promise<NextHop> {
  const { maildir, gateway, routes, remoteSmtpPort } = routing
  if (maildir !== undefined) return { kind: 'maildir', path: maildir }
  if (gateway) return notFinal(join([await exchanges(gateway.host, gateway.port, surroundings)]))
  if (!routes?.length) return exchanges(domain, remoteSmtpPort, surroundings)
  const ordered = inOrder(routes, (route) => route.pref, surroundings.random)
  const hops = await Promise.all(
    ordered.map(async (route) => {
      if (route.kind === 'mx') return exchanges(domain, remoteSmtpPort, surroundings)
      const find = route.lookup === 'mx' ? exchanges : addresses
      return notFinal(await find(route.host, route.port, surroundings))
    }),
  )
  return join(hops)
}

/** The hosts that take mail for a domain: its MX records, or the domain itself if it has none. */
async function exchanges(
  domain: string,
  port: number,
  surroundings: Surroundings,
): Promise<NextHop> {
  const name = lookupName(domain)
  if (isLocal(name)) return addresses(name, port, surroundings)
  const answer = await ask<MxRecord>(() => surroundings.resolver.resolveMx(name))
  if (answer.kind === 'absent') return NO_SUCH_DOMAIN
  if (answer.kind === 'unknown') return NO_ANSWER
  if (answer.kind === 'empty') return withMx(await addresses(name, port, surroundings), [])
  const usable = answer.records.filter(({ exchange }) => exchange !== '' && exchange !== '.')
  if (usable.length === 0) return NULL_MX
  const ordered = inOrder(usable, (record) => record.priority, surroundings.random)
  const hops = ordered
    .slice(0, MAX_EXCHANGES)
    .map(({ exchange }) => addresses(exchange, port, surroundings))
  const hop = join(await Promise.all(hops))
  return hop.kind === 'failed' || hop === NO_ADDRESS ? NO_EXCHANGE : withMx(hop, ordered)
}

function withMx(hop: NextHop, mx: readonly MxRecord[]): NextHop {
  return hop.kind === 'smtp' ? { ...hop, mx } : hop
}

/** The host itself: a literal, localhost without DNS, or its A and then AAAA records. */
async function addresses(
  host: string,
  port: number,
  { resolver, random }: Surroundings,
): Promise<NextHop> {
  const name = lookupName(host)
  const hop = (found: readonly string[]): NextHop => ({
    kind: 'smtp',
    hosts: found.map((address) => ({ name: host, address, port })),
  })
  if (isIP(name)) return hop([name])
  if (isLocal(name)) return hop(['127.0.0.1', '::1'])
  const answers = await Promise.all([
    ask(() => resolver.resolve4(name)),
    ask(() => resolver.resolve6(name)),
  ])
  const found = answers.flatMap((answer) =>
    answer.kind === 'found' ? inOrder(answer.records, () => 0, random) : [],
  )
  if (found.length) return hop(found)
  if (answers.some(({ kind }) => kind === 'unknown')) return NO_ANSWER
  return answers.every(({ kind }) => kind === 'absent') ? NO_SUCH_DOMAIN : NO_ADDRESS
}

/** All hosts; without any, a temporary failure rather than a permanent one. */
function join(hops: readonly NextHop[]): NextHop {
  const hosts = hops.flatMap((hop) => (hop.kind === 'smtp' ? hop.hosts : []))
  if (hosts.length) return { kind: 'smtp', hosts }
  return hops.find(({ kind }) => kind === 'deferred') ?? hops[0] ?? NO_ANSWER
}

/** A mistake in our own configuration must not bounce the mail of others. */
function notFinal(hop: NextHop): NextHop {
  return hop.kind === 'failed' ? NO_ADDRESS : hop
}

/** Domain literals without brackets (RFC 5321 §4.1.3), other names in ASCII. */
function lookupName(domain: string): string {
  const literal = /^\[(?:IPv6:)?([0-9a-f:.]+)\]$/i.exec(domain)?.[1]
  if (literal && isIP(literal)) return literal
  const text = toText(domain)
  return text === domain ? domain.toLowerCase() : domainToASCII(text)
}

function isLocal(name: string): boolean {
  return name === 'localhost' || isIP(name) > 0
}

/** Sorted by rank; those of equal rank in random order. */
function inOrder<T>(items: readonly T[], rank: (item: T) => number, random: () => number): T[] {
  return items
    .map((item) => ({ item, rank: rank(item), tie: random() }))
    .sort((a, b) => a.rank - b.rank || a.tie - b.tie)
    .map(({ item }) => item)
}
