import { expect, test } from 'vitest'
import { trackerApp } from '../../src/http/tracker.ts'
import { openKeyring } from '../../src/tracking/keyring.ts'
import type { EventType, Facts } from '../../src/tracking/record.ts'
import { openSealer } from '../../src/tracking/token.ts'

const keyring = openKeyring([{ secret: Buffer.alloc(32, 7) }])
const NOW = 1_795_260_480

/** Conninfo as @hono/node-server gives it. */
const FROM = { incoming: { socket: { remoteAddress: '::ffff:192.0.2.9', remotePort: 4711 } } }

function track(expirySeconds = NOW + 10) {
  const events: [EventType, Facts][] = []
  const app = trackerApp({
    keyring: () => keyring,
    nowSeconds: () => NOW,
    onEvent: (type, facts) => void events.push([type, facts]),
  })
  const sealer = openSealer(keyring, Buffer.alloc(16, 1))
  const { full } = sealer.recipient({
    messageId: '0000632c8b54d53f0a00',
    rcptTo: 'anna@customer.example',
    rawRcptTo: 'Anna@customer.example',
    campaignId: 'autumn',
    tags: ['a'],
    metadata: { issue: 11 },
    expirySeconds,
  })
  const target = 'https://e.com/grün?a=b c'
  const click = `/f/a/${sealer.link(target, 'order', 'click', '')}/${full}`
  const open = `/q/${sealer.link('', '', 'open', '')}/${full}`
  const get = (path: string, init?: RequestInit) =>
    app.request(path, { headers: { 'user-agent': 'UA' }, ...init }, FROM)
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

test('an open answers a GIF of one pixel and is an event', async () => {
  const { events, open, get } = track()
  const response = await get(open)
  const body = Buffer.from(await response.arrayBuffer())
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('image/gif')
  expect(response.headers.get('content-length')).toBe('43')
  expect(body.subarray(0, 10).toString('hex')).toBe('47494638396101000100')
  expect(events.map(([type]) => type)).toEqual(['open'])
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
  const { events, click, open, get } = track(NOW - 1)
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

test('a user agent is cut at 1,024 octets', async () => {
  const { events, click, get } = track()
  await get(click, { headers: { 'user-agent': 'x'.repeat(5000) } })
  expect(events[0]?.[1]['user_agent']).toBe('x'.repeat(1024))
})
