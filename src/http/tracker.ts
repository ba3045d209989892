// The tracking endpoints: clicks answer 302 with the exact target, opens a one-pixel GIF (Momentum manual
// page "modules.engage_tracker"). A token is all they need: no store, no session. Nothing of a request
// reaches Location; a bad click token is 404, a bad open token still gets the image, neither is an event.
// A path that names none of our keys is perhaps of the tracker that was here before: with `legacyOrigin` it
// is answered 302 to the same path there, and nothing is proxied.
import { getConnInfo } from '@hono/node-server/conninfo'
import { type Context, Hono } from 'hono'
import { fromBytes, toText } from '../mail/bytes.ts'
import type { TokenFacts } from '../tracking/facts.ts'
import type { Keyring } from '../tracking/keyring.ts'
import { machineFacts } from '../tracking/machine.ts'
import { parsePath, type Route, type TokenPath } from '../tracking/path.ts'
import type { EventType, Facts } from '../tracking/record.ts'
import { locationOf } from '../tracking/redirect.ts'
import { type Opened, openToken } from '../tracking/token.ts'
import { clientAddress } from './client.ts'
import { type IsOverLimit, makeRateLimit } from './ratelimit.ts'

export interface TrackerOptions {
  /** Those of the current configuration. */
  settings(): TrackerSettings
  /** Epoch seconds. */
  nowSeconds(): number
  onEvent(type: EventType, facts: Facts): void
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

export function trackerApp(options: TrackerOptions): Hono {
  const app = new Hono()
  const endpoint: Endpoint = { ...options, isOverLimit: makeRateLimit(options.nowSeconds) }
  app.get('/f/*', (c) => click(c, endpoint))
  app.get('/q/*', (c) => open(c, endpoint))
  app.get('/e/*', (c) => legacy(c, endpoint.settings()) ?? notFound(c))
  // HEAD comes with GET; no other method does anything here.
  for (const path of ['/f/*', '/q/*', '/e/*']) app.all(path, methodNotAllowed)
  return app
}

interface Endpoint extends TrackerOptions {
  readonly isOverLimit: IsOverLimit
}

const PIXEL = Buffer.from('R0lGODlhAQABAPAAAAAAAAAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==', 'base64')

const NEVER_STORED = {
  'Cache-Control': 'no-cache, no-store, max-age=0, must-revalidate',
  Pragma: 'no-cache',
  'X-Robots-Tag': 'noindex, nofollow',
  'Referrer-Policy': 'no-referrer',
}

const MAX_USER_AGENT_BYTES = 1024

const EVENT_TYPES = {
  click: 'click',
  unsubscribe: 'link_unsubscribe',
  open: 'open',
  initial_open: 'initial_open',
} as const

type Answer =
  | (Extract<Opened, { kind: 'opened' }> & { readonly isEvent: boolean })
  | { readonly kind: 'foreign' | 'bad' | 'over limit' }

function click(c: Context, endpoint: Endpoint): Response {
  const answer = openRequest(c, 'click', endpoint)
  if (answer.kind === 'foreign') return legacy(c, endpoint.settings()) ?? notFound(c)
  if (answer.kind === 'over limit') return c.text('Too many requests.\n', 403, NEVER_STORED)
  const location = answer.kind === 'opened' ? locationOf(answer.target) : undefined
  if (answer.kind !== 'opened' || location === undefined) return notFound(c)
  if (answer.isEvent) report(c, answer, endpoint)
  return c.body(null, 302, { ...NEVER_STORED, Location: location })
}

function open(c: Context, endpoint: Endpoint): Response {
  const answer = openRequest(c, 'open', endpoint)
  const elsewhere = answer.kind === 'foreign' ? legacy(c, endpoint.settings()) : undefined
  if (elsewhere) return elsewhere
  if (answer.kind === 'opened' && answer.isEvent) report(c, answer, endpoint)
  const headers = { ...NEVER_STORED, 'Content-Type': 'image/gif' }
  return c.body(new Uint8Array(PIXEL), 200, { ...headers, 'Content-Length': String(PIXEL.length) })
}

/** Undefined where no tracker was here before. The query stays behind: it is no part of a link of ours. */
function legacy(c: Context, { legacyOrigin }: TrackerSettings): Response | undefined {
  if (legacyOrigin === undefined) return undefined
  const location = locationOf(legacyOrigin + pathOf(c).replace(/[?#].*$/s, ''))
  if (location === undefined) return undefined
  return c.body(null, 302, { ...NEVER_STORED, Location: location })
}

function notFound(c: Context): Response {
  return c.text('This link is not valid.\n', 404, NEVER_STORED)
}

function methodNotAllowed(c: Context): Response {
  return c.text('Method not allowed.\n', 405, { Allow: 'GET, HEAD' })
}

/** As the client sent it: the router's is percent-decoded. */
function pathOf(c: Context): string {
  return c.req.url.replace(/^[a-z]+:\/\/[^/]*/i, '')
}

function openRequest(c: Context, route: Route, endpoint: Endpoint): Answer {
  const { keyring, hitsPerMinute, isDenied } = endpoint.settings()
  const path = parsePath(pathOf(c))
  // What has no token in it names no key either.
  if (path?.route !== route) return { kind: 'foreign' }
  const opened = openToken(keyring, path)
  if (opened.kind !== 'opened') return opened
  if (isDenied(opened.facts)) return { kind: 'bad' }
  if (endpoint.isOverLimit(tokenName(path), hitsPerMinute)) return { kind: 'over limit' }
  const isExpired = endpoint.nowSeconds() > opened.facts.expirySeconds
  return { ...opened, isEvent: c.req.method !== 'HEAD' && !isExpired }
}

/** The ends of its two parts: authentication tags, no two alike. */
function tokenName({ linkPart, recipientPart }: TokenPath): string {
  return linkPart.slice(-20) + recipientPart.slice(-20)
}

function report(
  c: Context,
  { action, target, name, facts }: Extract<Answer, { kind: 'opened' }>,
  { settings, nowSeconds, onEvent }: Endpoint,
): void {
  const isLink = action === 'click' || action === 'unsubscribe'
  const userAgent = headerText(c, 'user-agent')
  onEvent(EVENT_TYPES[action], {
    ...recipientFacts(facts),
    delv_method: 'esmtp',
    ip_address: clientAddress({
      peer: getConnInfo(c).remote.address ?? '',
      forwardedFor: c.req.header('x-forwarded-for'),
      realIp: c.req.header('x-real-ip'),
      isTrusted: settings().isTrustedProxy,
    }),
    user_agent: userAgent,
    accept_language: headerText(c, 'accept-language'),
    ...machineFacts({
      userAgent,
      purposes: PURPOSE_HEADERS.map((header) => c.req.header(header) ?? ''),
      ageSeconds: ageSeconds(facts.messageId, nowSeconds()),
    }),
    ...(isLink && { target_link_url: target, target_link_name: name }),
  })
}

const PURPOSE_HEADERS = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz']

/** A message id begins with the second of its making. */
function ageSeconds(messageId: string, nowSeconds: number): number | undefined {
  return /^[0-9a-f]{20}$/.test(messageId)
    ? nowSeconds - Number.parseInt(messageId.slice(0, 8), 16)
    : undefined
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
function headerText(c: Context, name: string): string {
  const value = c.req.header(name) ?? ''
  const bytes = Buffer.from(value, 'latin1').subarray(0, MAX_USER_AGENT_BYTES)
  return toText(fromBytes(bytes))
}
