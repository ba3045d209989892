// What a client finds on a listener: the chain of scopes for its address, and the options along it
// (Momentum manual, "ecelerity.conf.fallback", "listeners", "conf.ref.pathway"). Most specific first: Peers
// of the Listen, then of the listener, longer prefixes before shorter ones; Listen; listener; pathway (that
// of a group first); its group; global. Each option falls through on its own; contexts are merged.
import { holds, readAddress, readCidr, type Cidr, type IpAddress } from './cidr.ts'
import { ConfigError, locate, mismatch, quote, type Place } from './error.ts'
import { remember } from './memo.ts'
import { type AuthOptions, authReader, type AuthReader } from './auth.ts'
import { readListen, type HostPort } from './nexthop.ts'
import type { Resolved, Warn } from './schema/option.ts'
import { ACCESS, RECEPTION, TRACKING } from './schema/reception.ts'
import { CONFORMANCE } from './schema/conformance.ts'
import { CONNECTION } from './schema/security.ts'
import { type TlsOptions, tlsReader, type TlsReader } from './tls.ts'
import { givenFor, resolveTable, stanzasOf, valueOf, type Stanza } from './stanza.ts'

/** One address that is listened on. */
export interface SmtpEndpoint {
  readonly address: HostPort
  readonly place: Place
  /** For a client's address. Remembered for the last 4,096 addresses. */
  readonly options: (peerAddress: string) => ListenerOptions
}

export interface ListenerOptions
  extends Resolved<typeof RECEPTION>, Resolved<typeof CONNECTION>, Resolved<typeof CONFORMANCE> {
  /** Undefined where there is no certificate. */
  readonly tls: TlsOptions | undefined
  /** Undefined where AUTH is not offered. */
  readonly auth: AuthOptions | undefined
  readonly context: ReadonlyMap<string, string>
  /** This client may send to any domain (relay_hosts, open_relay). */
  readonly canRelay: boolean
  /** Clients may send to any domain with a sender of this one (relay_for_sending_domains). */
  readonly relaysSender: (domain: string) => boolean
  /** Anybody may send to this domain (relay_domains). */
  readonly relaysDomain: (domain: string) => boolean
  /** `default` where none applies. */
  readonly pathway: string
  readonly pathwayGroup: string
  readonly bannerHostname: string
  readonly receivedHostname: string
  /** What happens to a CR or LF that stands alone; `refuse` if headers or body are to be pedantic. */
  readonly loneLineEnds: 'fix' | 'refuse'
  readonly tracking: Resolved<typeof TRACKING>
  /** Of the listener, and of all listeners together. */
  readonly sessionBudgets: readonly SessionBudget[]
}

/** At most `limit` sessions at a time count under `counter`: the scope that sets the limit. */
export interface SessionBudget {
  readonly limit: number
  readonly counter: string
}

interface Peer {
  readonly block: Cidr
  readonly stanza: Stanza
}

interface Lookups {
  readonly pathwayNamed: (name: string) => Pathway
  readonly readers: { readonly tls: TlsReader; readonly auth: AuthReader }
}

interface Pathway {
  readonly name: string
  readonly group: Stanza | undefined
  /** From the pathway to the global scope. */
  readonly chain: readonly Stanza[]
}

const SMTP_PORT = 25

/** One endpoint for each enabled Listen. */
export function smtpEndpoints(root: Stanza, hostname: string, warn: Warn): readonly SmtpEndpoint[] {
  checkPathways(root)
  const readers = { tls: tlsReader(warn), auth: authReader(warn) }
  const pathwayNamed = remember((name) => pathwayFor(name, root))
  return stanzasOf(root, 'esmtp_listener').flatMap((listener) =>
    enabledListens(listener, SMTP_PORT).map(({ listen, address }) => {
      const peers = [...peersOf(listen), ...peersOf(listener)]
      const optionsFor = (peerAddress: string): ListenerOptions => {
        const ip = readAddress(peerAddress)
        const matching = peers.filter((peer) => ip && holds(peer.block, ip))
        const nearest = [...matching.map((peer) => peer.stanza), listen, listener]
        return listenerOptions(nearest, { pathwayNamed, readers }, ip, hostname)
      }
      // Files that cannot be read are told now, not to the first client.
      for (const { stanza } of peers) optionsFor(stanza.instance.split('/', 1)[0] ?? '')
      optionsFor('')
      return { address, place: listen.place, options: remember(optionsFor) }
    }),
  )
}

/** The Listens of a listener that are switched on, themselves and by their listener. */
export function enabledListens(
  listener: Stanza,
  defaultPort: number,
): readonly { readonly listen: Stanza; readonly address: HostPort }[] {
  return stanzasOf(listener, 'listen').flatMap((listen) => {
    const address = readListen(listen.instance, defaultPort)
    if (!address) {
      const expected = 'an address such as 127.0.0.1:25, [::1]:25 or :25 after listen'
      throw new ConfigError(listen.place, undefined, mismatch(expected, quote(listen.instance)))
    }
    return valueOf(ACCESS.enable, [listen, listener]) ? [{ listen, address }] : []
  })
}

export function isLoopback(host: string): boolean {
  return host === '::1' || host === 'localhost' || /^127(\.\d+){3}$/.test(host)
}

function listenerOptions(
  nearest: readonly Stanza[],
  { pathwayNamed, readers }: Lookups,
  ip: IpAddress | undefined,
  hostname: string,
): ListenerOptions {
  const pathway = pathwayNamed(valueOf(ACCESS.pathway, nearest))
  const chain = [...nearest, ...pathway.chain]
  const isPedantic =
    valueOf(ACCESS.loneLfInHeaders, chain) === 'pedantic' ||
    valueOf(ACCESS.loneLfInBody, chain) === 'pedantic'
  const isRelayHost = valueOf(ACCESS.relayHosts, chain).some((block) => ip && holds(block, ip))
  const reception = resolveTable(RECEPTION, chain)
  return {
    ...reception,
    ...resolveTable(CONNECTION, chain),
    ...resolveTable(CONFORMANCE, chain),
    tls: readers.tls(chain),
    auth: readers.auth(chain, reception.extensions),
    context: mergeContexts(chain),
    canRelay: isRelayHost || valueOf(ACCESS.openRelay, chain),
    relaysSender: valueOf(ACCESS.relaySenders, chain) ?? (() => false),
    relaysDomain: valueOf(ACCESS.relayDomains, chain),
    pathway: pathway.name,
    pathwayGroup: pathway.group?.instance ?? 'default',
    bannerHostname: valueOf(ACCESS.bannerHostname, chain) ?? hostname,
    receivedHostname: valueOf(ACCESS.receivedHostname, chain) ?? hostname,
    loneLineEnds: isPedantic ? 'refuse' : 'fix',
    tracking: resolveTable(TRACKING, chain),
    sessionBudgets: [...listenerBudget(chain), ...serviceBudget(chain)],
  }
}

function listenerBudget(chain: readonly Stanza[]): readonly SessionBudget[] {
  const given = givenFor(ACCESS.listenerSessions, chain)
  if (!given || given.value === 0) return []
  const { kind, instance, place } = given.stanza
  return [{ limit: given.value, counter: `${kind} ${instance} ${locate(place)}` }]
}

/** One counter for all listeners, but for that of a peer: its block has its own. */
function serviceBudget(chain: readonly Stanza[]): readonly SessionBudget[] {
  const given = givenFor(ACCESS.serviceSessions, chain)
  if (!given || given.value === 0) return []
  const { kind, instance } = given.stanza
  return [{ limit: given.value, counter: kind === 'peer' ? `service ${instance}` : 'service' }]
}

function mergeContexts(chain: readonly Stanza[]): ReadonlyMap<string, string> {
  const merged = new Map<string, string>()
  for (const stanza of chain.toReversed()) {
    for (const [name, value] of valueOf(ACCESS.context, [stanza])) merged.set(name, value)
  }
  return merged
}

/** Longest prefix first. */
function peersOf(stanza: Stanza): readonly Peer[] {
  return stanzasOf(stanza, 'peer')
    .map((peer) => {
      const block = readCidr(peer.instance)
      if (block) return { block, stanza: peer }
      const expected = 'an address or CIDR block such as 10.0.0.0/8 after peer'
      throw new ConfigError(peer.place, undefined, mismatch(expected, quote(peer.instance)))
    })
    .toSorted((a, b) => b.block.prefix - a.block.prefix)
}

function pathwayFor(name: string, root: Stanza): Pathway {
  const group = stanzasOf(root, 'pathway_group').find((candidate) => isPathwayIn(candidate, name))
  const own = group ? [...pathwaysNamed(group, name), ...pathwaysNamed(root, name), group] : []
  return { name, group, chain: [...(group ? own : pathwaysNamed(root, name)), root] }
}

function pathwaysNamed(parent: Stanza, name: string): readonly Stanza[] {
  return stanzasOf(parent, 'pathway').filter((pathway) => pathway.instance === name)
}

function isPathwayIn(parent: Stanza, name: string): boolean {
  return pathwaysNamed(parent, name).length > 0
}

function checkPathways(root: Stanza): void {
  const parents = [root, ...stanzasOf(root, 'pathway_group')]
  const visit = (stanza: Stanza): void => {
    const given = givenFor(ACCESS.pathway, [stanza])
    if (given && given.value !== 'default' && !parents.some((p) => isPathwayIn(p, given.value))) {
      const complaint = mismatch('the name of a pathway scope', quote(given.value))
      throw new ConfigError(given.place, 'pathway', complaint)
    }
    stanza.stanzas.forEach(visit)
  }
  stanzasOf(root, 'esmtp_listener').forEach(visit)
}
