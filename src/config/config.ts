// The typed configuration: what the other rooms read. Built from checked stanzas; paths are absolute,
// times in seconds, sizes in octets. Repeated stanzas of one module count as one.
import { holds, readAddress } from './cidr.ts'
import { type DatasourceOptions, datasourcesOf } from './datasources.ts'
import { controlOf, type ControlOptions } from './control.ts'
import { ConfigError, locate, quote, type Place } from './error.ts'
import { type WebhookOptions, webhooksOf } from './events.ts'
import type { Live } from './live.ts'
import type { HostPort } from './nexthop.ts'
import { type Bindings, bindingsOf } from './bindings.ts'
import { type Outbound, outboundFor } from './outbound.ts'
import { type RedisOptions, redisOf } from './redis.ts'
import { warnRisks } from './risks.ts'
import { enabledListens, isLoopback, smtpEndpoints, type SmtpEndpoint } from './reception.ts'
import { INBOUND_AUDIT } from './schema/audit.ts'
import { MAX_EVENT_BACKLOG } from './schema/events.ts'
import {
  BOUNCE_LOGGER,
  ENGAGEMENT_TRACKER,
  EVENT_HYDRANT,
  LOGGER,
  SCRIPT_SOURCE,
  SCRIPTLET,
  SERVER,
  SERVES_METRICS,
  SMTPAPI,
  SPAMASSASSIN,
  SPF,
  TRUSTED_PROXIES,
} from './schema/modules.ts'
import type { Option, Resolved, Table, Warn } from './schema/option.ts'
import { type Signer, signersOf } from './signers.ts'
import { resolveTable, stanzasOf, valueOf, type Stanza } from './stanza.ts'

export type { HostPort } from './nexthop.ts'
export type { OutboundOptions } from './outbound.ts'
export type { ListenerOptions, SmtpEndpoint } from './reception.ts'
export type { TlsRules } from './tlsrules.ts'

export interface Config {
  readonly hostname: string
  readonly spoolbase: string
  readonly spoolMinFreeBytes: number
  readonly spoolMinFreeInodes: number
  readonly shutdownGraceSeconds: number
  /** Of what `trace smtp` writes. */
  readonly traceSmtpMode: number
  readonly workers: number
  readonly workerTimeoutSeconds: number
  readonly dnsServers: readonly string[]
  /** One per enabled Listen. */
  readonly smtp: readonly SmtpEndpoint[]
  readonly http: readonly HttpEndpoint[]
  readonly control: ControlOptions
  readonly scriptlet: ScriptletConfig
  readonly tracking: EngagementTracker
  /** Undefined: mail is not tracked. */
  readonly smtpapi: SmtpapiOptions | undefined
  /** Undefined: senders are not looked at. */
  readonly spf: Resolved<typeof SPF> | undefined
  readonly spamassassin: Resolved<typeof SPAMASSASSIN> | undefined
  /** Loggers without a stanza, or with `enabled = false`, are not there. */
  readonly logger: LoggerOptions | undefined
  readonly bounceLogger: BounceLoggerOptions | undefined
  readonly eventHydrant: EventHydrantOptions | undefined
  readonly webhooks: readonly WebhookOptions[]
  readonly redis: RedisOptions | undefined
  /** Octets of events that wait on disk for sinks. */
  readonly maxEventBacklog: number
  readonly inboundAudit: InboundAuditOptions
  readonly datasources: readonly DatasourceOptions[]
  readonly bindings: Bindings
  /** Who signs mail; none: nobody but policy. */
  readonly signers: readonly Signer[]
  /** How mail for this domain goes out by a binding. */
  readonly outbound: Outbound
  /** Options by their names, and how they change while the server runs. */
  readonly live: Live
}

export interface HttpEndpoint {
  readonly address: HostPort
  /** Whether it is a proxy whose word about the client's address is taken. */
  readonly isTrustedProxy: (address: string) => boolean
  readonly servesMetrics: boolean
  readonly place: Place
}

export interface ScriptletConfig extends Omit<Resolved<typeof SCRIPTLET>, 'enabled'> {
  /** In the order of their stanzas. */
  readonly scripts: readonly Script[]
}

export interface Script {
  readonly name: string
  readonly source: string
  readonly place: Place
  /** The file itself, where `source` is not to be looked for. */
  readonly path?: string
}

export type EngagementTracker = Resolved<typeof ENGAGEMENT_TRACKER>
export type InboundAuditOptions = Resolved<typeof INBOUND_AUDIT>
export type SmtpapiOptions = Resolved<typeof SMTPAPI>
export type LoggerOptions = Resolved<typeof LOGGER>
export type BounceLoggerOptions = Resolved<typeof BOUNCE_LOGGER>
export type EventHydrantOptions = Resolved<typeof EVENT_HYDRANT>

export interface Surroundings {
  readonly defaultHostname: string
  /** Where scripts are looked for after `search_path`. */
  readonly scriptFolders: readonly string[]
  readonly live: Live
  readonly warn: Warn
}

const HTTP_PORT = 2081

export function buildConfig(root: Stanza, surroundings: Surroundings): Config {
  const server = resolveTable(SERVER, [root])
  const hostname = server.hostname ?? surroundings.defaultHostname
  const smtp = smtpEndpoints(root, hostname, surroundings.warn)
  const http = stanzasOf(root, 'http_listener').flatMap((listener) => httpEndpoints(listener))
  refuseDoubles([...smtp, ...http])
  warnRisks(smtp, surroundings.warn)
  const module = (kind: string): readonly Stanza[] => modulesOf(root, kind, surroundings.warn)
  const tracking = resolveTable(ENGAGEMENT_TRACKER, module('engagement_tracker'))
  const redis = redisOf(root, tracking.keys.length > 0)
  return {
    ...server,
    hostname,
    smtp,
    http,
    control: controlOf(root, server.spoolbase, surroundings.warn),
    scriptlet: scriptletOf(module('scriptlet'), surroundings.scriptFolders),
    tracking,
    smtpapi: optionsOf(SMTPAPI, module('smtpapi')),
    spf: optionsOf(SPF, module('spf_v1')),
    spamassassin: optionsOf(SPAMASSASSIN, module('spamassassin')),
    logger: optionsOf(LOGGER, module('ec_logger')),
    bounceLogger: optionsOf(BOUNCE_LOGGER, module('bounce_logger')),
    eventHydrant: optionsOf(EVENT_HYDRANT, module('event_hydrant')),
    webhooks: webhooksOf(root, redis !== undefined),
    redis,
    maxEventBacklog: valueOf(MAX_EVENT_BACKLOG, [root]),
    inboundAudit: resolveTable(INBOUND_AUDIT, module('inbound_audit')),
    datasources: datasourcesOf(root),
    bindings: bindingsOf(root),
    signers: signersOf(module, surroundings.warn),
    outbound: outboundFor(root, hostname),
    live: surroundings.live,
  }
}

function httpEndpoints(listener: Stanza): HttpEndpoint[] {
  const proxies = valueOf(TRUSTED_PROXIES, [listener])
  const servesMetrics = valueOf(SERVES_METRICS, [listener])
  const isTrustedProxy = (text: string): boolean => {
    const address = proxies.length > 0 ? readAddress(text) : undefined
    return address !== undefined && proxies.some((block) => holds(block, address))
  }
  return enabledListens(listener, HTTP_PORT).map(({ listen, address }) => {
    if (servesMetrics && !isLoopback(address.host)) {
      const complaint = `metrics are for loopback: expected listen "127.0.0.1:${address.port}"`
      throw new ConfigError(listen.place, SERVES_METRICS.names[0], complaint)
    }
    return { address, isTrustedProxy, servesMetrics, place: listen.place }
  })
}

function scriptletOf(modules: readonly Stanza[], folders: readonly string[]): ScriptletConfig {
  const { enabled, searchPath, ...options } = resolveTable(SCRIPTLET, modules)
  // Stanzas in their order, where the chain has the last one first.
  const scripts = modules.toReversed().flatMap((module) => stanzasOf(module, 'script'))
  return {
    ...options,
    searchPath: [...searchPath, ...folders],
    scripts: enabled ? scripts.map(scriptOf) : [],
  }
}

function scriptOf(stanza: Stanza): Script {
  const source = valueOf(SCRIPT_SOURCE, [stanza])
  if (source !== undefined) return { name: stanza.instance, source, place: stanza.place }
  throw new ConfigError(stanza.place, 'source', 'missing: expected source = "folder.file"')
}

/** The options of a module, if it has a stanza and is not switched off. */
function optionsOf<T extends Table & { readonly enabled: Option<boolean> }>(
  table: T,
  modules: readonly Stanza[],
): Resolved<T> | undefined {
  const isEnabled = modules.length > 0 && valueOf(table.enabled, modules)
  return isEnabled ? resolveTable(table, modules) : undefined
}

/** The stanzas of a module, the last one first: that is how repeated options resolve. */
function modulesOf(root: Stanza, kind: string, warn: Warn): readonly Stanza[] {
  const nameOf = (module: Stanza): string => module.instance || kind
  const [first, ...rest] = stanzasOf(root, kind)
  if (!first) return []
  const others = rest.filter((module) => nameOf(module) !== nameOf(first))
  for (const { instance, place } of others) {
    const complaint = `a second ${kind}, ${quote(instance)}`
    // Momentum refuses it for scriptlets; of the others it runs both.
    if (kind === 'scriptlet') {
      throw new ConfigError(place, undefined, `${complaint}: expected ${quote(nameOf(first))}`)
    }
    warn(place, `${complaint}, is known but not supported yet: ignored`)
  }
  return [first, ...rest.filter((module) => !others.includes(module))].toReversed()
}

function refuseDoubles(endpoints: readonly Pick<HttpEndpoint, 'address' | 'place'>[]): void {
  const places = new Map<string, Place>()
  for (const { address, place } of endpoints) {
    const key = `${address.host} ${address.port}`
    const first = places.get(key)
    if (first && address.port !== 0) {
      const complaint = `listened on already at ${locate(first)}: expected another address or port`
      throw new ConfigError(place, undefined, complaint)
    }
    places.set(key, place)
  }
}
