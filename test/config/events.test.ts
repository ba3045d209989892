// Options of what takes events: webhooks and a Redis stream.
import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'

const load = (text: string) =>
  parseConfig(text, 'f.conf', { lenient: false, defaultHostname: 'host.example', folder: '/etc' })

const KEYS = 'engagement_tracker { tracking_keys = [ a = "000102030405060708090a0b0c0d0e0f" ] }'

test('a webhook has the ways of Momentum by default', () => {
  const { config, warnings } = load('webhook "crm" { url = "https://crm.example/hook?a=b" }')
  expect(config.webhooks).toEqual([
    {
      name: 'crm',
      url: 'https://crm.example/hook?a=b',
      events: undefined,
      authToken: undefined,
      hmacKey: undefined,
      allowPrivate: false,
      batchSize: 10_000,
      batchSeconds: 30,
    },
  ])
  expect(warnings).toEqual([])
  expect(config.redis).toBeUndefined()
  expect(config.maxEventBacklog).toBe(1_073_741_824)
})

test('several webhooks, each with its own options; one that is disabled is not there', () => {
  const { config } = load(`
    webhook "a" { url = "http://a.example" events = ( click open ) auth_token = "t0k3n" hmac_key = "key"
      allow_private = true batch_size = 100 batch_seconds = 1 }
    webhook "b" { url = "https://b.example" }
    webhook "c" { enabled = false }
    max_event_backlog = 1000`)
  expect(config.webhooks.map(({ name }) => name)).toEqual(['a', 'b'])
  expect(config.webhooks[0]).toEqual({
    name: 'a',
    url: 'http://a.example/',
    events: new Set(['click', 'open']),
    authToken: 't0k3n',
    hmacKey: 'key',
    allowPrivate: true,
    batchSize: 100,
    batchSeconds: 1,
  })
  expect(config.maxEventBacklog).toBe(1000)
})

test('events that never happen here are warned about', () => {
  const { config, warnings } = load(
    'webhook "a" { url = "https://a.example" events = ( bounce spam_complaint ) }',
  )
  expect(config.webhooks[0]?.events).toEqual(new Set(['bounce', 'spam_complaint']))
  expect(warnings).toEqual(['f.conf:1: event "spam_complaint" is known but never happens here'])
})

test.each([
  ['webhook { url = "https://a.example" }', /f\.conf:1: scope "webhook": expected a name/],
  ['webhook "a" {}', 'f.conf:1: option "url": missing: expected url = "https://…"'],
  ['webhook "a" { url = "a.example" }', /option "url": expected a URL that begins with http/],
  ['webhook "a" { url = "file:///etc/passwd" }', /option "url": expected a URL/],
  ['webhook "a" { events = ( click clack ) }', /option "events": .*found "clack"/],
  ['webhook "a" { batch_size = 0 }', /option "batch_size": expected a number from 1 to 10000/],
  ['webhook "a" { batch_size = 10001 }', /option "batch_size": expected a number from 1 to 10000/],
  ['webhook "a" { auth_token = "se cret" }', /^(?!.*se cret).*option "auth_token": expected/],
  ['redis { uri = "http://:s3cret@a" }', /^(?!.*s3cret).*option "uri": expected redis:\/\//],
  [
    'redis {}',
    'f.conf:1: option "uri": missing: expected uri = "redis://…", sentinels = ( … ) or cluster = ( … )',
  ],
  ['redis { uri = "/a" cluster = a }', /f\.conf:1: option "uri": given beside others/],
  [
    'redis { uri = "/a" }',
    'f.conf:1: redis without tracking_keys: expected engagement_tracker { tracking_keys = [ … ] }',
  ],
  ['redis { uri = "/a" }\nredis "b" { uri = "/b" }', 'f.conf:2: a second redis: expected one'],
])('%s is refused with its place', (text, message) => {
  expect(() => load(text)).toThrow(message)
})

const ACCESS = {
  username: undefined,
  password: undefined,
  sentinelPassword: undefined,
  db: 0,
  tls: undefined,
  timeoutMs: 250,
}

test('a redis has a stream with a bound and a deadline', () => {
  expect(load(`${KEYS} redis { uri = "rediss://:p@redis.example:7000/2" }`).config.redis).toEqual({
    server: {
      ...ACCESS,
      kind: 'single',
      host: 'redis.example',
      port: 7000,
      db: 2,
      password: 'p',
      tls: {},
    },
    events: undefined,
    stream: 'eachrcpt:events',
    streamMaxlen: 1_000_000,
    prefix: 'eachrcpt:',
    mail: 'fail_open',
    locks: 'fail_open',
    lockLeaseSeconds: 10,
    timeoutMs: 250,
  })
  const own = `${KEYS} redis { uri = "/run/redis.sock" stream = "s" stream_maxlen = 0 events = click }`
  expect(load(own).config.redis).toMatchObject({
    server: { kind: 'socket', path: '/run/redis.sock' },
    stream: 's',
    streamMaxlen: 0,
    events: new Set(['click']),
  })
})

test.each([
  [
    'sentinels = ( s1.example "[::1]:7" ) sentinel_master = "m" sentinel_password = "q" password = "p"',
    {
      kind: 'sentinel',
      master: 'm',
      sentinelPassword: 'q',
      password: 'p',
      nodes: [
        { host: 's1.example', port: 26379 },
        { host: '::1', port: 7 },
      ],
    },
  ],
  [
    'cluster = ( c1.example:7001 c2.example ) username = "u" tls = true',
    {
      kind: 'cluster',
      username: 'u',
      tls: {},
      nodes: [
        { host: 'c1.example', port: 7001 },
        { host: 'c2.example', port: 6379 },
      ],
    },
  ],
])('redis { %s }', (text, server) => {
  expect(load(`${KEYS} redis { ${text} }`).config.redis?.server).toEqual({ ...ACCESS, ...server })
})
