import { describe, expect, test } from 'vitest'
import type { ListenerOptions, SmtpEndpoint } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/load.ts'

const OPTIONS = { lenient: false, defaultHostname: 'host.example', folder: '/conf' }

function load(text: string): ReturnType<typeof parseConfig> {
  return parseConfig(text, 'f.conf', OPTIONS)
}

function endpoint(text: string): SmtpEndpoint {
  return load(text).config.smtp[0]!
}

function listener(inside: string, peerAddress = '192.0.2.1', outside = ''): ListenerOptions {
  return endpoint(`${outside} esmtp_listener { listen "127.0.0.1:0" {} ${inside} }`).options(
    peerAddress,
  )
}

describe('fallback', () => {
  // Every level sets idle_time; taking them away one by one shows the next.
  const LEVELS = [
    ['listen peer /24', (n: number) => `peer 192.0.2.0/24 { idle_time = ${n} }`, 'listen'],
    ['listen peer /16', (n: number) => `peer 192.0.0.0/16 { idle_time = ${n} }`, 'listen'],
    ['listener peer /32', (n: number) => `peer 192.0.2.1 { idle_time = ${n} }`, 'listener'],
    ['listener peer /0', (n: number) => `peer 0.0.0.0/0 { idle_time = ${n} }`, 'listener'],
    ['listen', (n: number) => `idle_time = ${n}`, 'listen'],
    ['listener', (n: number) => `idle_time = ${n}`, 'listener'],
    ['pathway of the group', (n: number) => `pathway p { idle_time = ${n} }`, 'group'],
    ['pathway', (n: number) => `pathway p { idle_time = ${n} }`, 'global'],
    ['pathway group', (n: number) => `idle_time = ${n}`, 'group'],
  ] as const

  test.each(LEVELS.map(([name], level) => [name, level]))('comes to the %s', (_, level) => {
    const at = (place: string): string =>
      LEVELS.map(([, print, where], i) => (where === place && i >= level ? print(i + 1) : '')).join(
        ' ',
      )
    const options = endpoint(`
      ${at('global')}
      pathway_group g { pathway p { } ${at('group')} }
      esmtp_listener { pathway = p ${at('listener')} listen "127.0.0.1:0" { ${at('listen')} } }
    `).options('192.0.2.1')
    expect(options.idleSeconds).toBe(level + 1)
  })

  test('ends at global, then at the default', () => {
    expect(listener('', '::1', 'require_ehlo = true').requireEhlo).toBe(true)
    expect(listener('').requireEhlo).toBe(false)
  })

  test('resolves each option on its own', () => {
    const options = listener(`
      max_message_size = 1 idle_time = 1 static_banner = "220 one"
      peer 192.0.2.0/24 { idle_time = 2 }
      peer 192.0.0.0/16 { static_banner = "220 three" idle_time = 3 }
    `)
    expect([options.maxMessageSize, options.idleSeconds, options.staticBanner]).toEqual([
      1,
      2,
      'three',
    ])
  })

  test('tells a value of 0 from none', () => {
    expect(
      listener('max_message_size = 5 peer 192.0.2.1 { max_message_size = 0 }').maxMessageSize,
    ).toBe(0)
  })

  test('looks only at Peers that hold the client', () => {
    const inside =
      'idle_time = 1 peer 192.0.2.0/25 { idle_time = 2 } peer "2001:db8::/32" { idle_time = 3 }'
    expect(listener(inside, '192.0.2.1').idleSeconds).toBe(2)
    expect(listener(inside, '::ffff:192.0.2.1').idleSeconds).toBe(2)
    expect(listener(inside, '192.0.2.128').idleSeconds).toBe(1)
    expect(listener(inside, '2001:db8::9').idleSeconds).toBe(3)
    expect(listener(inside, '').idleSeconds).toBe(1)
  })

  test('takes the pathway that the nearest scope names', () => {
    const outside = `
      pathway a { max_message_size = 1 } pathway_group g { pathway b { max_message_size = 2 } }`
    const inside = 'pathway = a peer 192.0.2.1 { pathway = b }'
    expect(listener(inside, '192.0.2.1', outside)).toMatchObject({
      maxMessageSize: 2,
      pathway: 'b',
      pathwayGroup: 'g',
    })
    expect(listener(inside, '192.0.2.2', outside)).toMatchObject({
      maxMessageSize: 1,
      pathway: 'a',
      pathwayGroup: 'default',
    })
    expect(listener('', '192.0.2.2', outside)).toMatchObject({
      pathway: 'default',
      pathwayGroup: 'default',
    })
  })

  test('merges contexts from the least to the most specific', () => {
    const options = listener(
      `context = [ a = 1 b = 1 ] pathway = p
       peer 0.0.0.0/0 { context = [ b = 2 c = 2 ] } peer 192.0.2.1 { context = [ c = 3 d = "\xe4" ] }`,
      '192.0.2.1',
      'pathway p { context = [ a = 0 z = 0 ] }',
    )
    expect(Object.fromEntries(options.context)).toEqual({
      a: '1',
      b: '2',
      c: '3',
      // A byte string: UTF-8.
      d: '\xc3\xa4',
      z: '0',
    })
  })

  test('remembers what it found for an address', () => {
    const { options } = endpoint('esmtp_listener { listen "127.0.0.1:0" {} }')
    const first = options('192.0.2.1')
    expect(options('192.0.2.1')).toBe(first)
    for (let i = 0; i < 4096; i += 1) options(`10.0.${i >> 8}.${i & 255}`)
    expect(options('192.0.2.1')).not.toBe(first)
    expect(options('192.0.2.1')).toEqual({
      ...first,
      relaysDomain: expect.any(Function) as unknown,
      relaysSender: expect.any(Function) as unknown,
    })
  })
})

describe('relaying', () => {
  test.each([
    ['nothing', '', '', false],
    ['relay_hosts globally', '', 'relay_hosts = ( 192.0.2.0/24 )', true],
    ['a single relay host', '', 'relay_hosts = 192.0.2.1', true],
    [
      'relay_hosts of the listener instead',
      'relay_hosts = ( 10.0.0.0/8 )',
      'relay_hosts = ( 192.0.2.1 )',
      false,
    ],
    ['open_relay', 'open_relay = on', '', true],
    ['open_relay of a Peer', 'peer 192.0.2.1 { open_relay = 1 }', '', true],
    ['open_relay of another Peer', 'peer 192.0.2.2 { open_relay = 1 }', '', false],
    [
      'a Peer that switches it off',
      'open_relay = on peer 192.0.2.0/24 { open_relay = off }',
      '',
      false,
    ],
  ])('%s', (_, inside, outside, expected) => {
    expect(listener(inside, '192.0.2.1', outside).canRelay).toBe(expected)
  })

  test.each([
    ['example.com', true],
    ['EXAMPLE.com', true],
    ['a.example.com', false],
    ['example.net', false],
    ['a.example.net', true],
    ['example.org', true],
    ['badexample.org', true],
    ['', false],
  ])('of mail for %j: %s', (domain, expected) => {
    const outside = 'relay_domains = ( Example.com *.example.net *example.org )'
    expect(listener('', '::1', outside).relaysDomain(domain)).toBe(expected)
  })
})

describe('listeners', () => {
  test.each([
    [':25', '0.0.0.0', 25],
    ['*:2525', '0.0.0.0', 2525],
    ['127.0.0.1:0', '127.0.0.1', 0],
    ['127.0.0.1', '127.0.0.1', 25],
    ['[::1]:25', '::1', 25],
    ['[*]:25', '::', 25],
    ['localhost:65535', 'localhost', 65_535],
  ])('listen %s', (instance, host, port) => {
    expect(endpoint(`esmtp_listener { listen "${instance}" {} }`).address).toEqual({ host, port })
  })

  test.each(['::1', '[::1', '[1.2.3.4]:25', 'a b:25', ':65536', ':x', '/run/smtp.sock'])(
    'refuses listen %j',
    (instance) => {
      expect(() => load(`\nesmtp_listener { listen "${instance}" {} }`)).toThrow(
        /^f\.conf:2: expected an address such as 127\.0\.0\.1:25, \[::1\]:25 or :25 after listen, found "/,
      )
    },
  )

  test('are left out where enable is off, own value first', () => {
    const { config } = load(`
      esmtp_listener { enable = off listen ":1" {} listen ":2" { enable = on } }
      http_listener { listen ":3" { enable = off } listen ":4" {} listen "127.0.0.1" {} }`)
    expect(config.smtp.map(({ address }) => address.port)).toEqual([2])
    expect(config.http.map(({ address }) => address.port)).toEqual([4, 2081])
  })

  test('of HTTP take what only SMTP has with a warning, not in silence', () => {
    const { config, warnings } = load(`http_listener {
      peer "10.0.0.0/8" { enable = off }
      listen ":1" { Enable = on relay_hosts = ( 10.0.0.0/8 ) peer "10.0.0.0/8" {} } }`)
    expect(config.http.map(({ address }) => address.port)).toEqual([1])
    expect(warnings).toEqual([
      'f.conf:2: scope "peer" is known but not supported yet: ignored',
      'f.conf:3: option "relay_hosts" is known but not supported yet: ignored',
    ])
  })

  test('may not share an address, unless any port will do', () => {
    expect(() =>
      load('esmtp_listener { listen ":80" {} }\nhttp_listener { listen "*:80" {} }'),
    ).toThrow('f.conf:2: listened on already at f.conf:1: expected another address or port')
    expect(load('esmtp_listener { listen ":0" {} listen "*:0" {} }').config.smtp).toHaveLength(2)
  })

  test('have our defaults', () => {
    expect(listener('')).toEqual({
      extensions: new Set(),
      maxMessageSize: 52_428_800,
      maxRecipientsPerMessage: 1000,
      maxRecipientsPerConnection: 0,
      maxReceptionsPerConnection: 0,
      idleSeconds: 300,
      requireEhlo: false,
      allowNullEnvelopeSender: true,
      staticBanner: undefined,
      reconfigMessage: '4.3.2 Reconfiguration in progress',
      traceHeaders: true,
      bouncesForPolicyRejections: true,
      xsetcontextDeny: [],
      context: new Map(),
      canRelay: false,
      relaysDomain: expect.any(Function) as unknown,
      relaysSender: expect.any(Function) as unknown,
      missingHeaders: 'allow',
      dateHeader: 'ignore',
      messageIdHeader: 'ignore',
      lineLimit: 'ignore',
      lineLimitPolicy: 'none',
      isPedantic: true,
      allowsTrailingBlanks: true,
      allowsBlanksInPath: false,
      allowsIpLiteral: true,
      senderDomain: undefined,
      recipientDomain: undefined,
      pathway: 'default',
      pathwayGroup: 'default',
      bannerHostname: 'host.example',
      receivedHostname: 'host.example',
      loneLineEnds: 'fix',
      tracking: {
        opens: false,
        clicks: false,
        openScheme: 'http',
        clickScheme: 'http',
        domain: 'localhost:8080',
        expirySeconds: 31_536_000,
        initialOpens: false,
        foreignOptOuts: false,
      },
      sessionBudgets: [],
      tls: undefined,
      usesTls: false,
      startTlsInjection: 'reject',
      verifiedPeerCanRelay: false,
      auth: undefined,
      proxyProtocol: false,
      proxySeconds: 60,
    })
  })

  test.each([
    ['', 'fix'],
    ['rfc2822_lone_lf_in_body = "pedantic"', 'refuse'],
    ['rfc2822_lone_lf_in_headers = Pedantic', 'refuse'],
    ['rfc2822_lone_lf_in_body = ignore', 'fix'],
  ])('with %j treat lone line ends: %s', (outside, expected) => {
    expect(listener('', '::1', outside).loneLineEnds).toBe(expected)
  })

  test('count sessions under the scope that limits them', () => {
    const inside = 'listener_sessions = 9\npeer 192.0.2.0/24 { listener_sessions = 3 }'
    expect(listener(inside, '192.0.2.1').sessionBudgets[0]).toEqual({
      limit: 3,
      counter: 'peer 192.0.2.0/24 f.conf:2',
    })
    expect(listener(inside, '10.0.0.1').sessionBudgets[0]?.limit).toBe(9)
    expect(listener('listener_sessions = 0').sessionBudgets[0]).toBeUndefined()
  })

  test.each([
    ['220 mx.example ready', 'mx.example ready'],
    [String.raw`220-one\r\n220 two`, 'one\ntwo'],
  ])('greet with %j', (banner, text) => {
    expect(listener(`static_banner = "${banner}"`).staticBanner).toBe(text)
  })

  test('compile the patterns of xsetcontext_deny', () => {
    const { xsetcontextDeny } = listener('xsetcontext_deny = ( "^auth_" "(?i)^TLS" )')
    expect(
      ['auth_user', 'xauth_', 'tls_x'].map((n) => xsetcontextDeny.some((p) => p.test(n))),
    ).toEqual([true, false, true])
  })
})

describe('warnings', () => {
  test.each([
    ['open_relay = true', 'any client may relay to any domain'],
    ['relay_hosts = 0.0.0.0/0', 'any client may relay to any domain'],
    ['relay_hosts = ::/0', 'any client may relay to any domain'],
    [
      'smtp_extensions = XSETCONTEXT',
      'any client may use XSETCONTEXT; a peer scope can restrict it',
    ],
    [
      'peer 0.0.0.0/0 { smtp_extensions = ( xdumpcontext ) }',
      'any client may use XDUMPCONTEXT; a peer scope can restrict it',
    ],
  ])('say what strangers may do: %s', (inside, text) => {
    const open = `esmtp_listener {\nlisten ":25" {} ${inside} }`
    expect(load(open).warnings).toEqual([`f.conf:2: listen 0.0.0.0:25: ${text}`])
    expect(load(open.replace('":25"', '"127.0.0.1:25"')).warnings).toEqual([])
    expect(load(open.replace('":25"', '"[::1]:25"')).warnings).toEqual([])
  })

  test('are not given where only some may', () => {
    const text =
      'esmtp_listener { listen ":25" {} peer 10.0.0.0/8 { open_relay = true smtp_extensions = (XSETCONTEXT) } }'
    expect(load(text).warnings).toEqual([])
  })
})
