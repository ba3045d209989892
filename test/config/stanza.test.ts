import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/config/error.ts'
import { parseConfig } from '../../src/config/load.ts'

function load(text: string, lenient = false): ReturnType<typeof parseConfig> {
  return parseConfig(text, 'f.conf', { lenient, defaultHostname: 'h', folder: '/conf' })
}

function errorOf(text: string, lenient = false): ConfigError {
  try {
    load(text, lenient)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

function extensions(list: string): ReturnType<typeof parseConfig> {
  return load(`esmtp_listener { listen "127.0.0.1:0" {}\nsmtp_extensions = ${list} }`)
}

describe('unknown and misplaced', () => {
  test.each([
    [
      '\n  no_such = 1',
      'option "no_such" is unknown in global: ignored',
      'f.conf:2: option "no_such": unknown in global: expected the name of an option, or --lenient',
    ],
    [
      'smtpapi { spoolbase = x }',
      'option "spoolbase" is not valid in smtpapi: ignored',
      'f.conf:1: option "spoolbase": not valid in smtpapi: expected it in global',
    ],
    [
      'open_tracking_enabled = true',
      'option "open_tracking_enabled" is not valid in global: ignored',
      'f.conf:1: option "open_tracking_enabled": not valid in global: expected it in esmtp_listener, listen, peer, pathway, pathway_group',
    ],
    [
      'heartbeat = 1',
      'option "heartbeat" is not valid in global: ignored',
      'f.conf:1: option "heartbeat": not valid in global: expected it in ec_logger, bounce_logger',
    ],
    [
      'pidfile = x domain a { pidfile = x }',
      'option "pidfile" is not valid in domain: ignored',
      'f.conf:1: option "pidfile": not valid in domain: expected it in global',
    ],
    [
      'no_such { a = 1 }',
      'scope "no_such" is unknown in global: ignored',
      'f.conf:1: scope "no_such" is unknown in global: expected the name of a scope, or --lenient',
    ],
    [
      'listen ":25" {}',
      'scope "listen" is not valid in global: ignored',
      'f.conf:1: scope "listen" is not valid in global: expected it in esmtp_listener, http_listener, control_listener',
    ],
    [
      'domain a { ec_logger {} }',
      'scope "ec_logger" is not valid in domain: ignored',
      'f.conf:1: scope "ec_logger" is not valid in domain: expected it in global',
    ],
  ])('%j is refused, or ignored when lenient', (text, warning, message) => {
    expect(errorOf(text).message).toBe(message)
    const { warnings } = load(text, true)
    expect(warnings.at(-1)).toBe(`${message.split(' ')[0]} ${warning}`)
  })

  test('an error names place, option and complaint', () => {
    const error = errorOf('\n  spoolbase = ( x )')
    expect(error).toMatchObject({
      name: 'ConfigError',
      message: 'f.conf:2: option "spoolbase": expected a path, found a list',
      place: { file: 'f.conf', line: 2, column: 3 },
      option: 'spoolbase',
      complaint: 'expected a path, found a list',
    })
  })

  test.each([
    'domain {}',
    'domain "" {}',
    'esmtp_listener { listen {} }',
    'scriptlet { script { source = x } }',
  ])('refuses %j without a name', (text) => {
    expect(errorOf(text).message).toMatch(/^f\.conf:1: scope "\w+": expected a name before "\{"$/)
  })
})

describe('known', () => {
  test('options and scopes warn once each, at their first place', () => {
    const { warnings } = load(`
      xclient = no
      domain a { xclient = yes generate_delay_dsn = no }
      snmp { whatever = ( 1 ) sub x { } }
      snmp "two" { }
      binding b { gateway = h } binding c { xclient = no }
      alerting { anything = 1 }
      scriptlet { script_ttl = 300 debug_level = error }
      esmtp_listener { AuthCramMD5Parameters = [ uri = "file:///x" ] }`)
    expect(warnings).toEqual([
      'f.conf:2: option "xclient" is known but not supported yet: ignored',
      'f.conf:3: option "generate_delay_dsn" is known but not supported yet: ignored',
      'f.conf:4: scope "snmp" is known but not supported yet: ignored',
      'f.conf:8: option "script_ttl" is known but not supported yet: ignored',
      'f.conf:8: option "debug_level" is known but not supported yet: ignored',
      'f.conf:9: option "authcrammd5parameters" is known but not supported yet: ignored',
    ])
  })

  test('the options of a binding are checked', () => {
    expect(errorOf('binding b { retry_interval = soon }').message).toBe(
      'f.conf:1: option "retry_interval": expected whole seconds, found "soon"',
    )
  })
})

describe('values outside their type', () => {
  test.each([
    ['require_ehlo = maybe', 'true or false, found "maybe"'],
    ['require_ehlo = ( true )', 'true or false, found a list'],
    ['shutdown_grace = -1', 'whole seconds, found "-1"'],
    ['shutdown_grace = 1.5', 'whole seconds, found "1.5"'],
    ['shutdown_grace = 0x10', 'whole seconds, found "0x10"'],
    ['shutdown_grace = 5s', 'whole seconds, found "5s"'],
    ['shutdown_grace = 99999999999999999999', 'whole seconds, found "99999999999999999999"'],
    [
      'dns_servers = ( "localhost" )',
      'a list of addresses, with a port where it is not 53, such as 192.0.2.53:5353, found "localhost"',
    ],
    ['hostname = ""', 'a host name, found an empty string'],
    ['hostname = "a b"', 'a host name, found "a b"'],
    ['max_outbound_connections = 1K', 'a whole number, 0 or more, found "1K"'],
    ['max_recipients_per_batch = 0', 'a whole number, 1 or more, found "0"'],
    ['remote_smtp_port = 0', 'a port from 1 to 65535, found "0"'],
    ['remote_smtp_port = 65536', 'a port from 1 to 65535, found "65536"'],
    [
      'relay_hosts = ( 10.0.0.0/8 10.0.0/8 )',
      'a list of addresses and CIDR blocks such as 10.0.0.0/8, found "10.0.0/8"',
    ],
    [
      'relay_domains = ( "a@b" )',
      'a list of domains such as example.com and *.example.com, found "a@b"',
    ],
    [
      'relay_domains = [ a = b ]',
      'a list of domains such as example.com and *.example.com, found a dictionary',
    ],
    ['xsetcontext_deny = ( "(" )', 'a list of regular expressions, found "("'],
    ['rfc2822_lone_lf_in_body = strip', 'one of fix, pedantic, ignore, found "strip"'],
    ['hostname = "\\"\t\xff\x1b x"', 'a host name, found "\\"\\tÿ\\u001b x"'],
    [`require_ehlo = ${'y'.repeat(99)}`, `true or false, found "${'y'.repeat(60)}…"`],
  ])('%s', (text, expected) => {
    const option = text.split(' ')[0]!
    expect(errorOf(text).message).toBe(`f.conf:1: option "${option}": expected ${expected}`)
    expect(errorOf(text, true).message).toBe(errorOf(text).message)
  })

  const DOMAIN = 'a host or host:port without "/", "?", "#" and blanks'

  test.each([
    ['max_message_size = 10MB', 'a whole number of bytes, found "10MB"'],
    ['context = ( a b )', 'a dictionary [ key = "value" … ], found a list'],
    ['context = [ a = ( b ) ]', 'a dictionary [ key = "value" … ], found a dictionary'],
    ['open_tracking_scheme = ftp', 'one of http, https, found "ftp"'],
    ['tracking_domain = "https://a.example"', `${DOMAIN}, found "https://a.example"`],
    ['tracking_domain = "a?b"', `${DOMAIN}, found "a?b"`],
    ['tracking_domain = "a#b"', `${DOMAIN}, found "a#b"`],
    ['tracking_domain = "a b"', `${DOMAIN}, found "a b"`],
    ['tracking_domain = ""', `${DOMAIN}, found an empty string`],
    ['tracking_link_expiry = never', 'whole seconds, found "never"'],
    ['static_banner = "hello"', 'a text that starts with 220, found "hello"'],
    ['static_banner = "220-a\\nb"', 'a text that starts with 220, found "220-a\\\\nb"'],
    ['smtp_extensions = [ a = b ]', 'a list of SMTP extensions, found a dictionary'],
    ['peer 10.0.0.0/33 {}', undefined],
    ['pathway = nowhere', 'the name of a pathway scope, found "nowhere"'],
    ['reconfig_message = ""', 'a string that is not empty, found an empty string'],
  ])('of a listener: %s', (inside, expected) => {
    const text = `esmtp_listener {\n listen "127.0.0.1:25" {} ${inside} }`
    const option = inside.split(' ')[0]!
    expect(errorOf(text).message).toBe(
      expected === undefined
        ? 'f.conf:2: expected an address or CIDR block such as 10.0.0.0/8 after peer, found "10.0.0.0/33"'
        : `f.conf:2: option "${option}": expected ${expected}`,
    )
  })

  test.each([
    ['true', true],
    ['"on"', true],
    ['Yes', true],
    ['enabled', true],
    ['1', true],
    ['FALSE', false],
    ['off', false],
    ['"no"', false],
    ['disabled', false],
    ['0', false],
  ])('a boolean may be written %s', (text, expected) => {
    expect(load(`generate_bounces = ${text}`).config.outbound('x').generateBounces).toBe(expected)
  })
})

test('an error in a list names the line of the item', () => {
  const text = 'relay_hosts = ( 10.0.0.0/8\n  10.0.0.0/33\n  ::1 )'
  expect(errorOf(text)).toMatchObject({
    message:
      'f.conf:2: option "relay_hosts": expected a list of addresses and CIDR blocks such as 10.0.0.0/8, found "10.0.0.0/33"',
    place: { line: 2, column: 3 },
  })
})

describe('smtp_extensions', () => {
  test('keeps what is served, in upper case, and warns about the rest', () => {
    const list =
      '( xsetcontext "AUTH LOGIN" "auth login"\nSTARTTLS CHUNKING XCLIENT XREMOTEIP XDumpContext ENHANCEDSTATUSCODES )'
    const { config, warnings } = extensions(list)
    expect([...config.smtp[0]!.options('::1').extensions]).toEqual([
      'XSETCONTEXT',
      'AUTH LOGIN',
      'STARTTLS',
      'XCLIENT',
      'XREMOTEIP',
      'XDUMPCONTEXT',
      'ENHANCEDSTATUSCODES',
    ])
    expect(warnings.slice(0, 1)).toEqual([
      'f.conf:3: SMTP extension "CHUNKING" is not supported yet: not offered',
    ])
  })

  test.each(['( XSETCONTEXT\nXSETCONTEXT2 )', '\nxsetcontext2'])(
    'refuses XSETCONTEXT2 in %j',
    (list) => {
      expect(() => extensions(list)).toThrow(
        /^f\.conf:3: option "smtp_extensions": what XSETCONTEXT2 does was never published: expected XSETCONTEXT instead$/,
      )
    },
  )
})

test('whatever the options hold, nothing but ConfigError is thrown', () => {
  const names = fc.constantFrom(
    'hostname',
    'spoolbase',
    'smtp_extensions',
    'relay_hosts',
    'relay_domains',
    'context',
    'gateway',
    'routes',
    'maildir',
    'static_banner',
    'pathway',
    'tracking_keys',
    'tracking_domain',
    'jlog_filename',
    'search_path',
    'xsetcontext_deny',
    'source',
    'mainlog_mode',
    'idle_time',
  )
  const word = fc.oneof(
    fc.constantFrom(
      '',
      '*',
      '[',
      '/',
      '::',
      '10.0.0.0/8',
      '[::1]:25',
      'smtp://?',
      '/(/',
      '-1',
      '%',
      'XSETCONTEXT2',
    ),
    fc.string(),
  )
  const quoted = word.map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`)
  const value = fc.oneof(
    quoted,
    fc.array(quoted, { maxLength: 3 }).map((items) => `( ${items.join(' ')} )`),
    fc.tuple(quoted, quoted).map(([key, item]) => `[ ${key} = ${item} ]`),
  )
  const setting = fc.tuple(names, value).map(([name, given]) => `${name} = ${given}\n`)
  const settings = fc.array(setting, { maxLength: 3 }).map((all) => all.join(''))
  const kinds = fc.constantFrom(
    'esmtp_listener',
    'listen',
    'peer',
    'pathway',
    'pathway_group',
    'domain',
    'http_listener',
    'scriptlet',
    'script',
    'engagement_tracker',
    'ec_logger',
    'event_hydrant',
    'binding',
  )
  const scope = fc.tuple(kinds, quoted, settings, kinds, quoted, settings)
  const texts = fc.tuple(settings, fc.array(scope, { maxLength: 3 })).map(([first, scopes]) => {
    const rest = scopes.map(([k, i, s, k2, i2, s2]) => `${k} ${i} { ${s} ${k2} ${i2} { ${s2} } }`)
    return [first, ...rest].join('\n')
  })
  let loaded = 0
  fc.assert(
    fc.property(texts, (text) => {
      try {
        const { config } = load(text, true)
        for (const { options } of config.smtp) options('10.0.0.1')
        config.outbound('a.example')
        loaded += 1
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
      }
    }),
    { seed: 20_260_104, numRuns: 2000 },
  )
  expect(loaded).toBeGreaterThan(200)
})
