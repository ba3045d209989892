// A request to a tracking endpoint and what it is answered, without a server: clicks 302 with the exact
// target, opens a one-pixel GIF (Momentum manual page "modules.engage_tracker"). A token is all they need: no
// store, no session. Nothing of a request reaches Location; a bad click token is 404, a bad open token still
// gets the image, neither is an event.
// A path that names none of our keys is perhaps of the tracker that was here before: with `legacyOrigin` it
// is answered 302 to the same path there, and nothing is proxied.
import { fromBytes, toText } from '../mail/bytes.ts'
import type { TokenFacts } from '../tracking/facts.ts'
import type { Keyring } from '../tracking/keyring.ts'
import { machineFacts } from '../tracking/machine.ts'
import { parsePath, type Route, type TokenPath } from '../tracking/path.ts'
import type { EventType, Facts } from '../tracking/record.ts'
import { locationOf } from '../tracking/redirect.ts'
import { type Opened, openToken } from '../tracking/token.ts'
import { clientAddress } from './client.ts'
import type { IsOverLimit } from './ratelimit.ts'

export interface Hit {
  readonly method: string
  /** Path and query as the client sent them: a router's are percent-decoded. */
  readonly path: string
  /** Address of the socket. */
  readonly peer: string
  /** By lower-case name; byte strings. */
  header(name: string): string | undefined
}

export interface Answer {
  readonly status: 200 | 302 | 403 | 404 | 405
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array<ArrayBuffer> | null
}

export interface TrackerSettings {
  readonly keyring: Keyring
  /** Scheme and host of the tracker that was here before. */
  readonly legacyOrigin: string | undefined
  /** Hits of one token; 0: as many as come. */
  readonly hitsPerMinute: number
  /** Links of this message or customer lead nowhere any more. */
  isDenied(facts: TokenFacts): boolean
  /** Whether this peer is a proxy whose word about the client's address is taken. */
  isTrustedProxy(address: string): boolean
}

export interface Endpoint {
  /** Those of the current configuration. */
  settings(): TrackerSettings
  /** Epoch seconds. */
  nowSeconds(): number
  isOverLimit: IsOverLimit
  onEvent(type: EventType, facts: Facts): void
  /** A token that leads nowhere, and why. */
  onRejected?(reason: Rejection): void
}

/** `foreign`: of none of our keys; `denied`: its message or customer is. */
export type Rejection = 'foreign' | 'bad' | 'denied' | 'over limit'

/** Total: whatever comes is answered. */
export function answerHit(hit: Hit, endpoint: Endpoint): Answer {
  if (hit.method !== 'GET' && hit.method !== 'HEAD') return NOT_ALLOWED
  const settings = endpoint.settings()
  const route: Route = hit.path.startsWith('/q/') ? 'open' : 'click'
  const use = useOf(hit, route, settings, endpoint)
  const elsewhere = use.kind === 'foreign' ? legacyAnswer(hit, settings) : undefined
  const answer = elsewhere ?? (route === 'open' ? IMAGE : clickAnswer(use))
  if (use.kind !== 'opened') endpoint.onRejected?.(use.kind)
  const isEvent = use.kind === 'opened' && use.isEvent && answer !== NOT_FOUND
  if (isEvent) report(hit, use, settings, endpoint)
  return answer
}

type OpenedToken = Extract<Opened, { readonly kind: 'opened' }>

/** What its token is good for. */
type Use = (OpenedToken & { readonly isEvent: boolean }) | { readonly kind: Rejection }

const PIXEL = Uint8Array.from(
  Buffer.from('R0lGODlhAQABAPAAAAAAAAAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==', 'base64'),
)

const NEVER_STORED = {
  'Cache-Control': 'no-cache, no-store, max-age=0, must-revalidate',
  Pragma: 'no-cache',
  'X-Robots-Tag': 'noindex, nofollow',
  'Referrer-Policy': 'no-referrer',
}

const TEXT = { ...NEVER_STORED, 'Content-Type': 'text/plain; charset=UTF-8' }

const NOT_FOUND: Answer = { status: 404, headers: TEXT, body: 'This link is not valid.\n' }
const TOO_MANY: Answer = { status: 403, headers: TEXT, body: 'Too many requests.\n' }
const NOT_ALLOWED: Answer = {
  status: 405,
  headers: { ...TEXT, Allow: 'GET, HEAD' },
  body: 'Method not allowed.\n',
}
const IMAGE: Answer = {
  status: 200,
  headers: {
    ...NEVER_STORED,
    'Content-Type': 'image/gif',
    'Content-Length': String(PIXEL.length),
  },
  body: PIXEL,
}

const MAX_USER_AGENT_BYTES = 1024

const EVENT_TYPES = {
  click: 'click',
  unsubscribe: 'link_unsubscribe',
  open: 'open',
  initial_open: 'initial_open',
} as const

function redirect(location: string): Answer {
  return { status: 302, headers: { ...NEVER_STORED, Location: location }, body: null }
}

/** Undefined where no tracker was here before. The query stays behind: it is no part of a link of ours. */
function legacyAnswer({ path }: Hit, { legacyOrigin }: TrackerSettings): Answer | undefined {
  if (legacyOrigin === undefined) return undefined
  const location = locationOf(legacyOrigin + path.replace(/[?#].*$/s, ''))
  return location === undefined ? undefined : redirect(location)
}

function clickAnswer(use: Use): Answer {
  if (use.kind === 'over limit') return TOO_MANY
  const location = use.kind === 'opened' ? locationOf(use.target) : undefined
  return location === undefined ? NOT_FOUND : redirect(location)
}

function useOf(
  hit: Hit,
  route: Route,
  { keyring, isDenied, hitsPerMinute }: TrackerSettings,
  { isOverLimit, nowSeconds }: Endpoint,
): Use {
  const path = parsePath(hit.path)
  // What has no token in it names no key either.
  if (path?.route !== route) return { kind: 'foreign' }
  const opened = openToken(keyring, path)
  if (opened.kind !== 'opened') return opened
  if (isDenied(opened.facts)) return { kind: 'denied' }
  if (isOverLimit(tokenName(path), hitsPerMinute)) return { kind: 'over limit' }
  const isExpired = nowSeconds() > opened.facts.expirySeconds
  return { ...opened, isEvent: hit.method === 'GET' && !isExpired }
}

/** The ends of its two parts: authentication tags, no two alike. */
function tokenName({ linkPart, recipientPart }: TokenPath): string {
  return linkPart.slice(-20) + recipientPart.slice(-20)
}

function report(
  hit: Hit,
  { action, target, name, facts }: OpenedToken,
  { isTrustedProxy: isTrusted }: TrackerSettings,
  { nowSeconds, onEvent }: Endpoint,
): void {
  const isLink = action === 'click' || action === 'unsubscribe'
  const userAgent = headerText(hit, 'user-agent')
  const forwardedFor = hit.header('x-forwarded-for')
  const realIp = hit.header('x-real-ip')
  const ageSeconds = secondsSince(facts.messageId, nowSeconds())
  const purposes = PURPOSE_HEADERS.map((header) => hit.header(header) ?? '')
  onEvent(EVENT_TYPES[action], {
    ...customFacts(facts),
    ...recipientFacts(facts),
    ...(action === 'unsubscribe' && { mailfrom: toText(facts.mailfrom ?? '') }),
    delv_method: 'esmtp',
    ip_address: clientAddress({ peer: hit.peer, forwardedFor, realIp, isTrusted }),
    user_agent: userAgent,
    accept_language: headerText(hit, 'accept-language'),
    ...machineFacts({ userAgent, purposes, ageSeconds }),
    ...(isLink && { target_link_url: target, target_link_name: name }),
  })
}

const PURPOSE_HEADERS = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz']

/** A message id begins with the second of its making. */
function secondsSince(messageId: string, nowSeconds: number): number | undefined {
  return /^[0-9a-f]{20}$/.test(messageId)
    ? nowSeconds - Number.parseInt(messageId.slice(0, 8), 16)
    : undefined
}

function customFacts({ custom = {} }: TokenFacts): Facts {
  return Object.fromEntries(Object.entries(custom).map(([name, value]) => [name, String(value)]))
}

function recipientFacts(facts: TokenFacts): Facts {
  return {
    message_id: facts.messageId,
    rcpt_to: toText(facts.rcptTo),
    raw_rcpt_to: toText(facts.rawRcptTo),
    transmission_id: facts.transmissionId ?? '',
    customer_id: facts.customerId ?? '',
    campaign_id: facts.campaignId ?? '',
    rcpt_meta: facts.metadata ? JSON.stringify(facts.metadata) : '',
    rcpt_tags: facts.tags?.length ? JSON.stringify(facts.tags) : '',
  }
}

/** Node gives header values as byte strings; cut to a documented length, invalid UTF-8 replaced. */
function headerText(hit: Hit, name: string): string {
  const value = (hit.header(name) ?? '').slice(0, MAX_USER_AGENT_BYTES)
  return toText(fromBytes(Buffer.from(value, 'latin1')))
}
