// The tracking endpoints: clicks answer 302 with the exact target, opens a one-pixel GIF (Momentum manual
// page "modules.engage_tracker"). A token is all they need: no store, no session. Nothing of a request
// reaches Location; a bad click token is 404, a bad open token still gets the image, neither is an event.
import { getConnInfo } from '@hono/node-server/conninfo'
import { type Context, Hono } from 'hono'
import { fromBytes, toText } from '../mail/bytes.ts'
import type { TokenFacts } from '../tracking/facts.ts'
import type { Keyring } from '../tracking/keyring.ts'
import { parsePath, type Route } from '../tracking/path.ts'
import type { EventType, Facts } from '../tracking/record.ts'
import { locationOf } from '../tracking/redirect.ts'
import { type Opened, openToken } from '../tracking/token.ts'

export interface TrackerOptions {
  /** The keys of the current configuration. */
  keyring(): Keyring
  /** Epoch seconds. */
  nowSeconds(): number
  onEvent(type: EventType, facts: Facts): void
}

export function trackerApp(options: TrackerOptions): Hono {
  const app = new Hono()
  app.get('/f/*', (c) => click(c, options))
  app.get('/q/*', (c) => open(c, options))
  // HEAD comes with GET; no other method does anything here.
  app.all('/f/*', methodNotAllowed)
  app.all('/q/*', methodNotAllowed)
  return app
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

function click(c: Context, options: TrackerOptions): Response {
  const opened = openRequest(c, 'click', options)
  const location = opened?.kind === 'opened' ? locationOf(opened.target) : undefined
  if (opened?.kind !== 'opened' || location === undefined) {
    return c.text('This link is not valid.\n', 404, NEVER_STORED)
  }
  report(c, opened, options)
  return c.body(null, 302, { ...NEVER_STORED, Location: location })
}

function open(c: Context, options: TrackerOptions): Response {
  const opened = openRequest(c, 'open', options)
  if (opened?.kind === 'opened') report(c, opened, options)
  const headers = { ...NEVER_STORED, 'Content-Type': 'image/gif' }
  return c.body(new Uint8Array(PIXEL), 200, { ...headers, 'Content-Length': String(PIXEL.length) })
}

function methodNotAllowed(c: Context): Response {
  return c.text('Method not allowed.\n', 405, { Allow: 'GET, HEAD' })
}

/** The path as the client sent it: the router's is percent-decoded. */
function openRequest(c: Context, route: Route, { keyring }: TrackerOptions): Opened | undefined {
  const path = parsePath(c.req.url.replace(/^[a-z]+:\/\/[^/]*/i, ''))
  return path?.route === route ? openToken(keyring(), path) : undefined
}

function report(
  c: Context,
  { action, target, name, facts }: Extract<Opened, { kind: 'opened' }>,
  options: TrackerOptions,
): void {
  if (c.req.method === 'HEAD' || options.nowSeconds() > facts.expirySeconds) return
  const isLink = action === 'click' || action === 'unsubscribe'
  options.onEvent(EVENT_TYPES[action], {
    ...recipientFacts(facts),
    delv_method: 'esmtp',
    ip_address: clientAddress(c),
    user_agent: headerText(c, 'user-agent'),
    accept_language: headerText(c, 'accept-language'),
    ...(isLink && { target_link_url: target, target_link_name: name }),
  })
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

function clientAddress(c: Context): string {
  const address = getConnInfo(c).remote.address ?? ''
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}

/** Node gives header values as byte strings; cut to a documented length, invalid UTF-8 replaced. */
function headerText(c: Context, name: string): string {
  const value = c.req.header(name) ?? ''
  const bytes = Buffer.from(value, 'latin1').subarray(0, MAX_USER_AGENT_BYTES)
  return toText(fromBytes(bytes))
}
