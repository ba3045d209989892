// Which tracking applies to one copy (Momentum manual, modules.smtpapi and engagement_tracking_smtp).
// Every field is resolved on its own: context variable, then X-MSYS-API field, then configuration. A
// value replaces the one below it as a whole. Context values are byte strings of UTF-8; campaign, tags
// and metadata leave here as text. A value that cannot be used is warned about and counts as not set.
import { fromText, toText } from '../mail/bytes.ts'
import type { Reply } from '../mail/reply.ts'
import { isJsonObject, type JsonObject, parseJson, stringsOf } from './json.ts'
import type { ApiSettings } from './xmsysapi.ts'

export type Scheme = 'http' | 'https'

/** What the configuration says for the listener that took the message. */
export interface TrackingDefaults {
  readonly opens: boolean
  readonly clicks: boolean
  readonly openScheme: Scheme
  readonly clickScheme: Scheme
  /** Host, with a port where needed: `track.example:8080`. */
  readonly domain: string
  readonly expirySeconds: number
  /** Whether opens have a second pixel at the beginning of the page. */
  readonly initialOpens: boolean
  /** Whether a link that other systems would not track (their attributes say so) is left alone. */
  readonly foreignOptOuts: boolean
}

export interface TrackingSettings extends TrackingDefaults {
  readonly campaignId?: string
  readonly metadata?: JsonObject
  readonly tags?: readonly string[]
  readonly customerId?: string
}

export interface TrackingSources {
  readonly context: (name: string) => string | undefined
  readonly api: ApiSettings | undefined
  readonly defaults: TrackingDefaults
  /** The connection's `mo_customer_id`; a byte string. */
  readonly customerId?: string | undefined
  /** Whether a signature came with the message, which tracking would break. */
  readonly isSigned?: boolean
}

export type Resolution =
  | {
      readonly kind: 'settings'
      readonly settings: TrackingSettings
      readonly warnings: readonly string[]
    }
  | { readonly kind: 'refused'; readonly reply: Reply }

const MAX_CAMPAIGN_BYTES = 64
/** Longer ones would not fit into links. */
const MAX_CUSTOMER_BYTES = 255
const MAX_TAGS = 10

export function resolveTracking(sources: TrackingSources): Resolution {
  const facts = resolveFacts(sources)
  if ('code' in facts) return { kind: 'refused', reply: facts }
  const { api, defaults } = sources
  const warnings: string[] = []

  const read = <T>(name: string, what: string, parse: (value: string) => T | undefined) => {
    const value = contextValue(sources, name)
    const parsed = value === undefined ? undefined : parse(value)
    if (value !== undefined && parsed === undefined) {
      warnings.push(`${name}: ${quoted(value)} is not ${what}, ignored`)
    }
    return parsed
  }
  const boolean = (name: string) => read(name, 'a boolean', parseBoolean)
  const scheme = (name: string) => read(name, 'http or https', parseScheme)
  const domain = read('smtpapi_tracking_domain', 'a host', parseDomain)
  const expiry = read('smtpapi_tracking_link_expiry', 'a number of seconds', parseSeconds)

  const opens = boolean('smtpapi_open_tracking') ?? api?.openTracking ?? defaults.opens
  const clicks = boolean('smtpapi_click_tracking') ?? api?.clickTracking ?? defaults.clicks
  const isSkipped = boolean('smtpapi_skip_if_signed') === true && sources.isSigned === true

  const settings = {
    opens: opens && !isSkipped,
    clicks: clicks && !isSkipped,
    openScheme: scheme('smtpapi_open_tracking_scheme') ?? defaults.openScheme,
    clickScheme: scheme('smtpapi_click_tracking_scheme') ?? defaults.clickScheme,
    domain: domain ?? defaults.domain,
    expirySeconds: expiry ?? defaults.expirySeconds,
    initialOpens: defaults.initialOpens,
    foreignOptOuts: defaults.foreignOptOuts,
    ...facts,
    ...customerOf(sources, warnings),
  }
  return { kind: 'settings', settings, warnings }
}

/**
 * What an X-MSYS-API field says as the context variables that would say the same, by name (byte strings):
 * those that are to be set before `resolveTracking`, so that later callouts and logs see them.
 */
export function apiVariables(
  api: ApiSettings,
  context: TrackingSources['context'],
): readonly (readonly [name: string, value: string])[] {
  const { openTracking, clickTracking, campaignId, metadata, tags } = api
  const all: readonly (readonly [string, string | undefined])[] = [
    ['smtpapi_open_tracking', openTracking?.toString()],
    ['smtpapi_click_tracking', clickTracking?.toString()],
    ['smtpapi_campaign_id', campaignId && fromText(campaignId)],
    ['smtpapi_metadata', metadata && fromText(JSON.stringify(metadata))],
    ['smtpapi_tags', tags && fromText(JSON.stringify(tags))],
  ]
  return all.flatMap(([name, value]) => (value && !context(name)?.trim() ? [[name, value]] : []))
}

/**
 * A host name, IPv4 or bracketed IPv6 address, with an optional port; nothing that would end the
 * authority of a URL or need escaping in HTML.
 */
export function isTrackingDomain(domain: string): boolean {
  return (
    domain.length <= 255 &&
    /^(?:[\w-]+(?:\.[\w-]+)*\.?|\[[\da-f:.]+\])(?::\d{1,5})?$/i.test(domain) &&
    URL.canParse(`http://${domain}/`)
  )
}

type Facts = Pick<TrackingSettings, 'campaignId' | 'metadata' | 'tags'>

/** What goes into events; here a value of the wrong type refuses the message. */
function resolveFacts(sources: TrackingSources): Facts | Reply {
  const { api } = sources
  const isCampaignSet = contextValue(sources, 'smtpapi_campaign_id') !== undefined
  const campaign = isCampaignSet ? sources.context('smtpapi_campaign_id') : undefined
  const campaignId = campaign === undefined ? api?.campaignId : toText(campaign)
  if (campaignId !== undefined && fromText(campaignId).length > MAX_CAMPAIGN_BYTES) {
    return refusal(`smtpapi_campaign_id context is limited to ${MAX_CAMPAIGN_BYTES} bytes`)
  }
  const metadata = contextJson(sources, 'smtpapi_metadata') ?? api?.metadata
  if (metadata !== undefined && !isJsonObject(metadata)) {
    return refusal("smtpapi_metadata context must be of type 'json object'")
  }
  const tags = contextJson(sources, 'smtpapi_tags') ?? api?.tags
  if (tags !== undefined && !Array.isArray(tags)) {
    return refusal("smtpapi_tags context must be of type 'array'")
  }
  const facts: { -readonly [Name in keyof Facts]: Facts[Name] } = {}
  if (campaignId !== undefined) facts.campaignId = campaignId
  if (metadata) facts.metadata = metadata
  if (tags) facts.tags = stringsOf(tags).slice(0, MAX_TAGS)
  return facts
}

function customerOf(
  { customerId }: TrackingSources,
  warnings: string[],
): Pick<TrackingSettings, 'customerId'> {
  if (!customerId) return {}
  if (customerId.length <= MAX_CUSTOMER_BYTES) return { customerId: toText(customerId) }
  warnings.push(
    `mo_customer_id: ${quoted(customerId)}… has over ${MAX_CUSTOMER_BYTES} octets, ignored`,
  )
  return {}
}

/** An empty context variable counts as not set. */
function contextValue(sources: TrackingSources, name: string): string | undefined {
  return sources.context(name)?.trim() || undefined
}

/** Undefined when not set; a value of no wanted type when it is no JSON. */
function contextJson(sources: TrackingSources, name: string): unknown {
  const value = contextValue(sources, name)
  return value === undefined ? undefined : (parseJson(value) ?? NO_JSON)
}

const NO_JSON = Symbol('no JSON')

function parseBoolean(value: string): boolean | undefined {
  const word = value.toLowerCase()
  if (word === '1' || word === 'true') return true
  return word === '0' || word === 'false' ? false : undefined
}

function parseScheme(value: string): Scheme | undefined {
  const word = value.toLowerCase()
  return word === 'http' || word === 'https' ? word : undefined
}

function parseDomain(value: string): string | undefined {
  return isTrackingDomain(value) ? value : undefined
}

function parseSeconds(value: string): number | undefined {
  return /^[+-]?\d{1,12}$/.test(value) ? Number(value) : undefined
}

/** For the log: short, and without control characters. */
function quoted(value: string): string {
  return JSON.stringify(toText(value.slice(0, 64)))
}

function refusal(text: string): Reply {
  return { code: 550, enhanced: '5.6.0', text }
}
