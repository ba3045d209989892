import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'

const FILE = new URL('momentum.conf', import.meta.url).pathname
const { config, warnings } = loadConfig(FILE, { lenient: false, defaultHostname: 'unused' })

describe('a Momentum file', () => {
  test('loads with nothing but warnings of what is not supported yet', () => {
    expect(warnings.length).toBeGreaterThan(30)
    for (const warning of warnings) {
      expect(warning).toMatch(
        /^\/.*momentum\.conf:\d+: ((option|scope) "\w+" is known but not supported yet: ignored|there is no (?:readable )?file .*|AUTH is offered over TLS only.*|STARTTLS is listed.*|a console on .*|AUTH is listed.*)$/,
      )
    }
    expect(new Set(warnings).size).toBe(warnings.length)
    expect(warnings).toContain(
      `${FILE}:6: option "license" is known but not supported yet: ignored`,
    )
    expect(warnings).toContain(
      `${FILE}:98: there is no file "/etc/pki/tls/mta.pem": STARTTLS is not offered`,
    )
    expect(warnings).toContain(
      `${FILE}:17: scope "security" is known but not supported yet: ignored`,
    )
    expect(
      warnings.filter((warning) => /"(binding|binding_group|alerting)"/.test(warning)),
    ).toEqual([])
  })

  test('gives the server its name and folders', () => {
    expect(config.hostname).toBe('mta1.example.com')
    expect(config.spoolbase).toBe('/var/spool/ecelerity')
    expect(config.shutdownGraceSeconds).toBe(5)
  })

  test('has an endpoint for each enabled Listen', () => {
    expect(config.smtp.map(({ address }) => address)).toEqual([
      { host: '0.0.0.0', port: 25 },
      { host: '0.0.0.0', port: 587 },
    ])
    expect(config.http.map(({ address }) => address)).toEqual([{ host: '0.0.0.0', port: 2081 }])
  })

  test('gives a trusted client more than a stranger', () => {
    const injector = config.smtp[1]!.options('10.20.3.4')
    expect(injector.canRelay).toBe(true)
    expect([...injector.extensions]).toEqual(['ENHANCEDSTATUSCODES', 'XSETCONTEXT', 'XDUMPCONTEXT'])
    expect([...injector.context]).toEqual([
      ['origin', 'internet'],
      ['mo_customer_id', '1'],
      ['injector', 'campaigns'],
    ])
    expect(injector.tracking).toEqual({
      opens: true,
      clicks: true,
      openScheme: 'https',
      clickScheme: 'https',
      domain: 'click.example.com',
      expirySeconds: 31_536_000,
      initialOpens: false,
      foreignOptOuts: false,
    })
    const stranger = config.smtp[0]!.options('203.0.113.1')
    expect(stranger.canRelay).toBe(false)
    expect(stranger.relaysDomain('sub.example.com')).toBe(true)
    expect(stranger.relaysDomain('example.org')).toBe(false)
    expect(stranger.maxMessageSize).toBe(20_971_520)
    expect(stranger.maxRecipientsPerMessage).toBe(100)
    expect([stranger.pathway, stranger.pathwayGroup]).toEqual(['mx', 'inbound'])
    expect([...stranger.extensions]).toEqual([
      'ENHANCEDSTATUSCODES',
      'STARTTLS',
      'AUTH LOGIN',
      'AUTH PLAIN',
    ])
  })

  test('sends by domain, then regular expression, then globally', () => {
    expect(config.outbound('yahoo.example')).toMatchObject({
      maxOutboundConnections: 20,
      maxDeliveriesPerConnection: 20,
      messageExpirationSeconds: 259_200,
    })
    expect(config.outbound('internal.example.com').gateway).toEqual({ host: 'fd00::25', port: 26 })
    expect(config.outbound('example.net').routes).toEqual([
      { kind: 'host', host: 'mx-a.example.net', port: 25, pref: 10, lookup: 'a' },
      { kind: 'host', host: 'mx-b.example.net', port: 2525, pref: 10, lookup: 'a' },
      { kind: 'mx', pref: 11 },
    ])
  })

  test('runs the scripts of all its scriptlet stanzas in their order', () => {
    expect(config.scriptlet.scripts.map(({ name, source }) => [name, source])).toEqual([
      ['boot', 'msys.boot'],
      ['policy', 'site.policy'],
      ['bounces', 'site/bounces'],
    ])
  })

  test('logs where it logged before', () => {
    expect(config.logger).toMatchObject({
      mainlog: '/var/log/ecelerity/mainlog.ec',
      rejectlogMode: 0o640,
      heartbeatSeconds: 30,
    })
    expect(config.eventHydrant).toMatchObject({
      writeJlog: true,
      jlogFilename: '/var/log/ecelerity/event_hydrant.rt',
      custPrefix: 'x_',
      open: false,
      click: true,
    })
    expect(config.tracking).toMatchObject({ includeMetadata: false, maxMetadataLen: 2000 })
    expect(config.smtpapi).toBeDefined()
  })
})
