import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TrackerSettings } from '../../src/http/hit.ts'
import { trackerApp } from '../../src/http/tracker.ts'
import { openKeyring } from '../../src/tracking/keyring.ts'
import type { EventType, Facts } from '../../src/tracking/record.ts'
import { openSealer } from '../../src/tracking/token.ts'

const keyring = openKeyring([{ secret: Buffer.alloc(32, 7) }])
const NOW = 1_795_260_480
const MESSAGE_ID = '0000632c8b54d53f0a00'

/** What @hono/node-server gives a handler. */
function incoming(url: string, headers: Readonly<Record<string, string>>) {
  return { incoming: { url, headers, socket: { remoteAddress: '::ffff:192.0.2.9' } } }
}

interface Track extends Partial<TrackerSettings> {
  readonly target?: string
  readonly expirySeconds?: number
  readonly messageId?: string
}

function track({
  target = 'https://e.com/grün?a=b c',
  expirySeconds = NOW + 10,
  messageId = MESSAGE_ID,
  ...settings
}: Track = {}) {
  const events: [EventType, Facts][] = []
  const app = trackerApp({
    settings: () => ({
      keyring,
      legacyOrigin: undefined,
      hitsPerMinute: 0,
      isDenied: () => false,
      isTrustedProxy: () => false,
      ...settings,
    }),
    nowSeconds: () => NOW,
    onEvent: (type, facts) => void events.push([type, facts]),
  })
  const sealer = openSealer(keyring, Buffer.alloc(16, 1))
  const { full } = sealer.recipient({
    messageId,
    rcptTo: 'anna@customer.example',
    rawRcptTo: 'Anna@customer.example',
    campaignId: 'autumn',
    tags: ['a'],
    metadata: { issue: 11 },
    expirySeconds,
  })
  const click = `/f/a/${sealer.link(target, 'order', 'click', '')}/${full}`
  const open = `/q/${sealer.link('', '', 'open', '')}/${full}`
  const get = (path: string, init: { method?: string; headers?: Record<string, string> } = {}) =>
    app.request(path, init, incoming(path, init.headers ?? { 'user-agent': 'UA' }))
  return { events, click, open, get }
}

test('a click answers 302 with the exact target and is an event', async () => {
  const { events, click, get } = track()
  const response = await get(click)
  expect(response.status).toBe(302)
  expect(response.headers.get('location')).toBe('https://e.com/gr%C3%BCn?a=b%20c')
  expect(response.headers.get('cache-control')).toContain('no-store')
  expect(events).toEqual([
    [
      'click',
      expect.objectContaining({
        message_id: '0000632c8b54d53f0a00',
        rcpt_to: 'anna@customer.example',
        raw_rcpt_to: 'Anna@customer.example',
        campaign_id: 'autumn',
        rcpt_meta: '{"issue":11}',
        rcpt_tags: '["a"]',
        target_link_url: 'https://e.com/grün?a=b c',
        target_link_name: 'order',
        ip_address: '192.0.2.9',
        user_agent: 'UA',
      }),
    ],
  ])
})

test('E143 an open answers a GIF of one pixel, the same each time, and is an event', async () => {
  const { events, open, get } = track()
  const response = await get(open)
  const body = Buffer.from(await response.arrayBuffer())
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('image/gif')
  expect(response.headers.get('content-length')).toBe('43')
  expect(body.subarray(0, 10).toString('hex')).toBe('47494638396101000100')
  expect(response.headers.get('cache-control')).toMatch(/no-cache.*no-store/)
  expect(body).toEqual(Buffer.from(await (await get(open)).arrayBuffer()))
  expect(events.map(([type]) => type)).toEqual(['open', 'open'])
})

test('E152 a click is never cached, and each one is an event', async () => {
  const { events, click, get } = track()
  for (let i = 0; i < 2; i++) {
    const response = await get(click)
    expect(response.status).toBe(302)
    expect(response.headers.get('cache-control')).toContain('no-store')
    expect(response.headers.get('referrer-policy')).toBe('no-referrer')
    expect(response.headers.get('x-robots-tag')).toContain('noindex')
    expect(response.headers.get('set-cookie')).toBeNull()
  }
  expect(events).toHaveLength(2)
})

test.each([
  [
    'E139',
    'https://ja.wikipedia.org/wiki/小麦粉',
    'https://ja.wikipedia.org/wiki/%E5%B0%8F%E9%BA%A6%E7%B2%89',
  ],
  ['E142', 'https://e.com/\r\nSet-Cookie:x=1', 'https://e.com/Set-Cookie:x=1'],
  ['E142', 'https://e.com/\u0000\u0085\u2028x', 'https://e.com/%00%C2%85%E2%80%A8x'],
])('%s a click on %j leads to %s, in one header', async (_, target, location) => {
  const { click, get } = track({ target })
  const response = await get(click)
  expect(response.headers.get('location')).toBe(location)
  expect(response.headers.get('set-cookie')).toBeNull()
})

test.each(['javascript:alert(1)', 'data:text/html,x', '//e.com', 'ftp://e.com/', ''])(
  'a sealed target %j is not redirected to, and is no event',
  async (target) => {
    const { events, click, get } = track({ target })
    const response = await get(click)
    expect([response.status, response.headers.get('location')]).toEqual([404, null])
    expect(events).toEqual([])
  },
)

test('E145 links of an older key lead on after a rotation', async () => {
  const secret = Buffer.alloc(32, 7)
  const rotated = openKeyring([{ secret: Buffer.alloc(32, 9) }, { secret, retired: true }])
  const { events, click, get } = track({ keyring: rotated })
  expect((await get(click)).headers.get('location')).toBe('https://e.com/gr%C3%BCn?a=b%20c')
  expect(events).toHaveLength(1)
})

test('B21 no altered token leads anywhere, whatever octet is changed', async () => {
  const { events, click, open, get } = track()
  const other = track({ messageId: '0000632c8b54d53f0a01', target: 'https://other.example/' })
  const [, , , link, recipient] = click.split('/')
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.integer({ min: 1, max: 63 }),
      fc.boolean(),
      async (at, by, isLink) => {
        const part = (isLink ? link : recipient) ?? ''
        const i = at % part.length
        const changed = alphabet[(alphabet.indexOf(part[i]!) + by) % 64]!
        const altered = part.slice(0, i) + changed + part.slice(i + 1)
        const path = isLink ? `/f/a/${altered}/${recipient}` : `/f/a/${link}/${altered}`
        const response = await get(path)
        expect([response.status, response.headers.get('location')]).toEqual([404, null])
      },
    ),
    { numRuns: 300 },
  )
  // Sound parts of other links and messages, put together anew.
  const [, , openLink, openRecipient] = open.split('/')
  const [, , , otherLink, otherRecipient] = other.click.split('/')
  for (const path of [
    `/f/a/${openLink}/${recipient}`,
    `/f/b/${link}/${recipient}`,
    `/f/a/${recipient}/${link}`,
    `/f/a/${link}/${recipient}/${recipient}`,
    `/f/a/${link}`,
    `/f/a/${otherLink}/${openRecipient?.slice(0, -4)}`,
    `/f/a/${link}/${otherRecipient?.slice(0, -4)}`,
  ]) {
    expect([path, (await get(path)).status]).toEqual([path, 404])
  }
  expect(events).toEqual([])
})

test('E133 HEAD has the headers and is no event', async () => {
  const { events, click, open, get } = track()
  const response = await get(click, { method: 'HEAD' })
  expect([response.status, response.headers.get('location')]).toEqual([
    302,
    'https://e.com/gr%C3%BCn?a=b%20c',
  ])
  expect((await get(open, { method: 'HEAD' })).status).toBe(200)
  expect(events).toEqual([])
})

test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('E134 %s is not allowed', async (method) => {
  const { events, click, open, get } = track()
  for (const path of [click, open]) {
    const response = await get(path, { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  }
  expect(events).toEqual([])
})

test('E136 an added query changes nothing', async () => {
  const { events, click, get } = track()
  const response = await get(`${click}?fbclid=abc&url=https://evil.example`)
  expect(response.headers.get('location')).toBe('https://e.com/gr%C3%BCn?a=b%20c')
  expect(events).toHaveLength(1)
})

test('E137 percent-encoded characters of a token are undone once', async () => {
  const { events, click, get } = track()
  const encoded = click.replaceAll('-', '%2D').replaceAll('_', '%5f').replaceAll('~', '%7E')
  expect((await get(encoded)).status).toBe(302)
  expect(events).toHaveLength(1)
})

test('E138 an expired link still leads there, without an event', async () => {
  const { events, click, open, get } = track({ expirySeconds: NOW - 1 })
  expect((await get(click)).status).toBe(302)
  expect((await get(open)).status).toBe(200)
  expect(events).toEqual([])
})

test('E144 a bad open token gets the image, a bad click token 404 and no redirect', async () => {
  const { events, click, open, get } = track()
  for (const path of [`${click}x`, '/f/a/b/c', '/f/', open.replace('/q/', '/f/a/')]) {
    const response = await get(path)
    expect([path, response.status, response.headers.get('location')]).toEqual([path, 404, null])
  }
  for (const path of ['/q/garbage', `${open.slice(0, -2)}AA`, click.replace('/f/a/', '/q/')]) {
    expect([path, (await get(path)).headers.get('content-type')]).toEqual([path, 'image/gif'])
  }
  expect(events).toEqual([])
})

test('B23 a range of the pixel is the whole pixel', async () => {
  const { open, get } = track()
  const response = await get(open, { headers: { range: 'bytes=0-3' } })
  expect([response.status, response.headers.get('content-length')]).toEqual([200, '43'])
})

test('B22 nothing that a client adds leads anywhere', async () => {
  const { events, click, get } = track()
  for (const path of [
    '/f/a?u=https://evil.example',
    '/f/a/https://evil.example/x',
    '/f//evil.example/x/y',
    '/f/a/..%2f..%2fevil/x',
    '/e/https://evil.example',
    '/f/a/%0d%0aLocation:%20https://evil.example/x',
  ]) {
    const response = await get(path)
    expect([path, response.status, response.headers.get('location')]).toEqual([path, 404, null])
  }
  const spoofed = await get(click, { headers: { host: 'evil.example' } })
  expect(spoofed.headers.get('location')).toBe('https://e.com/gr%C3%BCn?a=b%20c')
  expect(events).toHaveLength(1)
})

describe('legacy_tracker', () => {
  const legacyOrigin = 'https://old.example:8443'

  test.each(['/f/a/AAAA~~/BBB~/payload~', '/q/xyz~', '/e/blob', '/f/open-in-app/x/y', '/f/x'])(
    '%s, of none of our keys, leads to the same path there and is no event',
    async (path) => {
      const { events, get } = track({ legacyOrigin })
      for (const method of ['GET', 'HEAD']) {
        const response = await get(`${path}?u=https://evil.example`, { method })
        expect(response.status).toBe(302)
        expect(response.headers.get('location')).toBe(legacyOrigin + path)
        expect(response.headers.get('cache-control')).toContain('no-store')
      }
      expect((await get(path, { method: 'POST' })).status).toBe(405)
      expect(events).toEqual([])
    },
  )

  test('a link of ours that does not open stays here', async () => {
    const { events, click, open, get } = track({ legacyOrigin })
    const broken = click.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))
    expect((await get(broken)).status).toBe(404)
    expect((await get(open.replace(/..$/, '__'))).headers.get('content-type')).toBe('image/gif')
    expect((await get(click)).headers.get('location')).toContain('https://e.com/')
    expect(events.map(([type]) => type)).toEqual(['click'])
  })

  test('without it such a path is not found', async () => {
    const { get } = track()
    expect((await get('/e/blob')).status).toBe(404)
    expect((await get('/f/a/AAAA/BBB')).status).toBe(404)
  })
})

test('links of a denied message or customer lead nowhere, and their pixel is no event', async () => {
  const { events, click, open, get } = track({
    isDenied: (facts) => facts.messageId === MESSAGE_ID,
  })
  const response = await get(click)
  expect([response.status, response.headers.get('location')]).toEqual([404, null])
  expect((await get(open)).headers.get('content-type')).toBe('image/gif')
  expect(events).toEqual([])
})

test('links of a denied key are dead, not those of another tracker', async () => {
  const secret = Buffer.alloc(32, 7)
  const denied = openKeyring([{ secret, denied: true }, { secret: Buffer.alloc(32, 8) }])
  const { events, click, get } = track({ keyring: denied, legacyOrigin: 'https://old.example' })
  const response = await get(click)
  expect([response.status, response.headers.get('location')]).toEqual([404, null])
  expect(events).toEqual([])
})

test('a token over its limit is answered 403, its pixel without an event; others are not', async () => {
  const { events, click, open, get } = track({ hitsPerMinute: 2 })
  const codes = []
  for (let i = 0; i < 4; i++) codes.push((await get(click)).status)
  expect(codes).toEqual([302, 302, 403, 403])
  for (let i = 0; i < 3; i++) expect((await get(open)).status).toBe(200)
  expect(events.map(([type]) => type)).toEqual(['click', 'click', 'open', 'open'])
})

describe('E147 the client is', () => {
  const isTrustedProxy = (address: string) => /^(?:192\.0\.2\.|10\.)/.test(address)
  const addressFor = async (headers: Record<string, string>, trusted = true) => {
    const { events, click, get } = track(trusted ? { isTrustedProxy } : {})
    await get(click, { headers })
    return events[0]?.[1]['ip_address']
  }
  test.each([
    ['6.6.6.6, 2001:db8::5', '2001:db8::5'],
    ['6.6.6.6, 2001:db8::5, 10.0.0.1', '2001:db8::5'],
    ['198.51.100.7:4711', '198.51.100.7'],
    ['[2001:db8::5]:4711', '2001:db8::5'],
    ['::ffff:198.51.100.7', '198.51.100.7'],
    ['10.0.0.1, 10.0.0.2', '10.0.0.1'],
    ['6.6.6.6, unknown', '192.0.2.9'],
    ['', '192.0.2.9'],
    ['198.51.100.7, <script>', '192.0.2.9'],
  ])('behind our proxy, X-Forwarded-For: %s → %s', async (forwarded, expected) => {
    expect(await addressFor({ 'x-forwarded-for': forwarded })).toBe(expected)
  })
  test('behind our proxy that sends only X-Real-IP, that', async () => {
    expect(await addressFor({ 'x-real-ip': '198.51.100.7' })).toBe('198.51.100.7')
  })
  test('behind anybody else the peer itself', async () => {
    const headers = { 'x-forwarded-for': '1.2.3.4', 'x-real-ip': '1.2.3.4' }
    expect(await addressFor(headers, false)).toBe('192.0.2.9')
  })
})

describe('E150 B24 machines are flagged, never dropped', () => {
  const CHROME =
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0 Safari/537.36'
  const GMAIL =
    'Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)'
  const now = (NOW - 1).toString(16) + '000000000001'
  const flagsOf = async (headers: Record<string, string>, messageId = MESSAGE_ID) => {
    const { events, open, get } = track({ messageId })
    await get(open, { headers })
    expect(events).toHaveLength(1)
    const { bot, user_agent_parsed: parsed } = events[0]![1]
    return [bot, JSON.parse(parsed!)]
  }
  const person = { is_mobile: false, is_proxy: false, is_prefetched: false }
  test.each([
    ['a browser', { 'user-agent': CHROME }, '', person],
    [
      'a browser that looks ahead',
      { 'user-agent': CHROME, 'sec-purpose': 'prefetch;prerender' },
      'true',
      { ...person, is_prefetched: true },
    ],
    [
      'an older one',
      { 'user-agent': CHROME, 'x-moz': 'prefetch' },
      'true',
      { ...person, is_prefetched: true },
    ],
    ['a scanner', { 'user-agent': 'python-requests/2.31' }, 'true', person],
    [
      "Apple's relays",
      { 'user-agent': 'Mozilla/5.0' },
      'likely',
      { ...person, is_prefetched: true },
    ],
    ["Gmail's proxy, for a reader", { 'user-agent': GMAIL }, '', { ...person, is_proxy: true }],
    ['nobody who says who', { 'user-agent': '' }, 'likely', person],
  ])('%s', async (_, headers: Record<string, string>, bot, parsed) => {
    expect(await flagsOf(headers)).toEqual([bot, parsed])
  })
  test('a hit within a second of the message', async () => {
    expect(await flagsOf({ 'user-agent': CHROME }, now)).toEqual(['likely', person])
  })
})

test('a user agent is cut at 1,024 octets', async () => {
  const { events, click, get } = track()
  await get(click, { headers: { 'user-agent': 'x'.repeat(5000) } })
  expect(events[0]?.[1]['user_agent']).toBe('x'.repeat(1024))
})
