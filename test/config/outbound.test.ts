import { describe, expect, test } from 'vitest'
import type { OutboundOptions } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/load.ts'

function outbound(text: string, domain: string): OutboundOptions {
  const options = { lenient: false, defaultHostname: 'host.example', folder: '/conf' }
  return parseConfig(text, 'f.conf', options).config.outbound(domain)
}

describe('outbound', () => {
  test('has the defaults of Momentum', () => {
    expect(outbound('', 'a.example')).toEqual({
      maxRetries: Infinity,
      neverRetry: false,
      blackhole: 'no',
      throttleMessages: { count: 0, seconds: 1 },
      throttleConnections: { count: 0, seconds: 1 },
      declares8Bit: 'ifavailable',
      sendsChunks: 'no',
      deliveryMethod: 'esmtp',
      lmtpPort: 2003,
      sevenBit: 'ifneeded',
      connectTimeoutSeconds: 300,
      ehloTimeoutSeconds: 300,
      mailfromTimeoutSeconds: 300,
      rcpttoTimeoutSeconds: 300,
      bodyTimeoutSeconds: 600,
      rsetTimeoutSeconds: 30,
      idleTimeoutSeconds: 5,
      tls: 'no',
      tlsIfavailableFallback: true,
      tlsVerify: 'no',
      tlsCa: undefined,
      tlsCertificate: undefined,
      tlsKey: undefined,
      signed: { opendkim: true, dkimSign: true },
      tlsRules: { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' },
      authUser: 'false',
      authPassword: 'false',
      authType: 'false',
      suspendDelivery: false,
      bindAddress: undefined,
      remoteSmtpPort: 25,
      retryIntervalSeconds: 1200,
      maxRetryIntervalSeconds: 43_200,
      messageExpirationSeconds: 86_400,
      generateBounces: true,
      maxOutboundConnections: 32,
      maxDeliveriesPerConnection: 0,
      maxRecipientsPerBatch: 100,
      ehloHostname: 'host.example',
    })
  })

  test.each([
    ['max_retries = 5', { maxRetries: 5 }],
    ['max_retries = none', { maxRetries: Infinity }],
    ['blackhole = true', { blackhole: 'inline' }],
    ['blackhole = Internal', { blackhole: 'internal' }],
    ['blackhole = off', { blackhole: 'no' }],
    ['outbound_throttle_messages = 10', { throttleMessages: { count: 10, seconds: 1 } }],
    ['outbound_throttle_messages = "100/60"', { throttleMessages: { count: 100, seconds: 60 } }],
    ['outbound_throttle_connections = 5', { throttleConnections: { count: 5, seconds: 1 } }],
    ['send_8bitmime = no', { declares8Bit: 'no' }],
    ['send_chunking = ifavailable', { sendsChunks: 'ifavailable' }],
    ['delivery_method = LMTP', { deliveryMethod: 'lmtp', remoteSmtpPort: 2003 }],
    ['tls = IfAvailable', { tls: 'ifavailable' }],
  ])('%s', (text, expected) => {
    expect(outbound(text, 'x')).toMatchObject(expected)
  })

  test.each([
    ['outbound_throttle_messages = "5/0"', 'a number, or one over seconds such as 100/60'],
    ['max_retries = often', 'a whole number, auto or none'],
    ['blackhole = maybe', 'true, false, inline or internal'],
    ['tls = yes', 'one of no, ifavailable, required'],
  ])('%s is refused', (text, expected) => {
    expect(() => outbound(text, 'x')).toThrow(`expected ${expected}`)
  })

  const TEXT = String.raw`
    retry_interval = 1
    domain "/example[.]com/" { retry_interval = 2 max_retry_interval = 2 message_expiration = 2 }
    domain "/^a\./" { retry_interval = 3 max_retry_interval = 3 }
    domain "a.example.com" { retry_interval = 4 }
    domain "/(?i)^UPPER$/" { retry_interval = 5 }
  `

  test.each([
    ['a.example.com', 4, 2, 2],
    ['A.EXAMPLE.COM', 4, 2, 2],
    ['b.example.com.au', 2, 2, 2],
    ['a.test', 3, 3, 86_400],
    ['upper', 5, 43_200, 86_400],
    ['test', 1, 43_200, 86_400],
  ])('of %s: exact, then expressions in file order, then global', (domain, retry, most, expiry) => {
    expect(outbound(TEXT, domain)).toMatchObject({
      retryIntervalSeconds: retry,
      maxRetryIntervalSeconds: most,
      messageExpirationSeconds: expiry,
    })
  })

  test.each([
    ['h.example', { host: 'h.example', port: 26 }],
    ['h.example:2525', { host: 'h.example', port: 2525 }],
    ['10.0.0.1', { host: '10.0.0.1', port: 26 }],
    ['[fe80::a00]:1', { host: 'fe80::a00', port: 1 }],
    ['[::1]', { host: '::1', port: 26 }],
  ])('sends through gateway %s', (gateway, expected) => {
    expect(outbound(`remote_smtp_port = 26 gateway = "${gateway}"`, 'x').gateway).toEqual(expected)
  })

  test.each([
    [['"h.example"'], [{ kind: 'host', host: 'h.example', port: 25, pref: 0, lookup: 'a' }]],
    [
      ['a', 'b:26', '__mx__'],
      [
        { kind: 'host', host: 'a', port: 25, pref: 0, lookup: 'a' },
        { kind: 'host', host: 'b', port: 26, pref: 1, lookup: 'a' },
        { kind: 'mx', pref: 2 },
      ],
    ],
    [
      ['"smtp://1.2.3.4?pref=10&ttl=300&type=mx"', '"smtp://[::1]:26/?PREF=5&port=27"', '__MX__'],
      [
        { kind: 'host', host: '1.2.3.4', port: 25, pref: 10, lookup: 'mx' },
        { kind: 'host', host: '::1', port: 27, pref: 5, lookup: 'a' },
        { kind: 'mx', pref: 6 },
      ],
    ],
  ])('reads routes %j', (routes, expected) => {
    expect(outbound(`routes = ( ${routes.join(' ')} )`, 'x').routes).toEqual(expected)
  })

  test.each([
    ['gateway = "::1"', 'a host, host:port or [IPv6 address]:port, found "::1"'],
    ['gateway = "a:0"', 'a host, host:port or [IPv6 address]:port, found "a:0"'],
    ['gateway = ""', 'a host, host:port or [IPv6 address]:port, found an empty string'],
    [
      'routes = ( "smtp://h?type=aaaa" )',
      'a list of hosts, "__mx__" and "smtp://host?pref=P&port=O&type=mx|a"',
    ],
    [
      'routes = ( "smtp://h?port=70000" )',
      'a list of hosts, "__mx__" and "smtp://host?pref=P&port=O&type=mx|a"',
    ],
  ])('refuses %s', (text, expected) => {
    const option = text.split(' ')[0]!
    expect(() => outbound(text, 'x')).toThrow(`f.conf:1: option "${option}": expected ${expected}`)
  })

  test('lets the most specific next hop decide, whichever it is', () => {
    const text = `maildir = mail domain a { gateway = g } domain "/^b/" { routes = ( r ) } domain bb { maildir = "/m" }`
    const hop = (domain: string): unknown => {
      const { maildir, gateway, routes } = outbound(text, domain)
      return { maildir, gateway: gateway?.host, routes: routes?.length }
    }
    expect(hop('x')).toEqual({ maildir: '/conf/mail' })
    expect(hop('a')).toEqual({ gateway: 'g' })
    expect(hop('b')).toEqual({ routes: 1 })
    expect(hop('bb')).toEqual({ maildir: '/m' })
  })

  test.each([
    ['ehlo_hostname = out.example', 'out.example'],
    ['ehlo_hostname = __hostname__', 'mx.example'],
    ['ehlo_hostname = __message__', 'mx.example'],
    ['', 'mx.example'],
  ])('says hello with %j as %s', (text, expected) => {
    expect(outbound(`hostname = mx.example ${text}`, 'x').ehloHostname).toBe(expected)
  })

  test('remembers a domain in any case', () => {
    const options = { lenient: false, defaultHostname: 'h', folder: '/' }
    const { config } = parseConfig('', 'f.conf', options)
    expect(config.outbound('A.example')).toBe(config.outbound('a.EXAMPLE'))
  })

  test('refuses a domain that is no expression', () => {
    expect(() => outbound('\ndomain "/(/" {}', 'x')).toThrow(
      'f.conf:2: expected a regular expression between slashes, found "/(/"',
    )
  })
})
